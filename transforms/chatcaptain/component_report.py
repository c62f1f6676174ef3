"""A report of ChatCaptain's as a set of components, checked against its request and its intervals.

What must not come in: the names of components (``components.py``), the facts that they become (``reports.py``).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from extractors.chatcaptain.account import ChatcaptainAccount
from transforms.breakdowns import read_breakdown, unwrap_scalar
from transforms.chatcaptain.components import (
    CHANNEL_COMPONENTS,
    OVERVIEW_COMPONENTS,
    component_label,
    component_numbers,
    refuse_failed_component,
    report_shape,
)
from transforms.chatcaptain.fields import SHAPES
from transforms.chatcaptain.intervals import refuse_other_range, sum_interval
from transforms.chunk import Chunk, LandedResponse
from transforms.completeness import refuse_incomplete
from transforms.drift import MISSING_FIELD
from transforms.facts import Facts
from transforms.reading import Node
from transforms.request_echo import RequestedValues, refuse_other_request

_INTERVALS = {  # by report and measure: the component ids of the total and of its interval
    OVERVIEW_COMPONENTS: {"conversations": (1, 2), "messages": (7, 8), "interactions": (14, 15)},
    CHANNEL_COMPONENTS: {"conversations": (1, 2), "interactions": (9, 10), "messages": (12, 13)},
}


@dataclass(frozen=True)
class ComponentReport:
    """A report's components by id, whether the report names them or numbers them."""

    components: Mapping[int, Node]
    names: tuple[str, ...]

    @classmethod
    def from_root(cls, root: Node, names: tuple[str, ...]) -> "ComponentReport":
        """Read a body.

        Raises ShapeError when it holds no component of the report, one of them twice, or a failure in place of one.
        """
        numbers = component_numbers(names)
        components: dict[int, Node] = {}
        for key, node in root.entries():
            number = numbers.get(key.casefold())
            if number is None:
                continue
            if number in components:
                node.refuse(f"reports {names[number]} a second time")
            refuse_failed_component(node)
            components[number] = node
        if not components:
            root.refuse("holds none of the report's components")
        refuse_incomplete(root, None)  # a bare total beside components counts no list: it is drift
        return cls(components, names)

    def count(self, number: int) -> int | None:
        """Return a whole number; None when the component is missing or null."""
        return unwrap_scalar(self.components[number]).count() if number in self.components else None

    def amount(self, number: int) -> Decimal | None:
        """Return a number that is not negative, in the provider's unit; None when the component is missing or null.

        The median of nothing is null.
        """
        return unwrap_scalar(self.components[number]).amount() if number in self.components else None

    def members(self, number: int) -> list[tuple[str, int | None]] | None:
        """Return a breakdown, with None for an unknown count; None when the component is missing or null."""
        if number not in self.components or self.components[number].is_null:
            return None
        return [(name, value.count()) for name, value in read_breakdown(self.components[number])]

    def interval_sum(self, number: int) -> int | None:
        """Return the sum of an interval's buckets; None when the component or one of its buckets is missing or null."""
        return sum_interval(self.components[number]) if number in self.components else None


def read_report(
    chunk: Chunk[ChatcaptainAccount], facts: Facts, response: LandedResponse, names: tuple[str, ...], stream: str
) -> ComponentReport:
    """Read a report and record its drift, also the requested components that it lacks: their values stay unknown.

    Raises ShapeError for a report that answers another request.
    """
    report = ComponentReport.from_root(response.root, names)
    query = response.request["query"]
    refuse_other_request(response.root, describe_request(chunk, response), chunk.zone)
    for _, interval in _INTERVALS[names].values():
        if interval in report.components:
            refuse_other_range(report.components[interval], query, chunk.zone)
    facts.drift.record_unknown_fields(response, report_shape(response.root.object(), names, SHAPES[stream]))
    missing = {int(number) for number in query.get("components", "").split(",") if number} - report.components.keys()
    labels = [component_label(number, names) for number in sorted(missing)]
    facts.drift.record(response.days, response.where, MISSING_FIELD, labels)
    return report


def describe_request(chunk: Chunk[ChatcaptainAccount], response: LandedResponse) -> RequestedValues:
    """Return the values of a request that its response may repeat."""
    query = response.request["query"]
    first, last = response.window.first_instant(chunk.zone), response.window.last_millisecond(chunk.zone)
    return {
        **{name: query[name] for name in ("interval", "channelId") if name in query},
        "from": first,
        "to": last,
        "date": first,
        "chatbotId": chunk.account.chatbot_id,
    }


def check_intervals(facts: Facts, day: date, reports: list[ComponentReport], names: tuple[str, ...]) -> None:
    """Reconcile each total with the sum of its interval, over the reports that have both."""
    for measure, (total, interval) in _INTERVALS[names].items():
        pairs = [(report.count(total), report.interval_sum(interval)) for report in reports]
        complete = [(whole, parts) for whole, parts in pairs if whole is not None and parts is not None]
        if complete:
            facts.reconcile(
                day,
                measure,
                names[interval],
                sum(whole for whole, _ in complete),
                sum(parts for _, parts in complete),
            )
