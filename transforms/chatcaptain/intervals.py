"""ChatCaptain's intervals: the buckets of a total, checked against the requested day and summed.

The buckets are not loaded. They say which day a report is about, and that no other part of it does. What must not come
in: the names of components (``components.py``).
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from transforms.reading import Node, read_calendar_day, unwrap_scalar

_MOMENT_KEYS = ("timestamp", "date")
_NUMBER_KEYS = ("count", "value")
_UTC = ZoneInfo("UTC")


def sum_interval(interval: Node) -> int | None:
    """Return the sum of the buckets; None when the interval or one of its buckets is null."""
    if interval.is_null:
        return None
    values = [number.count() for _, number in _iterate_buckets(interval)]
    known = [value for value in values if value is not None]
    return sum(known) if len(known) == len(values) else None


def refuse_other_range(interval: Node, query: Mapping[str, str], zone: ZoneInfo) -> None:
    """Check that each bucket lies in the range of a report's request; a time without an offset is local or UTC.

    Raises ShapeError for a bucket that is not dated, that comes twice, or that is outside of the range. An empty one
    right beside the range is accepted.
    """
    if interval.is_null:
        return
    seen: set[datetime] = set()
    for moment, number in _iterate_buckets(interval):
        tolerance = timedelta() if number.count() else timedelta(seconds=int(query["interval"]))
        spans = _read_spans(moment, query, zone)
        if not any(_is_in_range(*span, query, tolerance) for span in spans):
            moment.refuse(f"is outside of the requested range, {query['from']} to {query['to']}")
        if len(spans) == 1:  # a local time comes twice when clocks go back
            start, _ = spans[0]
            if start in seen:
                moment.refuse("comes a second time")
            seen.add(start)


def _iterate_buckets(interval: Node) -> Iterator[tuple[Node, Node]]:
    """Yield the date and the number of each bucket, from a map date → number or a list of objects."""
    if isinstance(interval.value, dict):
        for key, value in interval.entries():
            yield Node(key, value.path, value.where), unwrap_scalar(value)
        return
    for row in interval.elements():
        if not any(key in row for key in _MOMENT_KEYS) or not any(key in row for key in _NUMBER_KEYS):
            row.refuse(f"has none of {', '.join(_MOMENT_KEYS)} or none of {', '.join(_NUMBER_KEYS)}")
        yield row.first(*_MOMENT_KEYS), row.first(*_NUMBER_KEYS)


def _read_spans(moment: Node, query: Mapping[str, str], zone: ZoneInfo) -> list[tuple[datetime, timedelta]]:
    """Return the start and the length of a bucket, for each way to read its date."""
    day = read_calendar_day(moment)
    if day is not None:
        return [(datetime.combine(day, time(), UTC), timedelta(days=1))]
    starts = {moment.instant(zone), moment.instant(_UTC)} - {None}
    if not starts:
        moment.refuse("is missing")
    return [(start, timedelta(seconds=int(query["interval"]))) for start in starts if start]


def _is_in_range(start: datetime, length: timedelta, query: Mapping[str, str], tolerance: timedelta) -> bool:
    first, last = (datetime.fromisoformat(query[name]) for name in ("from", "to"))
    return first - tolerance < start + length and start <= last + tolerance
