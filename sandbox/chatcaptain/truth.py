"""What the views hold of a ChatCaptain account, by docs/mapping.md: totals without test traffic, as told.

From conversations only.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from decimal import Decimal

from sandbox.accounts import CALL_CHANNEL_TYPES, TEST_CHANNEL_TYPE, SandboxChannel
from sandbox.arithmetic import median, ms_to_seconds
from sandbox.chatcaptain.api import inbox_numbers
from sandbox.conversations import Conversation, is_test
from sandbox.truth_rules import (
    BLANK_CONVERSATION,
    Row,
    TruthQuery,
    conform_language_tag,
    conform_member,
    language_base,
    language_rows,
    metric_row,
    metric_rows,
    sum_by_member,
)


def _real(ask: TruthQuery) -> list[Conversation]:
    """What the overview counts."""
    if ask.shapes.totals_count_tests:
        return ask.conversations
    return [item for item in ask.conversations if not is_test(item)]


def _listed(ask: TruthQuery) -> list[SandboxChannel]:
    return [channel for channel in ask.account.channels if channel.listed]


def _through(ask: TruthQuery, channel: SandboxChannel) -> list[Conversation]:
    return [item for item in ask.conversations if item.channel_id == channel.id]


def _calls_listed(ask: TruthQuery) -> bool:
    return any(channel.type in CALL_CHANNEL_TYPES for channel in _listed(ask))


def _call_seconds(items: Iterable[Conversation]) -> Decimal:
    return ms_to_seconds(sum(item.call_ms for item in items))


def _calls(ask: TruthQuery) -> list[Conversation]:
    return [item for channel in _listed(ask) if channel.type in CALL_CHANNEL_TYPES for item in _through(ask, channel)]


def conversation_daily(ask: TruthQuery) -> Iterable[Row]:
    """One row; call seconds are unknown where no channel takes calls."""
    items = _real(ask)
    called = _call_seconds(_calls(ask)) if _calls_listed(ask) else None
    yield {
        "conversations": ask.value_if_pulled("overview_report", len(items)),
        "messages": ask.value_if_pulled("overview_report", sum(item.messages for item in items)),
        "interactions": ask.value_if_pulled("overview_report", sum(item.interactions for item in items)),
        "call_duration_seconds": ask.value_if_pulled("channel_report", called),
    }


def channel_daily(ask: TruthQuery) -> Iterable[Row]:
    """Conversations per channel type, test traffic too; the other measures where a channel of the type is listed."""
    total_export = "export" in ask.streams and ask.shapes.csv_grain == "total"
    known = "overview_report" in ask.streams or total_export
    reported = "channel_report" in ask.streams
    listed = {channel.type for channel in _listed(ask)} if reported else set()
    conversations = sum_by_member((item.channel, 1) for item in ask.conversations) if known else {}
    through = [item for channel in _listed(ask) for item in _through(ask, channel)] if reported else []
    active = {item.channel for item in through if item.messages or item.interactions or item.call_ms}
    for code in sorted({*conversations, *active}):
        items = [item for item in through if item.channel == code]
        yield {
            "channel_code": code,
            "is_test": code == TEST_CHANNEL_TYPE,
            "conversations": conversations.get(code, 0) if known else None,
            "messages": sum(item.messages for item in items) if code in listed else None,
            "interactions": sum(item.interactions for item in items) if code in listed else None,
            "call_duration_seconds": _call_seconds(items) if code in listed & CALL_CHANNEL_TYPES else None,
        }


def language_daily(ask: TruthQuery) -> Iterable[Row]:
    """Conversations per language tag, test traffic left out."""
    return language_rows(item.language for item in _real(ask)) if "overview_report" in ask.streams else []


def intent_daily(ask: TruthQuery) -> Iterable[Row]:
    """Hits per intent; no rank is told."""
    if "overview_report" in ask.streams:
        for name, hits in sum_by_member((name, 1) for item in _real(ask) for name in item.intents).items():
            yield {"intent": name, "hits": hits, "rank": None, "is_top_n": False}


def end_reason_daily(ask: TruthQuery) -> Iterable[Row]:
    """Calls per reason, summed over channels."""
    if "channel_report" in ask.streams:
        for reason, number in sum_by_member((item.end_reason, 1) for item in _calls(ask)).items():
            yield {"end_reason": reason, "conversations": number}


def inbox_daily(ask: TruthQuery) -> Iterable[Row]:
    """The inbox's named numbers, zeros too: they are told, and parts of no whole."""
    if "inbox" in ask.streams:
        items = [item for item in ask.conversations if not is_test(item)]
        for name, value in inbox_numbers(len(items), sum(item.messages for item in items)).items():
            yield {"measure": name, "value": Decimal(value)}


