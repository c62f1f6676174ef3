"""Invented chunks for the warehouse's tests; used inside child processes too."""

from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path

import pyarrow as pa

from tests.support.object_store import BUCKET, start_object_store
from warehouse.ddl.views import view_queries
from warehouse.engine import EngineLimits
from warehouse.model.schema import STAGED_FACTS, member_schema, staged_schema
from warehouse.records import AccountRow, ChunkCommit, MeasureDefinition, ReconciliationEntry, SliceInfo
from warehouse.store import Store, open_store

STORE_KINDS = {"duckdb": "warehouse.duckdb", "parquet": "lake", "delta": "delta"}
"""Every kind of store on a disk, and what its published place is called here."""

CONFORMING_KINDS = (*STORE_KINDS, "delta+s3")
"""Every kind of store. The suite of stores runs on all of them."""

DAY = date(2025, 3, 1)
LOADED_AT = datetime(2025, 3, 20, 6, tzinfo=UTC)
ACME = AccountRow("acme", "chatcaptain", "bot-1", "Europe/Berlin", date(2025, 3, 1), 3)
DEFINITIONS = [MeasureDefinition("cognigy", "conversations", "billable units", "units", "additive")]

MEMBERS = {
    "channel": [
        ("whatsapp", "whatsapp", "messaging", False),
        ("webchat", "webchat", "web", False),
        ("debug", "webchat", "test", True),
    ],
    "language": [("de", "de"), ("pt-BR", "pt"), ("pt-PT", "pt")],
    "country": [("DE", "Germany"), ("NA", "Namibia")],
    "metric": [
        ("end_reason", "conversations", "additive", "Why calls ended"),
        ("tokens", "tokens", "additive", "Tokens by model"),
        ("topic", "conversations", "additive", "Topics"),
        ("type", "conversations", "additive", "Types"),
        ("inbox", "as named", "not additive", "Inbox numbers"),
        ("messages_median", "messages", "not additive", "Median"),
        ("channel_conversations", "conversations", "additive", "Conversations of a channel"),
        ("channel_call_transfer_targets", "conversations", "additive", "Calls by transfer target"),
    ],
}


def open_sample_store(
    folder: Path, kind: str = "duckdb", *, limits: EngineLimits | None = None, wait_seconds: float = 600
) -> Store:
    return open_store(sample_url(folder, kind), folder, limits=limits, wait_seconds=wait_seconds)


def sample_url(folder: Path, kind: str) -> str:
    """The address of a warehouse that belongs to a folder. Objects are at a prefix of their own for each folder."""
    if kind != "delta+s3":
        return f"{kind}://{folder / STORE_KINDS[kind]}"
    start_object_store()
    return f"delta+s3://{BUCKET}/{sha256(str(folder).encode()).hexdigest()[:12]}"


def consecutive_days(count: int, start: date = DAY) -> list[date]:
    return [start + timedelta(offset) for offset in range(count)]


