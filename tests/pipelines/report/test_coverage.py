"""The coverage map: every gap is visible, and the map stays small enough to read."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from extractors.windows import Window
from pipelines.loads.status import STATES, AccountStatus, StateRange
from pipelines.report.coverage import MAX_DRAWN_ACCOUNTS, MAX_VISIBLE_ACCOUNTS, PeriodCoverage, build_coverage_map
from pipelines.report.model import StateSpan
from pipelines.report.period import Period
from tests.support.report_warehouse import build_cognigy_account

FIRST = date(2024, 4, 1)  # a Monday
YEAR = Period(Window(FIRST, FIRST + timedelta(365)))
MONTH = Period(Window(FIRST, date(2024, 5, 1)))


def build_status(name: str, *parts: tuple[str, int, int]) -> AccountStatus:
    """Return an account with state ranges; first and last day are counted from ``FIRST``."""
    ranges = [StateRange(state, FIRST + timedelta(first), FIRST + timedelta(last)) for state, first, last in parts]
    return AccountStatus(build_cognigy_account(name), tuple(ranges))


def spans_of(period: Period, *parts: tuple[str, int, int]) -> Sequence[StateSpan]:
    [timeline] = build_coverage_map(PeriodCoverage(period, [build_status("one", *parts)])).visible_timelines
    return timeline.spans


def test_days_are_columns_and_equal_neighbours_are_one_span() -> None:
    spans = spans_of(MONTH, ("settled", 0, 9), ("failed", 10, 10), ("loaded", 12, 40))
    assert spans == [StateSpan("settled", 0, 10), StateSpan("failed", 10, 1), StateSpan("loaded", 12, 18)]


def test_a_year_is_weeks_and_each_shows_its_worst_day() -> None:
    for state in STATES[2:]:
        spans = spans_of(YEAR, ("settled", 0, 9), (state, 10, 10), ("loaded", 11, 364))
        assert spans == [StateSpan("settled", 0, 1), StateSpan(state, 1, 1), StateSpan("loaded", 2, 51)]
    assert spans_of(YEAR, ("missing", 7, 8), ("failed", 9, 9), ("stale", 10, 13)) == [StateSpan("failed", 1, 1)]


def test_slices_are_counted_and_gaps_are_named() -> None:
    parts = [("settled", 0, 9), *(("missing", day, day) for day in range(10, 20, 2)), ("loaded", 20, 60)]
    [timeline] = build_coverage_map(PeriodCoverage(MONTH, [build_status("one", *parts)])).visible_timelines
    assert (timeline.loaded_slices, timeline.due_slices) == (20, 25)
    assert timeline.alt_text == (
        "10 settled, 10 loaded, 5 missing (missing 11 Apr 2024; missing 13 Apr 2024; missing 15 Apr 2024; 2 more)"
    )


def test_a_hundred_accounts_and_a_year_are_a_map_of_a_few_thousand_cells() -> None:
    gaps = [(("loaded", "missing")[day % 2], day, day) for day in range(365)]
    many = [build_status(f"bot-{number}", *(gaps if number % 2 else [("settled", 0, 364)])) for number in range(100)]
    coverage_map = build_coverage_map(PeriodCoverage(YEAR, many))
    assert coverage_map.column_count == 53
    assert (
        sum(len(timeline.spans) for timeline in (*coverage_map.visible_timelines, *coverage_map.folded_timelines))
        <= 100 * 53
    )
    assert (len(coverage_map.visible_timelines), len(coverage_map.folded_timelines), coverage_map.omitted_note) == (
        50,
        50,
        "",
    )
    assert {timeline.account for timeline in coverage_map.folded_timelines} == {
        f"bot-{number}" for number in range(0, 100, 2)
    }
    assert coverage_map.lead == "One column is a week and shows its worst day. Accounts with gaps come first."


def test_accounts_that_are_not_drawn_are_counted() -> None:
    many = [build_status(f"bot-{number:03}", ("settled", 0, 29)) for number in range(MAX_DRAWN_ACCOUNTS + 9)]
    many.append(build_status("last", ("missing", 0, 29)))
    coverage_map = build_coverage_map(PeriodCoverage(MONTH, many))
    assert (len(coverage_map.visible_timelines), len(coverage_map.folded_timelines)) == (
        MAX_VISIBLE_ACCOUNTS,
        MAX_DRAWN_ACCOUNTS - MAX_VISIBLE_ACCOUNTS,
    )
    assert coverage_map.visible_timelines[0].account == "last"
    assert coverage_map.omitted_note == "Not drawn: 10 more accounts. chatmart status lists all accounts."


def test_few_accounts_keep_their_order() -> None:
    coverage_map = build_coverage_map(
        PeriodCoverage(MONTH, [build_status("good", ("loaded", 0, 29)), build_status("bad", ("failed", 0, 29))])
    )
    assert [timeline.account for timeline in coverage_map.visible_timelines] == ["good", "bad"]


@pytest.mark.parametrize(
    ("parts", "is_comparable"),
    [
        ([("settled", -30, 29)], True),
        ([("settled", -29, 29)], False),
        ([("settled", -30, -5), ("stale", -4, -4), ("settled", -3, 29)], False),
        ([("settled", -30, 28)], False),
    ],
)
def test_an_account_is_comparable_when_both_periods_are_loaded(
    parts: list[tuple[str, int, int]], is_comparable: bool
) -> None:
    assert PeriodCoverage(MONTH, [build_status("one", *parts)]).complete_accounts == (
        {"one"} if is_comparable else set()
    )


def test_buckets_that_cover_a_part_of_their_days_are_partial() -> None:
    gap = build_status("one", ("settled", 0, 19), ("missing", 20, 20), ("settled", 21, 364))
    last = FIRST + timedelta(364)  # the only day of its week in the period
    assert PeriodCoverage(YEAR, [gap]).partial_buckets == {
        "cognigy": {FIRST + timedelta(14): "6 of 7 days", last: "1 of 7 days"}
    }
    assert PeriodCoverage(YEAR, [gap, build_status("two", ("settled", 0, 364))]).partial_buckets == {
        "cognigy": {FIRST + timedelta(14): "13 of 14 days of 2 accounts", last: "2 of 14 days of 2 accounts"}
    }
    daily = PeriodCoverage(MONTH, [build_status("one", ("settled", 0, 29))])
    assert daily.partial_buckets == {"cognigy": {}}


def test_a_bucket_in_which_an_account_begins_is_partial_and_those_before_it_are_not() -> None:
    statuses = [build_status("one", ("settled", 0, 364)), build_status("two", ("settled", 10, 364))]
    assert PeriodCoverage(YEAR, statuses).partial_buckets["cognigy"] == {
        FIRST + timedelta(7): "11 of 14 days of 2 accounts",
        FIRST + timedelta(364): "2 of 14 days of 2 accounts",
    }


def test_slices_after_the_period_are_counted_when_due_and_not_loaded() -> None:
    coverage = PeriodCoverage(
        MONTH, [build_status("one", ("settled", 0, 27), ("missing", 28, 33)), build_status("two", ("loaded", 0, 40))]
    )
    assert coverage.unloaded_after_period == 4
