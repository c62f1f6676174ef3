"""Chatlayer's ranges and buckets: from windows of local days to the parameters of a request. No request is sent here.

Source: the vendor's analytics reference. Ranges are half-open and last at most 31 x 24 hours. Buckets begin at whole
hours or days of UTC.
"""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from extractors.account import Account
from extractors.chatlayer.account import ChatlayerAccount
from extractors.windows import ONE_DAY, Window

LONGEST_RANGE_HOURS = 31 * 24
BUCKETS = {"1h": timedelta(hours=1), "1d": ONE_DAY}
UTC_ZONE = ZoneInfo("UTC")


def split_by_longest_range(account: Account, window: Window) -> list[Window]:
    """Return the fewest windows that a request may cover, in days of the account's zone."""
    return window.split_by_hours(LONGEST_RANGE_HOURS, account.zone)


def split_by_longest_utc_range(_account: Account, window: Window) -> list[Window]:
    """Return the fewest windows that a request may cover, in days of UTC."""
    return window.split_by_hours(LONGEST_RANGE_HOURS, UTC_ZONE)


def build_range_query(account: ChatlayerAccount, window: Window, before: timedelta = timedelta()) -> dict[str, str]:
    """Return version and range of a bot's request without buckets.

    The range is the window of local days, and begins ``before`` it by that time.
    """
    start, end = window.first_instant(account.zone) - before, window.end_instant(account.zone)
    return {"version": account.version, **_format_range(start, end)}


def build_bucket_query(window: Window, zone: ZoneInfo, bucket: str) -> dict[str, str]:
    """Return the range of a window (days of ``zone``) and its bucket, a key of ``BUCKETS``.

    The provider wants a range longer than its bucket. A range of one bucket therefore begins one bucket earlier; the
    transform ignores that one.
    """
    start, end = window.first_instant(zone), window.end_instant(zone)
    if end - start <= BUCKETS[bucket]:
        start = end - 2 * BUCKETS[bucket]
    return {**_format_range(start, end), "bucket": bucket}


def _format_range(start: datetime, end: datetime) -> dict[str, str]:
    return {"start_time": _format_instant(start), "end_time": _format_instant(end)}


def _format_instant(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
