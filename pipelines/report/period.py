"""The days that a report is about, the days before them, and the buckets its charts count in. No data.

A bucket is named by its first day: a day, an ISO week (Monday), a month, a quarter or a year, whichever is the finest
that keeps a chart readable.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Literal

from extractors.windows import ONE_DAY, Window

BucketUnit = Literal["day", "week", "month", "quarter", "year"]

DEFAULT_DAYS = 28
"""Of a report when no day is named: four whole weeks, so that the weekdays of two periods are the same."""

MIN_CHART_MONTHS = 12
"""The least that a monthly chart reaches back; a longer period shows more of it, up to three times as many."""

_WIDEST: Sequence[tuple[BucketUnit, int]] = (("day", 92), ("week", 731), ("month", 96 * 31), ("quarter", 26 * 366))


@dataclass(frozen=True)
class Period:
    """A window of local days, and the one of equal length before it."""

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
        """The days right before it, as many."""
        return Window(self.first - timedelta(days=len(self.window)), self.first)

    @cached_property
    def bucket_unit(self) -> BucketUnit:
        """What one bar of a chart stands for."""
        return next((unit for unit, most in _WIDEST if len(self.window) <= most), "year")

    @cached_property
    def buckets(self) -> tuple[Window, ...]:
        """The buckets that have days of the period, oldest first, cut to the period."""
        return tuple(self._buckets())

    @cached_property
    def bucket_dates(self) -> list[date]:
        """What the buckets are called: their first days, whether those are part of the period or not."""
        return [self.bucket_date(bucket) for bucket in self.buckets]

    @cached_property
    def clipped_starts(self) -> list[date]:
        """The first days of the buckets that are days of the period."""
        return [bucket.start for bucket in self.buckets]

    @property
    def first_chart_month(self) -> date:
        """Where the monthly charts begin: a year back at least, three at most."""
        least, most = (_month_back(self.last, count - 1) for count in (MIN_CHART_MONTHS, 3 * MIN_CHART_MONTHS))
        return max(most, min(least, self.first.replace(day=1)))

    def bucket_date(self, bucket: Window) -> date:
        """What the bucket is called: its first day, whether that is part of the period or not."""
        return truncate_date(bucket.start, self.bucket_unit)

    def is_clipped(self, bucket: Window) -> bool:
        """Whether days of the bucket lie outside of the period."""
        start = self.bucket_date(bucket)
        return bucket != Window(start, _next(start, self.bucket_unit))

    def _buckets(self) -> Iterator[Window]:
        start = self.first
        while start < self.window.end:
            end = min(_next(truncate_date(start, self.bucket_unit), self.bucket_unit), self.window.end)
            yield Window(start, end)
            start = end


def truncate_date(day: date, unit: BucketUnit) -> date:
    """The first day of the bucket that ``day`` is in; as SQL's ``date_trunc`` has it."""
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


def _next(start: date, unit: BucketUnit) -> date:
    match unit:
        case "day":
            return start + ONE_DAY
        case "week":
            return start + timedelta(days=7)
        case "month":
            return _month_back(start, -1)
        case "quarter":
            return _month_back(start, -3)
        case "year":
            return date(start.year + 1, 1, 1)


def _month_back(day: date, count: int) -> date:
    """The first of the month ``count`` months before."""
    months = day.year * 12 + day.month - 1 - count
    return date(months // 12, months % 12 + 1, 1)
