"""What becomes of each account in a run: days loaded or failed, rows, errors, its share of the wire.

An account's error stays with it, here and in the ledger; one of the warehouse as a whole is raised. No request is made.
"""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date, datetime

from extractors.account import Account
from extractors.errors import Defect, ErrorLocation, ExtractionError
from extractors.http.stats import RequestStats
from extractors.redaction import RedactingFilter, redact
from pipelines.loads.load import LoadResult
from pipelines.loads.observer import Observer
from pipelines.loads.workspace import Workspace, build_account_row
from warehouse.errors import StagedError, WarehouseError
from warehouse.records import SliceFailure

log = logging.getLogger("chatmart.run")
log.addFilter(RedactingFilter())  # its traces are handled by whoever runs this process


@dataclass
class Outcome:
    """What became of one account; ``errors`` are sentences, each once, in the order in which they came up.

    ``planned``, ``loaded`` and ``failed`` are slices, ``rows`` fact rows. ``ended_at`` (UTC) is when the run was done
    with the account, None while it is not.
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
        """Whether nothing went wrong."""
        return not self.errors

    def add_error(self, sentence: str) -> None:
        """Keep a sentence about what went wrong."""
        if sentence not in self.errors:
            self.errors.append(sentence)


@dataclass
class RunResult:
    """The outcomes of all accounts."""

    outcomes: list[Outcome]

    @property
    def is_ok(self) -> bool:
        """Whether nothing went wrong."""
        return all(outcome.is_ok for outcome in self.outcomes)

    @property
    def errors_by_account(self) -> dict[str, str]:
        """What went wrong, by account."""
        return {outcome.account.name: " ".join(outcome.errors) for outcome in self.outcomes if not outcome.is_ok}

    @property
    def stats(self) -> RequestStats:
        """What happened on the wire, all accounts together."""
        return sum((outcome.stats for outcome in self.outcomes), RequestStats())


def load_and_record(
    workspace: Workspace, outcome: Outcome, days: Collection[date], load: Callable[[], LoadResult], observer: Observer
) -> set[date]:
    """Load some days, and keep what goes wrong with their account; nothing is begun once the run is to end.

    Returns the days of which something can be said: loaded, refused, or left to the next run.
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
            extra={**_about(outcome.account, loaded.days), "rows": loaded.rows},
        )
        observer.on_days_loaded(outcome.account, loaded.days)
    for refused, reason in loaded.rejected:
        record_failure(workspace, outcome, refused, reason, observer)
    return {*loaded.days, *(day for refused, _ in loaded.rejected for day in refused)}


def record_failure(
    workspace: Workspace, outcome: Outcome, days: Collection[date], error: Exception, observer: Observer
) -> None:
    """Note in the outcome and in the ledger that some days could not be loaded."""
    sentence = redact(str(error))
    outcome.add_error(sentence)
    outcome.failed += len(days)
    failure = SliceFailure(build_account_row(outcome.account), tuple(days), sentence, workspace.clock.now())
    workspace.store.record_failures([failure])
    log.warning("%s", sentence, extra=_about(outcome.account, days))
    observer.on_days_failed(outcome.account, days, sentence)


def as_account_error(account: Account, error: Exception) -> Exception:
    """The error as one of the account's own, so that it holds up no other; one of the whole warehouse is raised."""
    if isinstance(error, ExtractionError | StagedError):
        return error
    if isinstance(error, WarehouseError):
        raise error
    where = ErrorLocation(account.provider, account.name)
    if isinstance(error, OSError) and error.filename:
        what = f"{error.filename}: {error.strerror}"
        return ExtractionError(where, what, "see that this user may read and write there, and that there is space")
    log.error("%s: unforeseen", account.name, exc_info=error, extra=_about(account, ()))
    return Defect(where, f"the program failed ({type(error).__name__}: {error})", "please report it, with --verbose")


def _about(account: Account, days: Collection[date]) -> dict[str, object]:
    """Whom and which days a line of the log speaks of, as its fields."""
    fields: dict[str, object] = {"account": account.name, "provider": account.provider, "slices": len(days)}
    return {**fields, "first": str(min(days)), "last": str(max(days))} if days else fields
