"""What is told of each account: every demanded day once, from one question to the published warehouse."""

from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.cognigy.provider import CognigyAccount
from pipelines.loads.status import StateRange, _with_missing, day_states, read_account_statuses
from pipelines.loads.workspace import build_account_row
from tests.warehouse.sample import build_chunk_commit, build_full_tables, open_sample_store
from warehouse.records import DriftEntry, ReconciliationEntry, RunRow, SliceFailure
from warehouse.store import Store

NOW = datetime(2025, 3, 11, 23, 30, tzinfo=UTC)  # the 12th in Berlin: its yesterday is the 11th
START = date(2025, 3, 1)


def account(name: str = "acme", **settings: Any) -> CognigyAccount:
    base = {"name": name, "project_id": "0" * 24, "api_key": "fake-key", "timezone": "Europe/Berlin"}
    return CognigyAccount.model_validate({**base, "start_date": START, **settings})


def march(*numbers: int) -> list[date]:
    return [date(2025, 3, number) for number in numbers]


def load(store: Store, who: CognigyAccount, days: list[date], at: datetime = NOW, **more: Any) -> None:
    told = build_chunk_commit(
        days, build_full_tables(days, more.pop("size", 10)), account=build_account_row(who), loaded_at=at
    )
    store.commit(replace(told, **more))
    store.publish()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_sample_store(tmp_path)


def test_without_a_warehouse_all_is_missing(store: Store) -> None:
    [told, unasked] = read_account_statuses(store, [account(), account("idle", start_date=None)], NOW)
    assert told.ranges == (StateRange("missing", START, date(2025, 3, 11)),)
    assert (told.last_loaded_at, told.last_error, told.drift) == (None, None, [])
    assert unasked.ranges == ()
    assert not store.location.exists()


def test_a_changed_zone_makes_days_stale_before_any_run_has_heard_of_it(store: Store) -> None:
    who = account()
    store.set_accounts_and_measures([build_account_row(who)], [])
    load(store, who, march(1, 2))
    moved = account(timezone="Asia/Tokyo")
    [(_, ranges)] = day_states(store, [moved], NOW)
    assert ranges[0] == StateRange("stale", START, date(2025, 3, 2))
    assert read_account_statuses(store, [moved], NOW)[0].ranges == ranges
    [(_, ranges)] = day_states(store, [who], NOW)
    assert ranges[0].state == "settled"


def test_states_come_as_ranges_in_the_order_of_the_configuration(store: Store) -> None:
    who, other = account(), account("other")
    load(store, who, march(2, 3, 4, 7))
    store.record_failures([SliceFailure(build_account_row(who), tuple(march(4, 5)), "503: come back", NOW)])
    store.record_failures(
        [SliceFailure(build_account_row(who), tuple(march(6)), "401: no", NOW + timedelta(1)) for _ in range(2)]
    )
    store.publish()
    [empty, told] = read_account_statuses(store, [other, who], NOW)
    assert empty.ranges == (StateRange("missing", START, date(2025, 3, 11)),)
    assert [(each.state, each.first.day, each.last.day) for each in told.ranges] == [
        ("missing", 1, 1),
        ("settled", 2, 4),
        ("failed", 5, 6),
        ("settled", 7, 7),
        ("missing", 8, 11),
    ]
    assert told.days_by_state == {"settled": 4, "failed": 2, "missing": 5}
    assert (told.last_loaded_at, told.last_error) == (NOW, "401: no")
    assert told.last_error_at == NOW + timedelta(1)


def test_what_the_configuration_demands_now_is_missing_now(store: Store) -> None:
    who = account()
    load(store, who, march(2, 3))
    [later] = read_account_statuses(store, [account(start_date=date(2025, 3, 10))], NOW)
    assert [(each.state, each.first.day, each.last.day) for each in later.ranges] == [
        ("settled", 2, 3),
        ("missing", 10, 11),
    ]
    [never] = read_account_statuses(store, [account(start_date=None)], NOW)
    assert [(each.state, each.first.day) for each in never.ranges] == [("settled", 2), ("missing", 4)]


def test_differences_restatements_and_drift(store: Store) -> None:
    who = account()
    old, late = NOW - timedelta(days=8), NOW - timedelta(days=6)
    load(store, who, march(1), at=old - timedelta(1))
    load(store, who, march(1), at=old, size=11)
    load(store, who, march(2), at=old)
    lines = tuple(
        ReconciliationEntry(day, "conversations", against, Decimal(2), Decimal(1), verdict, None)
        for day in march(2, 3)
        for against, verdict in (("channel_daily", "unexplained"), ("country_daily", "explained"))
    )
    drift = tuple(DriftEntry(day, "s", "unknown field", name, "b") for day, name in zip(march(2, 3), "aa", strict=True))
    load(store, who, march(2, 3), at=late, size=12, reconciliations=lines, drift=(*drift, replace(drift[0], name="b")))
    [told] = read_account_statuses(store, [who], NOW)
    assert told.unexplained == [
        {"measure": "conversations", "against": "channel_daily", "days": 2, "first": march(2)[0], "last": march(3)[0]}
    ]
    restated = {(each["view"], each["measure"]): (each["numbers"], each["days"]) for each in told.restatements}
    assert restated["conversation_daily", "conversations"] == (1, 1)
    assert [(each["name"], each["days"], each["first"].day, each["last"].day) for each in told.drift] == [
        ("a", 2, 2, 3),
        ("b", 1, 2, 2),
    ]


def run_of(who: CognigyAccount, number: int, ended_at: datetime | None) -> RunRow:
    began = NOW + timedelta(hours=number)
    return RunRow(
        *(began.date(), who.provider, who.name, f"run-{number}", "load", began, ended_at),
        *(4, 3, 1, 5, 1, 1000, 30, Decimal("1.5"), "503: come back"),
    )


def test_the_last_run_of_each_account(store: Store) -> None:
    who, other = account(), account("other")
    load(store, who, march(1))
    store.record_run([run_of(who, 1, None), run_of(other, 3, NOW + timedelta(hours=4))])
    store.record_run([run_of(who, 2, NOW + timedelta(hours=3))])
    store.publish()
    [told, _] = read_account_statuses(store, [who, other], NOW)
    assert told.last_run is not None
    assert (told.last_run["run_id"], told.last_run["waited_seconds"]) == ("run-2", 1.5)
    assert told.last_run["ended_at"] == NOW + timedelta(hours=3)


def test_books_of_an_older_release_have_no_runs(store: Store) -> None:
    load(store, account(), march(1))
    with duckdb.connect(store.location) as published:
        published.execute("DROP TABLE load_run")
    [told] = read_account_statuses(store, [account()], NOW)
    assert (told.last_run, told.days_by_state["settled"]) == (None, 1)


@given(st.sets(st.integers(1, 20)), st.none() | st.integers(1, 20), st.integers(1, 20))
def test_every_demanded_or_known_day_is_told_once(known: set[int], start: int | None, today: int) -> None:
    who = account(start_date=None if start is None else date(2025, 3, start))
    ranges = [StateRange("loaded", day, day) for day in march(*sorted(known))]
    told = list(_with_missing(who, ranges, datetime(2025, 3, today, 12, tzinfo=UTC)))
    states = Counter((day.day, each.state) for each in told for day in each.window.days())
    first = start if start is not None else min(known, default=today)
    missing = {(day, "missing") for day in range(first, today) if day not in known}
    assert states == Counter({(day, "loaded") for day in known} | missing)
    assert [each.first for each in told] == sorted(each.first for each in told)
