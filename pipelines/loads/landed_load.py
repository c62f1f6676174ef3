"""The second half of a run for some accounts: what its first half has landed is loaded. No request is made here."""

from collections.abc import Sequence
from datetime import date, datetime

from extractors.instants import is_between
from extractors.registry import get_provider
from pipelines.loads.claims import build_reuse_rule
from pipelines.loads.load import DaysLoad, PendingLoad
from pipelines.loads.observer import Observer
from pipelines.loads.plan import LoadJob, plan_steps
from pipelines.loads.result import Failure, Outcome, as_account_error, load_and_record, read_ledgers, record_failures
from pipelines.loads.workspace import Workspace
from warehouse.records import LedgerRow

MAX_ACCOUNTS = 100
"""The most accounts whose landed days are loaded together."""


def load_landed(
    workspace: Workspace,
    pairs: Sequence[tuple[LoadJob, Outcome]],
    run_started_at: datetime,
    failed_since: datetime,
    observer: Observer,
) -> None:
    """Load the landed days of the accounts, and record the result of each in its outcome.

    The arguments are those of ``pipelines.loads.run.load_landed_batches``. Raises WarehouseErrors of the warehouse as a
    whole.
    """
    for group in (pairs[first : first + MAX_ACCOUNTS] for first in range(0, len(pairs), MAX_ACCOUNTS)):
        _load_group(workspace, group, run_started_at, failed_since, observer)


def _load_group(
    workspace: Workspace,
    group: Sequence[tuple[LoadJob, Outcome]],
    run_started_at: datetime,
    failed_since: datetime,
    observer: Observer,
) -> None:
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
    load_and_record(workspace, loads, observer)
    record_failures(workspace, failures, observer)
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
