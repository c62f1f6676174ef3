"""ChatCaptain's two reports and the inbox to facts of days. Rules: docs/mapping.md, "ChatCaptain".

Totals are loaded as reported; nothing is subtracted for test traffic. What must not come in: the names of components
(``components.py``), the comparison of totals with breakdowns and exports (``transform.py``).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from extractors.chatcaptain.account import CALL_TYPES, ChatcaptainAccount
from extractors.chatcaptain.contexts import ChannelReportContext
from extractors.json_body import replace_lone_surrogates
from transforms import conform
from transforms.breakdowns import unwrap_scalar
from transforms.chatcaptain.component_report import ComponentReport, check_intervals, describe_request, read_report
from transforms.chatcaptain.components import (
    CHANNEL_COMPONENTS,
    OVERVIEW_COMPONENTS,
)
from transforms.chatcaptain.fields import SHAPES
from transforms.chunk import Chunk, LandedResponse
from transforms.completeness import refuse_incomplete
from transforms.facts import Facts, sum_known
from transforms.metrics import END_REASON
from transforms.privacy import conceal
from transforms.reading import Node
from transforms.request_echo import refuse_other_request
from warehouse.model.columns import UNKNOWN

_OVERVIEW_MEDIANS = {6: "messages_per_conversation_median", 10: "message_length_median", 12: "intent_score_median"}
_CHANNEL_COUNTS = {1: "channel_conversations", 6: "channel_intent_count"}
_CHANNEL_MEDIANS = {
    5: "channel_messages_per_conversation_median",
    8: "channel_intent_score_median",
    15: "channel_message_length_median",
    20: "channel_call_user_inputs_median",
}
_TRANSFER_TARGETS = "channel_call_transfer_targets"
_CHANNEL_BREAKDOWNS = {
    0: "channel_step_executions",
    4: "channel_languages",
    7: "channel_intent_hits",
    19: "channel_call_exit_steps",
    22: _TRANSFER_TARGETS,
}
_SECONDS_PER_UNIT = {"seconds": Decimal(1), "minutes": Decimal(60), "milliseconds": Decimal(1).scaleb(-3)}


@dataclass(frozen=True)
class OverviewTotals:
    """The overview report's totals of a day; a value is None when it is missing or null."""

    conversations: int | None
    messages: int | None
    conversations_by_type: Mapping[str, int | None] | None


@dataclass
class ChannelTotals:
    """The channel reports of a day: the listed channel types, and by measure and type one value per channel.

    ``end_reasons`` has the calls by reason of each channel that reports them or should; None where they are unknown.
    """

    channel_types: set[str] = field(default_factory=set)
    end_reasons: list[Sequence[tuple[str, int | None]] | None] = field(default_factory=list)
    values: dict[str, dict[str, list[Decimal | int | None]]] = field(
        default_factory=lambda: defaultdict(lambda: defaultdict(list))
    )

    def record(self, channel_type: str, measure: str, value: Decimal | int | None) -> None:
        """Keep the value of one channel."""
        self.values[measure][channel_type].append(value)

    def total(self, measure: str, channel_types: Iterable[str]) -> Decimal | int | None:
        """Return the sum of a measure (counts or seconds) over all channels of these types.

        None when there is no such channel or when one of its values is unknown.
        """
        values = [value for channel_type in channel_types for value in self.values[measure].get(channel_type, ())]
        return sum_known(values) if values else None


def transform_overview(chunk: Chunk[ChatcaptainAccount], facts: Facts) -> dict[date, OverviewTotals]:
    """Load the overview report of each claimed day; return its totals by local day, to be compared later."""
    days: dict[date, OverviewTotals] = {}
    for response in chunk.responses("overview_report"):
        day = response.claimed_day()
        if day is None:
            continue
        report = read_report(chunk, facts, response, OVERVIEW_COMPONENTS, "overview_report")
        days[day] = _load_overview(facts, day, report, response)
        check_intervals(facts, day, [report], OVERVIEW_COMPONENTS)
    return days


def _load_overview(facts: Facts, day: date, report: ComponentReport, response: LandedResponse) -> OverviewTotals:
    totals = {"conversations": report.count(1), "messages": report.count(7), "interactions": report.count(14)}
    facts.set("conversation_daily", day, totals)
    for measure, value in totals.items():
        facts.record_provider_total(day, measure, value)
    conversations_by_type = _sum_members(report.members(4) or ())
    facts.drift.record_unknown_channels(day, response.where, conversations_by_type)
    for channel_type, count in conversations_by_type.items():
        facts.add("channel_daily", day, {"conversations": count}, channel_code=channel_type)
    for language, count in report.members(3) or ():
        code = conform.normalize_language_code(language)
        facts.add("language_daily", day, {"conversations": count}, language_code=code)
    for intent, hits in _sum_members(report.members(11) or ()).items():
        facts.set("intent_daily", day, {"hits": hits, "is_top_n": False}, intent=intent)
    for step, count in report.members(0) or ():
        facts.record_metric(day, "step_executions", count, step)
    facts.record_metric(day, "intent_count", report.count(13))
    for number, metric in _OVERVIEW_MEDIANS.items():
        facts.record_metric(day, metric, report.amount(number))
    has_split = report.members(4) is not None
    return OverviewTotals(totals["conversations"], totals["messages"], conversations_by_type if has_split else None)


