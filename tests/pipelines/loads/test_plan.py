from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.cognigy.provider import PROVIDER
from extractors.landing.zone import LandingZone
from extractors.provider import Provider, Stream
from pipelines.loads.plan import (
    DailyLoad,
    clip_window,
    list_unsettled_days,
    plan_daily_load,
    plan_daily_loads,
    plan_steps,
)
from pipelines.loads.reach import daily_window
from pipelines.loads.status import StateRange, day_states
from pipelines.loads.workspace import build_account_row
from tests.support.plan_samples import (
    NOW,
    STREAM,
    build_account,
    build_window,
    is_always_reusable,
    is_never_reusable,
    land,
)
from tests.warehouse.sample import build_chunk_commit, open_sample_store
from warehouse.records import SettledRange, SliceFailure
from warehouse.store import Store


class TestDailyWindow:
    def test_yesterday_where_the_account_is_and_its_look_back(self) -> None:
        assert daily_window(build_account(), NOW) == build_window("2026-01-06", "2026-01-09")
        assert daily_window(build_account(timezone="Pacific/Kiritimati"), NOW) == build_window(
            "2026-01-07", "2026-01-10"
        )
        late = datetime(2026, 1, 10, 4, tzinfo=UTC)
        assert daily_window(build_account(timezone="America/Los_Angeles"), late) == build_window(
            "2026-01-05", "2026-01-08"
        )
        assert daily_window(build_account(lookback_days=0), NOW) == build_window("2026-01-09", "2026-01-09")

    def test_a_named_day(self) -> None:
        assert daily_window(build_account(), NOW, date(2025, 3, 1)) == build_window("2025-02-26", "2025-03-01")

    def test_nothing_before_the_start(self) -> None:
        assert daily_window(build_account(start_date=date(2026, 1, 8)), NOW) == build_window("2026-01-08", "2026-01-09")
        assert daily_window(build_account(start_date=date(2026, 1, 10)), NOW) is None


class TestDailyLoad:
    """NOW is the 10th of January: yesterday is the 9th, the look-back the 6th to the 8th."""

    REGULAR = tuple(date(2026, 1, day) for day in (6, 7, 8, 9))

    def load(self, *ranges: StateRange, catch_up_days: int = 35, **settings: Any) -> DailyLoad:
        daily = plan_daily_load(build_account(**settings), ranges, NOW, catch_up_days)
        assert daily is not None
        return daily

    def test_only_the_look_back_when_all_before_it_is_settled(self) -> None:
        settled = StateRange("settled", date(2025, 1, 1), date(2026, 1, 6))
        daily = self.load(settled, StateRange("loaded", date(2026, 1, 7), date(2026, 1, 9)))
        assert (daily.days, daily.older_windows) == (self.REGULAR, ())

    @pytest.mark.parametrize("state", ["missing", "failed", "stale", "loaded"])
    def test_unsettled_days_of_a_downtime_are_caught_up(self, state: str) -> None:
        daily = self.load(StateRange(state, date(2026, 1, 2), date(2026, 1, 3)))
        assert daily.days == (date(2026, 1, 2), date(2026, 1, 3), *self.REGULAR)

    def test_older_days_than_the_reach_are_named(self) -> None:
        gap = StateRange("missing", date(2025, 1, 1), date(2026, 1, 9))
        daily = self.load(gap, catch_up_days=35)
        assert daily.days == tuple(build_window("2025-12-06", "2026-01-09").days())
        assert len(daily.days) == 35
        assert daily.older_windows == (build_window("2025-01-01", "2025-12-05"),)

    def test_old_unsettled_days_are_not_older_windows(self) -> None:
        assert self.load(StateRange("loaded", date(2025, 1, 1), date(2025, 1, 31))).older_windows == ()

    def test_nothing_is_caught_up_with_a_reach_of_zero(self) -> None:
        gap = StateRange("failed", date(2026, 1, 1), date(2026, 1, 9))
        daily = self.load(gap, catch_up_days=0)
        assert (daily.days, daily.older_windows) == (self.REGULAR, (build_window("2026-01-01", "2026-01-05"),))

    def test_adjacent_gaps_of_two_states_are_one_older_window(self) -> None:
        failed = StateRange("failed", date(2025, 3, 1), date(2025, 3, 3))
        missing = StateRange("missing", date(2025, 3, 4), date(2025, 3, 9))
        later = StateRange("stale", date(2025, 3, 11), date(2025, 3, 11))
        windows = (build_window("2025-03-01", "2025-03-09"), build_window("2025-03-11", "2025-03-11"))
        assert self.load(failed, missing, later).older_windows == windows

    def test_the_look_back_is_never_cut(self) -> None:
        assert len(self.load(catch_up_days=2, lookback_days=10).days) == 11

    def test_nothing_before_the_account_begins(self) -> None:
        failed = StateRange("failed", date(2025, 1, 1), date(2026, 1, 3))
        daily = self.load(failed, start_date=date(2026, 1, 2))
        assert daily.days == (date(2026, 1, 2), date(2026, 1, 3), *self.REGULAR)
        assert daily.older_windows == ()
        assert plan_daily_load(build_account(start_date=date(2026, 1, 10)), (), NOW, 35) is None


