from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.cognigy.provider import PROVIDER, CognigyAccount
from extractors.http.messages import Request, Response
from extractors.landing.batch import Batch, BatchKey
from extractors.landing.zone import LandingZone
from extractors.registry import Provider, Stream
from extractors.windows import Window
from pipelines.loads.plan import (
    MAX_REUSE_AGE,
    DailyLoad,
    build_reuse_rule,
    clip_window,
    daily_window,
    list_unsettled_days,
    loadable_days,
    plan_daily_load,
    plan_steps,
)
from pipelines.loads.status import StateRange
from warehouse.records import LedgerRow

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
STREAM = "conversation_counter"


def account(**settings: Any) -> CognigyAccount:
    return CognigyAccount.model_validate({"name": "acme", "project_id": "5" * 24, "api_key": "fake", **settings})


def window(first: str, last: str) -> Window:
    return Window(date.fromisoformat(first), date.fromisoformat(last) + timedelta(days=1))


def row(day: date, state: Any = "loaded", batches: Iterable[str] = (), loaded_at: datetime | None = NOW) -> LedgerRow:
    return LedgerRow(
        date=day,
        provider="cognigy",
        account="acme",
        state=state,
        batches=tuple(batches),
        fetched_at=loaded_at,
        loaded_at=loaded_at,
        rows=1,
        zone="UTC",
        external_id="5" * 24,
        error=None,
        error_at=None,
    )


def land(
    zone: LandingZone, days: Window, at: datetime, *, stream: str = STREAM, landed_at: datetime | None = None
) -> Batch:
    of = account()
    key = BatchKey("cognigy", of.name, stream, of.external_id, of.timezone, days)
    with zone.open_writer(key) as writer:
        writer.add(Response(Request("GET", "/"), 200, {}, at, b"{}"))
        return writer.finish(at, landed_at=landed_at)


@pytest.fixture
def zone(tmp_path: Path) -> LandingZone:
    return LandingZone(tmp_path)


class TestDailyWindow:
    def test_yesterday_where_the_account_is_and_its_look_back(self) -> None:
        assert daily_window(account(), NOW) == window("2026-01-06", "2026-01-09")
        assert daily_window(account(timezone="Pacific/Kiritimati"), NOW) == window("2026-01-07", "2026-01-10")
        late = datetime(2026, 1, 10, 4, tzinfo=UTC)
        assert daily_window(account(timezone="America/Los_Angeles"), late) == window("2026-01-05", "2026-01-08")
        assert daily_window(account(lookback_days=0), NOW) == window("2026-01-09", "2026-01-09")

    def test_a_named_day(self) -> None:
        assert daily_window(account(), NOW, date(2025, 3, 1)) == window("2025-02-26", "2025-03-01")

    def test_nothing_before_the_start(self) -> None:
        assert daily_window(account(start_date=date(2026, 1, 8)), NOW) == window("2026-01-08", "2026-01-09")
        assert daily_window(account(start_date=date(2026, 1, 10)), NOW) is None


class TestDailyLoad:
    """NOW is the 10th of January: yesterday is the 9th, the look-back the 6th to the 8th."""

    REGULAR = tuple(date(2026, 1, day) for day in (6, 7, 8, 9))

    def load(self, *ranges: StateRange, catch_up_days: int = 35, **settings: Any) -> DailyLoad:
        found = plan_daily_load(account(**settings), ranges, NOW, catch_up_days)
        assert found is not None
        return found

    def test_only_the_look_back_when_all_before_it_is_settled(self) -> None:
        settled = StateRange("settled", date(2025, 1, 1), date(2026, 1, 6))
        found = self.load(settled, StateRange("loaded", date(2026, 1, 7), date(2026, 1, 9)))
        assert (found.days, found.older_windows) == (self.REGULAR, ())

    @pytest.mark.parametrize("state", ["missing", "failed", "stale", "loaded"])
    def test_days_of_downtime_that_are_not_settled(self, state: str) -> None:
        found = self.load(StateRange(state, date(2026, 1, 2), date(2026, 1, 3)))
        assert found.days == (date(2026, 1, 2), date(2026, 1, 3), *self.REGULAR)

    def test_only_so_far_back_and_what_is_older_is_named(self) -> None:
        gap = StateRange("missing", date(2025, 1, 1), date(2026, 1, 9))
        found = self.load(gap, catch_up_days=35)
        assert found.days == tuple(window("2025-12-06", "2026-01-09").days())
        assert len(found.days) == 35
        assert found.older_windows == (window("2025-01-01", "2025-12-05"),)

    def test_old_numbers_that_may_have_moved_are_no_gap(self) -> None:
        assert self.load(StateRange("loaded", date(2025, 1, 1), date(2025, 1, 31))).older_windows == ()

    def test_nothing_is_caught_up_when_told_so(self) -> None:
        gap = StateRange("failed", date(2026, 1, 1), date(2026, 1, 9))
        found = self.load(gap, catch_up_days=0)
        assert (found.days, found.older_windows) == (self.REGULAR, (window("2026-01-01", "2026-01-05"),))

    def test_the_look_back_is_never_cut(self) -> None:
        assert len(self.load(catch_up_days=2, lookback_days=10).days) == 11

    def test_nothing_before_the_account_begins(self) -> None:
        failed = StateRange("failed", date(2025, 1, 1), date(2026, 1, 3))
        found = self.load(failed, start_date=date(2026, 1, 2))
        assert found.days == (date(2026, 1, 2), date(2026, 1, 3), *self.REGULAR)
        assert found.older_windows == ()
        assert plan_daily_load(account(start_date=date(2026, 1, 10)), (), NOW, 35) is None


