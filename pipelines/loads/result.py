"""What becomes of each account in a run: days loaded or failed, rows, errors, its share of the wire.

An account's error stays with it, here and in the ledger; one of the warehouse as a whole is raised. No request is made.
"""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import date, datetime

from extractors.account import Account
from extractors.errors import Defect, ExtractionError, Where
from extractors.http.transport import Counts
from extractors.redaction import RedactingFilter, redact
from pipelines.loads.load import Loaded
from pipelines.loads.observer import Observer
from pipelines.loads.workspace import Workspace, account_row
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
    counts: Counts = field(default_factory=Counts)
    ended_at: datetime | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing went wrong."""
        return not self.errors

    def note(self, sentence: str) -> None:
        """Keep a sentence about what went wrong."""
        if sentence not in self.errors:
            self.errors.append(sentence)


@dataclass
class RunResult:
    """The outcomes of all accounts."""

    outcomes: list[Outcome]

    @property
    def ok(self) -> bool:
        """Whether nothing went wrong."""
        return all(outcome.ok for outcome in self.outcomes)

    @property
    def failed(self) -> dict[str, str]:
        """What went wrong, by account."""
        return {outcome.account.name: " ".join(outcome.errors) for outcome in self.outcomes if not outcome.ok}

    @property
    def counts(self) -> Counts:
        """What happened on the wire, all accounts together."""
        return sum((outcome.counts for outcome in self.outcomes), Counts())


def take(
    workspace: Workspace, outcome: Outcome, days: Collection[date], load: Callable[[], Loaded], observer: Observer
) -> set[date]:
    """Load some days, and keep what goes wrong with their account; nothing is begun once the run is to end.

    Returns the days of which something can be said: loaded, refused, or left to the next run.
    """
    if workspace.stop.asked:
        return set(days)
    try:
        loaded = load()
    except Exception as error:
        fail(workspace, outcome, days, of_account(outcome.account, error), observer)
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
        observer.loaded(outcome.account, loaded.days)
    for refused, reason in loaded.refused:
        fail(workspace, outcome, refused, reason, observer)
    return {*loaded.days, *(day for refused, _ in loaded.refused for day in refused)}


def fail(workspace: Workspace, outcome: Outcome, days: Collection[date], error: Exception, observer: Observer) -> None:
    """Note in the outcome and in the ledger that some days could not be loaded."""
    sentence = redact(str(error))
    outcome.note(sentence)
    outcome.failed += len(days)
    failure = SliceFailure(account_row(outcome.account), tuple(days), sentence, workspace.clock.now())
    workspace.store.record_failures([failure])
    log.warning("%s", sentence, extra=_about(outcome.account, days))
    observer.failed(outcome.account, days, sentence)


def of_account(account: Account, error: Exception) -> Exception:
    """The error as one of the account's own, so that it holds up no other; one of the whole warehouse is raised."""
    if isinstance(error, ExtractionError | StagedError):
        return error
    if isinstance(error, WarehouseError):
        raise error
    where = Where(account.provider, account.name)
    if isinstance(error, OSError) and error.filename:
        what = f"{error.filename}: {error.strerror}"
        return ExtractionError(where, what, "see that this user may read and write there, and that there is space")
    log.error("%s: unforeseen", account.name, exc_info=error, extra=_about(account, ()))
    return Defect(where, f"the program failed ({type(error).__name__}: {error})", "please report it, with --verbose")


def _about(account: Account, days: Collection[date]) -> dict[str, object]:
    """Whom and which days a line of the log speaks of, as its fields."""
    fields: dict[str, object] = {"account": account.name, "provider": account.provider, "slices": len(days)}
    return {**fields, "first": str(min(days)), "last": str(max(days))} if days else fields
