"""The buckets of Chatlayer's series as local days, checked against the request's range and length of buckets.

A missing bucket is zero, so a bucket of another range would turn the requested days into zeros. What must not come in:
the values of a series, except whether a bucket is empty.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from extractors.chatlayer.buckets import BUCKETS
from extractors.windows import local_day
from transforms.reading import Node, read_calendar_day

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SMALLEST_STEP = timedelta(microseconds=1)
_MIDNIGHTS = 3  # a quiet bot may have one or two hours of traffic, by chance at midnight


def read_days(query: Mapping[str, str], bins: list[Node], is_empty: Sequence[bool], zone: ZoneInfo) -> list[date]:
    """Return the day of ``zone`` for each bucket of a request with this query; ``is_empty`` as to each of them.

    Raises ShapeError for a bucket that comes twice, that lies in two days of ``zone``, that does not begin where
    buckets of the requested length begin, or that is outside of the requested range. An empty one beside the range is
    accepted.
    """
    bucket = query["bucket"]
    length = BUCKETS[bucket]
    days: dict[datetime, date] = {}
    for x, empty in zip(bins, is_empty, strict=True):
        start = _read_start(x, length)
        if start in days:
            x.refuse("comes a second time")
        _refuse_outside(x, start, query, length if empty else timedelta())
        days[start] = local_day(start, zone)
        if days[start] != local_day(start + length - _SMALLEST_STEP, zone):
            x.refuse(f"begins a bucket that lies in two days of {zone.key}")
        if (start - _EPOCH) % length:
            x.refuse(f"is not the beginning of a bucket of {bucket}")
    if length < BUCKETS["1d"] and len(days) >= _MIDNIGHTS and all(start.time() == time() for start in days):
        bins[0].refuse("is a midnight of UTC like all others: days came, but hours were requested")
    return [*days.values()]


def _refuse_outside(x: Node, start: datetime, query: Mapping[str, str], tolerance: timedelta) -> None:
    first, end = (datetime.fromisoformat(query[name]) for name in ("start_time", "end_time"))
    if start < first - tolerance or start >= end + tolerance:
        x.refuse(f"is outside of the requested range, {query['start_time']} to {query['end_time']}")


def _read_start(x: Node, length: timedelta) -> datetime:
    day = read_calendar_day(x)
    if day is not None:
        if length != BUCKETS["1d"]:
            x.refuse("is a day, but hours were requested")
        return datetime.combine(day, time(), UTC)
    start = x.instant()
    if start is None:
        x.refuse("is missing")
    return start
