"""Chatlayer's SeriesData read into numbers per local day or bin.

The API is a gRPC gateway: it may omit a zero or empty field, and ``{}`` is an empty response. So that no other shape
passes for an empty one, a field may only be missing from an object without unknown keys. What must not come in: the
meaning of a series (``transform.py``).
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from extractors.chatlayer.buckets import BUCKETS
from extractors.windows import local_day
from transforms.chunk import LandedResponse
from transforms.reading import Node, read_calendar_day
from warehouse.model.columns import UNKNOWN

_SMALLEST_STEP = timedelta(microseconds=1)
_MAX_DAYS_APART = 366  # buckets beside the window are dropped; a year away the time is in another unit
_KEYS_BESIDE_VALUES = ("mean", "max", "min", "sum", "labels")


@dataclass(frozen=True)
class Series:
    """One series: ``values`` has a number for each x value, ``title`` is its entry of ``series_labels``."""

    node: Node
    title: str | None
    values: tuple[int, ...]

    def group_member(self, field: str) -> str:
        """Return the member of the only field that the response is grouped by."""
        labels = self._labels()
        return labels[field].member() if field in labels else self.title or UNKNOWN

    def label_member(self, field: str) -> str:
        """Return the member of one of several fields. The gateway omits a label whose text is empty: ``unknown``."""
        labels = self._labels()
        return labels[field].member() if field in labels else UNKNOWN

    def name(self) -> str | None:
        """Return the name of a series of a response without groups; None when it has no name."""
        labels = self._labels()
        return ", ".join(filter(None, (labels[field].text() for field in sorted(labels)))) or self.title

    def _labels(self) -> dict[str, Node]:
        labels = self.node["labels"]
        return {} if labels.is_null else dict(labels.entries())


def optional_field(node: Node, field: str, *others: str) -> Node:
    """Return a field that the gateway may omit; ``others`` are the fields that the object may have without it.

    Raises ShapeError when the field is missing and the object has any further key.
    """
    value = node[field]
    unknown_keys = node.object().keys() - {field, *others}
    if value.is_null and unknown_keys:
        node.refuse(f"has no {field}, but {', '.join(sorted(unknown_keys))}")
    return value


def optional_elements(node: Node) -> Iterator[Node]:
    """Yield the elements of an array that the gateway omits when it is empty."""
    return iter(()) if node.is_null else node.elements()


def iterate_daily_sums(response: LandedResponse, zone: ZoneInfo) -> Iterator[tuple[Series, Counter[date]]]:
    """Yield each series with its sum per day of ``zone``, for the days for which the response counts.

    Raises ShapeError for a bucket that comes twice, that lies in two days of ``zone``, or that begins more than 366
    days away from the window.
    """
    bins, all_series = parse_series(response.root)
    days = _read_days(response, bins, zone)
    for series in all_series:
        sums: Counter[date] = Counter()
        for day, value in zip(days, series.values, strict=True):
            if day in response.days:
                sums[day] += value
        yield series, sums


def parse_series(root: Node) -> tuple[list[Node], list[Series]]:
    """Return the x values and the series of a response, both empty for an empty response.

    Raises ShapeError for a series that does not have one value per x value.
    """
    data = optional_field(root, "data")
    if data.is_null:
        return [], []
    bins = list(optional_elements(data["x_values"]))
    titles = [title.text() for title in optional_elements(data["series_labels"])]
    nodes = list(optional_elements(optional_field(data, "series", "series_labels", "x_values")))
    titles += [None] * (len(nodes) - len(titles))
    return bins, [
        Series(node, title, _read_values(node, len(bins))) for node, title in zip(nodes, titles, strict=False)
    ]


def _read_values(series: Node, expected_count: int) -> tuple[int, ...]:
    values = optional_field(series, "values", *_KEYS_BESIDE_VALUES)
    if values.is_null:
        for name in ("sum", "max"):
            if series[name].number():
                series[name].refuse("is not zero although there are no values")
        return (0,) * expected_count
    if len(values.array()) != expected_count:
        values.refuse(f"has {len(values.array())} values for {expected_count} x_values")
    return tuple(value.count() or 0 for value in values.elements())


def _read_days(response: LandedResponse, bins: list[Node], zone: ZoneInfo) -> list[date]:
    length = BUCKETS[response.request["query"]["bucket"]]
    starts: set[datetime] = set()
    days = []
    for x in bins:
        start = _read_bucket_start(x, length)
        if start in starts:
            x.refuse("comes a second time")
        starts.add(start)
        if abs((start.date() - response.window.start).days) > _MAX_DAYS_APART:
            x.refuse(f"is far outside of the requested window ({response.window})")
        day = local_day(start, zone)
        if local_day(start + length - _SMALLEST_STEP, zone) != day:
            x.refuse(f"begins a bucket that lies in two days of {zone.key}")
        days.append(day)
    return days


def _read_bucket_start(x: Node, length: timedelta) -> datetime:
    day = read_calendar_day(x)
    if day is not None:
        if length != BUCKETS["1d"]:
            x.refuse("is a day, but hours were requested")
        return datetime.combine(day, time(), UTC)
    start = x.instant()
    if start is None:
        x.refuse("is missing")
    return start
