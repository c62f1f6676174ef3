"""The behaviour that all kinds of store share: load, load again, restate, refuse, read."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.warehouse.sample import (
    ACME,
    DAY,
    DEFINITIONS,
    LOADED_AT,
    build_chunk_commit,
    build_full_tables,
    build_staged_table,
    consecutive_days,
    open_sample_store,
    query_rows,
    read_contents,
)
from warehouse.engine import EngineLimits
from warehouse.errors import (
    NothingPublished,
    QueryError,
)
from warehouse.model.schema import STAGED_FACTS, fact_table
from warehouse.records import History, ReconciliationEntry
from warehouse.store import Store

LATER = LOADED_AT + timedelta(days=2)


def test_a_load_returns_its_rows(store: Store) -> None:
    result = store.commit(build_chunk_commit(consecutive_days(2), build_full_tables(consecutive_days(2))))
    assert result.rows_by_table["channel_daily"] == 6
    assert result.rows_by_table["conversation"] == 20
    assert result.restatement_count == 0
    store.publish()
    [first, _] = store.ledger("acme")
    assert (first.date, first.account, first.provider, first.zone) == (DAY, "acme", "chatcaptain", "Europe/Berlin")
    assert first.rows == sum(result.rows_by_table.values()) // 2
    assert (first.fetched_at, first.loaded_at, first.batches) == (LOADED_AT, LOADED_AT, ("batch-1",))
    assert query_rows(store, "SELECT DISTINCT totals FROM load_ledger") == [('{"conversations": 10, "cost": "1.50"}',)]
    assert store.ledger("nobody") == []


def test_loading_again_changes_nothing(three_days: Store) -> None:
    once = read_contents(three_days)
    assert (
        three_days.commit(
            build_chunk_commit(consecutive_days(3), build_full_tables(consecutive_days(3)), loaded_at=LATER)
        ).restatement_count
        == 0
    )
    again = read_contents(three_days)
    assert again == once
    assert query_rows(three_days, "SELECT count(*) FROM restatement_log") == [(0,)]
    assert query_rows(three_days, "SELECT count(*), min(loaded_at) FROM load_ledger") == [(3, LATER)]


@pytest.mark.parametrize("length", [2, pytest.param(4, marks=pytest.mark.long)])
def test_the_order_of_loads_does_not_matter(store: Store, kind: str, tmp_path: Path, length: int) -> None:
    other = open_sample_store(tmp_path / "other", kind)
    sized = {day: size for size, day in enumerate(consecutive_days(length), start=5)}
    store.commit(build_chunk_commit(consecutive_days(length), build_full_tables(consecutive_days(length), 99)))
    for day, size in sized.items():
        store.commit(build_chunk_commit([day], build_full_tables([day], size)))
    for day, size in reversed(sized.items()):
        other.commit(build_chunk_commit([day], build_full_tables([day], size)))
    assert read_contents(store) == read_contents(other)


def test_restated_smaller(two_days: Store) -> None:
    fewer = build_full_tables(consecutive_days(1), 7)
    fewer["channel_daily"] = build_staged_table(
        "channel_daily", [{"date": DAY, "channel_code": "whatsapp", "conversations": 6}]
    )
    assert two_days.commit(build_chunk_commit(consecutive_days(1), fewer, loaded_at=LATER)).restatement_count > 0
    two_days.publish()
    assert query_rows(two_days, "SELECT date, conversations FROM conversation_daily ORDER BY date") == [
        (DAY, 7),
        (DAY + timedelta(1), 10),
    ]
    log = (
        'SELECT view, member, measure, CAST("old" AS INT), CAST("new" AS INT), age_days, logged_at FROM restatement_log'
    )
    logged = query_rows(two_days, log)
    assert ("conversation_daily", None, "conversations", 10, 7, 21, LATER) in logged
    assert ("channel_daily", "whatsapp", "conversations", 9, 6, 21, LATER) in logged
    assert ("channel_daily", "debug", "conversations", 2, None, 21, LATER) in logged
    assert ("metric_daily", "tokens / model-a", "value", 10, 7, 21, LATER) in logged
    assert ("conversation", None, "conversations", 10, 7, 21, LATER) in logged
    assert ("conversation", None, "messages", 30, 21, 21, LATER) in logged
    assert not [line for line in logged if line[2] == "rank"]
    assert query_rows(two_days, "SELECT DISTINCT date, provider, account FROM restatement_log") == [
        (DAY, "chatcaptain", "acme")
    ]


@pytest.mark.parametrize(
    "empty", [{}, {name: build_staged_table(name, []) for name in STAGED_FACTS}], ids=["absent", "no rows"]
)
def test_restated_to_empty(two_days: Store, empty: dict[str, pa.Table]) -> None:
    assert two_days.commit(build_chunk_commit(consecutive_days(2), empty, loaded_at=LATER)).restatement_count > 0
    two_days.publish()
    counts = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM {fact_table(name).name}" for name in STAGED_FACTS)
    assert dict(query_rows(two_days, counts)) == dict.fromkeys(STAGED_FACTS, 0)  # type: ignore[arg-type]
    assert [row.rows for row in two_days.ledger()] == [0, 0]
    assert two_days.commit(build_chunk_commit(consecutive_days(2), empty, loaded_at=LATER)).restatement_count == 0


def test_a_changed_zone_is_a_first_load_again(one_day: Store) -> None:
    moved = replace(ACME, timezone="America/New_York")
    assert (
        one_day.commit(
            build_chunk_commit(consecutive_days(1), build_full_tables(consecutive_days(1), 5), account=moved)
        ).restatement_count
        == 0
    )


def test_accounts_do_not_touch_each_other(two_days: Store) -> None:
    other = replace(ACME, account="o'hara", provider="inkeep")
    two_days.commit(build_chunk_commit(consecutive_days(1), build_full_tables(consecutive_days(1)), account=other))
    two_days.commit(build_chunk_commit(consecutive_days(1), {}, account=other))
    two_days.publish()
    assert query_rows(two_days, "SELECT account, count(*) FROM channel_daily GROUP BY account") == [("acme", 6)]
    assert [row.account for row in two_days.ledger()] == ["acme", "acme", "o'hara"]


def test_reconciliation_is_replaced_with_its_slice(store: Store) -> None:
    entry = ReconciliationEntry(DAY, "conversations", "channels", Decimal(10), Decimal(9), "explained", "debug")
    store.commit(
        build_chunk_commit(consecutive_days(1), build_full_tables(consecutive_days(1)), reconciled=(entry, entry))
    )
    store.commit(build_chunk_commit(consecutive_days(1), build_full_tables(consecutive_days(1)), reconciled=(entry,)))
    store.publish()
    assert query_rows(store, "SELECT measure, against, difference, verdict, reason FROM reconciliation") == [
        ("conversations", "channels", Decimal(1), "explained", "debug")
    ]


def test_members_are_corrected(store: Store) -> None:
    first = build_chunk_commit(consecutive_days(1), build_full_tables(consecutive_days(1)))
    store.commit(first)
    renamed = pa.table(
        {"channel_code": ["whatsapp"], "channel": ["wa"], "channel_group": ["messaging"], "is_test": [True]}
    )
    store.commit(replace(first, members={"channel": renamed}))
    store.publish()
    assert query_rows(store, "SELECT channel, is_test FROM dim_channel WHERE channel_code = 'whatsapp'") == [
        ("wa", True)
    ]


def test_describe_keeps_removed_accounts(store: Store) -> None:
    other = replace(ACME, account="other")
    store.set_accounts_and_measures([ACME, other], DEFINITIONS)
    store.set_accounts_and_measures([replace(other, lookback_days=9)], DEFINITIONS)
    assert store.publish()
    sql = "SELECT account, is_active, lookback_days FROM dim_account WHERE account_key <> 0 ORDER BY account"
    assert query_rows(store, sql) == [("acme", False, 3), ("other", True, 9)]
    assert query_rows(store, "SELECT * FROM measure_definition") == [
        ("cognigy", "conversations", "billable units", "units", "additive")
    ]
    store.set_accounts_and_measures([replace(other, lookback_days=9)], DEFINITIONS)
    assert not store.publish()


def test_a_parquet_file_is_as_good_as_a_table(three_days: Store, kind: str, tmp_path: Path) -> None:
    other = open_sample_store(tmp_path / "other", kind)
    tables = build_full_tables(consecutive_days(3))
    files: dict[str, pa.Table | Path] = {}
    for name, table in tables.items():
        path = tmp_path / f"it's {name}.parquet"
        pq.write_table(table, path)
        files[name] = path
    other.commit(build_chunk_commit(consecutive_days(3), files))
    assert read_contents(three_days) == read_contents(other)


def test_members_without_a_name_count_alike_in_a_file_and_in_a_table(tmp_path: Path, kind: str) -> None:
    rows = [
        {"date": DAY, "conversation_id": f"c{number}", "channel_code": channel, "language_code": language}
        for number, (channel, language) in enumerate(
            [(None, None), ("unknown", "de"), (None, "de"), ("whatsapp", None), ("whatsapp", "unknown")]
        )
    ]
    table = build_staged_table("conversation", rows)
    path = tmp_path / "conversation.parquet"
    pq.write_table(table, path)
    contents = []
    for name, staged in {"file": path, "table": table}.items():
        store = open_sample_store(tmp_path / name, kind)
        result = store.commit(build_chunk_commit([DAY], {"conversation": staged}))
        assert result.rows_by_table == {"conversation": 5}
        contents.append(read_contents(store))
    assert contents[0] == contents[1]


def test_a_large_parquet_file_stays_within_the_memory_limit(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "conversation.parquet"
    sql = """COPY (SELECT DATE '2025-03-01' + CAST(i % 3 AS INTEGER) AS date, 'c' || i AS conversation_id,
        CAST(NULL AS TIMESTAMPTZ) AS started_at, CAST(NULL AS TIMESTAMPTZ) AS ended_at,
        'whatsapp' AS channel_code, 'de' AS language_code, NULL::VARCHAR AS type, NULL::VARCHAR AS project_id,
        NULL::VARCHAR AS integration_id, i AS messages, i AS user_messages, i AS interactions,
        CAST(1 AS DECIMAL(18, 3)) AS duration_seconds, NULL::VARCHAR AS end_reason,
        NULL::VARCHAR AS transfer_target, md5(CAST(i AS VARCHAR)) AS user_id, NULL::VARCHAR AS properties
        FROM range(200000) AS t(i)) TO $path (FORMAT parquet)"""
    with duckdb.connect() as con:
        con.execute(sql, {"path": str(path)})
    store = open_sample_store(tmp_path, kind, limits=EngineLimits("200MB", 2))
    assert store.commit(build_chunk_commit(consecutive_days(3), {"conversation": path})).rows_by_table == {
        "conversation": 200_000
    }
    store.publish()
    assert query_rows(store, "SELECT count(*), CAST(sum(messages) AS BIGINT) FROM conversation") == [
        (200_000, 19999900000)
    ]


def test_reading_before_the_first_publication(store: Store) -> None:
    with pytest.raises(NothingPublished, match="load something first"):
        store.read("SELECT 1")


def test_readers_cannot_write_and_see_why_a_query_fails(one_day: Store) -> None:
    with pytest.raises(QueryError, match=r"read-only|base table"):
        one_day.read("DELETE FROM star.fact_channel_daily")
    variable = pa.table({"x": [1]})
    with pytest.raises(QueryError, match="variable"):
        one_day.read("SELECT * FROM variable")
    assert variable.num_rows == 1
    with pytest.raises(QueryError, match="nonsense"):
        one_day.read("SELECT nonsense FROM channel_daily")
    assert one_day.read("SELECT TIMESTAMPTZ '2025-03-30 02:59:59+02' AS t")["t"].to_pylist() == [
        datetime(2025, 3, 30, 0, 59, 59, tzinfo=UTC)
    ]


def test_an_empty_commit_is_nothing(store: Store) -> None:
    assert store.commit(build_chunk_commit([])).rows_by_table == {}
    assert not store.location.parent.exists()


def test_settled_slices_are_read_as_ranges(store: Store) -> None:
    days = consecutive_days(6)
    settled_at, unsettled_at = LOADED_AT, LOADED_AT - timedelta(days=16)
    for first, last, fetched_at in ((0, 2, settled_at), (2, 3, unsettled_at), (3, 6, settled_at)):
        store.commit(build_chunk_commit(days[first:last], {}, fetched_at=fetched_at))
    moved = replace(ACME, account="o'hara", privacy="mark")
    store.commit(build_chunk_commit(days[:1], {}, account=moved, fetched_at=settled_at))
    states = {(row.account, row.date) for row in store.ledger() if row.state == "settled"}
    ranges = store.settled_ranges()
    assert [(part.account, part.first, part.last) for part in ranges] == [
        ("acme", days[0], days[1]),
        ("acme", days[3], days[5]),
        ("o'hara", days[0], days[0]),
    ]
    assert sum((part.last - part.first).days + 1 for part in ranges) == len(states) == 6
    assert [(part.provider, part.zone, part.external_id, part.privacy) for part in ranges[1:]] == [
        (ACME.provider, ACME.timezone, ACME.external_id, None),
        (ACME.provider, ACME.timezone, ACME.external_id, "mark"),
    ]
    [clipped] = store.settled_ranges("acme", days=(days[1], days[2]))
    assert (clipped.first, clipped.last) == (days[1], days[1])
    assert store.settled_ranges("nobody") == []


def test_a_store_without_a_load_has_no_settled_slices(tmp_path: Path) -> None:
    store = open_sample_store(tmp_path)
    assert (store.settled_ranges(), store.ledger()) == ([], [])
    assert not list(tmp_path.iterdir())


def test_a_replay_of_the_newest_responses_keeps_the_restatements_that_arrived_before(store: Store) -> None:
    def commit(size: int, arrival: int, landed_at: datetime, history: History) -> None:
        chunk = build_chunk_commit(consecutive_days(1), build_full_tables(consecutive_days(1), size), loaded_at=LATER)
        slices = tuple(replace(info, arrival=arrival, landed_at=landed_at) for info in chunk.slices)
        store.commit(replace(chunk, slices=slices, history=history))

    commit(5, 1, LATER, "continue")
    commit(6, 2, LATER + timedelta(days=300), "continue")  # by a clock that was ahead
    commit(7, 3, LATER + timedelta(days=1), "continue")
    commit(7, 3, LATER + timedelta(days=1), "reset")
    store.publish()
    logged = query_rows(
        store,
        'SELECT CAST("old" AS INT), CAST("new" AS INT), arrival FROM restatement_log '
        "WHERE view = 'conversation_daily' AND measure = 'conversations' ORDER BY arrival",
    )
    assert logged == [(5, 6, 2), (6, 7, 3)]
