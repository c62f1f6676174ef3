"""A run's rows in ``load_run``: one for each account, written when the run begins, now and then, and when it ends.

A row without an end is a run that is still going, or was killed. What is noted comes from the outcomes alone.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC
from decimal import Decimal

from structlog.contextvars import bound_contextvars

from extractors.redaction import redact
from pipelines.loads.load import publish_warehouse, set_accounts_and_measures
from pipelines.loads.result import Outcome
from pipelines.loads.workspace import Workspace
from warehouse.errors import WarehouseError
from warehouse.records import RunRow

log = logging.getLogger("chatmart.run")

INTERRUPTED_MESSAGE = "interrupted: the same command goes on from there"

_MILLISECOND = Decimal("0.001")


@contextmanager
def track_run(
    workspace: Workspace, outcomes: Sequence[Outcome], earlier: Sequence[RunRow] = (), *, publish_at_end: bool = True
) -> Iterator["RunRecorder"]:
    """One run: its lines of the log are marked, its rows are noted, what it commits is published however it ends.

    ``earlier`` are the rows of its first half, if it has one. Accounts of which nothing was planned have no row.
    Raises WarehouseErrors.
    """
    with bound_contextvars(run_id=workspace.run_id, command=workspace.command):
        try:
            set_accounts_and_measures(workspace)
            with _noted(RunRecorder(workspace, outcomes, earlier)) as notes:
                yield notes
        finally:
            if publish_at_end:
                publish_warehouse(workspace)


@contextmanager
def _noted(notes: "RunRecorder") -> Iterator["RunRecorder"]:
    notes.write_rows()
    try:
        yield notes
    except BaseException as error:
        with suppress(WarehouseError):  # what ended the run says more
            notes.finish(redact(str(error)) if isinstance(error, Exception) else INTERRUPTED_MESSAGE)
        raise
    notes.finish()


class RunRecorder:
    """Writes the rows of one run."""

    def __init__(self, workspace: Workspace, outcomes: Sequence[Outcome], earlier: Sequence[RunRow]) -> None:
        self._workspace = workspace
        self._outcomes = outcomes
        self._began = workspace.clock.now()
        self._earlier = {row.account: row for row in earlier}

    def write_rows(self) -> None:
        """Note how things stand."""
        self._workspace.store.record_run([self._row(outcome) for outcome in self._outcomes if outcome.planned])

    def finish(self, error: str | None = None) -> None:
        """Note the end of all accounts; ``error`` is why those have ended that were not done."""
        error = error or (INTERRUPTED_MESSAGE if self._workspace.stop.is_requested else None)
        rows = []
        for outcome in self._outcomes:
            why = error if outcome.ended_at is None else None
            outcome.ended_at = outcome.ended_at or self._workspace.clock.now()
            if outcome.planned:
                rows.append(self._row(outcome, why))
        self._workspace.store.record_run(rows)
        for row in rows:
            self._log(row)

    def _row(self, outcome: Outcome, why: str | None = None) -> RunRow:
        account, counts = outcome.account, outcome.stats
        earlier = self._earlier.get(account.name)
        began = earlier.started_at if earlier else self._began
        return RunRow(
            date=began.astimezone(UTC).date(),
            provider=account.provider,
            account=account.name,
            run_id=self._workspace.run_id,
            command=self._workspace.command,
            started_at=began,
            ended_at=outcome.ended_at,
            planned=outcome.planned,
            loaded=outcome.loaded,
            failed=outcome.failed,
            requests=counts.requests,
            retries=counts.retries,
            bytes=counts.bytes,
            rows=outcome.rows,
            waited_seconds=Decimal(counts.waited_seconds).quantize(_MILLISECOND),
            error=outcome.errors[0] if outcome.errors else why,
        )

    def _log(self, row: RunRow) -> None:
        log.info(
            "%s: %d of %d slices loaded, %d failed; %d rows, %d requests, %d of them repeated, %d bytes, waited %s s",
            *(row.account, row.loaded, row.planned, row.failed),
            *(row.rows, row.requests, row.retries, row.bytes, row.waited_seconds),
            extra={
                "account": row.account,
                "provider": row.provider,
                "planned": row.planned,
                "loaded": row.loaded,
                "failed": row.failed,
                "rows": row.rows,
                "requests": row.requests,
                "retries": row.retries,
                "bytes": row.bytes,
                "waited_seconds": float(row.waited_seconds),
                "seconds": round((row.ended_at - row.started_at).total_seconds(), 3) if row.ended_at else None,
                "error": row.error,
            },
        )
