"""ChatCaptain's two reports and the inbox, to facts of days. Rules: docs/mapping.md, "ChatCaptain".

Totals are taken as told; nothing is subtracted for test traffic. Which component is called what stands in
``chatcaptain_components``; comparing totals with breakdowns and exports is not done here.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from extractors.chatcaptain.account import CALL_TYPES, ChatcaptainAccount
from extractors.chatcaptain.contexts import ChannelReportContext
from transforms import conform
from transforms.chatcaptain.components import (
    CHANNEL_COMPONENTS,
    OVERVIEW_COMPONENTS,
    SCALAR_SHAPE,
    component_numbers,
    report_shape,
)
from transforms.chunk import Chunk, LandedResponse
from transforms.drift import NamedMembers
from transforms.facts import Facts
from transforms.metrics import ADDITIVE, END_REASON, NOT_ADDITIVE, Metric
from transforms.reading import UNKNOWN, Node, read_breakdown, unwrap_scalar

METRICS = (
    Metric("step_executions", "executions", ADDITIVE, "How often each step was executed."),
    Metric("intent_count", "intents", ADDITIVE, "Intents that were recognised."),
    Metric("messages_per_conversation_median", "messages", NOT_ADDITIVE, "Median of messages per conversation."),
    Metric("message_length_median", "characters", NOT_ADDITIVE, "Median length of a message."),
    Metric("intent_score_median", "score", NOT_ADDITIVE, "Median score of the recognised intents."),
    Metric("inbox", "number", NOT_ADDITIVE, "Named numbers of the agents' inbox.", keeps_zero=True),
    END_REASON,
    Metric("channel_step_executions", "executions", ADDITIVE, "How often each step was executed in the channel."),
    Metric("channel_conversations", "conversations", ADDITIVE, "Conversations of the channel."),
    Metric("channel_languages", "conversations", ADDITIVE, "Conversations of the channel by language, as told."),
    Metric(
        "channel_messages_per_conversation_median",
        "messages",
        NOT_ADDITIVE,
        "Median of messages per conversation of the channel.",
    ),
    Metric("channel_intent_count", "intents", ADDITIVE, "Intents that were recognised in the channel."),
    Metric("channel_intent_hits", "hits", ADDITIVE, "How often each intent was recognised in the channel."),
    Metric("channel_intent_score_median", "score", NOT_ADDITIVE, "Median score of the channel's intents."),
    Metric("channel_message_length_median", "characters", NOT_ADDITIVE, "Median length of the channel's messages."),
    Metric("channel_call_duration_median", "seconds", NOT_ADDITIVE, "Median length of the channel's calls."),
    Metric("channel_call_exit_steps", "conversations", ADDITIVE, "Calls of the channel by the step they ended at."),
    Metric("channel_call_user_inputs_median", "inputs", NOT_ADDITIVE, "Median of user inputs per call."),
    Metric("channel_call_transfer_targets", "conversations", ADDITIVE, "Calls of the channel by transfer target."),
)

_OVERVIEW_MEDIANS = {6: "messages_per_conversation_median", 10: "message_length_median", 12: "intent_score_median"}
_CHANNEL_COUNTS = {1: "channel_conversations", 6: "channel_intent_count"}
_CHANNEL_MEDIANS = {
    5: "channel_messages_per_conversation_median",
    8: "channel_intent_score_median",
    15: "channel_message_length_median",
    20: "channel_call_user_inputs_median",
}
_CHANNEL_BREAKDOWNS = {
    0: "channel_step_executions",
    4: "channel_languages",
    7: "channel_intent_hits",
    19: "channel_call_exit_steps",
    22: "channel_call_transfer_targets",
}
_INTERVALS = {  # of each report: measure -> the total, its interval
    OVERVIEW_COMPONENTS: {"conversations": (1, 2), "messages": (7, 8), "interactions": (14, 15)},
    CHANNEL_COMPONENTS: {"conversations": (1, 2), "interactions": (9, 10), "messages": (12, 13)},
}
_SECONDS = {"seconds": Decimal(1), "minutes": Decimal(60), "milliseconds": Decimal(1).scaleb(-3)}


@dataclass(frozen=True)
class OverviewTotals:
    """What the overview report tells of a day; ``types`` is None when that component is not told."""

    conversations: int | None
    messages: int | None
    conversations_by_type: Mapping[str, int] | None


@dataclass
class ChannelTotals:
    """What the channel reports of a day tell: the listed types, and for each measure and type what was told."""

    channel_types: set[str] = field(default_factory=set)
    values: dict[str, dict[str, list[Decimal | int | None]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )

    def record(self, kind: str, measure: str, value: Decimal | int | None) -> None:
        """One channel's number."""
        self.values[measure][kind].append(value)

    def total(self, measure: str, kinds: Iterable[str]) -> Decimal | int | None:
        """The sum over all channels of some types; None when there is no such channel or one of them is unknown."""
        values = [value for kind in kinds for value in self.values[measure].get(kind, ())]
        known = [value for value in values if value is not None]
        return sum(known, 0) if values and len(known) == len(values) else None


