"""A run's rows in ``load_run``: one for each account, written at the start, at each publication and at the end.

A row without an end belongs to a run that is in progress or was killed. All figures come from the outcomes.
"""

import logging
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC
from decimal import Decimal
from functools import partial

from structlog.contextvars import bound_contextvars

from extractors.foreign_text import clean_line
from pipelines.loads.failures import INTERRUPTED_MESSAGE
from pipelines.loads.forgotten_texts import erase_forgotten
from pipelines.loads.publish import publish_warehouse, remove_staging, set_accounts_and_measures
from pipelines.loads.result import Outcome
from pipelines.loads.workspace import Workspace
from warehouse.errors import WarehouseError
from warehouse.records import RunRow

log = logging.getLogger("chatmart.run")

_MILLISECOND = Decimal("0.001")


@contextmanager
def track_run(
    workspace: Workspace, outcomes: Sequence[Outcome], earlier: Sequence[RunRow] = (), *, publish_at_end: bool = True
) -> Iterator["RunRecorder"]:
    """Surround one run: give its log lines the run's fields, write its rows, and publish its commits however it ends.

    ``earlier`` are the rows of the run's first half, if it had one. Accounts without a planned slice have no row.
    Raises WarehouseErrors.
    """
    with bound_contextvars(run_id=workspace.run_id, command=workspace.command), workspace.store.hold_engine():
        try:
            set_accounts_and_measures(workspace)
            with _record_run(RunRecorder(workspace, outcomes, earlier)) as recorder:
                yield recorder
        finally:
            if publish_at_end:
                publish_warehouse(workspace)


@contextmanager
def track_part(workspace: Workspace) -> Iterator[None]:
    """Surround a part of a run: give its log lines the run's fields, and remove its staged files at the end.

    The process that does the whole run writes its rows and publishes.
    """
    with bound_contextvars(run_id=workspace.run_id, command=workspace.command), workspace.store.hold_engine():
        try:
            yield
        finally:
            remove_staging(workspace)


@contextmanager
def _record_run(recorder: "RunRecorder") -> Iterator["RunRecorder"]:
    recorder.write_rows()
    try:
        yield recorder
    except BaseException as error:
        with suppress(WarehouseError):  # the error that ended the run is the one to report
            recorder.finish(clean_line(str(error)) if isinstance(error, Exception) else INTERRUPTED_MESSAGE)
        raise
    recorder.finish()


class RunRecorder:
    """Writes the rows of one run to ``load_run``."""

    def __init__(self, workspace: Workspace, outcomes: Sequence[Outcome], earlier: Sequence[RunRow]) -> None:
        self._workspace = workspace
        self._outcomes = outcomes
        self._started_at = workspace.clock.now()
        self._earlier = {row.account: row for row in earlier}
        self._erase = partial(erase_forgotten, workspace.landing)

    def write_rows(self) -> None:
        """Write the present state of all accounts. Raises WarehouseErrors."""
        rows = [self._build_row(outcome) for outcome in self._outcomes if outcome.planned]
        self._workspace.store.record_run(rows, self._erase)

    def finish(self, error: str | None = None) -> None:
        """Write the end of all accounts; ``error`` is the reason for those in progress. Raises WarehouseErrors."""
        error = error or (INTERRUPTED_MESSAGE if self._workspace.stop.is_requested else None)
        rows = []
        for outcome in self._outcomes:
            reason = error if outcome.ended_at is None else None
            outcome.ended_at = outcome.ended_at or self._workspace.clock.now()
            # they are printed, logged and sent from here on
            names = (outcome.account.provider, outcome.account.name)
            outcome.errors[:] = [self._erase(*names, sentence) for sentence in outcome.errors]
            if outcome.planned:
                rows.append(self._build_row(outcome, reason))
        self._workspace.store.record_run(rows, self._erase)
        for row in rows:
            self._log_row(row)

    def _build_row(self, outcome: Outcome, reason: str | None = None) -> RunRow:
        account, stats = outcome.account, outcome.stats
        earlier = self._earlier.get(account.name)
        started_at = earlier.started_at if earlier else self._started_at
        return RunRow(
            date=started_at.astimezone(UTC).date(),
            provider=account.provider,
            account=account.name,
            run_id=self._workspace.run_id,
            command=self._workspace.command,
            started_at=started_at,
            ended_at=outcome.ended_at,
            planned=outcome.planned,
            loaded=outcome.loaded,
            failed=outcome.failed,
            requests=stats.requests,
            retries=stats.retries,
            bytes=stats.bytes,
            rows=outcome.rows,
            waited_seconds=Decimal(stats.waited_seconds).quantize(_MILLISECOND),
            error=outcome.errors[0] if outcome.errors else reason,
        )

    def _log_row(self, row: RunRow) -> None:
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
