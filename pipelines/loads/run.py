"""The face of the loads: run jobs, or only their first half (fetch), or only their second (load).

Used by commands and assets. An account's failure is kept in its outcome and in the ledger and never stops another
account. The work of both halves at once is in ``pipelines.loads.concurrent_run``.
"""

from collections.abc import Sequence
from datetime import date, datetime

from extractors.account import Account
from extractors.http.stats import RequestStats
from extractors.instants import is_between
from extractors.registry import get_provider
from pipelines.loads.claims import build_reuse_rule
from pipelines.loads.concurrent_run import ConcurrentRun
from pipelines.loads.load import DaysLoad, PendingLoad
from pipelines.loads.observer import NullObserver, Observer
from pipelines.loads.plan import LoadJob, plan_steps
from pipelines.loads.result import (
    Failure,
    Outcome,
    RunResult,
    as_account_error,
    load_and_record,
    read_ledgers,
    record_failures,
)
from pipelines.loads.run_log import track_run
from pipelines.loads.workspace import Workspace
from warehouse.records import LedgerRow, RunRow

MAX_ACCOUNTS = 100
"""The most accounts whose landed days are loaded together."""

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
    return ConcurrentRun(workspace, refetch, observer or NullObserver(), load=True).run(jobs)


def fetch_jobs(
    workspace: Workspace, jobs: Sequence[LoadJob], *, refetch: bool = False, observer: Observer | None = None
) -> RunResult:
    """Do the first half of ``run_jobs``: land the responses, load nothing. Failed days are recorded in the ledger.

    Raises WarehouseErrors of the warehouse as a whole.
    """
    return ConcurrentRun(workspace, refetch, observer or NullObserver(), load=False).run(jobs)


def load_landed_batches(
    workspace: Workspace, jobs: Sequence[LoadJob], run_started_at: datetime, failed_since: datetime | None = None
) -> RunResult:
    """Do the second half of ``run_jobs``: load the batches landed since ``run_started_at`` (UTC), and publish.

    Batches landed earlier and never loaded are loaded as well. A day that ``fetch_jobs`` recorded as failed since
    ``failed_since`` (default: ``run_started_at``) stays as it was and makes the account's outcome a failure; a second
    attempt at a run began later than the first, and loads what both have landed. Requests that ``fetch_jobs`` sent
    under the same run id are counted in the outcomes. Raises WarehouseErrors of the warehouse as a whole.
    """
    fetch_rows = workspace.store.run_records(workspace.run_id)
    outcomes = [_continue_outcome(job.account, fetch_rows) for job in jobs]
    with track_run(workspace, outcomes, fetch_rows):
        pairs = list(zip(jobs, outcomes, strict=True))
        for group in (pairs[first : first + MAX_ACCOUNTS] for first in range(0, len(pairs), MAX_ACCOUNTS)):
            _load_landed_group(workspace, group, run_started_at, failed_since or run_started_at)
    return RunResult(outcomes)


def _load_landed_group(
    workspace: Workspace, group: Sequence[tuple[LoadJob, Outcome]], run_started_at: datetime, failed_since: datetime
) -> None:
    """Load the landed days of some accounts together."""
    ledger = read_ledgers(workspace, [job for job, _ in group])
    loads: list[tuple[Outcome, PendingLoad]] = []
    failures: list[Failure] = []
    for job, outcome in group:
        remaining = set(job.days)
        try:
            rows = ledger[job.account.name]
            loads += _plan_landed_loads(workspace, remaining, outcome, rows, run_started_at, failed_since)
        except Exception as error:
            failures.append(Failure(outcome, sorted(remaining), as_account_error(job.account, error)))
    load_and_record(workspace, loads, NullObserver())
    record_failures(workspace, failures, NullObserver())
    for _, outcome in group:
        outcome.planned = max(outcome.planned, outcome.loaded + outcome.failed)
        outcome.ended_at = workspace.clock.now()


def _plan_landed_loads(
    workspace: Workspace,
    remaining: set[date],
    outcome: Outcome,
    ledger: Sequence[LedgerRow],
    run_started_at: datetime,
    failed_since: datetime,
) -> list[tuple[Outcome, PendingLoad]]:
    """Return the loads of an account's days. The days that the run's first half saw fail leave ``remaining``."""
    account, clock = outcome.account, workspace.clock
    for row in ledger:
        if row.date in remaining and row.error and row.error_at and is_between(failed_since, row.error_at, clock.now()):
            remaining.remove(row.date)
            outcome.failed += 1
            outcome.add_error(row.error)
    # judge batches and the ledger as the fetch did, so that a batch reused then is reused now
    is_reusable = build_reuse_rule(
        account,
        ledger,
        lambda batch: is_between(run_started_at, batch.landed_at, clock.now()),
        now=clock.now(),
        run_started_at=run_started_at,
        refetch=False,
        fresh_at=run_started_at,
    )
    steps = plan_steps(account, get_provider(account.provider), workspace.landing, remaining, is_reusable)
    return [(outcome, DaysLoad(account, step.days, is_reusable)) for step in steps]


def _continue_outcome(account: Account, fetch_rows: Sequence[RunRow]) -> Outcome:
    """Return an outcome that begins with the figures that the run's first half recorded for the account."""
    row = next((row for row in fetch_rows if row.account == account.name), None)
    if row is None:
        return Outcome(account)
    stats = RequestStats(row.requests, row.retries, row.bytes, float(row.waited_seconds))
    return Outcome(account, planned=row.planned, stats=stats)
