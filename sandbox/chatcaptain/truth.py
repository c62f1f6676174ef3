"""The truth of a ChatCaptain account after docs/mapping.md: totals as reported, without test traffic.

Computed from conversations only; no response is read.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from decimal import Decimal

from sandbox.arithmetic import median, ms_to_seconds
from sandbox.chatcaptain.api import compute_inbox_numbers
from sandbox.chatcaptain.channels import CALL_CHANNEL_TYPES, TEST_CHANNEL_TYPE, is_test
from sandbox.chatcaptain.shapes import ChatcaptainShapes
from sandbox.conversations import Conversation
from sandbox.truth_rules import (
    BLANK_CONVERSATION,
    Row,
    Rule,
    TruthQuery,
    build_language_rows,
    build_metric_row,
    build_metric_rows,
    conform_language_tag,
    conform_member,
    language_base,
    sum_by_member,
)
from sandbox.vendor import SandboxChannel

Query = TruthQuery[ChatcaptainShapes]


def _select_overview_items(query: Query) -> list[Conversation]:
    """Return the conversations that the overview counts."""
    if query.shapes.totals_count_tests:
        return query.conversations
    return [item for item in query.conversations if not is_test(item)]


def _select_listed_channels(query: Query) -> list[SandboxChannel]:
    return [channel for channel in query.account.channels if channel.listed]


def _select_channel_items(query: Query, channel: SandboxChannel) -> list[Conversation]:
    return [item for item in query.conversations if item.channel_id == channel.id]


def _takes_calls(query: Query) -> bool:
    return any(channel.type in CALL_CHANNEL_TYPES for channel in _select_listed_channels(query))


def _sum_call_seconds(items: Iterable[Conversation]) -> Decimal:
    return ms_to_seconds(sum(item.call_ms for item in items))


def _select_calls(query: Query) -> list[Conversation]:
    return [
        item
        for channel in _select_listed_channels(query)
        if channel.type in CALL_CHANNEL_TYPES
        for item in _select_channel_items(query, channel)
    ]


def compute_conversation_daily(query: Query) -> Iterable[Row]:
    """Yield one row. Call seconds are unknown if no listed channel takes calls."""
    items = _select_overview_items(query)
    call_seconds = _sum_call_seconds(_select_calls(query)) if _takes_calls(query) else None
    yield {
        "conversations": query.get_if_pulled("overview_report", len(items)),
        "messages": query.get_if_pulled("overview_report", sum(item.messages for item in items)),
        "interactions": query.get_if_pulled("overview_report", sum(item.interactions for item in items)),
        "call_duration_seconds": query.get_if_pulled("channel_report", call_seconds),
    }


def compute_channel_daily(query: Query) -> Iterable[Row]:
    """Yield conversations per channel type, test traffic too; the other measures only for types of listed channels."""
    has_total_export = "export" in query.streams and query.shapes.csv_grain == "total"
    is_known = "overview_report" in query.streams or has_total_export
    has_report = "channel_report" in query.streams
    conversations = sum_by_member((item.channel, 1) for item in query.conversations) if is_known else {}
    listed_channels = _select_listed_channels(query) if has_report else []
    listed_types = {channel.type for channel in listed_channels}
    items_of_channels = [item for channel in listed_channels for item in _select_channel_items(query, channel)]
    active = {item.channel for item in items_of_channels if item.messages or item.interactions or item.call_ms}
    for code in sorted({*conversations, *active}):
        items = [item for item in items_of_channels if item.channel == code]
        yield {
            "channel_code": code,
            "is_test": code == TEST_CHANNEL_TYPE,
            "conversations": conversations.get(code, 0) if is_known else None,
            "messages": sum(item.messages for item in items) if code in listed_types else None,
            "interactions": sum(item.interactions for item in items) if code in listed_types else None,
            "call_duration_seconds": _sum_call_seconds(items) if code in listed_types & CALL_CHANNEL_TYPES else None,
        }


def compute_language_daily(query: Query) -> Iterable[Row]:
    """Return conversations per language tag, without test traffic."""
    if "overview_report" not in query.streams:
        return []
    return build_language_rows(item.language for item in _select_overview_items(query))


def compute_intent_daily(query: Query) -> Iterable[Row]:
    """Yield hits per intent; no rank is reported."""
    if "overview_report" in query.streams:
        for name, hits in sum_by_member(
            (name, 1) for item in _select_overview_items(query) for name in item.intents
        ).items():
            yield {"intent": name, "hits": hits, "rank": None, "is_top_n": False}


def compute_end_reason_daily(query: Query) -> Iterable[Row]:
    """Yield calls per end reason, summed over channels."""
    if "channel_report" in query.streams:
        for reason, number in sum_by_member((item.end_reason, 1) for item in _select_calls(query)).items():
            yield {"end_reason": reason, "conversations": number}


def compute_inbox_daily(query: Query) -> Iterable[Row]:
    """Yield the inbox's named numbers, zeros too: they are reported, and are no parts of a whole."""
    if "inbox" in query.streams:
        items = [item for item in query.conversations if not is_test(item)]
        for name, value in compute_inbox_numbers(len(items), sum(item.messages for item in items)).items():
            yield {"measure": name, "value": Decimal(value)}