@dataclass(frozen=True)
class ComponentReport:
    """A report's components by id, whether its keys are names or ids."""

    components: Mapping[int, Node]
    names: tuple[str, ...]

    @classmethod
    def from_root(cls, root: Node, names: tuple[str, ...]) -> "ComponentReport":
        """Read a body; ShapeError when it tells no component at all, or one of them twice."""
        numbers = component_numbers(names)
        found: dict[int, Node] = {}
        for key, node in root.entries():
            number = numbers.get(key.casefold())
            if number is None:
                continue
            if number in found:
                node.refuse(f"tells {names[number]} a second time")
            found[number] = node
        if not found:
            root.refuse("holds none of the report's components")
        return cls(found, names)

    def count(self, number: int) -> int | None:
        """A whole number; None when it is not told."""
        return unwrap_scalar(self.components[number]).count() if number in self.components else None

    def number(self, number: int) -> Decimal | None:
        """Any number; None when it is not told, as a median of nothing."""
        return unwrap_scalar(self.components[number]).number() if number in self.components else None

    def members(self, number: int) -> list[tuple[str, int]] | None:
        """A breakdown; None when it is not told."""
        if number not in self.components or self.components[number].is_null:
            return None
        return [(name, value.count() or 0) for name, value in read_breakdown(self.components[number])]

    def interval_sum(self, number: int) -> int | None:
        """The sum of an interval's buckets; None when it, or one of them, is not told."""
        node = self.components.get(number)
        if node is None or node.is_null:
            return None
        if isinstance(node.value, dict):
            values = [unwrap_scalar(value).count() for _, value in node.entries()]
        else:
            values = [value.count() for _, value in read_breakdown(node, ("timestamp", "date"))]
        known = [value for value in values if value is not None]
        return sum(known) if len(known) == len(values) else None


def transform_overview(chunk: Chunk, facts: Facts) -> dict[date, OverviewTotals]:
    """Component by component of each day; returns what is compared later."""
    days: dict[date, OverviewTotals] = {}
    for answer in chunk.responses("overview_report"):
        day = answer.claimed_day()
        if day is None:
            continue
        report = ComponentReport.from_root(answer.root, OVERVIEW_COMPONENTS)
        facts.drift.record_unknown_fields(answer, report_shape(answer.root.object(), OVERVIEW_COMPONENTS))
        totals = {"conversations": report.count(1), "messages": report.count(7), "interactions": report.count(14)}
        facts.set("conversation_daily", day, totals)
        for measure, value in totals.items():
            facts.record_provider_total(day, measure, value)
        types: dict[str, int] = defaultdict(int)
        for name, count in report.members(4) or ():
            types[name] += count
        facts.drift.record_unknown_channels(day, answer.where, types)
        for name, count in types.items():
            facts.add("channel_daily", day, {"conversations": count}, channel_code=name)
        for name, count in report.members(3) or ():
            facts.add(
                "language_daily", day, {"conversations": count}, language_code=conform.normalize_language_code(name)
            )
        hits: dict[str, int] = defaultdict(int)
        for name, count in report.members(11) or ():
            hits[name] += count
        for name, count in hits.items():
            facts.set("intent_daily", day, {"hits": count, "is_top_n": False}, intent=name)
        for name, count in report.members(0) or ():
            facts.record_metric(day, "step_executions", count, name)
        facts.record_metric(day, "intent_count", report.count(13))
        for number, metric in _OVERVIEW_MEDIANS.items():
            facts.record_metric(day, metric, report.number(number))
        _check_intervals(facts, day, [report], OVERVIEW_COMPONENTS)
        days[day] = OverviewTotals(
            totals["conversations"], totals["messages"], types if report.members(4) is not None else None
        )
    return days


