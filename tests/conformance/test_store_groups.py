"""Commits in groups, in all kinds of store: the outcome is that of one commit after the other."""

import random
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from filelock import FileLock

from tests.warehouse.sample import (
    ACME,
    DAY,
    LOADED_AT,
    build_chunk_commit,
    build_full_tables,
    build_staged_table,
    consecutive_days,
    open_sample_store,
    query_rows,
    read_contents,
)
from warehouse.commit.group import ChunkGroup
from warehouse.errors import DuplicateGrain, OutdatedChunk, OutsideSlices, StagedError, UnknownMember, WarehouseBusy
from warehouse.model.schema import metadata
from warehouse.records import ChunkCommit, CommitResult, DriftEntry, ReconciliationEntry, SliceFailure
from warehouse.store import Store

ACCOUNTS = [
    replace(ACME, account=name, provider=provider)
    for name, provider in (("acme", "chatcaptain"), ("o'hara", "inkeep"), ("docs", "cognigy"))
]
DAYS = [*consecutive_days(3), *consecutive_days(3, date(2025, 4, 1))]


def list_rows(store: Store) -> dict[str, list[str]]:
    """The rows of all tables as text, sorted; without the instants of the schema's migrations."""
    store.publish()
    tables = [name for name in metadata.tables if name != "schema_version"]
    query = " UNION ALL ".join(f"SELECT '{name}', CAST(t AS VARCHAR) FROM {name} AS t" for name in tables)
    rows = query_rows(store, query)
    return {name: sorted(str(text) for table, text in rows if table == name) for name in tables}


def spoil(chunk: ChunkCommit, chance: random.Random) -> ChunkCommit:
    """Return the chunk with a mistake that the store refuses."""
    table = build_staged_table("channel_daily", [{"date": chunk.slices[0].date, "channel_code": "webchat"}])
    wrong = chance.choice(
        [
            {"channel_daily": pa.concat_tables([table, table])},
            {"channel_daily": table.set_column(0, "date", pa.array([date(2020, 1, 1)]))},
            {"channel_daily": table.set_column(1, "channel_code", pa.array(["qx-new"]))},
            {"channel_dayly": table},
            {"channel_daily": table.drop_columns(["conversations"])},
            {"conversation": build_staged_table("conversation", [{"date": chunk.slices[0].date}])},
        ]
    )
    return replace(chunk, tables={**chunk.tables, **wrong})


def build_random_chunk(chance: random.Random, number: int, folder: Path) -> ChunkCommit:
    account = replace(chance.choice(ACCOUNTS), lookback_days=chance.choice([3, 3, 3, 4]))
    if chance.random() < 0.1:
        account = replace(account, timezone="America/New_York")
    month = chance.choice([3, 4])
    days = sorted(chance.sample([day for day in DAYS if day.month == month], chance.randint(1, 3)))
    full = build_full_tables(days, chance.randint(1, 4))
    tables = {name: table for name, table in full.items() if chance.random() < 0.7}
    if "conversation" in tables and chance.random() < 0.3:
        path = folder / f"{number}.parquet"
        pq.write_table(tables["conversation"], path)
        tables["conversation"] = path
    chunk = build_chunk_commit(days, tables, account=account, loaded_at=LOADED_AT + timedelta(hours=number))
    if chance.random() < 0.5:
        verdict = ReconciliationEntry(days[0], "messages", "channels", Decimal(2), Decimal(1), "unexplained", None)
        drift = DriftEntry(days[-1], "stream", "unknown field", f"name {number}", "batch-1")
        chunk = replace(chunk, reconciliations=(verdict,), drift=(drift,))
    if chance.random() < 0.3:
        chunk = replace(chunk, history=chance.choice(["reset", "replay"]))
    return spoil(chunk, chance) if chance.random() < 0.15 else chunk


def commit_alone(store: Store, chunk: ChunkCommit) -> CommitResult | StagedError:
    try:
        return store.commit(chunk)
    except StagedError as error:
        return error


def describe(result: CommitResult | Exception) -> object:
    return (type(result), str(result)) if isinstance(result, Exception) else result


