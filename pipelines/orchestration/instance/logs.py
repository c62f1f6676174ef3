"""Deleting old logs from Dagster's storage. What tells the state of assets, partitions, checks and runs stays.

Deleting whole runs would take the state of their partitions with them, so events are deleted by their kind, on SQLite
as on PostgreSQL.
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
AT_ONCE = 500

_OF_RUNS = frozenset(kind.value for kind in EVENT_TYPE_TO_PIPELINE_RUN_STATUS)
_KEPT = _OF_RUNS | frozenset(kind.value for kind in (*ASSET_EVENTS, *ASSET_CHECK_EVENTS))


@dataclass(frozen=True)
class LogPruneResult:
    """Of how many runs how many events were deleted."""

    runs: int = 0
    events: int = 0


def prune_logs(instance: dg.DagsterInstance, before: datetime) -> LogPruneResult:
    """Delete log lines, step events and captured output of runs that were created and done ``before`` an instant.

    Where the last pruning ended is kept in the instance, so that each run is looked at once.
    """
    storage = instance.event_log_storage
    if not isinstance(storage, SqlEventLogStorage):
        return LogPruneResult()
    cursors = instance.daemon_cursor_storage
    last = cursors.get_cursor_values({CURSOR}).get(CURSOR)
    runs = events = 0
    for run_ids in _done(instance, datetime.fromisoformat(last) if last else None, before):
        for run_id in run_ids:
            events += _prune_run(storage, run_id)
            instance.compute_log_manager.delete_logs(prefix=[run_id])
        runs += len(run_ids)
    cursors.set_cursor_values({CURSOR: before.astimezone(UTC).isoformat()})
    return LogPruneResult(runs, events)


def _done(instance: dg.DagsterInstance, after: datetime | None, before: datetime) -> Iterator[Sequence[str]]:
    """Ids of the runs that ended between two instants, some at a time."""
    ended = dg.RunsFilter(statuses=FINISHED_STATUSES, updated_after=after, updated_before=before)
    found = instance.get_run_ids(ended, limit=AT_ONCE)
    while found:
        yield found
        found = instance.get_run_ids(ended, cursor=found[-1], limit=AT_ONCE)


def _prune_run(storage: SqlEventLogStorage, run_id: str) -> int:
    """Delete a run's events that tell no state; returns how many they were."""
    # a run's own file holds copies of what stands in the index too, where the state is asked of
    kept = _OF_RUNS if storage.is_run_sharded else _KEPT
    own_file = Path(storage.path_for_shard(run_id)) if isinstance(storage, SqliteEventLogStorage) else None
    if own_file and not own_file.exists():
        return 0  # asking would make it
    kind = SqlEventLogStorageTable.c.dagster_event_type
    with storage.run_connection(run_id) as con:
        done = con.execute(
            SqlEventLogStorageTable.delete().where(
                SqlEventLogStorageTable.c.run_id == run_id, or_(kind.is_(None), kind.not_in(kept))
            )
        )
    if own_file and done.rowcount:
        with closing(sqlite3.connect(own_file)) as con:
            con.execute("VACUUM")  # the file would keep its size
    return int(done.rowcount)