def transform_channels(chunk: Chunk, facts: Facts) -> dict[date, ChannelTotals]:
    """The reports of each day's listed channels; returns what is compared later."""
    days: dict[date, ChannelTotals] = {}
    reports: dict[date, list[ComponentReport]] = defaultdict(list)
    unit = _SECONDS[chunk.account.call_duration_unit] if isinstance(chunk.account, ChatcaptainAccount) else Decimal(1)
    for answer in chunk.responses("channel_report"):
        day = answer.claimed_day()
        if day is None:
            continue
        seen = days.setdefault(day, ChannelTotals())
        if "channel_id" in answer.context:
            reports[day].append(_one_channel(facts, day, answer, seen, unit))
    for day, seen in days.items():
        for kind in seen.channel_types:
            measures = ("messages", "interactions", "call_duration_seconds")
            sums = {measure: seen.total(measure, [kind]) for measure in measures}
            facts.set("channel_daily", day, sums, channel_code=kind)
        calls = [kind for kind in seen.channel_types if kind.casefold() in CALL_TYPES]
        called = seen.total("call_duration_seconds", calls)
        facts.set("conversation_daily", day, {"call_duration_seconds": called})
        _check_intervals(facts, day, reports[day], CHANNEL_COMPONENTS)
    return days


def _one_channel(
    facts: Facts, day: date, answer: LandedResponse, seen: ChannelTotals, unit: Decimal
) -> ComponentReport:
    context: ChannelReportContext = answer.context
    channel_id = context["channel_id"]
    kind = context["channel_type"] or UNKNOWN
    report = ComponentReport.from_root(answer.root, CHANNEL_COMPONENTS)
    facts.drift.record_unknown_fields(answer, report_shape(answer.root.object(), CHANNEL_COMPONENTS))
    facts.drift.record_unknown_channels(day, answer.where, [kind])
    seen.channel_types.add(kind)
    seen.record(kind, "messages", report.count(12))
    seen.record(kind, "interactions", report.count(9))
    total, median = (None if told is None else told * unit for told in (report.number(16), report.number(18)))
    seen.record(kind, "call_duration_seconds", total)
    facts.record_metric(day, "channel_call_duration_median", median, channel_id=channel_id)
    for number, metric in _CHANNEL_COUNTS.items():
        facts.record_metric(day, metric, report.count(number), channel_id=channel_id)
    for number, metric in _CHANNEL_MEDIANS.items():
        facts.record_metric(day, metric, report.number(number), channel_id=channel_id)
    for number, metric in _CHANNEL_BREAKDOWNS.items():
        for name, count in report.members(number) or ():
            facts.record_metric(day, metric, count, name, channel_id)
    for name, count in report.members(21) or ():
        facts.record_metric(day, END_REASON.name, count, name)
    return report


def transform_inbox(chunk: Chunk, facts: Facts) -> None:
    """Each named number of the inbox, under its name as told."""
    for answer in facts.drift.checking(chunk.responses("inbox"), NamedMembers(SCALAR_SHAPE)):
        day = answer.claimed_day()
        if day is None:
            continue
        for name, node in answer.root.entries():
            facts.record_metric(day, "inbox", unwrap_scalar(node).number(), name or UNKNOWN)


def _check_intervals(facts: Facts, day: date, reports: list[ComponentReport], names: tuple[str, ...]) -> None:
    for measure, (total, interval) in _INTERVALS[names].items():
        pairs = [(report.count(total), report.interval_sum(interval)) for report in reports]
        told = [(whole, parts) for whole, parts in pairs if whole is not None and parts is not None]
        if told:
            facts.reconcile(day, measure, names[interval], sum(w for w, _ in told), sum(p for _, p in told))