def test_possible_days_end_today_and_begin_with_the_account() -> None:
    asked = window("2025-12-01", "2026-02-01")
    assert clip_window(account(), asked, NOW) == window("2025-12-01", "2026-01-10")
    assert clip_window(account(start_date=date(2026, 1, 5)), asked, NOW) == window("2026-01-05", "2026-01-10")
    assert clip_window(account(start_date=date(2027, 1, 1)), asked, NOW) is None
    assert clip_window(account(), window("2026-01-11", "2026-01-20"), NOW) is None
    assert clip_window(account(timezone="Pacific/Kiritimati"), window("2026-01-11", "2026-01-20"), NOW) is not None


def test_only_settled_days_are_left_alone() -> None:
    states = ["settled", "loaded", "stale", "failed"]
    days = list(window("2025-03-01", "2025-03-05").days())
    ledger = [row(day, state) for day, state in zip(days, states, strict=False)]
    assert list_unsettled_days(account(), window("2025-03-01", "2025-03-05"), ledger) == days[1:]
    assert list_unsettled_days(account(timezone="Asia/Tokyo"), window("2025-03-01", "2025-03-05"), ledger) == days
    assert list_unsettled_days(account(project_id="6" * 24), window("2025-03-01", "2025-03-05"), ledger) == days


class TestReusable:
    DAY = date(2025, 3, 1)

    def may(
        self, batch: Batch, ledger: Iterable[LedgerRow] = (), *, refetch: bool = False, now: datetime = NOW
    ) -> bool:
        return build_reuse_rule(account(), ledger, now=now, run_started_at=NOW, refetch=refetch)(batch, self.DAY)

    def test_what_is_fresh_and_not_loaded(self, zone: LandingZone) -> None:
        batch = land(zone, Window.of_day(self.DAY), NOW - MAX_REUSE_AGE + timedelta(seconds=1))
        assert self.may(batch)
        assert not self.may(batch, now=NOW + timedelta(seconds=2))
        assert not self.may(batch, refetch=True)

    def test_not_what_was_loaded_before(self, zone: LandingZone) -> None:
        batch = land(zone, Window.of_day(self.DAY), NOW - timedelta(hours=1))
        earlier, later = NOW - timedelta(minutes=30), NOW + timedelta(seconds=1)
        assert not self.may(batch, [row(self.DAY, batches=[batch.batch_id], loaded_at=earlier)])
        assert self.may(batch, [row(self.DAY, batches=["another"], loaded_at=earlier)])
        # another run of the account that goes on at the same time has loaded it
        assert self.may(batch, [row(self.DAY, batches=[batch.batch_id], loaded_at=later)])

    def test_what_arrived_since_the_run_started_whatever_else(self, zone: LandingZone) -> None:
        asked_before = land(
            zone, Window.of_day(self.DAY), NOW - timedelta(seconds=5), landed_at=NOW + timedelta(seconds=1)
        )
        assert self.may(asked_before, refetch=True)
        assert self.may(asked_before, [row(self.DAY, batches=[asked_before.batch_id])], refetch=True)
        landed_before = land(zone, Window.of_day(self.DAY), NOW - timedelta(seconds=4))
        assert not self.may(landed_before, refetch=True)

    def test_not_what_was_fetched_before_the_day_was_over(self, zone: LandingZone) -> None:
        today = NOW.date()
        batch = land(zone, Window.of_day(today), NOW - timedelta(hours=1))
        assert not build_reuse_rule(account(), [], now=NOW, run_started_at=NOW, refetch=False)(batch, today)
        month = land(zone, window("2026-01-01", "2026-01-31"), NOW - timedelta(hours=1))
        may_stand = build_reuse_rule(account(), [], now=NOW, run_started_at=NOW, refetch=False)
        assert may_stand(month, today - timedelta(days=1))
        assert not may_stand(month, today)

    def test_not_what_was_not_understood(self, zone: LandingZone) -> None:
        batch = land(zone, Window.of_day(self.DAY), NOW - timedelta(hours=1))
        batch.reject()
        assert not self.may(batch)