def compute_metric_daily(query: Query) -> Iterable[Row]:
    """Yield steps, intent counts and medians over all, then the same and more for each listed channel."""
    if "overview_report" in query.streams:
        yield from _compute_figures(_select_overview_items(query), "", None)
    if "channel_report" not in query.streams:
        return
    for channel in _select_listed_channels(query):
        items = _select_channel_items(query, channel)
        yield from _compute_figures(items, "channel_", channel.id)
        yield from build_metric_row("channel_conversations", len(items), channel_id=channel.id)
        languages = Counter(item.language for item in items)
        yield from build_metric_rows("channel_languages", languages, channel.id)
        hits = Counter(name for item in items for name in item.intents)
        yield from build_metric_rows("channel_intent_hits", hits, channel.id)
        if channel.type in CALL_CHANNEL_TYPES:
            yield from _compute_call_figures(items, channel.id)


def _compute_figures(items: list[Conversation], prefix: str, channel: str | None) -> Iterable[Row]:
    steps = Counter(step for item in items for step in item.steps)
    yield from build_metric_rows(f"{prefix}step_executions", steps, channel)
    scalars = {
        "intent_count": sum(len(item.intents) for item in items),
        "messages_per_conversation_median": median(item.messages for item in items),
        "message_length_median": median(item.message_length for item in items),
        "intent_score_median": median(item.intent_score for item in items if item.intent_score is not None),
    }
    for name, value in scalars.items():
        yield from build_metric_row(prefix + name, value, channel_id=channel)


def _compute_call_figures(items: list[Conversation], channel: str) -> Iterable[Row]:
    durations = median(ms_to_seconds(item.call_ms) for item in items)
    yield from build_metric_row("channel_call_duration_median", durations, channel_id=channel)
    inputs = median(item.user_messages for item in items)
    yield from build_metric_row("channel_call_user_inputs_median", inputs, channel_id=channel)
    yield from build_metric_rows("channel_call_exit_steps", Counter(item.exit_step for item in items), channel)
    targets = Counter(item.transfer_target for item in items if item.transfer_target)
    yield from build_metric_rows("channel_call_transfer_targets", targets, channel)


def _as_exported(query: Query, moment: datetime) -> datetime:
    """Return an instant (UTC) as it can be read from the export: an ambiguous local time is read as the first one."""
    if query.shapes.csv_times != "local":
        return moment
    return moment.astimezone(query.account.zone).replace(fold=0).astimezone(UTC)


def compute_conversation(query: Query) -> Iterable[Row]:
    """Yield one row per line of the export, test traffic too; an empty cell is unknown."""
    if "export" not in query.streams or query.shapes.csv_grain != "conversation":
        return
    for item in query.conversations:
        tag = conform_language_tag(item.language)
        yield {
            **BLANK_CONVERSATION,
            "conversation_id": item.id,
            "started_at": _as_exported(query, item.started_at),
            "ended_at": _as_exported(query, item.ended_at),
            "channel_code": conform_member(item.channel),
            "is_test": is_test(item),
            "language_code": tag,
            "language": language_base(tag),
            "messages": item.messages,
            "user_messages": item.user_messages,
            "interactions": item.interactions,
            "duration_seconds": ms_to_seconds(item.call_ms) if item.is_call else None,
            "end_reason": item.end_reason or None,
            "transfer_target": item.transfer_target or None,
        }


def compute_conversation_intent(query: Query) -> Iterable[Row]:
    """Yield how often a line names each intent. The line's score is the intent's only if the line names no other."""
    if "export" not in query.streams or query.shapes.csv_grain != "conversation":
        return
    for item in query.conversations:
        hits_by_intent = Counter(item.intents)
        for name, hits in hits_by_intent.items():
            score = item.intent_score if len(hits_by_intent) == 1 else None
            yield {"conversation_id": item.id, "intent": name, "hits": hits, "score": score}


RULES: Mapping[str, Rule[ChatcaptainShapes]] = {
    "conversation_daily": compute_conversation_daily,
    "channel_daily": compute_channel_daily,
    "language_daily": compute_language_daily,
    "intent_daily": compute_intent_daily,
    "metric_daily": compute_metric_daily,
    "end_reason_daily": compute_end_reason_daily,
    "inbox_daily": compute_inbox_daily,
    "conversation": compute_conversation,
    "conversation_intent": compute_conversation_intent,
}
