"""ChatCaptain's report components: what each id of each report means and how its number is found and shown.

A component id means a different thing in each report. Figures over given conversations; no routes, no credentials.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.accounts import SandboxAccount
from sandbox.arithmetic import median, ms_to_seconds
from sandbox.conversations import Conversation, is_test
from sandbox.http import ApiContext, format_instant

Items = Sequence[Conversation]


@dataclass(frozen=True)
class ReportInput:
    """One report's range: its conversations and its interval."""

    desk: ApiContext
    conversations: Items
    start: datetime
    end: datetime
    interval_seconds: int
    with_test_traffic: Items  # with test traffic


Component = Callable[[ReportInput], Any]


def _scalar(asked: ReportInput, value: object) -> object:
    form = asked.desk.shapes.scalars
    return value if form == "bare" else {form: value}


def _count(figure: Callable[[Items], int]) -> Component:
    return lambda asked: _scalar(asked, asked.desk.format_count(figure(asked.conversations)))


def _median(figure: Callable[[Items], list[int] | list[Decimal]]) -> Component:
    return lambda asked: _scalar(asked, asked.desk.format_decimal(median(figure(asked.conversations))))


def _breakdown(figure: Callable[[ReportInput], Counter[str]]) -> Component:
    def component(asked: ReportInput) -> Any:
        switches, counted = asked.desk.shapes, figure(asked)
        if switches.breakdowns == "map":
            return {name: asked.desk.format_count(number) for name, number in counted.items()}
        return [
            {switches.breakdown_name: name or None, switches.breakdown_value: asked.desk.format_count(number)}
            for name, number in counted.items()
        ]

    return component


def _interval(figure: Callable[[Items], int]) -> Component:
    def component(asked: ReportInput) -> Any:
        step, at = timedelta(seconds=asked.interval_seconds), asked.start
        found: list[tuple[str, object]] = []
        while at <= asked.end:
            inside = [item for item in asked.conversations if at <= item.started_at < at + step]
            found.append((format_instant(at), asked.desk.format_count(figure(inside))))
            at += step
        if asked.desk.shapes.intervals == "map":
            return dict(found)
        return [{"timestamp": moment, "count": number} for moment, number in found]

    return component


def _trend(figure: Callable[[Items], int]) -> Component:
    return lambda asked: {"current": figure(asked.conversations), "previous": None, "trend": None}


def _messages(items: Items) -> int:
    return sum(item.messages for item in items)


def _interactions(items: Items) -> int:
    return sum(item.interactions for item in items)


def _hits(asked: ReportInput) -> Counter[str]:
    return Counter(name for item in asked.conversations for name in item.intents)


def _steps(asked: ReportInput) -> Counter[str]:
    return Counter(step for item in asked.conversations for step in item.steps)


def _languages(asked: ReportInput) -> Counter[str]:
    return Counter(item.language for item in asked.conversations)


def _types(asked: ReportInput) -> Counter[str]:
    counted = Counter(item.channel for item in asked.with_test_traffic)
    counted["brevo"] += 0
    return counted


def _scores(items: Items) -> list[Decimal]:
    return [item.intent_score for item in items if item.intent_score is not None]


_MESSAGE_COUNT_MEDIAN = _median(lambda items: [item.messages for item in items])
_LENGTH_MEDIAN = _median(lambda items: [item.message_length for item in items])
_INTENT_COUNT = _count(lambda items: sum(len(item.intents) for item in items))

OVERVIEW_COMPONENTS: dict[int, tuple[str, Component]] = {
    0: ("STEP_EXEC_COUNT", _breakdown(_steps)),
    1: ("CONVERSATION_COUNT", _count(len)),
    2: ("CONVERSATION_COUNT_INTERVAL", _interval(len)),
    3: ("CONVERSATION_LANGUAGES", _breakdown(_languages)),
    4: ("CONVERSATION_BY_CHANNEL_TYPE", _breakdown(_types)),
    5: ("CONVERSATION_COUNT_PERIODIC_TREND", _trend(len)),
    6: ("CONVERSATION_MESSAGE_COUNT_MEDIAN", _MESSAGE_COUNT_MEDIAN),
    7: ("MESSAGE_COUNT", _count(_messages)),
    8: ("MESSAGE_COUNT_INTERVAL", _interval(_messages)),
    9: ("MESSAGE_COUNT_PERIODIC_TREND", _trend(_messages)),
    10: ("MESSAGE_LENGTH_MEDIAN", _LENGTH_MEDIAN),
    11: ("INTENT_HITS", _breakdown(_hits)),
    12: ("INTENT_SCORE_MEDIAN", _median(_scores)),
    13: ("INTENT_COUNT", _INTENT_COUNT),
    14: ("INTERACTION_COUNT", _count(_interactions)),
    15: ("INTERACTION_COUNT_INTERVAL", _interval(_interactions)),
    16: ("INTERACTION_COUNT_PERIODIC_TREND", _trend(_interactions)),
}
_CHANNEL_ORDER = (0, 1, 2, 5, 3, 6, 13, 11, 12, 14, 15, 16, 7, 8, 9, 10)
CHANNEL_COMPONENTS: dict[int, tuple[str, Component]] = {
    number: (f"{OVERVIEW_COMPONENTS[same][0]}_FOR_CHANNEL_ID", OVERVIEW_COMPONENTS[same][1])
    for number, same in enumerate(_CHANNEL_ORDER)
} | {
    16: (
        "CALL_DURATION_TOTAL",
        lambda asked: _scalar(
            asked, asked.desk.format_decimal(ms_to_seconds(sum(item.call_ms for item in asked.conversations)))
        ),
    ),
    17: ("CALL_DURATION_PERIODIC_TREND", _trend(lambda items: sum(item.call_ms for item in items) // 1000)),
    18: ("CALL_DURATION_MEDIAN", _median(lambda items: [ms_to_seconds(item.call_ms) for item in items])),
    19: ("CALL_EXIT_STEP", _breakdown(lambda asked: Counter(item.exit_step for item in asked.conversations))),
    20: ("CALL_USER_INPUTS_MEDIAN", _median(lambda items: [item.user_messages for item in items])),
    21: ("CALL_END_REASON", _breakdown(lambda asked: Counter(item.end_reason for item in asked.conversations))),
    22: (
        "CALL_TRANSFER_TARGET",
        _breakdown(lambda asked: Counter(item.transfer_target for item in asked.conversations if item.transfer_target)),
    ),
}
CALL_COMPONENTS = range(16, 23)


def build_report(
    desk: ApiContext,
    account: SandboxAccount,
    span: tuple[datetime, datetime],
    interval: int,
    components: Sequence[int],
    channel_id: str | None,
) -> dict[str, Any]:
    """The report's body: a key per component asked for, by name or by id.

    The overview leaves test traffic out of everything but CONVERSATION_BY_CHANNEL_TYPE, unless switched.
    """
    start, end = span
    everything = [
        item
        for item in desk.world.conversations_between(account.name, start, end + timedelta(milliseconds=1))
        if channel_id is None or item.channel_id == channel_id
    ]
    with_tests = channel_id is not None or desk.shapes.totals_count_tests
    counted = everything if with_tests else [item for item in everything if not is_test(item)]
    asked = ReportInput(desk, counted, start, end, interval, everything)
    known = OVERVIEW_COMPONENTS if channel_id is None else CHANNEL_COMPONENTS
    by_id = desk.shapes.report_keys == "id"
    told = {str(number) if by_id else known[number][0]: known[number][1](asked) for number in components}
    return desk.add_unknown_field(told)