def test_a_clipped_window_ends_yesterday_and_starts_with_the_account() -> None:
    requested = build_window("2025-12-01", "2026-02-01")
    assert clip_window(build_account(), requested, NOW) == build_window("2025-12-01", "2026-01-09")
    assert clip_window(build_account(start_date=date(2026, 1, 5)), requested, NOW) == build_window(
        "2026-01-05", "2026-01-09"
    )
    assert clip_window(build_account(start_date=date(2027, 1, 1)), requested, NOW) is None
    assert clip_window(build_account(), build_window("2026-01-10", "2026-01-20"), NOW) is None
    assert (
        clip_window(build_account(timezone="Pacific/Kiritimati"), build_window("2026-01-10", "2026-01-20"), NOW)
        is not None
    )


def test_only_settled_days_are_skipped() -> None:
    window = build_window("2025-03-01", "2025-03-05")
    days = list(window.days())
    settled = [
        SettledRange("acme", "cognigy", "5" * 24, "UTC", None, first, last)
        for first, last in ((date(2025, 2, 1), days[0]), (days[2], days[3]))
    ]
    assert list_unsettled_days(build_account(), window, settled) == [days[1], days[4]]
    assert list_unsettled_days(build_account(), window, settled, {days[2]}) == [days[1], days[2], days[4]]
    assert list_unsettled_days(build_account(timezone="Asia/Tokyo"), window, settled) == days
    assert list_unsettled_days(build_account(project_id="6" * 24), window, settled) == days


def list_planned_windows(
    zone: LandingZone, days: Iterable[date], known: Provider = PROVIDER, **settings: Any
) -> list[tuple[str, list[str]]]:
    steps = plan_steps(build_account(**settings), known, zone, list(days), is_always_reusable)
    return [(f"{step.days[0]}..{step.days[-1]}", [str(part) for _, _, part in step.fetches]) for step in steps]


def test_months_newest_first_with_their_windows(zone: LandingZone) -> None:
    assert list_planned_windows(zone, build_window("2025-01-30", "2025-03-02").days()) == [
        ("2025-03-01..2025-03-02", ["2025-03-01_2025-03-03"]),
        ("2025-02-01..2025-02-28", ["2025-02-01_2025-03-01"]),
        ("2025-01-30..2025-01-31", ["2025-01-30_2025-02-01"]),
    ]


def test_landed_days_are_not_fetched(zone: LandingZone) -> None:
    land(zone, build_window("2025-02-01", "2025-02-28"), NOW)
    land(zone, build_window("2025-03-01", "2025-03-01"), NOW)
    assert [windows for _, windows in list_planned_windows(zone, build_window("2025-01-30", "2025-03-02").days())] == [
        ["2025-03-02_2025-03-03"],
        [],
        ["2025-01-30_2025-02-01"],
    ]


def test_a_window_over_two_months_is_fetched_once_before_the_newer(zone: LandingZone) -> None:
    wide = Stream(
        windows=lambda _account, whole: whole.split_by_hours(20 * 24, build_account().zone),
        fetch=PROVIDER.streams[STREAM].fetch,
    )
    known = replace(PROVIDER, streams={STREAM: wide})
    assert list_planned_windows(zone, build_window("2025-01-20", "2025-03-05").days(), known) == [
        ("2025-03-01..2025-03-05", ["2025-03-01_2025-03-06"]),
        ("2025-02-01..2025-02-28", ["2025-02-09_2025-03-01", "2025-01-20_2025-02-09"]),
        ("2025-01-20..2025-01-31", []),
    ]


def test_days_with_gaps(zone: LandingZone) -> None:
    days = [date(2025, 3, day) for day in (1, 2, 5)]
    assert list_planned_windows(zone, days) == [
        ("2025-03-05..2025-03-05", ["2025-03-05_2025-03-06"]),
        ("2025-03-01..2025-03-02", ["2025-03-01_2025-03-03"]),
    ]
    assert list_planned_windows(zone, []) == []


