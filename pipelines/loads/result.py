"""The outcome of a run for each account: slices loaded or failed, rows, errors, requests. No request is made here.

An account's error is kept in its outcome and in the ledger; an error of the warehouse as a whole is raised.
"""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial

from extractors.account import Account
from extractors.errors import Defect, ErrorLocation, ExtractionError
from extractors.http.stats import RequestStats
from extractors.redaction import RedactingFilter, redact
from pipelines.loads.claims import ReuseRule
from pipelines.loads.load import LoadResult, load_days
from pipelines.loads.observer import Observer
from pipelines.loads.workspace import Workspace, build_account_row
from warehouse.errors import StagedError, WarehouseError
from warehouse.records import SliceFailure

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


def load_and_record(
    workspace: Workspace, outcome: Outcome, days: Collection[date], load: Callable[[], LoadResult], observer: Observer
) -> set[date]:
    """Load some local days and record the result, and every error of their account, in the outcome and the ledger.

    Does nothing once a stop is requested. Returns the handled days: loaded, failed, or left to the next run. The days
    that are not returned lack a batch. Raises WarehouseErrors of the warehouse as a whole.
    """
    if workspace.stop.is_requested:
        return set(days)
    try:
        loaded = load()
    except Exception as error:
        record_failure(workspace, outcome, days, as_account_error(outcome.account, error), observer)
        return set(days)
    outcome.loaded += len(loaded.days)
    outcome.rows += loaded.rows
    if loaded.days:
        first, last = min(loaded.days), max(loaded.days)
        log.info(
            "%s: loaded %s to %s (%d slices, %d rows)",
            *(outcome.account.name, first, last, len(loaded.days), loaded.rows),
            extra={**_log_fields(outcome.account, loaded.days), "rows": loaded.rows},
        )
        observer.on_days_loaded(outcome.account, loaded.days)
    for rejected_days, reason in loaded.rejected:
        record_failure(workspace, outcome, rejected_days, reason, observer)
    return {*loaded.days, *(day for rejected_days, _ in loaded.rejected for day in rejected_days)}


def load_days_and_record(
    workspace: Workspace, outcome: Outcome, days: Collection[date], is_reusable: ReuseRule, observer: Observer
) -> set[date]:
    """Load some local days from their newest batches and record the result: ``load_days`` in ``load_and_record``."""
    load = partial(load_days, workspace, outcome.account, days, is_reusable)
    return load_and_record(workspace, outcome, days, load, observer)


def record_failure(
    workspace: Workspace, outcome: Outcome, days: Collection[date], error: Exception, observer: Observer
) -> None:
    """Record in the outcome and in the ledger that some local days could not be loaded. Raises WarehouseErrors."""
    sentence = redact(str(error))
    outcome.add_error(sentence)
    outcome.failed += len(days)
    failure = SliceFailure(build_account_row(outcome.account), tuple(days), sentence, workspace.clock.now())
    workspace.store.record_failures([failure])
    log.warning("%s", sentence, extra=_log_fields(outcome.account, days))
    observer.on_days_failed(outcome.account, days, sentence)


def as_account_error(account: Account, error: Exception) -> Exception:
    """Return the error as an error of this account, so that it stops no other account.

    Raises WarehouseErrors of the warehouse as a whole.
    """
    if isinstance(error, ExtractionError | StagedError):
        return error
    if isinstance(error, WarehouseError):
        raise error
    where = ErrorLocation(account.provider, account.name)
    if isinstance(error, OSError) and error.filename:
        problem = f"{error.filename}: {error.strerror}"
        return ExtractionError(where, problem, "see that this user may read and write there, and that there is space")
    log.error("%s: unexpected error", account.name, exc_info=error, extra=_log_fields(account, ()))
    return Defect(where, f"the program failed ({type(error).__name__}: {error})", "please report it, with --verbose")


def _log_fields(account: Account, days: Collection[date]) -> dict[str, object]:
    """Return the fields of a log line about some days of an account."""
    fields: dict[str, object] = {"account": account.name, "provider": account.provider, "slices": len(days)}
    return {**fields, "first": str(min(days)), "last": str(max(days))} if days else fields
