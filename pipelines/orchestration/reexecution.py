"""Runs that repeat an earlier one in part, as Dagster's "re-execute from failure" does.

Dagster repeats only the steps that failed. Where the landing step had succeeded for some accounts, only the slices step
is repeated: it then fetches itself what the other accounts still lack.
"""

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

import dagster as dg

from pipelines.loads.publish import publish_warehouse
from pipelines.loads.run import LoadJob, fetch_jobs
from pipelines.loads.workspace import Workspace
from pipelines.orchestration import checks
from pipelines.orchestration.log_observer import LogObserver

ROOT_RUN_TAG = "dagster/root_run_id"
SCHEDULE_TAG = "dagster/schedule_name"


def selected_assets(context: dg.AssetExecutionContext) -> Collection[dg.AssetKey]:
    """Return the assets that the run materialises."""
    return context.job_def.asset_layer.selected_asset_keys


def repeats_without(context: dg.AssetExecutionContext, landing_key: dg.AssetKey) -> bool:
    """Whether the run repeats an earlier one without its landing step: a retry, or a re-execution from failure."""
    if context.run.parent_run_id is None:
        return False
    steps = context.run.step_keys_to_execute
    is_left_out = steps is not None and landing_key.to_python_identifier() not in steps
    return is_left_out or landing_key not in selected_assets(context)


def list_attempts(instance: dg.DagsterInstance, run: dg.DagsterRun) -> set[str]:
    """Return the ids of a run and of all other attempts at it: what it repeats, and what repeats the same."""
    root_run_id = run.root_run_id or run.run_id
    repeats = instance.get_run_ids(dg.RunsFilter(tags={ROOT_RUN_TAG: root_run_id}))
    return {run.run_id, root_run_id, *repeats}


def run_started_at(context: dg.AssetExecutionContext, run_id: str) -> datetime:
    """Return the start (UTC) of a run. Raises dagster.Failure when Dagster has none."""
    record = context.instance.get_run_record_by_id(run_id)
    if record is None or record.start_time is None:
        raise dg.Failure("Dagster has no start time of this run", allow_retries=False)
    return datetime.fromtimestamp(record.start_time, UTC)


def fetch_outstanding_slices(
    context: dg.AssetExecutionContext,
    landing_key: dg.AssetKey,
    workspace: Workspace,
    jobs: Sequence[LoadJob],
    started_at: datetime,
) -> None:
    """Fetch what the first attempt, begun at ``started_at``, could not: its landing step is not repeated."""
    publish_warehouse(workspace)  # an attempt that was killed has not shown what it loaded
    outstanding = checks.find_outstanding_slices(workspace.store, jobs, started_at, workspace.clock.now())
    wanted = [
        LoadJob(job.account, tuple(sorted(outstanding[job.account.name])))
        for job in jobs
        if job.account.name in outstanding
    ]
    if not wanted:
        return
    slices = sum(len(job.days) for job in wanted)
    context.log.info(f"{slices} slices of {len(wanted)} accounts are outstanding, and are fetched now")
    result = fetch_jobs(workspace, wanted, observer=LogObserver(context.log))
    check = checks.check_accounts_landed(result)
    context.instance.report_runless_asset_event(
        dg.AssetCheckEvaluation(
            asset_key=landing_key,
            check_name=checks.EVERY_ACCOUNT_LANDED,
            passed=check.passed,
            description=check.description,
            metadata=check.metadata or {},
        )
    )