def test_a_year_is_twelve_windows(zone: LandingZone) -> None:
    assert (
        sum(len(windows) for _, windows in list_planned_windows(zone, build_window("2025-01-01", "2025-12-31").days()))
        == 12
    )


@given(st.sets(st.dates(date(2025, 1, 1), date(2025, 6, 30))), st.integers(1, 60))
def test_each_day_is_in_one_step_and_its_windows_come_no_later(
    tmp_path_factory: pytest.TempPathFactory, days: set[date], width: int
) -> None:
    zone = LandingZone(tmp_path_factory.mktemp("landing"))
    wide = Stream(
        windows=lambda _account, whole: whole.split_by_hours(width * 24, build_account().zone),
        fetch=PROVIDER.streams[STREAM].fetch,
    )
    known = replace(PROVIDER, streams={STREAM: wide})
    steps = plan_steps(build_account(), known, zone, days, is_never_reusable)
    assert sorted(day for step in steps for day in step.days) == sorted(days)
    fetched: set[date] = set()
    for step in steps:
        for _, _, part in step.fetches:
            assert not fetched & set(part.days())
            fetched |= set(part.days())
        assert set(step.days) <= fetched
    assert fetched == days


@pytest.mark.parametrize("start", [None, date(2020, 1, 1)])
def test_without_older_days_the_same_days_are_due_and_no_earlier_state_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, start: date | None
) -> None:
    store, account = open_sample_store(tmp_path), build_account(start_date=start)
    store.set_accounts_and_measures([build_account_row(account)], [])
    for day in (date(2024, 5, 1), date(2026, 1, 1)):
        store.commit(build_chunk_commit([day], {}, account=build_account_row(account), loaded_at=NOW))
    store.publish()
    [load] = plan_daily_loads(store, [account], NOW, 35)
    assert load.older_windows
    assert load.days[0] == date(2025, 12, 6)
    assert date(2026, 1, 1) not in load.days

    read, queries = type(store).open_session, []

    def open_session(store: Store, sql: str) -> object:
        queries.append(sql)
        return read(store, sql)

    monkeypatch.setattr(type(store), "open_session", open_session)
    assert plan_daily_loads(store, [account], NOW, 35, with_older=False) == [replace(load, older_windows=())]
    [query] = queries
    assert "c.date >= DATE '2025-12-06'" in query
    assert plan_daily_loads(store, [build_account(start_date=date(2027, 1, 1))], NOW, 35) == []


def test_older_gaps_are_those_of_a_whole_reading(tmp_path: Path) -> None:
    """Days before the reach are only counted where none is missing, failed or stale."""
    start, store = date(2025, 11, 1), open_sample_store(tmp_path)
    november = [date(2025, 11, day) for day in range(1, 31)]
    december = [date(2025, 12, day) for day in range(1, 32)]
    gap = november[:10] + november[12:]
    loaded = {
        "complete": (build_account(name="complete", start_date=start), november + december),
        "undated": (build_account(name="undated"), november[4:] + december),
        "gap": (build_account(name="gap", start_date=start), gap + december),
        "undated-gap": (build_account(name="undated-gap"), gap + december),
        "before-start": (build_account(name="before-start", start_date=date(2025, 11, 9)), gap),
        "failed": (build_account(name="failed", start_date=start), gap + december),
        "moved": (build_account(name="moved", start_date=start), november + december),
        "never": (build_account(name="never", start_date=start), []),
    }
    rows = {name: build_account_row(account) for name, (account, _) in loaded.items()}
    store.set_accounts_and_measures(list(rows.values()), [])
    for name, (_, days) in loaded.items():
        for month in (11, 12):
            in_month = [day for day in days if day.month == month]
            if in_month:
                store.commit(build_chunk_commit(in_month, {}, account=rows[name], loaded_at=NOW))
    store.record_failures([SliceFailure(rows["failed"], (november[10],), "no", NOW)])
    store.publish()

    moved = build_account(name="moved", start_date=start, timezone="Asia/Tokyo")
    accounts = [moved if name == "moved" else account for name, (account, _) in loaded.items()]
    loads = plan_daily_loads(store, accounts, NOW, 35)
    assert loads == [plan_daily_load(account, ranges, NOW, 35) for account, ranges in day_states(store, accounts, NOW)]
    complete = [load.account.name for load in loads if not load.older_windows]
    assert complete == ["complete", "undated"]
