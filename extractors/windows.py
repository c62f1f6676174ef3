"""Windows of local calendar days, and the instants at which such days begin and end. No request is made here.

A window is half-open, ``[start, end)``, in days of the account's zone. Each provider ends a range in its own way, so
every extractor converts at its own edge with the helpers below. Days are never "24 hours": they have 23, 24 or 25,
and a few zones have skipped a day altogether.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import groupby
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """The first instant (UTC) of a local day; where midnight does not exist, the instant the clock jumps over it."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """The local calendar day on which an aware instant falls."""
    return instant.astimezone(zone).date()


def rfc3339(instant: datetime) -> str:
    """An aware instant as the providers are sent it: UTC with milliseconds and ``Z``."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def today(zone: ZoneInfo, now: datetime) -> date:
    """The local day of ``now``."""
    return local_day(now, zone)


@dataclass(frozen=True, order=True)
class Window:
    """A half-open range ``[start, end)`` of local calendar days.

    >>> [str(w) for w in Window(date(2025, 1, 30), date(2025, 3, 2)).months()]
    ['2025-01-30_2025-02-01', '2025-02-01_2025-03-01', '2025-03-01_2025-03-02']
    """

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.start >= self.end:
            raise ValueError(f"an empty window: {self.start} to {self.end}")

    def __str__(self) -> str:
        return f"{self.start}_{self.end}"

    def __len__(self) -> int:
        return (self.end - self.start).days

    def __contains__(self, day: object) -> bool:
        return isinstance(day, date) and self.start <= day < self.end

    @classmethod
    def of_day(cls, day: date) -> "Window":
        """The window of one day."""
        return cls(day, day + ONE_DAY)

    @classmethod
    def parse(cls, text: str) -> "Window":
        """The inverse of ``str``; ValueError for anything else."""
        start, end = text.split("_")
        return cls(date.fromisoformat(start), date.fromisoformat(end))

    def days(self) -> Iterator[date]:
        """Each day, oldest first."""
        for offset in range(len(self)):
            yield self.start + timedelta(days=offset)

    def first_instant(self, zone: ZoneInfo) -> datetime:
        """Where the window begins, in UTC."""
        return day_start(self.start, zone)

    def end_instant(self, zone: ZoneInfo) -> datetime:
        """The first instant after the window, in UTC."""
        return day_start(self.end, zone)

    def last_millisecond(self, zone: ZoneInfo) -> datetime:
        """The last whole millisecond inside, in UTC: for providers whose ranges include their end."""
        return self.end_instant(zone) - timedelta(milliseconds=1)

    def each_day(self) -> list["Window"]:
        """One window a day, oldest first."""
        return [Window.of_day(day) for day in self.days()]

    def months(self) -> list["Window"]:
        """The window cut at the first of each month, oldest first."""
        return group_into_windows(self.days(), key=lambda day: (day.year, day.month))

    def by_hours(self, limit: int, zone: ZoneInfo) -> list["Window"]:
        """The fewest windows none of which lasts longer than ``limit`` hours, oldest first."""
        parts: list[Window] = []
        start = self.start
        for day in self.days():
            if day_start(day + ONE_DAY, zone) - day_start(start, zone) > timedelta(hours=limit) and day > start:
                parts.append(Window(start, day))
                start = day
        return [*parts, Window(start, self.end)]


def group_into_windows(days: Iterable[date], key: Callable[[date], object] = lambda _day: None) -> list[Window]:
    """Consecutive days gathered into windows, oldest first; ``key(day)`` starts a new one where it changes."""
    ordered = sorted(set(days))
    runs = groupby(enumerate(ordered), lambda pair: (pair[1].toordinal() - pair[0], key(pair[1])))
    gathered = [[day for _, day in run] for _, run in runs]
    return [Window(run[0], run[-1] + ONE_DAY) for run in gathered]
