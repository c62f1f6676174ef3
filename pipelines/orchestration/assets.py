"""A provider's two partitioned assets: ``<provider>/landing`` (its responses) and ``<provider>/slices`` (its facts).

They call ``loads.run`` and record the outcome in Dagster; rules of loading do not belong here. One step fetches all
accounts of a provider.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime

import dagster as dg

from extractors.account import Account
from extractors.errors import ChatmartError
from extractors.redaction import redact
from extractors.windows import ONE_DAY, Window
from pipelines.configuration.config import Config
from pipelines.loads.failures import build_account_metadata, describe_older_days, format_reasons
from pipelines.loads.observer import NullObserver
from pipelines.loads.plan import list_unsettled_days, plan_daily_loads
from pipelines.loads.run import LoadJob, fetch_jobs, load_landed_batches
from pipelines.loads.workspace import Workspace
from pipelines.orchestration import checks
from pipelines.orchestration.loaded_days import days_with_rows
from pipelines.orchestration.partitions import build_partitions, partition_window, plan_ended_days
from pipelines.orchestration.run_metadata import build_run_metadata
from warehouse.errors import WarehouseError

SCHEDULE_TAG = "dagster/schedule_name"

LANDING = """
The responses of {provider}, kept verbatim in the landing zone, for all accounts and streams.

A run fetches its accounts concurrently, by the widest date ranges that the provider allows. Settled days are not
fetched again, nor are responses that are landed and not yet loaded; to fetch them again, set `refetch: true` in the
launchpad. An account that cannot be fetched fails the check and does not delay the others; the run ends as failed
once the others are loaded. Partition keys are labels of each account's own local days. A day is fetched after it has
ended in the account's zone.
"""

SLICES = """
The facts of {provider} in the warehouse, one slice per account and local day, from the landed responses.

A slice and its ledger row are committed together, replace the earlier version of the slice, and are published.

A day is materialised when every account has it. A day that failed for one account is not materialised, although the
slices of the other accounts are loaded; materialise it again to load the missing slices.
"""


AssetResults = Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult | dg.AssetMaterialization]


class LandingConfig(dg.Config):
    """Options of a run, set in Dagster's launchpad."""

    refetch: bool = False


@dataclass(frozen=True)
class _ProviderAccounts:
    """The configured accounts of a provider, and the keys of its two assets."""

    config: Config
    provider: str

    @property
    def accounts(self) -> tuple[Account, ...]:
        return self.config.select_accounts(providers=[self.provider])

    @property
    def landing_key(self) -> dg.AssetKey:
        return dg.AssetKey([self.provider, "landing"])

    @property
    def slices_key(self) -> dg.AssetKey:
        return dg.AssetKey([self.provider, "slices"])

    def open_workspace(self, context: dg.AssetExecutionContext) -> Workspace:
        """Open the workspace of this run; the run log names its job as the command."""
        return Workspace.open(self.config, context.run.run_id, command=f"dagster {job_display_name(context.job_name)}")

    def plan_jobs(self, workspace: Workspace, window: Window) -> list[LoadJob]:
        """Return the ended local days of the window by account. Raises dagster.Failure when there are none."""
        jobs = plan_ended_days(self.accounts, window, workspace.clock.now())
        if not jobs:
            raise dg.Failure(
                f"No {self.provider} account has a day from {window.start} to {max(window.days())}: see start_date. "
                "A day is loaded after it has ended in the account's zone.",
                allow_retries=False,
            )
        return jobs


def build_provider_assets(config: Config, provider: str) -> list[dg.AssetsDefinition]:
    """Return the landing asset and the slices asset of a provider that has accounts."""
    accounts = _ProviderAccounts(config, provider)
    return [_build_landing_asset(accounts), _build_slices_asset(accounts)]


def job_display_name(name: str) -> str:
    """Return a job's name for people: "materialize" for the internal job of runs started on an asset's page."""
    return "materialize" if name.startswith("__") else name


def store_kind(config: Config) -> str:
    """Return the warehouse's kind of storage, as Dagster's asset kind: duckdb, parquet, delta."""
    return config.warehouse.partition("://")[0]


