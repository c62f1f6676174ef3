"""The preview of a commit: the numbers that it would change are those that it then changes, and nothing is written."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from tests.warehouse.sample import (
    ACME,
    STORE_KINDS,
    build_chunk_commit,
    build_full_tables,
    build_member_tables,
    consecutive_days,
    open_sample_store,
)
from warehouse.model.schema import member_schema
from warehouse.preview_store import NumberChange
from warehouse.store import Store

DAYS = consecutive_days(3)


@pytest.fixture(params=STORE_KINDS)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Store:
    return open_sample_store(tmp_path, request.param)


def read_states(folder: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.stat().st_mtime_ns, path.stat().st_size) for path in folder.rglob("*") if path.is_file()}


def find_total(changes: list[NumberChange], view: str, measure: str) -> NumberChange:
    [change] = [item for item in changes if item.is_total and (item.view, item.measure) == (view, measure)]
    return change


def test_the_previewed_sums_are_those_before_and_after_the_commit(store: Store, tmp_path: Path) -> None:
    store.commit(build_chunk_commit(DAYS, build_full_tables(DAYS, 10)))
    store.publish()
    changed = build_chunk_commit(DAYS[:2], build_full_tables(DAYS[:2], 12))
    before = read_states(tmp_path)
    changes = store.compare([changed])
    assert read_states(tmp_path) == before
    total = find_total(changes, "conversation_daily", "conversations")
    assert (total.account, total.numbers, total.days, total.first, total.last) == ("acme", 2, 2, DAYS[0], DAYS[1])
    assert (total.old, total.new) == (Decimal(20), Decimal(24))
    channels = find_total(changes, "channel_daily", "conversations")
    assert (channels.old, channels.new, channels.numbers) == (18, 22, 2), "two channels keep their numbers"
    [member] = [item for item in changes if item.view == "channel_daily" and not item.is_total]
    assert (member.member, member.old, member.new) == ("whatsapp", 18, 22)

    store.commit(changed)
    store.publish()
    assert store.compare([changed]) == []
    logged = store.read(
        'SELECT "view", measure, count(*) AS numbers, sum("old") AS "old", sum("new") AS "new" FROM restatement_log '
        'GROUP BY "view", measure ORDER BY ALL'
    ).to_pylist()
    assert logged == sorted(
        (
            {name: getattr(item, name) for name in ("view", "measure", "numbers", "old", "new")}
            for item in changes
            if item.is_total
        ),
        key=lambda row: (row["view"], row["measure"]),
    )


def test_everything_is_new_before_the_first_publication(store: Store, tmp_path: Path) -> None:
    changes = store.compare([build_chunk_commit(DAYS[:1], build_full_tables(DAYS[:1]))])
    total = find_total(changes, "conversation_daily", "messages")
    assert (total.old, total.new) == (None, 20)
    assert not store.location.exists()
    assert store.compare([]) == []


def test_rows_that_a_commit_would_remove(store: Store) -> None:
    store.commit(build_chunk_commit(DAYS, build_full_tables(DAYS, 10)))
    store.publish()
    total = find_total(store.compare([build_chunk_commit(DAYS[:1])]), "intent_daily", "hits")
    assert (total.old, total.new, total.numbers) == (12, None, 3)


def test_sums_by_the_name_of_a_channel_that_would_be_described_otherwise(store: Store) -> None:
    store.commit(build_chunk_commit(DAYS, build_full_tables(DAYS, 10)))
    other = replace(ACME, account="other")
    store.commit(build_chunk_commit(DAYS, build_full_tables(DAYS, 10), account=other))
    store.publish()
    members = build_member_tables()
    rows = members["channel"].to_pylist()
    rows[0]["channel"] = "messenger"
    members["channel"] = pa.Table.from_pylist(rows, schema=member_schema("channel"))
    same_numbers = replace(build_chunk_commit(DAYS, build_full_tables(DAYS, 10)), members=members)
    changes = store.compare([same_numbers])
    assert not any(item.is_total for item in changes)
    assert {(item.view, item.measure, item.attribute, item.member, item.old, item.new) for item in changes} >= {
        ("channel_daily", "conversations", "channel", "whatsapp", Decimal(27), None),
        ("channel_daily", "conversations", "channel", "messenger", None, Decimal(27)),
    }
    assert {item.account for item in changes} == {"acme"}
    assert {item.attribute for item in changes} == {"channel"}
    assert {(item.first, item.last) for item in changes} == {(date(2025, 3, 1), date(2025, 3, 3))}
