"""Numbers, days and moments as the report says them. No data, no HTML."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal

from extractors.windows import ONE_DAY, Window
from pipelines.report.period import BucketUnit

NO_VALUE = "–"
"""Stands where nothing was told."""

Number = float | Decimal
_CENT = 0.01


def format_number(value: Number | None, digits: int = 0) -> str:
    """A number with thousands apart, rounded to ``digits``."""
    return NO_VALUE if value is None else f"{value:,.{digits}f}"


def format_percent(share: Number | None) -> str:
    """A share of one, as per cent with one digit."""
    return NO_VALUE if share is None else f"{share * 100:.1f}%"


def format_money(value: Number | None) -> str:
    """Money: two digits, and for what is less than one unit as many as say something."""
    if value is None:
        return NO_VALUE
    size = abs(float(value))
    return format_number(value, 2 if size >= 1 or not size else 4 if size >= _CENT else 6)


def format_count(count: int, word: str, plural_word: str | None = None) -> str:
    """A count and its word; ``more`` is the plural where it is not the word and s."""
    return f"{count:,} {word if count == 1 else plural_word or word + 's'}"


def join_names(names: Iterable[str], most: int = 4) -> str:
    """Names in a sentence: the first ones, and how many there are besides."""
    known = list(names)
    if len(known) > most:
        return f"{', '.join(known[: most - 1])} and {len(known) - most + 1} more"
    return " and ".join(filter(None, (", ".join(known[:-1]), *known[-1:])))


def format_day(value: date, *, with_year: bool = True) -> str:
    """A day, as 24 Nov 2026."""
    return f"{value.day} {value:%b}" + (f" {value.year}" if with_year else "")


def format_window(window: Window) -> str:
    """From the first to the last day of a window, both included."""
    first, last = window.start, window.end - ONE_DAY
    if first == last:
        return format_day(last)
    return f"{format_day(first, with_year=first.year != last.year)} – {format_day(last)}"


def format_bucket(start: date, unit: BucketUnit) -> str:
    """A bucket's name: its day, week (by its Monday), month, quarter or year."""
    match unit:
        case "day":
            return f"{start:%a} {format_day(start)}"
        case "week":
            return f"week of {format_day(start)}"
        case "month":
            return f"{start:%b} {start.year}"
        case "quarter":
            return f"Q{(start.month + 2) // 3} {start.year}"
        case "year":
            return f"{start.year}"


def format_instant(value: datetime) -> str:
    """An instant in UTC, to the minute."""
    utc = value.astimezone(UTC)
    return f"{format_day(utc.date())}, {utc:%H:%M} UTC"


def format_bucket_short(start: date, unit: BucketUnit) -> str:
    """A bucket's name where there is little room."""
    match unit:
        case "day":
            return format_day(start, with_year=False)
        case "week":
            return f"{format_day(start, with_year=False)} ’{start:%y}"
        case _:
            return format_bucket(start, unit)