def _build_landing_asset(provider_accounts: _ProviderAccounts) -> dg.AssetsDefinition:
    landed_check = dg.AssetCheckSpec(
        checks.EVERY_ACCOUNT_LANDED,
        asset=provider_accounts.landing_key,
        description="Every account of the run could be fetched.",
    )

    @dg.asset(
        key=provider_accounts.landing_key,
        description=LANDING.format(provider=provider_accounts.provider),
        kinds={"python", "json"},
        owners=provider_accounts.config.settings.owners,
        pool=f"{provider_accounts.provider}_api",
        check_specs=[landed_check],
        group_name=provider_accounts.provider,
        partitions_def=build_partitions(provider_accounts.config, provider_accounts.provider),
        backfill_policy=dg.BackfillPolicy.single_run(),
        metadata={"configured accounts": _accounts_table(provider_accounts.accounts)},
    )
    def landing(context: dg.AssetExecutionContext, config: LandingConfig) -> AssetResults:
        with as_dagster_failure():
            workspace = provider_accounts.open_workspace(context)
            jobs = provider_accounts.plan_jobs(workspace, partition_window(context))
            if SCHEDULE_TAG in context.run.tags:
                _warn_of_older_gaps(context, workspace, provider_accounts.accounts)
            wanted = jobs if config.refetch else _drop_settled_days(workspace, jobs)
            settled = _count_slices(jobs) - _count_slices(wanted)
            context.log.info(
                f"{_count_slices(wanted)} slices of {len(wanted)} accounts to fetch; {settled} are settled"
            )
            result = fetch_jobs(workspace, wanted, refetch=config.refetch, observer=_LogObserver(context.log))
        failed = result.errors_by_account
        if failed and provider_accounts.slices_key not in context.job_def.asset_layer.selected_asset_keys:
            raise _build_failure(failed, len(jobs), "the responses of the other accounts are landed")
        # Dagster copies an event to every partition of a range: the figures of the run go to its newest day only
        summary = {
            "accounts": len(jobs),
            "accounts failed": len(failed),
            "slices wanted": _count_slices(wanted),
            "slices settled, left alone": settled,
            **build_run_metadata(result),
        }
        context.add_asset_metadata(summary, partition_key=max(context.partition_keys))
        yield dg.MaterializeResult(check_results=[checks.check_accounts_landed(result)])

    return landing


def _build_slices_asset(provider_accounts: _ProviderAccounts) -> dg.AssetsDefinition:
    slices_check = dg.AssetCheckSpec(
        checks.EVERY_SLICE_PRESENT,
        asset=provider_accounts.slices_key,
        description="Every slice that the run was asked for is loaded.",
    )
    totals_check = dg.AssetCheckSpec(
        checks.TOTALS_RECONCILE,
        asset=provider_accounts.slices_key,
        description="The provider's totals agree with its own breakdowns.",
    )

    @dg.asset(
        key=provider_accounts.slices_key,
        deps=[provider_accounts.landing_key],
        description=SLICES.format(provider=provider_accounts.provider),
        kinds={"python", store_kind(provider_accounts.config)},
        owners=provider_accounts.config.settings.owners,
        check_specs=[slices_check, totals_check],
        group_name=provider_accounts.provider,
        partitions_def=build_partitions(provider_accounts.config, provider_accounts.provider),
        backfill_policy=dg.BackfillPolicy.single_run(),
        metadata={"configured accounts": _accounts_table(provider_accounts.accounts)},
    )
    def slices(context: dg.AssetExecutionContext) -> AssetResults:
        with as_dagster_failure():
            workspace = provider_accounts.open_workspace(context)
            store, provider = workspace.store, provider_accounts.provider
            window, started_at = partition_window(context), _landing_started_at(context, provider_accounts.landing_key)
            jobs = provider_accounts.plan_jobs(workspace, window)
            load_landed_batches(workspace, jobs, started_at)
            outstanding = checks.find_outstanding_slices(store, jobs, started_at)
            results = [checks.check_slices_present(outstanding, jobs), checks.check_totals(store, provider, window)]
            metadata_by_key = {
                day.isoformat(): day_metadata for day, day_metadata in days_with_rows(store, provider, window).items()
            }
        if not outstanding:
            for key in context.partition_keys:
                context.add_asset_metadata(metadata_by_key.get(key, {}), partition_key=key)
            yield dg.MaterializeResult(check_results=results)
            return
        yield from results
        failed_keys = {day.isoformat() for days in outstanding.values() for day in days}
        for key in sorted(metadata_by_key.keys() - failed_keys):
            yield dg.AssetMaterialization(provider_accounts.slices_key, partition=key, metadata=metadata_by_key[key])
        raise _build_failure(format_reasons(outstanding), len(jobs), "the other slices are loaded and published")

    return slices


