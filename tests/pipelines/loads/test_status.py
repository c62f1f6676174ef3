"""The status of each account: every required day once, from one query of the published warehouse."""

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

from extractors.cognigy.account import CognigyAccount
from pipelines.loads.status import StateRange, _add_missing_ranges, day_states, read_account_statuses
from pipelines.loads.workspace import build_account_row
from tests.warehouse.sample import build_chunk_commit, build_full_tables, open_sample_store
from warehouse.records import DriftEntry, ReconciliationEntry, RunRow, SliceFailure
from warehouse.store import Store

NOW = datetime(2025, 3, 11, 23, 30, tzinfo=UTC)  # the 12th in Berlin: its yesterday is the 11th
START = date(2025, 3, 1)


def account(name: str = "acme", **settings: Any) -> CognigyAccount:
    base = {"name": name, "project_id": "0" * 24, "api_key": "fake-key", "timezone": "Europe/Berlin"}
    return CognigyAccount.model_validate({**base, "start_date": START, **settings})


def march_days(*numbers: int) -> list[date]:
    return [date(2025, 3, number) for number in numbers]


def load(store: Store, acme: CognigyAccount, days: list[date], at: datetime = NOW, **more: Any) -> None:
    commit = build_chunk_commit(
        days, build_full_tables(days, more.pop("size", 10)), account=build_account_row(acme), loaded_at=at
    )
    store.commit(replace(commit, **more))
    store.publish()


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_sample_store(tmp_path)


def test_without_a_warehouse_all_is_missing(store: Store) -> None:
    [status, idle] = read_account_statuses(store, [account(), account("idle", start_date=None)], NOW)
    assert status.ranges == (StateRange("missing", START, date(2025, 3, 11)),)
    assert (status.last_loaded_at, status.last_error, status.drift) == (None, None, [])
    assert idle.ranges == ()
    assert not store.location.exists()


def test_a_changed_zone_makes_days_stale_before_any_run(store: Store) -> None:
    acme = account()
    store.set_accounts_and_measures([build_account_row(acme)], [])
    load(store, acme, march_days(1, 2))
    moved = account(timezone="Asia/Tokyo")
    [(_, ranges)] = day_states(store, [moved], NOW)
    assert ranges[0] == StateRange("stale", START, date(2025, 3, 2))
    assert read_account_statuses(store, [moved], NOW)[0].ranges == ranges
    [(_, ranges)] = day_states(store, [acme], NOW)
    assert ranges[0].state == "settled"


def test_states_come_as_ranges_in_the_order_of_the_configuration(store: Store) -> None:
    acme, other = account(), account("other")
    load(store, acme, march_days(2, 3, 4, 7))
    store.record_failures(
        [SliceFailure(build_account_row(acme), tuple(march_days(4, 5)), "503: come back", NOW - timedelta(1))]
    )
    store.record_failures(
        [SliceFailure(build_account_row(acme), tuple(march_days(6)), "401: no", NOW) for _ in range(2)]
    )
    store.publish()
    [empty, status] = read_account_statuses(store, [other, acme], NOW)
    assert empty.ranges == (StateRange("missing", START, date(2025, 3, 11)),)
    assert [(item.state, item.first.day, item.last.day) for item in status.ranges] == [
        ("missing", 1, 1),
        ("settled", 2, 4),
        ("failed", 5, 6),
        ("settled", 7, 7),
        ("missing", 8, 11),
    ]
    assert status.days_by_state == {"settled": 4, "failed": 2, "missing": 5}
    assert (status.last_loaded_at, status.last_error) == (NOW, "401: no")
    assert status.last_error_at == NOW


def test_days_that_the_configuration_now_requires_are_missing_now(store: Store) -> None:
    acme = account()
    load(store, acme, march_days(2, 3))
    [later] = read_account_statuses(store, [account(start_date=date(2025, 3, 10))], NOW)
    assert [(item.state, item.first.day, item.last.day) for item in later.ranges] == [
        ("settled", 2, 3),
        ("missing", 10, 11),
    ]
    [never] = read_account_statuses(store, [account(start_date=None)], NOW)
    assert [(item.state, item.first.day) for item in never.ranges] == [("settled", 2), ("missing", 4)]