def nothing_stands(_batch: Batch, _day: date) -> bool:
    return False


def all_stands(_batch: Batch, _day: date) -> bool:
    return True


def planned(
    zone: LandingZone, days: Iterable[date], known: Provider = PROVIDER, **settings: Any
) -> list[tuple[str, list[str]]]:
    found = plan_steps(account(**settings), known, zone, list(days), all_stands)
    return [(f"{step.days[0]}..{step.days[-1]}", [str(part) for _, _, part in step.fetches]) for step in found]


def test_months_newest_first_each_with_what_it_needs(zone: LandingZone) -> None:
    assert planned(zone, window("2025-01-30", "2025-03-02").days()) == [
        ("2025-03-01..2025-03-02", ["2025-03-01_2025-03-03"]),
        ("2025-02-01..2025-02-28", ["2025-02-01_2025-03-01"]),
        ("2025-01-30..2025-01-31", ["2025-01-30_2025-02-01"]),
    ]


def test_what_is_landed_is_not_wanted(zone: LandingZone) -> None:
    land(zone, window("2025-02-01", "2025-02-28"), NOW)
    land(zone, window("2025-03-01", "2025-03-01"), NOW)
    assert [wanted for _, wanted in planned(zone, window("2025-01-30", "2025-03-02").days())] == [
        ["2025-03-02_2025-03-03"],
        [],
        ["2025-01-30_2025-02-01"],
    ]


def test_a_window_over_two_months_is_asked_for_once_before_the_newer(zone: LandingZone) -> None:
    wide = Stream(
        windows=lambda _account, whole: whole.split_by_hours(20 * 24, account().zone),
        fetch=PROVIDER.streams[STREAM].fetch,
    )
    known = replace(PROVIDER, streams={STREAM: wide})
    assert planned(zone, window("2025-01-20", "2025-03-05").days(), known) == [
        ("2025-03-01..2025-03-05", ["2025-03-01_2025-03-06"]),
        ("2025-02-01..2025-02-28", ["2025-02-09_2025-03-01", "2025-01-20_2025-02-09"]),
        ("2025-01-20..2025-01-31", []),
    ]


def test_days_with_gaps(zone: LandingZone) -> None:
    days = [date(2025, 3, day) for day in (1, 2, 5)]
    assert planned(zone, days) == [
        ("2025-03-05..2025-03-05", ["2025-03-05_2025-03-06"]),
        ("2025-03-01..2025-03-02", ["2025-03-01_2025-03-03"]),
    ]
    assert planned(zone, []) == []


def test_a_year_is_twelve_windows(zone: LandingZone) -> None:
    assert sum(len(wanted) for _, wanted in planned(zone, window("2025-01-01", "2025-12-31").days())) == 12


@given(st.sets(st.dates(date(2025, 1, 1), date(2025, 6, 30))), st.integers(1, 60))
def test_each_day_is_in_one_step_and_its_windows_come_no_later(
    tmp_path_factory: pytest.TempPathFactory, days: set[date], width: int
) -> None:
    zone = LandingZone(tmp_path_factory.mktemp("landing"))
    wide = Stream(
        windows=lambda _account, whole: whole.split_by_hours(width * 24, account().zone),
        fetch=PROVIDER.streams[STREAM].fetch,
    )
    known = replace(PROVIDER, streams={STREAM: wide})
    found = plan_steps(account(), known, zone, days, nothing_stands)
    assert sorted(day for step in found for day in step.days) == sorted(days)
    asked: set[date] = set()
    for step in found:
        for _, _, part in step.fetches:
            assert not asked & set(part.days())
            asked |= set(part.days())
        assert set(step.days) <= asked
    assert asked == days


def test_a_day_is_ready_when_every_stream_has_a_batch_that_may_stand(zone: LandingZone) -> None:
    both = account(streams=[STREAM, "call_counter"])
    days = list(window("2025-03-01", "2025-03-04").days())
    month = land(zone, window("2025-03-01", "2025-03-03"), NOW)
    newer = land(zone, window("2025-03-02", "2025-03-02"), NOW + timedelta(minutes=1))
    calls = land(zone, window("2025-03-01", "2025-03-04"), NOW, stream="call_counter")
    complete, claims = loadable_days(both, zone, days, all_stands)
    assert complete == tuple(days[:3])
    assert {claim.batch: set(claim.days) for claim in claims[STREAM]} == {month: {days[0], days[2]}, newer: {days[1]}}
    assert {claim.batch: set(claim.days) for claim in claims["call_counter"]} == {calls: set(days[:3])}
    assert loadable_days(both, zone, days, nothing_stands)[0] == ()
    not_the_newest = loadable_days(both, zone, days, lambda batch, _day: batch != newer)
    assert not_the_newest[0] == (days[0], days[2])