class _LogObserver(NullObserver):
    """An observer that writes to the run's log in Dagster."""

    def __init__(self, log: dg.DagsterLogManager) -> None:
        self._log = log

    def on_planned(self, account: Account, slices: int, batches: int) -> None:
        """Log the slices and batches that an account is about to fetch."""
        self._log.info(f"{account.name}: {slices} slices, {batches} batches to fetch")

    def on_days_failed(self, account: Account, days: Collection[date], error: str) -> None:
        """Log the failure as soon as it happens, without secrets."""
        self._log.error(redact(f"{account.name}: {len(days)} slices failed: {error}"))


@contextmanager
def as_dagster_failure() -> Iterator[None]:
    """Run a block and turn its ChatmartError or WarehouseError into a failure that Dagster does not retry.

    Raises dagster.Failure with the error's sentence as description, secrets redacted.
    """
    try:
        yield
    except (ChatmartError, WarehouseError) as error:
        # Dagster would keep the error's trace for ever, and the trace is not redacted
        raise dg.Failure(redact(str(error)), allow_retries=False) from None


def _build_failure(errors_by_account: Mapping[str, str], account_count: int, other_accounts: str) -> dg.Failure:
    metadata = build_account_metadata(errors_by_account)
    names = ", ".join(list(errors_by_account)[:5]) + (" and others" if len(errors_by_account) > 5 else "")
    return dg.Failure(
        f"{len(errors_by_account)} of {account_count} accounts failed ({names}); {other_accounts}. "
        f"{next(iter(metadata.values()))}",
        metadata=metadata,
        allow_retries=False,
    )


def _warn_of_older_gaps(context: dg.AssetExecutionContext, workspace: Workspace, accounts: Sequence[Account]) -> None:
    """Log a warning for missing days that are older than daily loads reach: no scheduled load will fetch them."""
    reach_days = workspace.config.settings.catch_up_days
    for load in plan_daily_loads(workspace.store, accounts, workspace.clock.now(), reach_days):
        if load.older_windows:
            context.log.warning(describe_older_days(load.account.name, load.older_windows, reach_days))


def _landing_started_at(context: dg.AssetExecutionContext, landing_key: dg.AssetKey) -> datetime:
    """Return the start, in UTC, of the run whose landing step fetched the batches that this run loads.

    A retry that begins with its second step did not fetch: the batches are those of the first attempt. Raises
    dagster.Failure when Dagster has no start of that run.
    """
    run, steps = context.run, context.run.step_keys_to_execute
    skips_landing = steps is not None and landing_key.to_python_identifier() not in steps
    record = context.instance.get_run_record_by_id(run.root_run_id if skips_landing and run.root_run_id else run.run_id)
    if record is None or record.start_time is None:
        raise dg.Failure("Dagster has no start time of this run", allow_retries=False)
    return datetime.fromtimestamp(record.start_time, UTC)


def _drop_settled_days(workspace: Workspace, jobs: Sequence[LoadJob]) -> list[LoadJob]:
    """Return the jobs without the days that are settled in the ledger."""
    remaining = []
    for job in jobs:
        ledger = workspace.store.ledger(job.account.name)
        open_days = set(list_unsettled_days(job.account, Window(job.days[0], job.days[-1] + ONE_DAY), ledger))
        days = tuple(day for day in job.days if day in open_days)
        if days:
            remaining.append(LoadJob(job.account, days))
    return remaining


def _count_slices(jobs: Sequence[LoadJob]) -> int:
    return sum(len(job.days) for job in jobs)


def _accounts_table(accounts: Sequence[Account]) -> dg.TableMetadataValue:
    return dg.MetadataValue.table(
        [
            dg.TableRecord(
                {
                    "account": account.name,
                    "time zone": account.timezone,
                    "first day": str(account.start_date or ""),
                    "look-back days": account.lookback_days,
                    "streams": ", ".join(account.enabled_streams),
                }
            )
            for account in accounts
        ]
    )