@pytest.mark.parametrize("seed", [0, *(pytest.param(seed, marks=pytest.mark.long) for seed in range(1, 12))])
def test_groups_give_the_tables_of_single_commits(kind: str, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    alone, grouped = (open_sample_store(tmp_path / name, kind) for name in ("alone", "grouped"))
    chunks = [build_random_chunk(chance, number, tmp_path) for number in range(10)]
    with alone.hold_engine():
        expected = [describe(commit_alone(alone, chunk)) for chunk in chunks]
    results: list[object] = []
    with grouped.hold_engine():
        while len(results) < len(chunks):
            group = chunks[len(results) : len(results) + chance.randint(1, 6)]
            results += map(describe, grouped.commit_group([[chunk] for chunk in group]))
    assert results == expected
    assert list_rows(grouped) == list_rows(alone)


def test_histories_of_a_group_stay_in_order(kind: str, tmp_path: Path) -> None:
    alone, grouped = (open_sample_store(tmp_path / name, kind) for name in ("alone", "grouped"))
    histories: list[list[ChunkCommit]] = []
    for account in ACCOUNTS:
        sizes = [1, 2, 3] if account is not ACCOUNTS[1] else [4, 5]
        chunks = [
            build_chunk_commit(
                DAYS, build_full_tables(DAYS, size), account=account, loaded_at=LOADED_AT + timedelta(hours=size)
            )
            for size in sizes
        ]
        histories.append(
            [replace(chunk, history="replay" if number else "reset") for number, chunk in enumerate(chunks)]
        )
    expected = [alone.commit(*history) for history in histories]
    assert grouped.commit_group(histories) == expected
    assert list_rows(grouped) == list_rows(alone)


def test_a_refused_chunk_holds_nobody_up(store: Store) -> None:
    chunks = [build_chunk_commit([DAY], build_full_tables([DAY], 5), account=account) for account in ACCOUNTS]
    duplicate = build_staged_table("channel_daily", [{"date": DAY, "channel_code": "webchat"}] * 2)
    outside = ReconciliationEntry(date(2020, 1, 1), "m", "a", Decimal(1), Decimal(1), "ok", None)
    unknown = build_staged_table("channel_daily", [{"date": DAY, "channel_code": "qx-new"}])
    bad = replace(ACME, account="bad")
    refused = [
        (replace(chunks[0], account=bad, tables={"channel_daily": duplicate}), DuplicateGrain),
        (replace(chunks[0], account=bad, reconciliations=(outside,)), OutsideSlices),
        (replace(chunks[0], account=bad, tables={"channel_daily": unknown}), UnknownMember),
    ]
    for chunk, error in refused:
        results = store.commit_group([[chunks[0]], [chunk], [chunks[1]], [chunks[2]]])
        assert [type(result) for result in results] == [CommitResult, error, CommitResult, CommitResult]
        assert str(results[1]).startswith("bad: ")
    assert [row.account for row in store.ledger()] == ["acme", "docs", "o'hara"]
    assert [row.account for row in store.ledger("acme", "docs", days=(DAY, DAY))] == ["acme", "docs"]
    assert store.ledger("acme", days=(DAY + timedelta(1), DAY + timedelta(1))) == []


def test_a_chunk_that_is_outdated_under_the_lock_is_refused_and_the_others_are_committed(store: Store) -> None:
    chunks = [build_chunk_commit([DAY], build_full_tables([DAY], 5), account=account) for account in ACCOUNTS]
    chunks[1] = replace(chunks[1], is_current=lambda: False)
    results = store.commit_group([[chunk] for chunk in chunks])
    assert [type(result) for result in results] == [CommitResult, OutdatedChunk, CommitResult]
    assert "o'hara: a person was forgotten after the rows of this commit were made" in str(results[1])
    assert [row.account for row in store.ledger()] == ["acme", "docs"]


def test_an_error_of_the_engine_is_that_of_its_chunk(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    original = ChunkGroup.replace

    def fail(group: ChunkGroup, con: duckdb.DuckDBPyConnection) -> None:
        original(group, con)
        if ("docs", DAY) in group.slices:
            raise duckdb.OutOfMemoryException("no room")

    monkeypatch.setattr(ChunkGroup, "replace", fail)
    histories = [[build_chunk_commit([DAY], build_full_tables([DAY]), account=account)] for account in ACCOUNTS]
    with store.hold_engine():
        results = store.commit_group(histories)
    assert [type(result) for result in results] == [CommitResult, CommitResult, duckdb.OutOfMemoryException]
    assert [row.account for row in store.ledger()] == ["acme", "o'hara"]


def test_a_group_that_waits_too_long_for_the_lock_changes_nothing(kind: str, tmp_path: Path) -> None:
    store = open_sample_store(tmp_path, kind, wait_seconds=0)
    store.commit(build_chunk_commit([DAY]))
    before = read_contents(store)
    [lock] = store.location.parent.rglob("*lock")
    group: Sequence[list[ChunkCommit]] = [
        [build_chunk_commit([DAY], build_full_tables([DAY]), account=account)] for account in ACCOUNTS
    ]
    with FileLock(lock), pytest.raises(WarehouseBusy, match="run again"):
        store.commit_group(group)
    assert read_contents(store) == before


def test_a_held_engine_holds_no_file(kind: str, tmp_path: Path) -> None:
    """Between two commits of a run, other writers commit, and an error leaves nothing behind."""
    store, other = (open_sample_store(tmp_path, kind) for _ in range(2))
    tables = build_full_tables([DAY], 2)
    twice = build_staged_table("intent_daily", [{"date": DAY, "intent": "x"}] * 2)
    with store.hold_engine():
        store.commit(build_chunk_commit([DAY], tables))
        other.commit(build_chunk_commit([DAY], build_full_tables([DAY], 3)))
        with pytest.raises(DuplicateGrain):
            store.commit(build_chunk_commit([DAY], {**tables, "intent_daily": twice}))
        assert store.commit(build_chunk_commit([DAY], tables)).restatement_count > 0
        store.record_failures([SliceFailure(ACME, (DAY,), "503", LOADED_AT)])
        store.publish()
    assert query_rows(store, "SELECT conversations FROM conversation_daily") == [(2,)]
    assert [row.error for row in store.ledger("acme")] == ["503"]


def test_an_empty_group_is_nothing(store: Store) -> None:
    assert store.commit_group([]) == []
    assert store.commit_group([[], [build_chunk_commit([])]]) == [CommitResult({}, 0)] * 2
    assert not store.location.exists()
