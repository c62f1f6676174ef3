"""The map of accounts and days: a gap is always seen, and the map has a size that people can read."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from extractors.windows import Window
from pipelines.loads.status import STATES, AccountStatus, StateRange
from pipelines.report.coverage import MAX_DRAWN_ACCOUNTS, MAX_VISIBLE_ACCOUNTS, PeriodCoverage, build_coverage_map
from pipelines.report.model import StateSpan
from pipelines.report.period import Period
from tests.support.report_warehouse import cognigy_account

FIRST = date(2024, 4, 1)  # a Monday
YEAR = Period(Window(FIRST, FIRST + timedelta(365)))
MONTH = Period(Window(FIRST, date(2024, 5, 1)))


def status(name: str, *parts: tuple[str, int, int]) -> AccountStatus:
    """Days by state: the first and the last, counted from ``FIRST``."""
    ranges = [StateRange(state, FIRST + timedelta(first), FIRST + timedelta(last)) for state, first, last in parts]
    return AccountStatus(cognigy_account(name), tuple(ranges))


def runs(period: Period, *parts: tuple[str, int, int]) -> Sequence[StateSpan]:
    [strip] = build_coverage_map(PeriodCoverage(period, [status("one", *parts)])).visible_timelines
    return strip.spans


def test_days_are_columns_and_equal_neighbours_are_one_run() -> None:
    told = runs(MONTH, ("settled", 0, 9), ("failed", 10, 10), ("loaded", 12, 40))
    assert told == [StateSpan("settled", 0, 10), StateSpan("failed", 10, 1), StateSpan("loaded", 12, 18)]


def test_a_year_is_weeks_and_each_shows_its_worst_day() -> None:
    for state in STATES[2:]:
        told = runs(YEAR, ("settled", 0, 9), (state, 10, 10), ("loaded", 11, 364))
        assert told == [StateSpan("settled", 0, 1), StateSpan(state, 1, 1), StateSpan("loaded", 2, 51)]
    assert runs(YEAR, ("missing", 7, 8), ("failed", 9, 9), ("stale", 10, 13)) == [StateSpan("failed", 1, 1)]


def test_what_is_counted_and_said() -> None:
    parts = [("settled", 0, 9), *(("missing", day, day) for day in range(10, 20, 2)), ("loaded", 20, 60)]
    [strip] = build_coverage_map(PeriodCoverage(MONTH, [status("one", *parts)])).visible_timelines
    assert (strip.loaded_slices, strip.due_slices) == (20, 25)
    assert strip.alt_text == (
        "10 settled, 10 loaded, 5 missing (missing 11 Apr 2024; missing 13 Apr 2024; missing 15 Apr 2024; 2 more)"
    )


def test_a_hundred_accounts_and_a_year_are_a_map_of_a_few_thousand_cells() -> None:
    gaps = [(("loaded", "missing")[day % 2], day, day) for day in range(365)]
    many = [status(f"bot-{number}", *(gaps if number % 2 else [("settled", 0, 364)])) for number in range(100)]
    told = build_coverage_map(PeriodCoverage(YEAR, many))
    assert told.column_count == 53
    assert sum(len(strip.spans) for strip in (*told.visible_timelines, *told.folded_timelines)) <= 100 * 53
    assert (len(told.visible_timelines), len(told.folded_timelines), told.omitted_note) == (50, 50, "")
    assert {strip.account for strip in told.folded_timelines} == {f"bot-{number}" for number in range(0, 100, 2)}
    assert told.lead == "One column is a week and shows its worst day. Accounts with gaps come first."


def test_accounts_that_are_not_drawn_are_counted() -> None:
    many = [status(f"bot-{number:03}", ("settled", 0, 29)) for number in range(MAX_DRAWN_ACCOUNTS + 9)]
    many.append(status("last", ("missing", 0, 29)))
    told = build_coverage_map(PeriodCoverage(MONTH, many))
    assert (len(told.visible_timelines), len(told.folded_timelines)) == (
        MAX_VISIBLE_ACCOUNTS,
        MAX_DRAWN_ACCOUNTS - MAX_VISIBLE_ACCOUNTS,
    )
    assert told.visible_timelines[0].account == "last"
    assert told.omitted_note == "Not drawn: 10 more accounts; chatmart status tells of all."


def test_few_accounts_keep_their_order() -> None:
    told = build_coverage_map(
        PeriodCoverage(MONTH, [status("good", ("loaded", 0, 29)), status("bad", ("failed", 0, 29))])
    )
    assert [strip.account for strip in told.visible_timelines] == ["good", "bad"]


@pytest.mark.parametrize(
    ("parts", "compared"),
    [
        ([("settled", -30, 29)], True),
        ([("settled", -29, 29)], False),
        ([("settled", -30, -5), ("stale", -4, -4), ("settled", -3, 29)], False),
        ([("settled", -30, 28)], False),
    ],
)
def test_who_can_be_compared(parts: list[tuple[str, int, int]], compared: bool) -> None:
    assert PeriodCoverage(MONTH, [status("one", *parts)]).complete_accounts == ({"one"} if compared else set())


def test_buckets_that_stand_for_a_part_of_their_days() -> None:
    gap = status("one", ("settled", 0, 19), ("missing", 20, 20), ("settled", 21, 364))
    last = FIRST + timedelta(364)  # of whose week the period has one day
    assert PeriodCoverage(YEAR, [gap]).partial_buckets == {"cognigy": {FIRST + timedelta(14), last}}
    assert PeriodCoverage(YEAR, [gap, status("two", ("settled", 0, 364))]).partial_buckets == {"cognigy": {last}}
    daily = PeriodCoverage(MONTH, [status("one", ("settled", 0, 29))])
    assert daily.partial_buckets == {"cognigy": set()}


def test_what_came_due_after_the_period() -> None:
    told = PeriodCoverage(
        MONTH, [status("one", ("settled", 0, 27), ("missing", 28, 33)), status("two", ("loaded", 0, 40))]
    )
    assert told.unloaded_after_period == 4
