"""ChatCaptain's intervals: the buckets of a total, checked against the requested day and summed.

The buckets are not loaded. They say which day a report is about, and that no other part of it does. What must not come
in: the names of components (``components.py``).

A year of reports holds hundreds of thousands of buckets, and a day's reports date theirs alike. So buckets of the usual
form are checked by their texts, each list of texts once; every other form, a bucket beside the range, and every refusal
take the long way.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

from extractors.errors import ErrorLocation, ShapeError
from transforms.breakdowns import unwrap_scalar
from transforms.facts import sum_known
from transforms.reading import Node, is_plain_count, read_calendar_day

_MOMENT_KEYS = ("timestamp", "date")
_NUMBER_KEYS = ("count", "value")
_UTC = ZoneInfo("UTC")
_NOWHERE = ErrorLocation("chatcaptain", "", "")  # of refusals that the long way repeats with their place


def sum_interval(interval: Node) -> int | None:
    """Return the sum of the buckets; None when the interval or one of its buckets is null."""
    if interval.is_null:
        return None
    plain = _read_plain_buckets(interval.value)
    if plain is not None:
        return sum(plain[1])
    return sum_known(number.count() for _, number in _iterate_buckets(interval))


def refuse_other_range(interval: Node, query: Mapping[str, str], zone: ZoneInfo) -> None:
    """Check that each bucket lies in the range of a report's request.

    Times without an offset are all local or all UTC. Raises ShapeError for a bucket that is not dated, that comes
    twice, or that is outside of the range. An empty one right beside the range is accepted.
    """
    if interval.is_null:
        return
    plain = _read_plain_buckets(interval.value)
    if plain is not None and _are_in_range(tuple(plain[0]), query["from"], query["to"], query["interval"], zone):
        return
    _refuse_other_range(interval, query, zone)


def _read_plain_buckets(value: Any) -> tuple[list[str], list[int]] | None:
    """Return the dates and the numbers of buckets that all are a text with a count; None for any other form."""
    if isinstance(value, dict):
        moments, numbers = list(value), list(value.values())
    elif isinstance(value, list) and all(type(row) is dict for row in value):
        moments = [row.get("timestamp", row.get("date")) for row in value]
        numbers = [row.get("count", row.get("value")) for row in value]
    else:
        return None
    is_plain = all(type(moment) is str for moment in moments) and all(map(is_plain_count, numbers))
    return (moments, numbers) if is_plain else None


@lru_cache(maxsize=256)
def _are_in_range(moments: tuple[str, ...], first: str, last: str, seconds: str, zone: ZoneInfo) -> bool:
    """Return whether the long way accepts buckets of these dates whatever they count."""
    interval = Node([{"timestamp": moment, "count": 1} for moment in moments], "", _NOWHERE)
    try:
        _refuse_other_range(interval, {"from": first, "to": last, "interval": seconds}, zone)
    except ShapeError:
        return False
    return True


def _refuse_other_range(interval: Node, query: Mapping[str, str], zone: ZoneInfo) -> None:
    seen: set[datetime] = set()
    outside: dict[ZoneInfo, Node] = {}
    for moment, number in _iterate_buckets(interval):
        tolerance = timedelta(seconds=int(query["interval"])) if not number.count() else timedelta()
        spans = {clock: _read_span(moment, query, clock) for clock in (zone, _UTC)}
        for clock, span in spans.items():
            if not _is_in_range(*span, query, tolerance):
                outside.setdefault(clock, moment)
        if len(outside) == len(spans):
            moment.refuse(f"is outside of the requested range, {query['from']} to {query['to']}")
        starts = {start for start, _ in spans.values()}
        if len(starts) == 1:  # a local time comes twice when clocks go back
            if starts & seen:
                moment.refuse("comes a second time")
            seen |= starts


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


def _read_span(moment: Node, query: Mapping[str, str], clock: ZoneInfo) -> tuple[datetime, timedelta]:
    """Return the start and the length of a bucket; a time without an offset is one of ``clock``."""
    day = read_calendar_day(moment)
    if day is not None:
        return datetime.combine(day, time(), UTC), timedelta(days=1)
    start = moment.instant(clock)
    if start is None:
        moment.refuse("is missing")
    return start, timedelta(seconds=int(query["interval"]))


def _is_in_range(start: datetime, length: timedelta, query: Mapping[str, str], tolerance: timedelta) -> bool:
    first, last = (datetime.fromisoformat(query[name]) for name in ("from", "to"))
    return first - tolerance < start + length and start <= last + tolerance