def _sum_members(members: Iterable[tuple[str, int | None]]) -> dict[str, int | None]:
    """Return the sum of each member; None for a member with an unknown part."""
    parts: dict[str, list[int | None]] = defaultdict(list)
    for name, count in members:
        parts[name].append(count)
    return {name: sum_known(counts) for name, counts in parts.items()}


def transform_channels(chunk: Chunk[ChatcaptainAccount], facts: Facts) -> dict[date, ChannelTotals]:
    """Load the reports of each day's listed channels; return their values by local day, to be compared later."""
    for listing in chunk.responses("channels"):
        _check_listing(listing.root)
    days: dict[date, ChannelTotals] = {}
    reports: dict[date, list[ComponentReport]] = defaultdict(list)
    for response in chunk.responses("channel_report"):
        day = response.claimed_day()
        if day is None:
            continue
        totals = days.setdefault(day, ChannelTotals())
        if "channel_id" in response.context:
            reports[day].append(_load_channel(chunk, facts, day, response, totals))
        else:
            _check_listing(response.root)
    for day, totals in days.items():
        for channel_type in totals.channel_types:
            measures = ("messages", "interactions", "call_duration_seconds")
            sums = {measure: totals.total(measure, [channel_type]) for measure in measures}
            facts.set("channel_daily", day, sums, channel_code=channel_type)
        call_types = [channel_type for channel_type in totals.channel_types if channel_type.casefold() in CALL_TYPES]
        call_seconds = totals.total("call_duration_seconds", call_types)
        facts.set("conversation_daily", day, {"call_duration_seconds": call_seconds})
        if None not in totals.end_reasons:  # the sums of the other channels would read as those of all
            for reason, count in (entry for entries in totals.end_reasons for entry in entries or ()):
                facts.record_metric(day, END_REASON.name, count, reason)
        check_intervals(facts, day, reports[day], CHANNEL_COMPONENTS)
    return days


def _check_listing(root: Node) -> None:
    """Refuse a list of channels that announces more channels: their reports were not requested."""
    if isinstance(root.value, dict):
        channels = root["channels"]
        refuse_incomplete(root, 0 if channels.is_null else len(channels.array()))


def _load_channel(
    chunk: Chunk[ChatcaptainAccount], facts: Facts, day: date, response: LandedResponse, totals: ChannelTotals
) -> ComponentReport:
    context: ChannelReportContext = response.context
    channel_id = context["channel_id"]
    channel_type = context["channel_type"] or UNKNOWN
    report = read_report(chunk, facts, response, CHANNEL_COMPONENTS, "channel_report")
    facts.drift.record_unknown_channels(day, response.where, [channel_type])
    totals.channel_types.add(channel_type)
    totals.record(channel_type, "messages", report.count(12))
    totals.record(channel_type, "interactions", report.count(9))
    seconds_per_unit = _SECONDS_PER_UNIT[chunk.account.call_duration_unit]
    durations = (report.amount(16), report.amount(18))
    total, median = (None if duration is None else duration * seconds_per_unit for duration in durations)
    totals.record(channel_type, "call_duration_seconds", total)
    facts.record_metric(day, "channel_call_duration_median", median, channel_id=channel_id)
    for number, metric in _CHANNEL_COUNTS.items():
        facts.record_metric(day, metric, report.count(number), channel_id=channel_id)
    for number, metric in _CHANNEL_MEDIANS.items():
        facts.record_metric(day, metric, report.amount(number), channel_id=channel_id)
    for number, metric in _CHANNEL_BREAKDOWNS.items():
        for name, count in report.members(number) or ():
            member = conceal(chunk.account, "transfer_target", name) if metric == _TRANSFER_TARGETS else name
            facts.record_metric(day, metric, count, member, channel_id)
    end_reasons = report.members(21)
    if end_reasons is not None or channel_type.casefold() in CALL_TYPES:
        totals.end_reasons.append(end_reasons)
    return report


def transform_inbox(chunk: Chunk[ChatcaptainAccount], facts: Facts) -> None:
    """Load each named number of the inbox under the provider's name.

    Raises ShapeError for an inbox without any: an empty response would replace the numbers of the day.
    """
    for response in facts.drift.checking(chunk.responses("inbox"), SHAPES["inbox"]):
        day = response.claimed_day()
        if day is None:
            continue
        refuse_other_request(response.root, describe_request(chunk, response), chunk.zone)
        numbers: dict[str, Decimal | None] = {}
        for key, node in response.root.entries():
            name = replace_lone_surrogates(key) or UNKNOWN
            if name in numbers:
                node.refuse("names a number a second time")
            numbers[name] = unwrap_scalar(node).number()
            facts.record_metric(day, "inbox", numbers[name], name)
        if all(number is None for number in numbers.values()):
            response.root.refuse("holds no number; if the chatbot has no inbox, leave it out with `streams:`")
