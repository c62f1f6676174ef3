"""Stored instants compared with the present one. A clock may have been ahead or behind when an instant was stored.

So no stored instant is believed beyond now: whatever was stored in the future has an unknown age, and is neither fresh
nor settled. Where an order matters, it is that of the arrival numbers (``extractors.landing.batch``), not of instants.
No clock is read here. All instants are aware.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

MAX_CLOCK_SKEW = timedelta(minutes=5)
"""How far two clocks may differ without a consequence."""


def is_credible(instant: datetime, now: datetime) -> bool:
    """Return whether a stored instant may have been reached at ``now``: it is not further ahead than clocks differ."""
    return instant - now <= MAX_CLOCK_SKEW


def age_at(instant: datetime, now: datetime) -> timedelta | None:
    """Return the age of a stored instant at ``now``; None for one in the future, whose age is unknown."""
    return max(now - instant, timedelta()) if is_credible(instant, now) else None


def is_between(start: datetime, instant: datetime, now: datetime) -> bool:
    """Return whether a stored instant is in the time from ``start`` to ``now``."""
    return start <= instant and is_credible(instant, now)


def parse_date_header(headers: Mapping[str, str]) -> datetime | None:
    """Return the instant (UTC) at which a response was made, by its ``date`` header; None without a readable one.

    ``headers`` have lower-case names. A response out of a cache keeps the date at which its origin made it.
    """
    return parse_http_date(headers.get("date", ""))


def parse_http_date(text: str) -> datetime | None:
    """Return the instant (UTC) of an HTTP date; None for any other text."""
    try:
        instant = parsedate_to_datetime(text)
        return (instant if instant.tzinfo else instant.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
