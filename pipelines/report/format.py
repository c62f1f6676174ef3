"""Format numbers, days and instants as text for the report. No queries and no HTML belong here."""

from collections.abc import Iterable
from datetime import UTC, date, datetime
from decimal import Decimal

from extractors.windows import ONE_DAY, Window
from pipelines.report.period import BucketUnit

NO_VALUE = "–"
"""Shown in place of a value that is not reported."""

Number = float | Decimal
_CENT = 0.01


def format_number(value: Number | None, digits: int = 0) -> str:
    """Return a number with separated thousands, rounded to ``digits``.

    >>> format_number(1234567)
    '1,234,567'
    """
    return NO_VALUE if value is None else f"{value:,.{digits}f}"


def format_percent(share: Number | None) -> str:
    """Return a share (0 to 1) in per cent, with one digit."""
    return NO_VALUE if share is None else f"{share * 100:.1f}%"


def format_money(value: Number | None) -> str:
    """Return an amount of money with two digits, with four below 1 and with six below 0.01 currency units."""
    if value is None:
        return NO_VALUE
    size = abs(float(value))
    return format_number(value, 2 if size >= 1 or not size else 4 if size >= _CENT else 6)


def format_count(count: int, word: str, plural_word: str | None = None) -> str:
    """Return a count and its word; ``plural_word`` is needed when the plural is not formed with s."""
    return f"{count:,} {word if count == 1 else plural_word or word + 's'}"


def format_part(days: int, all_days: int, account_count: int = 1) -> str:
    """Return the number of days that a figure covers, of how many; those of several accounts are added.

    >>> format_part(2, 31), format_part(33, 62, 2)
    ('2 of 31 days', '33 of 62 days of 2 accounts')
    """
    accounts = f" of {account_count:,} accounts" if account_count > 1 else ""
    return f"{days:,} of {format_count(all_days, 'day')}{accounts}"


def join_names(names: Iterable[str], most: int = 4) -> str:
    """Return the first names as part of a sentence, and the number of the others.

    >>> join_names(["a", "b", "c", "d", "e"])
    'a, b, c and 2 more'
    """
    listed = list(names)
    if len(listed) > most:
        return f"{', '.join(listed[: most - 1])} and {len(listed) - most + 1} more"
    return " and ".join(filter(None, (", ".join(listed[:-1]), *listed[-1:])))


def format_day(value: date, *, with_year: bool = True) -> str:
    """Return a day like 24 Nov 2026."""
    return f"{value.day} {value:%b}" + (f" {value.year}" if with_year else "")


def format_window(window: Window) -> str:
    """Return the first and the last day of a window, both included."""
    first, last = window.start, window.end - ONE_DAY
    if first == last:
        return format_day(last)
    return f"{format_day(first, with_year=first.year != last.year)} – {format_day(last)}"


def format_bucket(start: date, unit: BucketUnit) -> str:
    """Return a bucket's name: its day, week (by its Monday), month, quarter or year."""
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
    """Return an instant in UTC, to the minute."""
    utc = value.astimezone(UTC)
    return f"{format_day(utc.date())}, {utc:%H:%M} UTC"


def format_bucket_short(start: date, unit: BucketUnit) -> str:
    """Return a bucket's short name, for the axis."""
    match unit:
        case "day":
            return format_day(start, with_year=False)
        case "week":
            return f"{format_day(start, with_year=False)} ’{start:%y}"
        case _:
            return format_bucket(start, unit)
