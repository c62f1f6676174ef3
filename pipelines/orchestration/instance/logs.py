"""Delete old logs from Dagster's storage, and keep the events that hold the state of assets, checks and runs.

How long logs are kept is not decided here. Deleting whole runs would delete the state of their partitions, so events
are deleted by kind, on SQLite and on PostgreSQL.
"""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
from dagster._core.events import ASSET_CHECK_EVENTS, ASSET_EVENTS, EVENT_TYPE_TO_PIPELINE_RUN_STATUS
from dagster._core.storage.dagster_run import FINISHED_STATUSES
from dagster._core.storage.event_log import SqlEventLogStorage, SqliteEventLogStorage
from dagster._core.storage.event_log.schema import SqlEventLogStorageTable
from sqlalchemy import or_

CURSOR = "chatmart/logs_pruned_until"
RUNS_PER_BATCH = 500

_RUN_EVENTS = frozenset(kind.value for kind in EVENT_TYPE_TO_PIPELINE_RUN_STATUS)
_STATE_EVENTS = _RUN_EVENTS | frozenset(kind.value for kind in (*ASSET_EVENTS, *ASSET_CHECK_EVENTS))


@dataclass(frozen=True)
class LogPruneResult:
    """The number of pruned runs, and of events deleted from them."""

    runs: int = 0
    events: int = 0


def prune_logs(instance: dg.DagsterInstance, before: datetime) -> LogPruneResult:
    """Delete log lines, step events and captured output of runs that ended before an instant with a zone.

    The instance keeps the instant of the last pruning, so that each run is read once.
    """
    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        return LogPruneResult()
    cursors = instance.daemon_cursor_storage
    text = cursors.get_cursor_values({CURSOR}).get(CURSOR)
    last = datetime.fromisoformat(text) if text else None
    if last and last > before:  # written by a clock that was ahead, or with a shorter retention
        last = None
    runs = events = 0
    for run_ids in _list_finished_runs(instance, last, before):
        for run_id in run_ids:
            events += _prune_run(storage, run_id)
            instance.compute_log_manager.delete_logs(prefix=[run_id])
        runs += len(run_ids)
    cursors.set_cursor_values({CURSOR: before.astimezone(UTC).isoformat()})
    return LogPruneResult(runs, events)


def _list_finished_runs(
    instance: dg.DagsterInstance, after: datetime | None, before: datetime
) -> Iterator[Sequence[str]]:
    """Yield ids of the runs that ended between two instants, in batches."""
    ended = dg.RunsFilter(statuses=FINISHED_STATUSES, updated_after=after, updated_before=before)
    run_ids = instance.get_run_ids(ended, limit=RUNS_PER_BATCH)
    while run_ids:
        yield run_ids
        run_ids = instance.get_run_ids(ended, cursor=run_ids[-1], limit=RUNS_PER_BATCH)


def _prune_run(storage: SqlEventLogStorage, run_id: str) -> int:
    """Delete a run's events that hold no state, and return their number."""
    # Dagster reads asset and check state from the index; a run's own file only holds copies of those events
    kept = _RUN_EVENTS if storage.is_run_sharded else _STATE_EVENTS
    own_file = Path(storage.path_for_shard(run_id)) if isinstance(storage, SqliteEventLogStorage) else None
    if own_file and not own_file.exists():
        return 0  # opening a connection would create the file
    kind = SqlEventLogStorageTable.c.dagster_event_type
    with storage.run_connection(run_id) as con:
        deleted = con.execute(
            SqlEventLogStorageTable.delete().where(
                SqlEventLogStorageTable.c.run_id == run_id, or_(kind.is_(None), kind.not_in(kept))
            )
        )
    if own_file and deleted.rowcount:
        with closing(sqlite3.connect(own_file)) as con:
            con.execute("VACUUM")  # otherwise the file would keep its size
    return int(deleted.rowcount)
