"""The outcome of a run for each account: slices loaded or failed, rows, errors, requests. No request is made here.

An account's error is kept in its outcome and in the ledger; an error of the warehouse as a whole is raised.
"""

import logging
from collections.abc import Collection, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial

from extractors.account import Account
from extractors.errors import Defect, ErrorLocation, ExtractionError, NotUnderstood
from extractors.foreign_text import clean_line
from extractors.http.stats import RequestStats
from extractors.redaction import RedactingFilter
from pipelines.loads.failures import MAX_DETAIL
from pipelines.loads.forgotten_texts import erase_forgotten
from pipelines.loads.load import PendingLoad, commit_loads
from pipelines.loads.observer import Observer
from pipelines.loads.plan import LoadJob
from pipelines.loads.workspace import Workspace, build_account_row
from warehouse.disk_failures import describe_os_error
from warehouse.errors import StagedError, WarehouseError
from warehouse.records import LedgerRow, SliceFailure

log = logging.getLogger("chatmart.run")
log.addFilter(RedactingFilter())  # tracebacks are redacted by the handlers of the process


@dataclass
class Outcome:
    """The outcome of a run for one account.

    ``planned``, ``loaded`` and ``failed`` count slices, ``rows`` counts fact rows. ``errors`` are sentences without
    repetitions, in order of occurrence. ``ended_at`` (UTC) is None while the account is in progress.
    """

    account: Account
    planned: int = 0
    loaded: int = 0
    failed: int = 0
    rows: int = 0
    errors: list[str] = field(default_factory=list)
    stats: RequestStats = field(default_factory=RequestStats)
    ended_at: datetime | None = None

    @property
    def is_ok(self) -> bool:
        """Whether there was no error."""
        return not self.errors

    def add_error(self, sentence: str) -> None:
        """Add the sentence of an error, unless it is known."""
        if sentence not in self.errors:
            self.errors.append(sentence)


@dataclass
class RunResult:
    """The outcomes of all accounts."""

    outcomes: list[Outcome]

    @property
    def is_ok(self) -> bool:
        """Whether there was no error."""
        return all(outcome.is_ok for outcome in self.outcomes)

    @property
    def errors_by_account(self) -> dict[str, str]:
        """The sentences of all errors, by account; accounts without an error are left out."""
        return {outcome.account.name: " ".join(outcome.errors) for outcome in self.outcomes if not outcome.is_ok}

    @property
    def stats(self) -> RequestStats:
        """The request statistics of all accounts together."""
        return sum((outcome.stats for outcome in self.outcomes), RequestStats())


class Failure:
    """Local days of an account that could not be loaded, and the reason, without secrets."""

    def __init__(self, outcome: Outcome, days: Collection[date], error: Exception) -> None:
        self.outcome = outcome
        self.days = days
        self.sentence = clean_line(str(error), MAX_DETAIL)
        self._cause = error.__cause__ if isinstance(error, NotUnderstood) else None
        self._context = copy_context()

    def report(self, observer: Observer) -> None:
        """Log the failure, with the fields of the account's log lines, and pass it to an observer."""
        self._context.run(self._report, observer)

    def _report(self, observer: Observer) -> None:
        account = self.outcome.account
        log.warning("%s", self.sentence, exc_info=self._cause, extra=_log_fields(account, self.days))
        observer.on_days_failed(account, self.days, self.sentence)


def load_and_record(
    workspace: Workspace, loads: Sequence[tuple[Outcome, PendingLoad]], observer: Observer
) -> list[set[date]]:
    """Load days of some accounts, and record the results and errors of each in its outcome and in the ledger.

    Returns the handled days of each load: loaded, failed, or left to the next run after a requested stop. The days that
    are not returned lack a batch. Raises WarehouseErrors of the warehouse as a whole.
    """
    commit_loads(workspace, [load for _, load in loads])
    failures: list[Failure] = []
    handled = [load.context.run(_record_result, outcome, load, failures, observer) for outcome, load in loads]
    record_failures(workspace, failures, observer)
    return handled


def _record_result(outcome: Outcome, load: PendingLoad, failures: list[Failure], observer: Observer) -> set[date]:
    """Record the loaded days; add those that failed to ``failures``. Return all of them."""
    if load.error is not None:
        failures.append(Failure(outcome, load.days, as_account_error(outcome.account, load.error)))
        return set(load.days)
    if not load.is_begun:
        return set(load.days)
    result = load.result
    outcome.loaded += len(result.days)
    outcome.rows += result.rows
    if result.days:
        first, last = min(result.days), max(result.days)
        log.info(
            "%s: loaded %s to %s (%d slices, %d rows)",
            *(outcome.account.name, first, last, len(result.days), result.rows),
            extra={**_log_fields(outcome.account, result.days), "rows": result.rows},
        )
        observer.on_days_loaded(outcome.account, result.days)
    failures.extend(Failure(outcome, days, reason) for days, reason in result.rejected)
    return {*result.days, *(day for days, _ in result.rejected for day in days)}


def record_failures(workspace: Workspace, failures: Sequence[Failure], observer: Observer) -> None:
    """Record in the outcomes and in the ledger that some local days could not be loaded. Raises WarehouseErrors."""
    now = workspace.clock.now()
    erase = partial(erase_forgotten, workspace.landing)
    rows = []
    for failure in failures:
        outcome = failure.outcome
        outcome.add_error(failure.sentence)
        outcome.failed += len(failure.days)
        rows.append(SliceFailure(build_account_row(outcome.account), tuple(failure.days), failure.sentence, now))
    workspace.store.record_failures(rows, erase)
    for failure in failures:
        account = failure.outcome.account
        failure.sentence = erase(account.provider, account.name, failure.sentence)
        failure.report(observer)


def read_ledgers(workspace: Workspace, jobs: Sequence[LoadJob]) -> dict[str, list[LedgerRow]]:
    """Return the ledger of each job's account, in the span of all the jobs' days, in one read.

    Raises WarehouseErrors.
    """
    ledgers: dict[str, list[LedgerRow]] = {job.account.name: [] for job in jobs}
    days = [day for job in jobs for day in job.days]
    if days:
        for row in workspace.store.ledger(*ledgers, days=(min(days), max(days))):
            ledgers[row.account].append(row)
    return ledgers


def as_account_error(account: Account, error: Exception) -> Exception:
    """Return the error as an error of this account, so that it stops no other account.

    Raises WarehouseErrors of the warehouse as a whole.
    """
    if isinstance(error, ExtractionError | StagedError):
        return error
    if isinstance(error, WarehouseError):
        raise error
    where = ErrorLocation(account.provider, account.name)
    if isinstance(error, OSError) and error.errno:
        return ExtractionError(where, describe_os_error(error, "the landing zone"))
    log.error("%s: unexpected error", account.name, exc_info=error, extra=_log_fields(account, ()))
    return Defect(where, f"the program failed ({type(error).__name__}: {error})", "please report it, with --verbose")


def _log_fields(account: Account, days: Collection[date]) -> dict[str, object]:
    """Return the fields of a log line about some days of an account."""
    fields: dict[str, object] = {"account": account.name, "provider": account.provider, "slices": len(days)}
    return {**fields, "first": str(min(days)), "last": str(max(days))} if days else fields
