"""Drift in the books: written with its slice's facts, and replaced with them."""

from dataclasses import replace
from datetime import date

import pytest

from tests.warehouse.sample import ACME, DAY, build_chunk_commit, build_full_tables, consecutive_days, query_rows
from warehouse.errors import OutsideSlices
from warehouse.records import DriftEntry
from warehouse.store import Store


def line(day: date, name: str = "items[].mood") -> DriftEntry:
    return DriftEntry(day, "export", "unknown field", name, "batch-1")


def drift(store: Store) -> list[tuple[object, ...]]:
    store.publish()
    return query_rows(store, "SELECT date, account, name FROM drift ORDER BY ALL")


def test_drift_is_replaced_with_its_slice_only(store: Store) -> None:
    first, second = consecutive_days(2)
    other = replace(ACME, account="other")
    store.commit(
        replace(
            build_chunk_commit([first, second], build_full_tables([first, second])), drift=(line(first), line(second))
        )
    )
    store.commit(replace(build_chunk_commit([first], account=other), drift=(line(first),)))
    assert drift(store) == [
        (first, "acme", "items[].mood"),
        (first, "other", "items[].mood"),
        (second, "acme", "items[].mood"),
    ]
    store.commit(build_chunk_commit([first], build_full_tables([first])))
    assert drift(store) == [(first, "other", "items[].mood"), (second, "acme", "items[].mood")]


def test_drift_is_no_restatement(store: Store) -> None:
    store.commit(build_chunk_commit([DAY], build_full_tables([DAY])))
    again = replace(build_chunk_commit([DAY], build_full_tables([DAY])), drift=(line(DAY),))
    assert store.commit(again).restatement_count == 0
    store.publish()
    assert query_rows(store, "SELECT * FROM drift") == [
        (DAY, "chatcaptain", "acme", "export", "unknown field", "items[].mood", "batch-1")
    ]


def test_drift_of_another_day_is_refused(store: Store) -> None:
    with pytest.raises(OutsideSlices, match="drift on 2020-01-01"):
        store.commit(replace(build_chunk_commit([DAY]), drift=(line(date(2020, 1, 1)),)))
