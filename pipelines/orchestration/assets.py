"""A provider's two partitioned assets: ``<provider>/landing`` (what it answered) and ``<provider>/slices`` (loaded).

They call ``runs`` and report; no rule of loading is here. All accounts of a provider are fetched within one step.
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
What {provider} answered, kept verbatim in the landing zone: all accounts and streams of the days asked for, fetched
side by side by the widest ranges the provider allows.

Days that are settled are left alone, and what was landed and not yet loaded is not asked for again; to fetch them
anew, set `refetch: true` in the launchpad. An account that cannot be fetched turns the check red, holds up no other,
and ends the run as failed once the others are loaded. Partition keys are labels of each account's own local days; a
day is fetched when it has ended there.
"""

SLICES = """
One slice per account and local day: the landed answers as facts in the warehouse, committed whole with their ledger
row, and published. What a slice held before is replaced.

A day is materialised when every account has it. A day that failed for one account is failed here, although the other
accounts' slices of it are loaded; materialise it again to load what is missing.
"""


Results = Iterator[dg.MaterializeResult[None] | dg.AssetCheckResult | dg.AssetMaterialization]


class LandingConfig(dg.Config):
    """What a run may be told."""

    refetch: bool = False


@dataclass(frozen=True)
class _Fleet:
    """A provider's accounts, and the keys of its two assets."""

    config: Config
    provider: str

    @property
    def accounts(self) -> tuple[Account, ...]:
        return self.config.select_accounts(providers=[self.provider])

    @property
    def landing(self) -> dg.AssetKey:
        return dg.AssetKey([self.provider, "landing"])

    @property
    def slices(self) -> dg.AssetKey:
        return dg.AssetKey([self.provider, "slices"])

    def workspace(self, context: dg.AssetExecutionContext) -> Workspace:
        """What a step of this run works with."""
        return Workspace.open(self.config, context.run.run_id, command=f"dagster {job_display_name(context.job_name)}")

    def jobs(self, workspace: Workspace, window: Window) -> list[LoadJob]:
        """What the run is about; a run about nothing is a mistake."""
        jobs = plan_ended_days(self.accounts, window, workspace.clock.now())
        if not jobs:
            raise dg.Failure(
                f"No {self.provider} account has a day from {window.start} to {max(window.days())}: see start_date, "
                "and mind that a day is loaded when it has ended in the account's zone",
                allow_retries=False,
            )
        return jobs


def build_provider_assets(config: Config, provider: str) -> list[dg.AssetsDefinition]:
    """The two assets of a provider that has accounts."""
    fleet = _Fleet(config, provider)
    return [_landing(fleet), _slices(fleet)]


def job_display_name(name: str) -> str:
    """What people call a job: runs and back-fills that are started on an asset's page have one of Dagster's own."""
    return "materialize" if name.startswith("__") else name


def store_kind(config: Config) -> str:
    """What keeps the warehouse, as a kind of asset: duckdb, parquet."""
    return config.warehouse.partition("://")[0]


def _landing(fleet: _Fleet) -> dg.AssetsDefinition:
    every_account = dg.AssetCheckSpec(
        checks.EVERY_ACCOUNT_LANDED, asset=fleet.landing, description="Every account of the run could be fetched."
    )

    @dg.asset(
        key=fleet.landing,
        description=LANDING.format(provider=fleet.provider),
        kinds={"python", "json"},
        owners=fleet.config.settings.owners,
        pool=f"{fleet.provider}_api",
        check_specs=[every_account],
        group_name=fleet.provider,
        partitions_def=build_partitions(fleet.config, fleet.provider),
        backfill_policy=dg.BackfillPolicy.single_run(),
        metadata={"configured accounts": _described(fleet.accounts)},
    )
    def landing(context: dg.AssetExecutionContext, config: LandingConfig) -> Results:
        with as_dagster_failure():
            workspace = fleet.workspace(context)
            jobs = fleet.jobs(workspace, partition_window(context))
            if SCHEDULE_TAG in context.run.tags:
                _say_left_behind(context, workspace, fleet.accounts)
            wanted = jobs if config.refetch else _unsettled(workspace, jobs)
            settled = _count(jobs) - _count(wanted)
            context.log.info(f"{_count(wanted)} slices of {len(wanted)} accounts to fetch; {settled} are settled")
            result = fetch_jobs(workspace, wanted, refetch=config.refetch, observer=_LogObserver(context.log))
        failed = result.errors_by_account
        if failed and fleet.slices not in context.job_def.asset_layer.selected_asset_keys:
            raise _failure(failed, len(jobs), "what the others answered is landed")
        # an event is copied to every partition of a range: what is about the whole run stands at its newest day
        summary = {
            "accounts": len(jobs),
            "accounts failed": len(failed),
            "slices wanted": _count(wanted),
            "slices settled, left alone": settled,
            **build_run_metadata(result),
        }
        context.add_asset_metadata(summary, partition_key=max(context.partition_keys))
        yield dg.MaterializeResult(check_results=[checks.check_accounts_landed(result)])

    return landing


