"""A provider's two partitioned assets: ``<provider>/landing`` (its responses) and ``<provider>/slices`` (its facts).

They call ``loads.run`` and record the outcome in Dagster; rules of loading do not belong here. One step fetches all
accounts of a provider.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import dagster as dg

from extractors.account import Account
from extractors.windows import ONE_DAY, Window
from pipelines.configuration.config import Config
from pipelines.loads.failures import describe_older_days, format_reasons
from pipelines.loads.plan import plan_daily_loads
from pipelines.loads.run import LoadJob, fetch_jobs, load_landed_batches
from pipelines.loads.unsettled import plan_unsettled_days
from pipelines.loads.workspace import Workspace
from pipelines.orchestration import checks
from pipelines.orchestration.failures import as_dagster_failure, build_failure
from pipelines.orchestration.loaded_days import complete_days, days_with_rows
from pipelines.orchestration.log_observer import LogObserver, TaskLogObserver
from pipelines.orchestration.news import send_news_after
from pipelines.orchestration.partitions import build_partitions, partition_window, plan_ended_days
from pipelines.orchestration.reexecution import (
    SCHEDULE_TAG,
    fetch_outstanding_slices,
    repeats_without,
    run_started_at,
    selected_assets,
)
from pipelines.orchestration.run_metadata import build_run_metadata
from pipelines.orchestration.run_options import LandingConfig, SlicesConfig, landing_accounts

LANDING = """
The responses of {provider}, kept verbatim in the landing zone, for all accounts and streams.

A run fetches its accounts concurrently, by the widest date ranges that the provider allows. Settled days are not
fetched again, nor are responses that are landed and not yet loaded; to fetch them again, set `refetch: true` in the
launchpad, where `accounts: [...]` chooses accounts. An account that cannot be fetched fails the check and does not
delay the others; the run ends as failed once the others are loaded. When no account could be fetched, this step fails.
Partition keys are labels of each account's own local days. A day is fetched after it has ended in the account's zone.
"""

SLICES = """
The facts of {provider} in the warehouse, one slice per account and local day, from the landed responses.

A slice and its ledger row are committed together, replace the earlier version of the slice, and are published.

