"""Retention of single conversations: their rows are deleted when they are too old, and are not loaded again.

Totals of days are never touched. What is landed is the matter of ``pipelines.loads.prune``.
"""

from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from extractors.account import Account
from extractors.landing.zone import LandingZone
from pipelines.loads.workspace import Workspace

LONGEST_PAUSE = timedelta(days=35)
"""How long after its newest response a zone is still pruned. Later, the clock may be wrong."""

_CONVERSATION_FACTS = ("conversation", "conversation_intent", "flow_transition")


def limit_now(landing: LandingZone, accounts: Iterable[tuple[str, str]], now: datetime) -> datetime:
    """Return ``now`` (UTC), but no later than ``LONGEST_PAUSE`` after the newest response of some accounts.

    A clock that is far ahead must not delete the history.
    """
    stamps = [
        batch.fetched_at
        for provider, account in accounts
        for stream in landing.list_streams(provider, account)
        for batch in landing.list_batches(provider, account, stream)[-1:]
    ]
    return min(now, max(stamps, default=now) + LONGEST_PAUSE)


def delete_old_conversations(workspace: Workspace, now: datetime) -> int:
    """Delete the rows of single conversations that are older than ``retention.conversation_days`` at ``now`` (UTC).

    Their bytes are removed too. Return the number of rows. Raises WarehouseErrors.
    """
    before = _first_kept_day(workspace, now)
    if before is None:
        return 0
    deleted = workspace.store.delete_conversations(before)
    if deleted:
        workspace.store.purge()
    return deleted


def drop_old_conversations(
    workspace: Workspace, account: Account, tables: Mapping[str, pa.Table | Path], days: Iterable[date]
) -> dict[str, pa.Table | Path]:
    """Return staged tables, with their columns, without single conversations that retention does not keep.

    ``days`` are the local days of the tables.
    """
    kept = dict(tables)
    if workspace.config.settings.retention.conversation_days is None:
        return kept
    now = limit_now(workspace.landing, [(account.provider, account.name)], workspace.clock.now())
    before = _first_kept_day(workspace, now)
    if before is None or min(days) >= before:
        return kept
    for name in _CONVERSATION_FACTS:
        if name in kept:
            kept[name] = _keep_from(kept[name], before)
    return kept


def _first_kept_day(workspace: Workspace, now: datetime) -> date | None:
    days = workspace.config.settings.retention.conversation_days
    return None if days is None else (now - timedelta(days=days)).date()


def _keep_from(table: pa.Table | Path, first: date) -> pa.Table | Path:
    if not isinstance(table, Path):
        return table.filter(pc.greater_equal(table["date"], pa.scalar(first, pa.date32())))
    part = table.with_name(f"{table.stem}.kept.parquet")
    with pq.ParquetFile(table) as file, pq.ParquetWriter(part, file.schema_arrow) as writer:
        for batch in file.iter_batches():
            writer.write_batch(batch.filter(pc.greater_equal(batch["date"], pa.scalar(first, pa.date32()))))
    part.replace(table)
    return table