def _slices(fleet: _Fleet) -> dg.AssetsDefinition:
    every_slice = dg.AssetCheckSpec(
        checks.EVERY_SLICE_PRESENT, asset=fleet.slices, description="Every slice that the run was asked for is loaded."
    )
    totals = dg.AssetCheckSpec(
        checks.TOTALS_RECONCILE, asset=fleet.slices, description="The provider's totals agree with its own breakdowns."
    )

    @dg.asset(
        key=fleet.slices,
        deps=[fleet.landing],
        description=SLICES,
        kinds={"python", store_kind(fleet.config)},
        owners=fleet.config.settings.owners,
        check_specs=[every_slice, totals],
        group_name=fleet.provider,
        partitions_def=build_partitions(fleet.config, fleet.provider),
        backfill_policy=dg.BackfillPolicy.single_run(),
        metadata={"configured accounts": _described(fleet.accounts)},
    )
    def slices(context: dg.AssetExecutionContext) -> Results:
        with as_dagster_failure():
            workspace = fleet.workspace(context)
            store, window, started = workspace.store, partition_window(context), _started(context, fleet.landing)
            jobs = fleet.jobs(workspace, window)
            load_landed_batches(workspace, jobs, started)
            bad = checks.find_outstanding_slices(store, jobs, started)
            results = [checks.check_slices_present(bad, jobs), checks.check_totals(store, fleet.provider, window)]
            loaded = {day.isoformat(): about for day, about in days_with_rows(store, fleet.provider, window).items()}
        if not bad:
            for key in context.partition_keys:
                context.add_asset_metadata(loaded.get(key, {}), partition_key=key)
            yield dg.MaterializeResult(check_results=results)
            return
        yield from results
        failed = {day.isoformat() for days in bad.values() for day in days}
        for key in sorted(loaded.keys() - failed):
            yield dg.AssetMaterialization(fleet.slices, partition=key, metadata=loaded[key])
        raise _failure(format_reasons(bad), len(jobs), "the other slices are loaded and published")

    return slices


class _LogObserver(NullObserver):
    """An observer that tells the run's log."""

    def __init__(self, log: dg.DagsterLogManager) -> None:
        self._log = log

    def on_planned(self, account: Account, slices: int, batches: int) -> None:
        """Say what is about to happen."""
        self._log.info(f"{account.name}: {slices} slices, {batches} batches to fetch")

    def on_days_failed(self, account: Account, days: Collection[date], error: str) -> None:
        """Say it at once."""
        self._log.error(redact(f"{account.name}: {len(days)} slices failed: {error}"))


@contextmanager
def as_dagster_failure() -> Iterator[None]:
    """Turn our own errors into failures of one sentence that no layer tries again."""
    try:
        yield
    except (ChatmartError, WarehouseError) as error:
        # the trace of an error would be kept for ever, and nobody has taken the secrets out of it
        raise dg.Failure(redact(str(error)), allow_retries=False) from None


def _failure(failed: Mapping[str, str], of: int, rest: str) -> dg.Failure:
    shown = build_account_metadata(failed)
    names = ", ".join(list(failed)[:5]) + (" and others" if len(failed) > 5 else "")
    return dg.Failure(
        f"{len(failed)} of {of} accounts failed ({names}); {rest}. {next(iter(shown.values()))}",
        metadata=shown,
        allow_retries=False,
    )


def _say_left_behind(context: dg.AssetExecutionContext, workspace: Workspace, accounts: Sequence[Account]) -> None:
    """Warn of what is missing further back than daily loads reach: nobody else will come to it."""
    reach = workspace.config.settings.catch_up_days
    for load in plan_daily_loads(workspace.store, accounts, workspace.clock.now(), reach):
        if load.older_windows:
            context.log.warning(describe_older_days(load.account.name, load.older_windows, reach))


def _started(context: dg.AssetExecutionContext, landing: dg.AssetKey) -> datetime:
    """When the run began that landed what this one loads: tried again from its second step, that is the first try."""
    run, steps = context.run, context.run.step_keys_to_execute
    goes_on = run.root_run_id is not None and steps is not None and landing.to_python_identifier() not in steps
    record = context.instance.get_run_record_by_id(run.root_run_id if goes_on and run.root_run_id else run.run_id)
    if record is None or record.start_time is None:
        raise dg.Failure("Dagster does not know when this run started", allow_retries=False)
    return datetime.fromtimestamp(record.start_time, UTC)


def _unsettled(workspace: Workspace, jobs: Sequence[LoadJob]) -> list[LoadJob]:
    """The jobs without what the ledger calls settled."""
    left = []
    for job in jobs:
        ledger = workspace.store.ledger(job.account.name)
        open_days = set(list_unsettled_days(job.account, Window(job.days[0], job.days[-1] + ONE_DAY), ledger))
        days = tuple(day for day in job.days if day in open_days)
        if days:
            left.append(LoadJob(job.account, days))
    return left


def _count(jobs: Sequence[LoadJob]) -> int:
    return sum(len(job.days) for job in jobs)


def _described(accounts: Sequence[Account]) -> dg.TableMetadataValue:
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
