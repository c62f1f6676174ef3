"""The driver of a run on a cluster: it plans shards, submits their tasks, gathers the outcomes, and publishes once.

The accounts are described, the run's rows are written and the commits are published here, as on one machine. Nothing is
requested from a provider here.
"""

from collections.abc import Sequence
from datetime import datetime

from pipelines.loads.cluster.connection import open_client
from pipelines.loads.cluster.shard_runs import ShardRuns
from pipelines.loads.cluster.shards import plan_shards
from pipelines.loads.cluster.task_template import TaskTemplate
from pipelines.loads.observer import Observer
from pipelines.loads.plan import LoadJob
from pipelines.loads.result import Outcome, RunResult
from pipelines.loads.run_log import track_run
from pipelines.loads.workspace import Workspace
from warehouse.records import RunRow


def run_jobs_on_cluster(
    workspace: Workspace, jobs: Sequence[LoadJob], refetch: bool, observer: Observer, *, load: bool
) -> RunResult:
    """Do the work of ``pipelines.loads.run.run_jobs``, or with ``load=False`` of ``fetch_jobs``, on the workers.

    Raises ClusterLost, ConfigError for a worker's environment, and WarehouseErrors of the warehouse as a whole.
    """
    started_at = workspace.clock.now()
    template = TaskTemplate(workspace, "both" if load else "fetch", started_at, started_at, refetch)
    pairs = [(job, Outcome(job.account, planned=len(job.days))) for job in jobs]
    return _run(template, pairs, (), observer, publish_at_end=load)


def load_landed_on_cluster(
    workspace: Workspace,
    pairs: Sequence[tuple[LoadJob, Outcome]],
    fetch_rows: Sequence[RunRow],
    run_started_at: datetime,
    failed_since: datetime,
    observer: Observer,
) -> RunResult:
    """Do the work of ``pipelines.loads.run.load_landed_batches`` on the workers. Raises as ``run_jobs_on_cluster``."""
    template = TaskTemplate(workspace, "load", run_started_at, failed_since)
    return _run(template, pairs, fetch_rows, observer, publish_at_end=True)


def _run(
    template: TaskTemplate,
    pairs: Sequence[tuple[LoadJob, Outcome]],
    earlier: Sequence[RunRow],
    observer: Observer,
    *,
    publish_at_end: bool,
) -> RunResult:
    workspace = template.workspace
    jobs, outcomes = [job for job, _ in pairs], [outcome for _, outcome in pairs]
    with (
        open_client(workspace.config.settings.executor) as client,
        track_run(workspace, outcomes, earlier, publish_at_end=publish_at_end) as recorder,
    ):
        # the run's rows are written by now: the warehouse exists, with the shards that it keeps
        shards = plan_shards(jobs, workspace.store.shards_of([job.account.name for job in jobs]))
        ShardRuns(client, template, outcomes, recorder, observer).run(shards)
    return RunResult(outcomes)