def metric_daily(ask: TruthQuery) -> Iterable[Row]:
    """Steps, intent counts and medians over all, then the same and more for each listed channel."""
    if "overview_report" in ask.streams:
        yield from _figures(_real(ask), "", None)
    if "channel_report" not in ask.streams:
        return
    for channel in _listed(ask):
        items = _through(ask, channel)
        yield from _figures(items, "channel_", channel.id)
        yield from metric_row("channel_conversations", len(items), channel_id=channel.id)
        spoken = Counter(item.language for item in items)
        yield from metric_rows("channel_languages", spoken, channel.id)
        hits = Counter(name for item in items for name in item.intents)
        yield from metric_rows("channel_intent_hits", hits, channel.id)
        if channel.type in CALL_CHANNEL_TYPES:
            yield from _call_figures(items, channel.id)


def _figures(items: list[Conversation], prefix: str, channel: str | None) -> Iterable[Row]:
    yield from metric_rows(f"{prefix}step_executions", Counter(step for item in items for step in item.steps), channel)
    scalars = {
        "intent_count": sum(len(item.intents) for item in items),
        "messages_per_conversation_median": median(item.messages for item in items),
        "message_length_median": median(item.message_length for item in items),
        "intent_score_median": median(item.intent_score for item in items if item.intent_score is not None),
    }
    for name, value in scalars.items():
        yield from metric_row(prefix + name, value, channel_id=channel)


def _call_figures(items: list[Conversation], channel: str) -> Iterable[Row]:
    durations = median(ms_to_seconds(item.call_ms) for item in items)
    yield from metric_row("channel_call_duration_median", durations, channel_id=channel)
    inputs = median(item.user_messages for item in items)
    yield from metric_row("channel_call_user_inputs_median", inputs, channel_id=channel)
    yield from metric_rows("channel_call_exit_steps", Counter(item.exit_step for item in items), channel)
    targets = Counter(item.transfer_target for item in items if item.transfer_target)
    yield from metric_rows("channel_call_transfer_targets", targets, channel)


def _written(ask: TruthQuery, moment: datetime) -> datetime:
    """An instant as the export lets one know it: a local time that comes twice is read as the first."""
    if ask.shapes.csv_times != "local":
        return moment
    return moment.astimezone(ask.account.zone).replace(fold=0).astimezone(UTC)


def conversation(ask: TruthQuery) -> Iterable[Row]:
    """One row per line of the export, test traffic too; an empty cell is unknown."""
    if "export" not in ask.streams or ask.shapes.csv_grain != "conversation":
        return
    for item in ask.conversations:
        tag = conform_language_tag(item.language)
        yield {
            **BLANK_CONVERSATION,
            "conversation_id": item.id,
            "started_at": _written(ask, item.started_at),
            "ended_at": _written(ask, item.ended_at),
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


def conversation_intent(ask: TruthQuery) -> Iterable[Row]:
    """How often each intent is named in a line; the line's score belongs to it only when it stands alone."""
    if "export" not in ask.streams or ask.shapes.csv_grain != "conversation":
        return
    for item in ask.conversations:
        named = Counter(item.intents)
        for name, hits in named.items():
            score = item.intent_score if len(named) == 1 else None
            yield {"conversation_id": item.id, "intent": name, "hits": hits, "score": score}


RULES: dict[str, Callable[[TruthQuery], Iterable[Row]]] = {
    "conversation_daily": conversation_daily,
    "channel_daily": channel_daily,
    "language_daily": language_daily,
    "intent_daily": intent_daily,
    "metric_daily": metric_daily,
    "end_reason_daily": end_reason_daily,
    "inbox_daily": inbox_daily,
    "conversation": conversation,
    "conversation_intent": conversation_intent,
}
