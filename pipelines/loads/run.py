"""The face of the loads: run jobs, or only their first half (fetch), or only their second (load).

Used by commands and assets. The work is done in this process, or by the workers of the cluster that the configuration
names. An account's failure is kept in its outcome and in the ledger and never stops another account. The work of both
halves at once is in ``pipelines.loads.concurrent_run``.
"""

from collections.abc import Sequence
from datetime import datetime

from extractors.account import Account
from extractors.http.stats import RequestStats
from pipelines.configuration.settings import LOCAL
from pipelines.loads.concurrent_run import ConcurrentRun
from pipelines.loads.landed_load import load_landed
from pipelines.loads.observer import NullObserver, Observer
from pipelines.loads.plan import LoadJob
from pipelines.loads.result import (
    Outcome,
    RunResult,
)
from pipelines.loads.run_log import track_run
from pipelines.loads.workspace import Workspace
from warehouse.records import RunRow

__all__ = ["LoadJob", "fetch_jobs", "load_landed_batches", "run_jobs"]


def run_jobs(
    workspace: Workspace, jobs: Sequence[LoadJob], *, refetch: bool = False, observer: Observer | None = None
) -> RunResult:
    """Fetch and load the local days of all jobs, publish, and return the outcome of each account.

    ``refetch`` also fetches days whose landed batches are not loaded yet. When ``workspace.stop`` is requested, or on
    KeyboardInterrupt, a commit under way is finished, no slice is half-loaded, and commits are published. Raises
    WarehouseErrors of the warehouse as a whole; all other errors are in the outcomes.

    A job without days sends no request:

    >>> from pathlib import Path
    >>> from tempfile import TemporaryDirectory
    >>> from pipelines.configuration.config import validate_config
    >>> account = {"name": "docs", "provider": "inkeep", "api_key": "${NOT_SET}"}
    >>> with TemporaryDirectory() as folder:
    ...     path = Path(folder) / "chatmart.yaml"
    ...     config = validate_config(path, {"accounts": [account]}, allow_unset_secrets=True)
    ...     workspace = Workspace.open(config)
    ...     result = run_jobs(workspace, [LoadJob(account, days=()) for account in config.accounts])
    >>> result.is_ok, [(outcome.account.name, outcome.loaded) for outcome in result.outcomes]
    (True, [('docs', 0)])
    """
    return _run(workspace, jobs, refetch, observer or NullObserver(), load=True)


def fetch_jobs(
    workspace: Workspace, jobs: Sequence[LoadJob], *, refetch: bool = False, observer: Observer | None = None
) -> RunResult:
    """Do the first half of ``run_jobs``: land the responses, load nothing. Failed days are recorded in the ledger.

    Raises WarehouseErrors of the warehouse as a whole.
    """
    return _run(workspace, jobs, refetch, observer or NullObserver(), load=False)


def _run(workspace: Workspace, jobs: Sequence[LoadJob], refetch: bool, observer: Observer, *, load: bool) -> RunResult:
    if _is_on_cluster(workspace):
        from pipelines.loads.cluster.driver import run_jobs_on_cluster  # imported late: a cluster is rare

        return run_jobs_on_cluster(workspace, jobs, refetch, observer, load=load)
    return ConcurrentRun(workspace, refetch, observer, load=load).run(jobs)


def _is_on_cluster(workspace: Workspace) -> bool:
    """Return whether the configuration names a cluster, whose workers do the work of a run."""
    return workspace.config.settings.executor != LOCAL


def load_landed_batches(
    workspace: Workspace,
    jobs: Sequence[LoadJob],
    run_started_at: datetime,
    failed_since: datetime | None = None,
    observer: Observer | None = None,
) -> RunResult:
    """Do the second half of ``run_jobs``: load the batches landed since ``run_started_at`` (UTC), and publish.

    Batches landed earlier and never loaded are loaded as well. A day that ``fetch_jobs`` recorded as failed since
    ``failed_since`` (default: ``run_started_at``) stays as it was and makes the account's outcome a failure; a second
    attempt at a run began later than the first, and loads what both have landed. Requests that ``fetch_jobs`` sent
    under the same run id are counted in the outcomes. Raises WarehouseErrors of the warehouse as a whole.
    """
    fetch_rows = workspace.store.run_records(workspace.run_id)
    outcomes = [_continue_outcome(job.account, fetch_rows) for job in jobs]
    pairs = list(zip(jobs, outcomes, strict=True))
    since = failed_since or run_started_at
    if _is_on_cluster(workspace):
        from pipelines.loads.cluster.driver import load_landed_on_cluster

        return load_landed_on_cluster(workspace, pairs, fetch_rows, run_started_at, since, observer or NullObserver())
    with track_run(workspace, outcomes, fetch_rows):
        load_landed(workspace, pairs, run_started_at, since, observer or NullObserver())
    return RunResult(outcomes)


def _continue_outcome(account: Account, fetch_rows: Sequence[RunRow]) -> Outcome:
    """Return an outcome that begins with the figures that the run's first half recorded for the account."""
    row = next((row for row in fetch_rows if row.account == account.name), None)
    if row is None:
        return Outcome(account)
    stats = RequestStats(row.requests, row.retries, row.bytes, float(row.waited_seconds))
    return Outcome(account, planned=row.planned, stats=stats)