def build_staged_table(name: str, rows: Iterable[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=staged_schema(name))


def build_member_tables() -> dict[str, pa.Table]:
    return {
        name: pa.Table.from_pylist(
            [dict(zip(member_schema(name).names, row, strict=True)) for row in rows], schema=member_schema(name)
        )
        for name, rows in MEMBERS.items()
    }


def build_chunk_commit(
    slices: list[date],
    tables: dict[str, pa.Table | Path] | None = None,
    *,
    account: AccountRow = ACME,
    loaded_at: datetime = LOADED_AT,
    fetched_at: datetime | None = None,
    reconciled: tuple[ReconciliationEntry, ...] = (),
) -> ChunkCommit:
    infos = tuple(
        SliceInfo(day, fetched_at or loaded_at, loaded_at, ("batch-1",), {"conversations": 10, "cost": Decimal("1.50")})
        for day in slices
    )
    return ChunkCommit(account, infos, tables or {}, build_member_tables(), reconciled, loaded_at, "run-1", "0.1.0")


def build_full_tables(slices: list[date], size: int = 10) -> dict[str, pa.Table | Path]:
    """Some rows in every fact of each day; `size` moves the numbers."""
    start = datetime(2025, 3, 1, 12, tzinfo=UTC)
    per_day: dict[str, list[dict[str, object]]] = {
        "conversation_daily": [
            {
                "conversations": size,
                "messages": 2 * size,
                "call_duration_seconds": Decimal("1.500"),
                "cost_amount": Decimal("0.100001"),
                "cost_currency": "EUR",
            }
        ],
        "channel_daily": [
            {"channel_code": "whatsapp", "conversations": size - 1},
            {"channel_code": "debug", "conversations": 2},
            {"channel_code": "unknown", "conversations": 1},
        ],
        "intent_daily": [
            {"intent": "null", "hits": size, "rank": 1, "is_top_n": True},
            {"intent": " Öffnungszeiten ", "hits": 1, "rank": 2, "is_top_n": True},
            {"intent": "unknown", "hits": 1, "rank": 3, "is_top_n": True},
        ],
        "language_daily": [
            {"language_code": "de", "conversations": size},
            {"language_code": "unknown", "conversations": 1},
        ],
        "country_daily": [
            {"country_code": "NA", "conversations": size},
            {"country_code": "unknown", "conversations": 1},
        ],
        "metric_daily": [
            {"metric": "end_reason", "member": "hangup", "value": Decimal(size)},
            {"metric": "tokens", "member": "model-a", "value": Decimal(size)},
            {"metric": "topic", "member": "prices", "value": Decimal(size)},
            {"metric": "type", "member": "unknown", "value": Decimal(size)},
            {"metric": "inbox", "member": "open", "value": Decimal("1.5")},
            {"metric": "messages_median", "value": None},
            {"metric": "messages_median", "channel_id": "c-1", "value": Decimal("2.5")},
        ],
        "team_daily": [
            {
                "bot_id": "b",
                "bot_version": "LIVE",
                "channel_code": "webchat",
                "language_code": language,
                "conversations": 1,
            }
            for language in ("pt-BR", "pt-PT")
        ],
        "conversation": [
            {"conversation_id": f"c{number}", "started_at": start, "channel_code": "whatsapp", "messages": 3}
            for number in range(size)
        ],
        "conversation_intent": [{"conversation_id": "c0", "intent": "null", "hits": 2, "score": Decimal("0.5")}],
        "flow_transition": [
            {"conversation_id": "c0", "transition_id": "t0", "from_step_id": "a", "depth": 1, "at": start}
        ],
    }
    assert set(per_day) == set(STAGED_FACTS)
    return {
        name: build_staged_table(name, ({"date": day, **row} for day in slices for row in rows))
        for name, rows in per_day.items()
    }


def columns_of_views(store: Store) -> dict[str, dict[str, str]]:
    """The columns of every view with their types, as the engine binds them; in one query, as opening costs most."""
    views: dict[str, dict[str, str]] = {view: {} for view in view_queries()}
    query = " UNION ALL ".join(f"SELECT '{view}', column_name, column_type FROM (DESCRIBE {view})" for view in views)
    for view, column, column_type in query_rows(store, query):
        views[str(view)][str(column)] = str(column_type)
    return views


def query_rows(store: Store, sql: str) -> list[tuple[object, ...]]:
    """The published answer as tuples."""
    return [tuple(row.values()) for row in store.read(sql).to_pylist()]


def read_contents(store: Store) -> dict[str, list[str]]:
    """Return the sorted rows of all views, in one query: opening a warehouse costs more than reading a view."""
    store.publish()
    views = view_queries()
    query = " UNION ALL ".join(f"SELECT '{view}', CAST(v AS VARCHAR) FROM {view} AS v" for view in views)
    lines = query_rows(store, query)
    return {view: sorted(str(text) for name, text in lines if name == view) for view in views}