def test_differences_restatements_and_drift(store: Store) -> None:
    acme, days = account(), march_days(2, 3)
    old, late = NOW - timedelta(days=8), NOW - timedelta(days=6)
    load(store, acme, march_days(1), at=old - timedelta(1))
    load(store, acme, march_days(1), at=old, size=11)
    load(store, acme, march_days(2), at=old)
    lines = tuple(
        ReconciliationEntry(day, "conversations", against, Decimal(2), Decimal(1), verdict, None)
        for day in days
        for against, verdict in (("channel_daily", "unexplained"), ("country_daily", "explained"))
    )
    drift = tuple(DriftEntry(day, "s", "unknown field", name, "b") for day, name in zip(days, "aa", strict=True))
    load(
        store,
        acme,
        march_days(2, 3),
        at=late,
        size=12,
        reconciliations=lines,
        drift=(*drift, replace(drift[0], name="b")),
    )
    [status] = read_account_statuses(store, [acme], NOW)
    assert status.unexplained == [
        {
            "measure": "conversations",
            "against": "channel_daily",
            "days": 2,
            "first": march_days(2)[0],
            "last": march_days(3)[0],
        }
    ]
    restated = {(item["view"], item["measure"]): (item["numbers"], item["days"]) for item in status.restatements}
    assert restated["conversation_daily", "conversations"] == (1, 1)
    assert [(item["name"], item["days"], item["first"].day, item["last"].day) for item in status.drift] == [
        ("a", 2, 2, 3),
        ("b", 1, 2, 2),
    ]


def build_run_row(acme: CognigyAccount, number: int, ended_at: datetime | None) -> RunRow:
    started_at = NOW + timedelta(hours=number)
    return RunRow(
        *(started_at.date(), acme.provider, acme.name, f"run-{number}", "load", started_at, ended_at),
        *(4, 3, 1, 5, 1, 1000, 30, Decimal("1.5"), "503: come back"),
    )


def test_the_last_run_of_each_account(store: Store) -> None:
    acme, other = account(), account("other")
    load(store, acme, march_days(1))
    store.record_run([build_run_row(acme, 1, None), build_run_row(other, 3, NOW + timedelta(hours=4))])
    store.record_run([build_run_row(acme, 2, NOW + timedelta(hours=3))])
    store.publish()
    [status, _] = read_account_statuses(store, [acme, other], NOW)
    assert status.last_run is not None
    assert (status.last_run["run_id"], status.last_run["waited_seconds"]) == ("run-2", 1.5)
    assert status.last_run["ended_at"] == NOW + timedelta(hours=3)


def test_a_warehouse_of_an_older_release_has_no_runs(store: Store) -> None:
    load(store, account(), march_days(1))
    with duckdb.connect(store.location) as published:
        published.execute("DROP VIEW load_run; DROP TABLE books.load_run")
    [status] = read_account_statuses(store, [account()], NOW)
    assert (status.last_run, status.days_by_state["settled"]) == (None, 1)


@given(st.sets(st.integers(1, 20)), st.none() | st.integers(1, 20), st.integers(1, 20))
def test_every_required_or_known_day_is_in_one_range(known: set[int], start: int | None, today: int) -> None:
    acme = account(start_date=None if start is None else date(2025, 3, start))
    ranges = [StateRange("loaded", day, day) for day in march_days(*sorted(known))]
    all_ranges = list(_add_missing_ranges(acme, ranges, datetime(2025, 3, today, 12, tzinfo=UTC)))
    states = Counter((day.day, state_range.state) for state_range in all_ranges for day in state_range.window.days())
    first = start if start is not None else min(known, default=today)
    missing = {(day, "missing") for day in range(first, today) if day not in known}
    assert states == Counter({(day, "loaded") for day in known} | missing)
    assert [state_range.first for state_range in all_ranges] == sorted(state_range.first for state_range in all_ranges)


@pytest.mark.parametrize("start", [None, START, date(2025, 3, 6)])
@pytest.mark.parametrize("days", [(), (1,), (8,), (1, 2, 8), (6,), (11,)])
@pytest.mark.parametrize("since", [START, date(2025, 3, 6), date(2025, 3, 8)])
def test_states_since_a_day_are_those_of_all_days(
    store: Store, start: date | None, days: tuple[int, ...], since: date
) -> None:
    acme = account(start_date=start)
    store.set_accounts_and_measures([build_account_row(acme)], [])
    load(store, acme, march_days(*days))

    def list_states(first: date | None) -> dict[date, str]:
        [(_, ranges)] = day_states(store, [acme], NOW, first)
        return {day: part.state for part in ranges for day in part.window.days()}

    assert list_states(since) == {day: state for day, state in list_states(None).items() if day >= since}


def test_states_since_a_day_without_a_warehouse(store: Store) -> None:
    ranges = day_states(store, [account(), account("idle", start_date=None)], NOW, date(2025, 3, 6))
    assert [parts for _, parts in ranges] == [(StateRange("missing", date(2025, 3, 6), date(2025, 3, 11)),), ()]
