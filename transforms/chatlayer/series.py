"""Chatlayer's SeriesData read into numbers per local day or bin. What a series stands for is not decided here.

The API is a gRPC gateway: what is zero or empty may be left out, ``{}`` is an empty answer. So that no other shape
passes for an empty one, a field may only be absent from an object that holds nothing unheard of.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from extractors.chatlayer.buckets import BUCKETS
from extractors.windows import local_day
from transforms.chunk import LandedResponse
from transforms.drift import Shape, flat_object
from transforms.reading import UNKNOWN, Node, read_calendar_day

_INSTANT = timedelta(microseconds=1)
_FAR = 366  # days; buckets beside the window are dropped, a year away the unit of the time is another one
_SERIE = ("mean", "max", "min", "sum", "labels")
SERIES_SHAPE: Shape = {
    "data": {"series": flat_object("values", *_SERIE), **dict.fromkeys(("series_labels", "x_values"))}
}
"""The fields of an answer; ``mean``, ``max``, ``min`` and ``sum`` are known and not loaded."""


@dataclass(frozen=True)
class Series:
    """One serie: ``values`` has a number for each x value, ``title`` is its entry of ``series_labels``."""

    node: Node
    title: str | None
    values: tuple[int, ...]

    def group_member(self, field: str) -> str:
        """The member of the only field the answer is grouped by."""
        told = self._labels()
        return told[field].member() if field in told else self.title or UNKNOWN

    def label_member(self, field: str) -> str:
        """The member of one of several fields; an omitted label is an empty text."""
        told = self._labels()
        return told[field].member() if field in told else UNKNOWN

    def name(self) -> str | None:
        """What a serie of an answer without groups is called; None when it has no name."""
        told = self._labels()
        return ", ".join(filter(None, (told[field].text() for field in sorted(told)))) or self.title

    def _labels(self) -> dict[str, Node]:
        labels = self.node["labels"]
        return {} if labels.is_null else dict(labels.entries())


def optional_field(node: Node, field: str, *others: str) -> Node:
    """A field that may be left out; ``others`` are the fields that may stand there without it."""
    told = node[field]
    strange = node.object().keys() - {field, *others}
    if told.is_null and strange:
        node.refuse(f"has no {field}, but {', '.join(sorted(strange))}")
    return told


def optional_elements(node: Node) -> Iterator[Node]:
    """The elements of an array that is left out when it is empty."""
    return iter(()) if node.is_null else node.elements()


def iterate_daily_sums(answer: LandedResponse, zone: ZoneInfo) -> Iterator[tuple[Series, Counter[date]]]:
    """Each serie with its sums over the days that the answer counts for; ``zone`` says what a day is."""
    bins, found = parse_series(answer.root)
    days = _days(answer, bins, zone)
    for serie in found:
        sums: Counter[date] = Counter()
        for day, value in zip(days, serie.values, strict=True):
            if day in answer.days:
                sums[day] += value
        yield serie, sums


def parse_series(root: Node) -> tuple[list[Node], list[Series]]:
    """The x values and the series of an answer, both empty for an empty answer."""
    data = optional_field(root, "data")
    if data.is_null:
        return [], []
    bins = list(optional_elements(data["x_values"]))
    titles = [title.text() for title in optional_elements(data["series_labels"])]
    series = list(optional_elements(optional_field(data, "series", "series_labels", "x_values")))
    titles += [None] * (len(series) - len(titles))
    return bins, [Series(serie, title, _values(serie, len(bins))) for serie, title in zip(series, titles, strict=False)]


def _values(serie: Node, expected: int) -> tuple[int, ...]:
    values = optional_field(serie, "values", *_SERIE)
    if values.is_null:
        for name in ("sum", "max"):
            if serie[name].number():
                serie[name].refuse("is not zero although there are no values")
        return (0,) * expected
    if len(values.array()) != expected:
        values.refuse(f"has {len(values.array())} values for {expected} x_values")
    return tuple(value.count() or 0 for value in values.elements())


def _days(answer: LandedResponse, bins: list[Node], zone: ZoneInfo) -> list[date]:
    length = BUCKETS[answer.request["query"]["bucket"]]
    starts: set[datetime] = set()
    days = []
    for x in bins:
        start = _start(x, length)
        if start in starts:
            x.refuse("is told a second time")
        starts.add(start)
        if abs((start.date() - answer.window.start).days) > _FAR:
            x.refuse(f"is far outside of what was asked for ({answer.window})")
        day = local_day(start, zone)
        if local_day(start + length - _INSTANT, zone) != day:
            x.refuse(f"begins a bucket that lies in two days of {zone.key}")
        days.append(day)
    return days


def _start(x: Node, length: timedelta) -> datetime:
    day = read_calendar_day(x)
    if day is not None:
        if length != BUCKETS["1d"]:
            x.refuse("is a day where hours were asked for")
        return datetime.combine(day, time(), UTC)
    start = x.instant()
    if start is None:
        x.refuse("is missing")
    return start
