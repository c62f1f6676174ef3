"""A range of local days that both ends belong to, and the counts from which the least requests are worked out.

What must not come in: the product's own windows (``extractors.windows``), which these counts check.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

DAY = timedelta(days=1)


@dataclass(frozen=True)
class DayRange:
    """A range of local days, the last one included."""

    first: date
    last: date

    def __iter__(self) -> Iterator[date]:
        return (self.first + number * DAY for number in range(len(self)))

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def count_months(self) -> int:
        """Return the number of calendar months that have a day in the range."""
        return len({(day.year, day.month) for day in self})

    def split_by_month(self) -> list["DayRange"]:
        """Return the range cut at the first of each month, oldest first."""
        months: dict[tuple[int, int], list[date]] = {}
        for day in self:
            months.setdefault((day.year, day.month), []).append(day)
        return [DayRange(days[0], days[-1]) for days in months.values()]

    def count_ranges(self, longest: timedelta, zone: ZoneInfo) -> int:
        """Return the least number of ranges of whole days of ``zone``, none longer than ``longest``, that cover it."""
        count, start = 1, midnight(self.first, zone)
        for day in self:
            if midnight(day + DAY, zone) - start > longest:
                count, start = count + 1, midnight(day, zone)
        return count


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant of a local day of ``zone``, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)
