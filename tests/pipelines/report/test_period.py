"""The bucket of a day, compared with DuckDB's, and the number of buckets in a chart."""

from collections.abc import Iterator
from datetime import date, timedelta
from itertools import pairwise

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.windows import Window
from pipelines.report.format import format_bucket
from pipelines.report.period import BucketUnit, Period, truncate_date

UNITS: tuple[BucketUnit, ...] = ("day", "week", "month", "quarter", "year")
DAYS = st.dates(date(1970, 1, 1), date(2100, 1, 1))


@pytest.fixture(scope="module")
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        yield connection


@given(day=DAYS, unit=st.sampled_from(UNITS))
@settings(deadline=None)
def test_buckets_are_those_of_sql(con: duckdb.DuckDBPyConnection, day: date, unit: BucketUnit) -> None:
    row = con.execute("SELECT CAST(date_trunc($unit, $day) AS DATE)", {"unit": unit, "day": day}).fetchone()
    assert row == (truncate_date(day, unit),)


@given(DAYS, st.integers(1, 20_000))
@settings(deadline=None)
def test_buckets_cover_the_period_once(first: date, length: int) -> None:
    period = Period(Window(first, first + timedelta(length)))
    buckets = period.buckets
    assert len(buckets) <= 107
    assert (buckets[0].start, buckets[-1].end) == (period.first, period.window.end)
    assert all(earlier.end == later.start for earlier, later in pairwise(buckets))
    assert len({period.bucket_date(bucket) for bucket in buckets}) == len(buckets)
    assert all(
        truncate_date(bucket.end - timedelta(1), period.bucket_unit) == period.bucket_date(bucket) for bucket in buckets
    )
    assert all(len(bucket) == period.bucket_length(bucket.start) for bucket in buckets[1:-1])


@given(DAYS, st.integers(1, 20_000))
@settings(deadline=None)
def test_the_previous_window_has_the_same_length(first: date, length: int) -> None:
    period = Period(Window(first, first + timedelta(length)))
    assert (len(period.previous), period.previous.end) == (length, first)


@pytest.mark.parametrize(
    ("length", "unit", "first_name", "last_name"),
    [
        (1, "day", "Mon 1 Jan 2024", "Mon 1 Jan 2024"),
        (92, "day", "Mon 1 Jan 2024", "Mon 1 Apr 2024"),
        (93, "week", "week of 1 Jan 2024", "week of 1 Apr 2024"),
        (1000, "month", "Jan 2024", "Sep 2026"),
        (4000, "quarter", "Q1 2024", "Q4 2034"),
        (10_000, "year", "2024", "2051"),
    ],
)
def test_a_bucket_is_named_by_its_unit_and_first_day(
    length: int, unit: BucketUnit, first_name: str, last_name: str
) -> None:
    period = Period(Window(date(2024, 1, 1), date(2024, 1, 1) + timedelta(length)))
    assert period.bucket_unit == unit
    assert [format_bucket(period.bucket_date(period.buckets[at]), unit) for at in (0, -1)] == [first_name, last_name]


@pytest.mark.parametrize(
    ("first", "last", "begins"),
    [
        (date(2025, 3, 1), date(2025, 3, 28), date(2024, 4, 1)),
        (date(2023, 9, 15), date(2025, 3, 28), date(2023, 9, 1)),
        (date(1990, 1, 1), date(2025, 3, 28), date(2022, 4, 1)),
    ],
)
def test_monthly_charts_reach_back_a_year_at_least_and_three_at_most(first: date, last: date, begins: date) -> None:
    assert Period(Window(first, last + timedelta(1))).first_chart_month == begins