A day is materialised when every account has it. A day that failed for one account is not materialised, although the
slices of the other accounts are loaded; materialise it again to load the missing slices. A run for chosen accounts
(`accounts` in the launchpad, for its landing step) materialises the days that all other accounts have already. A
re-execution of a failed run that leaves out its landing step fetches what is missing itself.
"""


AssetResults = Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult | dg.AssetMaterialization]


@dataclass(frozen=True)
class _ProviderAccounts:
    """The configured accounts of a provider, and the keys of its two assets."""

    config: Config
    provider: str

    @property
    def accounts(self) -> tuple[Account, ...]:
        return self.config.select_accounts(providers=[self.provider])

    def select(self, names: Sequence[str]) -> tuple[Account, ...]:
        """Return the accounts with these names; all without names. Raises ConfigError when there is none."""
        return self.config.select_accounts(names, [self.provider])

    @property
    def landing_key(self) -> dg.AssetKey:
        return dg.AssetKey([self.provider, "landing"])

    @property
    def slices_key(self) -> dg.AssetKey:
        return dg.AssetKey([self.provider, "slices"])

    def open_workspace(self, context: dg.AssetExecutionContext) -> Workspace:
        """Open the workspace of this run; the run log names its job as the command."""
        return Workspace.open(self.config, context.run.run_id, command=run_command(context.job_name))

    def plan_jobs(self, workspace: Workspace, accounts: Sequence[Account], window: Window) -> list[LoadJob]:
        """Return the ended local days of the window by account. Raises dagster.Failure when there are none."""
        jobs = plan_ended_days(accounts, window, workspace.clock.now())
        if not jobs:
            raise dg.Failure(
                f"No {self.provider} account of this run has a day from {window.start} to {max(window.days())}: "
                "see start_date. "
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


def run_command(job_name: str) -> str:
    """Return the command by which the books know the runs of a job."""
    return f"dagster {job_display_name(job_name)}"


def store_kind(config: Config) -> str:
    """Return the warehouse's kind of storage, as Dagster's asset kind: duckdb, parquet, delta."""
    return config.warehouse.partition("://")[0]


def _build_landing_asset(provider_accounts: _ProviderAccounts) -> dg.AssetsDefinition:
    check_spec = dg.AssetCheckSpec(
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
        check_specs=[check_spec],
        group_name=provider_accounts.provider,
        partitions_def=build_partitions(provider_accounts.config, provider_accounts.provider),
        backfill_policy=dg.BackfillPolicy.single_run(),
        metadata={"configured accounts": _build_accounts_table(provider_accounts.accounts)},
    )
    def landing(context: dg.AssetExecutionContext, config: LandingConfig) -> AssetResults:
        with as_dagster_failure():
            workspace = provider_accounts.open_workspace(context)
            accounts = provider_accounts.select(config.accounts)
            jobs = provider_accounts.plan_jobs(workspace, accounts, partition_window(context))
            if SCHEDULE_TAG in context.run.tags:
                _warn_of_older_gaps(context, workspace, accounts)
            wanted = jobs if config.refetch else _drop_settled_days(workspace, jobs)
            settled = _count_slices(jobs) - _count_slices(wanted)
            context.log.info(
                f"{_count_slices(wanted)} slices of {len(wanted)} accounts to fetch; {settled} are settled"
            )
            result = fetch_jobs(workspace, wanted, refetch=config.refetch, observer=LogObserver(context.log))
        failed = result.errors_by_account
        landed_check = checks.check_accounts_landed(result)
        if failed and all(outcome.failed >= outcome.planned for outcome in result.outcomes):
            yield landed_check  # the slices have nothing to load, and a re-execution of what failed begins here
            raise build_failure(failed, len(jobs), "nothing was landed")
        if failed and provider_accounts.slices_key not in selected_assets(context):
            yield landed_check
            raise build_failure(failed, len(jobs), "the responses of the other accounts are landed")
        # Dagster copies an event to every partition of a range: the figures of the run go to its newest day only
        summary = {
            "accounts": len(jobs),
            "accounts failed": len(failed),
            "slices wanted": _count_slices(wanted),
            "slices settled, left alone": settled,
            **build_run_metadata(result),
        }
        context.add_asset_metadata(summary, partition_key=max(context.partition_keys))
        yield dg.MaterializeResult(check_results=[landed_check])

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
        metadata={"configured accounts": _build_accounts_table(provider_accounts.accounts)},
        output_required=False,  # a run for some accounts completes only some of its days, or none
    )
    def slices(context: dg.AssetExecutionContext, config: SlicesConfig) -> AssetResults:
        with as_dagster_failure():
            workspace = provider_accounts.open_workspace(context)
            store, provider = workspace.store, provider_accounts.provider
            window = partition_window(context)
            accounts = provider_accounts.select(
                config.accounts or landing_accounts(context, provider_accounts.landing_key)
            )
            jobs = provider_accounts.plan_jobs(workspace, accounts, window)
            started_at = attempt_at = run_started_at(context, context.run.run_id)
            if repeats_without(context, provider_accounts.landing_key):
                # the batches to load are also those of the first attempt
                started_at = run_started_at(context, context.run.root_run_id or context.run.run_id)
                fetch_outstanding_slices(context, provider_accounts.landing_key, workspace, jobs, started_at)
            observer = TaskLogObserver(context.log)
            with send_news_after(context, workspace, jobs):
                load_landed_batches(workspace, jobs, started_at, failed_since=attempt_at, observer=observer)
            outstanding = checks.find_outstanding_slices(store, jobs, started_at, workspace.clock.now())
            results = [checks.check_slices_present(outstanding, jobs), checks.check_totals(store, provider, window)]
            is_for_all = accounts == provider_accounts.accounts
            days = (
                days_with_rows(store, provider, window)
                if is_for_all
                else complete_days(store, provider_accounts.accounts, window, workspace.clock.now())
            )
            metadata_by_key = {day.isoformat(): day_metadata for day, day_metadata in days.items()}
        if is_for_all and not outstanding:
            for key in context.partition_keys:
                context.add_asset_metadata(metadata_by_key.get(key, {}), partition_key=key)
            yield dg.MaterializeResult(check_results=results)
            return
        yield from results
        failed_keys = {day.isoformat() for days in outstanding.values() for day in days}
        for key in sorted(metadata_by_key.keys() - failed_keys):
            yield dg.AssetMaterialization(provider_accounts.slices_key, partition=key, metadata=metadata_by_key[key])
        if outstanding:
            raise build_failure(format_reasons(outstanding), len(jobs), "the other slices are loaded and published")

    return slices


def _warn_of_older_gaps(context: dg.AssetExecutionContext, workspace: Workspace, accounts: Sequence[Account]) -> None:
    """Log a warning for missing days that are older than daily loads reach: no scheduled load will fetch them."""
    reach_days = workspace.config.settings.catch_up_days
    for load in plan_daily_loads(workspace.store, accounts, workspace.clock.now(), reach_days):
        if load.older_windows:
            context.log.warning(describe_older_days(load.account.name, load.older_windows, reach_days))


def _drop_settled_days(workspace: Workspace, jobs: Sequence[LoadJob]) -> list[LoadJob]:
    """Return the jobs without the days that are settled in the ledger."""
    windows = [(job.account, Window(job.days[0], job.days[-1] + ONE_DAY)) for job in jobs]
    return [job for job in plan_unsettled_days(workspace, windows) if job.days]


def _count_slices(jobs: Sequence[LoadJob]) -> int:
    return sum(len(job.days) for job in jobs)


def _build_accounts_table(accounts: Sequence[Account]) -> dg.TableMetadataValue:
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
