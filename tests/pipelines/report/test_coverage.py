"""The map of accounts and days: a gap is always seen, and the map has a size that people can read."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from extractors.windows import Window
from pipelines.loads.status import STATES, AccountStatus, Range
from pipelines.report.coverage import MOST, OPEN, Standing, coverage
from pipelines.report.model import Run
from pipelines.report.period import Period
from tests.support.report_warehouse import cognigy

FIRST = date(2024, 4, 1)  # a Monday
YEAR = Period(Window(FIRST, FIRST + timedelta(365)))
MONTH = Period(Window(FIRST, date(2024, 5, 1)))


def status(name: str, *parts: tuple[str, int, int]) -> AccountStatus:
    """Days by state: the first and the last, counted from ``FIRST``."""
    ranges = [Range(state, FIRST + timedelta(first), FIRST + timedelta(last)) for state, first, last in parts]
    return AccountStatus(cognigy(name), tuple(ranges))


def runs(period: Period, *parts: tuple[str, int, int]) -> Sequence[Run]:
    [strip] = coverage(Standing(period, [status("one", *parts)])).open
    return strip.runs


def test_days_are_columns_and_equal_neighbours_are_one_run() -> None:
    told = runs(MONTH, ("settled", 0, 9), ("failed", 10, 10), ("loaded", 12, 40))
    assert told == [Run("settled", 0, 10), Run("failed", 10, 1), Run("loaded", 12, 18)]


def test_a_year_is_weeks_and_each_shows_its_worst_day() -> None:
    for state in STATES[2:]:
        told = runs(YEAR, ("settled", 0, 9), (state, 10, 10), ("loaded", 11, 364))
        assert told == [Run("settled", 0, 1), Run(state, 1, 1), Run("loaded", 2, 51)]
    assert runs(YEAR, ("missing", 7, 8), ("failed", 9, 9), ("stale", 10, 13)) == [Run("failed", 1, 1)]


def test_what_is_counted_and_said() -> None:
    parts = [("settled", 0, 9), *(("missing", day, day) for day in range(10, 20, 2)), ("loaded", 20, 60)]
    [strip] = coverage(Standing(MONTH, [status("one", *parts)])).open
    assert (strip.good, strip.due) == (20, 25)
    assert strip.said == (
        "10 settled, 10 loaded, 5 missing (missing 11 Apr 2024; missing 13 Apr 2024; missing 15 Apr 2024; 2 more)"
    )


def test_a_hundred_accounts_and_a_year_are_a_map_of_a_few_thousand_cells() -> None:
    gaps = [(("loaded", "missing")[day % 2], day, day) for day in range(365)]
    many = [status(f"bot-{number}", *(gaps if number % 2 else [("settled", 0, 364)])) for number in range(100)]
    told = coverage(Standing(YEAR, many))
    assert told.columns == 53
    assert sum(len(strip.runs) for strip in (*told.open, *told.folded)) <= 100 * 53
    assert (len(told.open), len(told.folded), told.more) == (50, 50, "")
    assert {strip.account for strip in told.folded} == {f"bot-{number}" for number in range(0, 100, 2)}
    assert told.lead == "One column is a week and shows its worst day. Accounts with gaps come first."


def test_accounts_that_are_not_drawn_are_counted() -> None:
    many = [status(f"bot-{number:03}", ("settled", 0, 29)) for number in range(MOST + 9)]
    many.append(status("last", ("missing", 0, 29)))
    told = coverage(Standing(MONTH, many))
    assert (len(told.open), len(told.folded)) == (OPEN, MOST - OPEN)
    assert told.open[0].account == "last"
    assert told.more == "Not drawn: 10 more accounts; chatmart status tells of all."


def test_few_accounts_keep_their_order() -> None:
    told = coverage(Standing(MONTH, [status("good", ("loaded", 0, 29)), status("bad", ("failed", 0, 29))]))
    assert [strip.account for strip in told.open] == ["good", "bad"]


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
    assert Standing(MONTH, [status("one", *parts)]).whole == ({"one"} if compared else set())


def test_buckets_that_stand_for_a_part_of_their_days() -> None:
    gap = status("one", ("settled", 0, 19), ("missing", 20, 20), ("settled", 21, 364))
    last = FIRST + timedelta(364)  # of whose week the period has one day
    assert Standing(YEAR, [gap]).parts == {"cognigy": {FIRST + timedelta(14), last}}
    assert Standing(YEAR, [gap, status("two", ("settled", 0, 364))]).parts == {"cognigy": {last}}
    daily = Standing(MONTH, [status("one", ("settled", 0, 29))])
    assert daily.parts == {"cognigy": set()}


def test_what_came_due_after_the_period() -> None:
    told = Standing(MONTH, [status("one", ("settled", 0, 27), ("missing", 28, 33)), status("two", ("loaded", 0, 40))])
    assert told.due_later == 4
