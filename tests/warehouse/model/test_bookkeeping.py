"""Drift in the books: written with its slice's facts, and replaced with them."""

from dataclasses import replace
from datetime import date

import pytest

from tests.warehouse.sample import ACME, DAY, chunk, days, full_tables, rows
from warehouse.errors import OutsideSlices
from warehouse.records import Drifted
from warehouse.store import Store


def line(day: date, name: str = "items[].mood") -> Drifted:
    return Drifted(day, "export", "unknown field", name, "batch-1")


def drift(store: Store) -> list[tuple[object, ...]]:
    store.publish()
    return rows(store, "SELECT date, account, name FROM drift ORDER BY ALL")


def test_drift_is_replaced_with_its_slice_only(store: Store) -> None:
    first, second = days(2)
    other = replace(ACME, account="other")
    store.commit(replace(chunk([first, second], full_tables([first, second])), drift=(line(first), line(second))))
    store.commit(replace(chunk([first], account=other), drift=(line(first),)))
    assert drift(store) == [
        (first, "acme", "items[].mood"),
        (first, "other", "items[].mood"),
        (second, "acme", "items[].mood"),
    ]
    store.commit(chunk([first], full_tables([first])))
    assert drift(store) == [(first, "other", "items[].mood"), (second, "acme", "items[].mood")]


def test_drift_is_no_restatement(store: Store) -> None:
    store.commit(chunk([DAY], full_tables([DAY])))
    again = replace(chunk([DAY], full_tables([DAY])), drift=(line(DAY),))
    assert store.commit(again).restated == 0
    store.publish()
    assert rows(store, "SELECT * FROM drift") == [
        (DAY, "chatcaptain", "acme", "export", "unknown field", "items[].mood", "batch-1")
    ]


def test_drift_of_another_day_is_refused(store: Store) -> None:
    with pytest.raises(OutsideSlices, match="drift on 2020-01-01"):
        store.commit(replace(chunk([DAY]), drift=(line(date(2020, 1, 1)),)))
