"""Windows of local calendar days, and the instants at which such days begin and end. No request is sent here.

A window is half-open, ``[start, end)``, in days of the account's zone. Providers end a range in different ways, so each
extractor converts a window to instants with the helpers below. A day is never "24 hours": it has 23, 24 or 25, and a
few zones have skipped a day altogether.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import groupby, pairwise
from zoneinfo import ZoneInfo

ONE_DAY = timedelta(days=1)


def day_start(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant (UTC) of a local day; where midnight does not exist, the instant of the clock change."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def local_day(instant: datetime, zone: ZoneInfo) -> date:
    """Return the local calendar day of ``zone`` on which an aware instant falls."""
    return instant.astimezone(zone).date()


def format_rfc3339(instant: datetime) -> str:
    """Return an aware instant in UTC with milliseconds and ``Z``, as providers expect it."""
    return instant.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def today(zone: ZoneInfo, now: datetime) -> date:
    """Return the local day of ``zone`` at the aware instant ``now``."""
    return local_day(now, zone)


@dataclass(frozen=True, order=True)
class Window:
    """A half-open range ``[start, end)`` of local calendar days.

    >>> [str(month) for month in Window(date(2025, 1, 30), date(2025, 3, 2)).split_into_months()]
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
        """Return the window of one day."""
        return cls(day, day + ONE_DAY)

    @classmethod
    def parse(cls, text: str) -> "Window":
        """Return the window of a text that ``str`` made; raises ValueError for any other text."""
        start, end = text.split("_")
        return cls(date.fromisoformat(start), date.fromisoformat(end))

    def days(self) -> tuple[date, ...]:
        """Return every day, oldest first."""
        return _list_days(self.start, self.end)

    def first_instant(self, zone: ZoneInfo) -> datetime:
        """Return the first instant of the window, in UTC."""
        return day_start(self.start, zone)

    def end_instant(self, zone: ZoneInfo) -> datetime:
        """Return the first instant after the window, in UTC."""
        return day_start(self.end, zone)

    def last_millisecond(self, zone: ZoneInfo) -> datetime:
        """Return the last whole millisecond inside, in UTC: for providers whose ranges include their end."""
        return self.end_instant(zone) - timedelta(milliseconds=1)

    def is_skipped(self, zone: ZoneInfo) -> bool:
        """Return whether the clocks of a zone passed over all of these days: they have no instant.

        >>> Window.of_day(date(2011, 12, 30)).is_skipped(ZoneInfo("Pacific/Apia"))
        True
        """
        return self.first_instant(zone) >= self.end_instant(zone)

    def split_into_days(self) -> list["Window"]:
        """Return one window for every day, oldest first."""
        return list(_list_day_windows(self.start, self.end))

    def split_into_months(self) -> list["Window"]:
        """Return the window cut at the first of each month, oldest first."""
        borders = [self.start]
        while (next_month := _first_of_next_month(borders[-1])) < self.end:
            borders.append(next_month)
        return [Window(start, end) for start, end in pairwise([*borders, self.end])]

    def split_by_hours(self, limit_hours: int, zone: ZoneInfo) -> list["Window"]:
        """Return the fewest windows of at most ``limit_hours`` hours each, oldest first, in days of ``zone``."""
        parts: list[Window] = []
        start = self.start
        for day in self.days():
            if day_start(day + ONE_DAY, zone) - day_start(start, zone) > timedelta(hours=limit_hours) and day > start:
                parts.append(Window(start, day))
                start = day
        return [*parts, Window(start, self.end)]


# the windows of many accounts are the same few: they share their days, which saves time and memory
@lru_cache(maxsize=128)
def _list_days(start: date, end: date) -> tuple[date, ...]:
    return tuple(start + timedelta(days=offset) for offset in range((end - start).days))


@lru_cache(maxsize=128)
def _list_day_windows(start: date, end: date) -> tuple[Window, ...]:
    return tuple(Window.of_day(day) for day in _list_days(start, end))


def _first_of_next_month(day: date) -> date:
    return (day.replace(day=1) + timedelta(days=31)).replace(day=1)


def group_into_windows(days: Iterable[date]) -> list[Window]:
    """Group consecutive days into windows, oldest first."""
    ordered = sorted(set(days))
    if ordered and (ordered[-1] - ordered[0]).days == len(ordered) - 1:
        return [Window(ordered[0], ordered[-1] + ONE_DAY)]
    # consecutive days keep the same distance from their position
    runs = groupby(enumerate(ordered), lambda pair: pair[1].toordinal() - pair[0])
    days_of_runs = [[day for _, day in run] for _, run in runs]
    return [Window(run[0], run[-1] + ONE_DAY) for run in days_of_runs]


def merge_windows(windows: Iterable[Window]) -> list[Window]:
    """Merge windows that touch or overlap, oldest first.

    >>> first, second, third = (Window(date(2025, 3, day), date(2025, 3, day + 2)) for day in (1, 3, 7))
    >>> [str(window) for window in merge_windows([third, second, first])]
    ['2025-03-01_2025-03-05', '2025-03-07_2025-03-09']
    """
    merged: list[Window] = []
    for window in sorted(windows):
        if merged and window.start <= merged[-1].end:
            merged[-1] = Window(merged[-1].start, max(merged[-1].end, window.end))
        else:
            merged.append(window)
    return merged


def split_by_day(_account: object, window: Window) -> list[Window]:
    """Return one window a day: the cut of a stream whose batch covers one day, whatever the account."""
    return window.split_into_days()


def split_by_month(_account: object, window: Window) -> list[Window]:
    """Return one window a month: the cut of a stream whose batch covers at most one month, whatever the account."""
    return window.split_into_months()
