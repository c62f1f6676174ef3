"""Chatlayer's SeriesData read into numbers per local day or bin.

The API is a gRPC gateway: it may omit a zero or empty field, and ``{}`` is an empty response. So that no other shape
passes for an empty one, a field may only be missing from an object without unknown keys, and the response must agree
with itself (``sum``, ``max``, ``series_labels``) and with its request (``buckets.py``). What must not come in: the
meaning of a series (``transform.py``).
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from zoneinfo import ZoneInfo

from transforms.chatlayer.buckets import read_days
from transforms.chatlayer.request import describe_request
from transforms.chunk import LandedResponse
from transforms.completeness import refuse_incomplete
from transforms.reading import Node
from transforms.request_echo import refuse_other_request
from warehouse.model.columns import UNKNOWN

_KEYS_BESIDE_VALUES = ("mean", "max", "min", "sum", "labels")
_GROUP_FIELDS = frozenset(
    {"bot_id", "bot_version", "team_id", "channel_type", "language", "campaign_id", "campaign_source"}
)


@dataclass(frozen=True)
class Series:
    """One series: ``values`` has a number for each x value, ``title`` is its entry of ``series_labels``."""

    node: Node
    title: str | None
    values: tuple[int, ...]

    def group_member(self, field: str) -> str:
        """Return the member of the only field that the response is grouped by.

        Raises ShapeError for a series that is grouped by other fields.
        """
        labels = self._labels(field)
        return labels[field].member() if field in labels else self.title or UNKNOWN

    def label_members(self, *fields: str) -> tuple[str, ...]:
        """Return the members of several fields. The gateway omits a label whose text is empty: ``unknown``.

        Raises ShapeError for a series that is grouped by other fields.
        """
        labels = self._labels(*fields)
        return tuple(labels[field].member() if field in labels else UNKNOWN for field in fields)

    def name(self) -> str | None:
        """Return the name of a series of a response without groups; None when it has no name."""
        labels = self._labels()
        return ", ".join(filter(None, (labels[field].text() for field in sorted(labels)))) or self.title

    def identity(self) -> object:
        """Return what tells this series from the others of its response: its labels, else its title."""
        labels = {field: label.text() or "" for field, label in self._labels().items()}
        return tuple(sorted(labels.items())) or self.title or ""

    def _labels(self, *requested: str) -> dict[str, Node]:
        labels = {} if self.node["labels"].is_null else dict(self.node["labels"].entries())
        others = labels.keys() & _GROUP_FIELDS - {*requested}
        if requested and others and not labels.keys() & {*requested}:
            problem = f"is grouped by {', '.join(sorted(others))}, but {', '.join(requested)} was requested"
            self.node["labels"].refuse(problem)
        return labels


def optional_field(node: Node, field: str, *others: str) -> Node:
    """Return a field that the gateway may omit; ``others`` are the fields that the object may have without it.

    Raises ShapeError when the field is missing and the object has any further key.
    """
    value = node[field]
    unknown_keys = node.object().keys() - {field, *others}
    if value.is_null and unknown_keys:
        node.refuse(f"has no {field}, but {', '.join(sorted(unknown_keys))}")
    return value


def read_optional_count(node: Node, field: str) -> int:
    """Return a whole number that the gateway omits when it is 0. Raises ShapeError for null, which it never writes."""
    return node[field].required_count() if field in node else 0


def optional_elements(node: Node) -> Iterator[Node]:
    """Yield the elements of an array that the gateway omits when it is empty."""
    return iter(()) if node.is_null else node.elements()


def iterate_daily_sums(response: LandedResponse, zone: ZoneInfo) -> Iterator[tuple[Series, Counter[date]]]:
    """Yield each series with its sum per day of ``zone``, for the days for which the response counts.

    Raises ShapeError for buckets that are not those of the request, and the errors of ``parse_series``.
    """
    bins, all_series = parse_series(response, zone)
    is_empty = [not any(series.values[index] for series in all_series) for index in range(len(bins))]
    days = read_days(response.request["query"], bins, is_empty, zone)
    for series in all_series:
        sums: Counter[date] = Counter()
        for day, value in zip(days, series.values, strict=True):
            if day in response.days:
                sums[day] += value
        yield series, sums


def parse_series(response: LandedResponse, zone: ZoneInfo) -> tuple[list[Node], list[Series]]:
    """Return the x values and the series of a response, both empty for an empty response.

    Raises ShapeError for a response that answers another request or is not whole, for a series that does not have one
    value per x value or contradicts its own sum, and for a series that comes twice.
    """
    data = optional_field(response.root, "data")
    refuse_other_request(response.root, describe_request(response), zone)
    if data.is_null:
        return [], []
    refuse_other_request(data, describe_request(response), zone)
    bins = list(optional_elements(data["x_values"]))
    nodes = list(optional_elements(optional_field(data, "series", "series_labels", "x_values")))
    if bins and not nodes and "group_by" not in response.request["query"]:
        data.refuse("has x_values and no series; without groups there is one")
    titles = _read_titles(data["series_labels"], len(nodes))
    all_series = [Series(node, title, _read_values(node, len(bins))) for node, title in zip(nodes, titles, strict=True)]
    _refuse_repetition(all_series)
    total = sum(sum(series.values) for series in all_series)
    for envelope in (response.root, data):
        refuse_incomplete(envelope, len(nodes), sums=[total, len(bins)])
    return bins, all_series


def _read_titles(labels: Node, series_count: int) -> list[str | None]:
    titles = [title.text() for title in optional_elements(labels)]
    if titles and len(titles) != series_count:
        labels.refuse(f"has {len(titles)} entries for {series_count} series")
    return titles or [None] * series_count


def _refuse_repetition(all_series: Sequence[Series]) -> None:
    """Refuse two series with numbers of which nothing says that they are two. Zeros add nothing."""
    seen: set[object] = set()
    for series in all_series:
        if any(series.values):
            if series.identity() in seen:
                series.node.refuse("has the labels of an earlier series")
            seen.add(series.identity())


def _read_values(series: Node, expected_count: int) -> tuple[int, ...]:
    values = optional_field(series, "values", *_KEYS_BESIDE_VALUES)
    if values.is_null:
        for name in ("sum", "max"):
            if series[name].number():
                series[name].refuse("is not zero although there are no values")
        return (0,) * expected_count
    if len(values.array()) != expected_count:
        values.refuse(f"has {len(values.array())} values for {expected_count} x_values")
    counts = tuple(value.required_count() for value in values.elements())  # the gateway omits values only all at once
    for name, computed in (("sum", sum(counts)), ("max", max(counts, default=0))):
        if series[name].number() not in (None, computed):
            series[name].refuse(f"is not the {name} of the values, {computed}")
    return counts
