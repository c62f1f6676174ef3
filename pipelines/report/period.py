"""The days of a report, the days before them, and the buckets of its charts. No query belongs here.

A bucket is a day, an ISO week (from Monday), a month, a quarter or a year: the finest unit that keeps a chart
readable. Its first day is its name.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Literal

from extractors.windows import ONE_DAY, Window

BucketUnit = Literal["day", "week", "month", "quarter", "year"]

DEFAULT_DAYS = 28
"""The default length of a report in days: four whole weeks, so that both periods have the same weekdays."""

MIN_CHART_MONTHS = 12
"""A monthly chart reaches back at least this many months; for a longer period, up to three times as many."""

_WIDEST: Sequence[tuple[BucketUnit, int]] = (("day", 92), ("week", 731), ("month", 96 * 31), ("quarter", 26 * 366))


@dataclass(frozen=True)
class Period:
    """A window of local days, with the equally long window before it.

    >>> period = Period(Window(date(2025, 3, 1), date(2025, 3, 29)))
    >>> period.bucket_unit, str(period.last), str(period.previous.start)
    ('day', '2025-03-28', '2025-02-01')
    """

    window: Window

    @property
    def first(self) -> date:
        """The first day."""
        return self.window.start

    @property
    def last(self) -> date:
        """The last day, included."""
        return self.window.end - ONE_DAY

    @cached_property
    def previous(self) -> Window:
        """The equally many days right before the period."""
        return Window(self.first - timedelta(days=len(self.window)), self.first)

    @cached_property
    def bucket_unit(self) -> BucketUnit:
        """The time unit of one bar of a chart."""
        return next((unit for unit, most in _WIDEST if len(self.window) <= most), "year")

    @cached_property
    def buckets(self) -> tuple[Window, ...]:
        """The buckets that have days of the period, oldest first, cut to the period."""
        return tuple(self._split_into_buckets())

    @cached_property
    def bucket_dates(self) -> list[date]:
        """The buckets' first days, even where those lie before the period."""
        return [self.bucket_date(bucket) for bucket in self.buckets]

    @cached_property
    def clipped_starts(self) -> list[date]:
        """The buckets' first days within the period."""
        return [bucket.start for bucket in self.buckets]

    @property
    def first_chart_month(self) -> date:
        """The first month of the monthly charts: at least one year back, at most three."""
        least, most = (_months_before(self.last, count - 1) for count in (MIN_CHART_MONTHS, 3 * MIN_CHART_MONTHS))
        return max(most, min(least, self.first.replace(day=1)))

    def bucket_date(self, bucket: Window) -> date:
        """Return the bucket's first day, even where it lies before the period."""
        return truncate_date(bucket.start, self.bucket_unit)

    def bucket_length(self, start: date) -> int:
        """Return the number of days of the bucket that begins on this day, in the period and outside."""
        return (_next_bucket_start(start, self.bucket_unit) - start).days

    def _split_into_buckets(self) -> Iterator[Window]:
        start = self.first
        while start < self.window.end:
            end = min(_next_bucket_start(truncate_date(start, self.bucket_unit), self.bucket_unit), self.window.end)
            yield Window(start, end)
            start = end


def truncate_date(day: date, unit: BucketUnit) -> date:
    """Return the first day of the bucket of ``day``, as SQL's ``date_trunc`` does."""
    match unit:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case "quarter":
            return date(day.year, day.month - (day.month - 1) % 3, 1)
        case "year":
            return date(day.year, 1, 1)


def next_month(day: date) -> date:
    """Return the first day of the month after that of ``day``."""
    return _months_before(day, -1)


def _next_bucket_start(start: date, unit: BucketUnit) -> date:
    match unit:
        case "day":
            return start + ONE_DAY
        case "week":
            return start + timedelta(days=7)
        case "month":
            return next_month(start)
        case "quarter":
            return _months_before(start, -3)
        case "year":
            return date(start.year + 1, 1, 1)


def _months_before(day: date, count: int) -> date:
    """Return the first day of the month ``count`` months before the month of ``day``."""
    months = day.year * 12 + day.month - 1 - count
    return date(months // 12, months % 12 + 1, 1)
