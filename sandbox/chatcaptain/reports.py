"""ChatCaptain's report components: the meaning of each id of each report, its figure, and the figure's form.

A component id has a different meaning in each report. Figures over given conversations; no routes, no credentials.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.account import SandboxAccount
from sandbox.arithmetic import median, ms_to_seconds
from sandbox.chatcaptain.channels import is_test
from sandbox.chatcaptain.shapes import ChatcaptainShapes
from sandbox.conversations import Conversation
from sandbox.http import ApiContext, format_instant

Context = ApiContext[ChatcaptainShapes]
Items = Sequence[Conversation]


@dataclass(frozen=True)
class ReportInput:
    """The range of a report, in UTC, both ends inside it, and its conversations, without and with test traffic."""

    context: Context
    conversations: Items
    start: datetime
    end: datetime
    interval_seconds: int
    with_test_traffic: Items


Component = Callable[[ReportInput], Any]


def _format_scalar(report: ReportInput, value: object) -> object:
    form = report.context.shapes.scalars
    return value if form == "bare" else {form: value}


def _make_count(figure: Callable[[Items], int]) -> Component:
    return lambda report: _format_scalar(report, report.context.format_count(figure(report.conversations)))


def _make_median(figure: Callable[[Items], list[int] | list[Decimal]]) -> Component:
    return lambda report: _format_scalar(report, report.context.format_decimal(median(figure(report.conversations))))


def _make_breakdown(figure: Callable[[ReportInput], Counter[str]]) -> Component:
    def build_value(report: ReportInput) -> Any:
        shapes, counted = report.context.shapes, figure(report)
        if shapes.breakdowns == "map":
            return {name: report.context.format_count(number) for name, number in counted.items()}
        return [
            {shapes.breakdown_name: name or None, shapes.breakdown_value: report.context.format_count(number)}
            for name, number in counted.items()
        ]

    return build_value


def _make_interval_series(figure: Callable[[Items], int]) -> Component:
    def build_value(report: ReportInput) -> Any:
        step, at = timedelta(seconds=report.interval_seconds), report.start
        points: list[tuple[str, object]] = []
        while at <= report.end:
            inside = [item for item in report.conversations if at <= item.started_at < at + step]
            points.append((format_instant(at), report.context.format_count(figure(inside))))
            at += step
        if report.context.shapes.intervals == "map":
            return dict(points)
        return [{"timestamp": moment, "count": number} for moment, number in points]

    return build_value


def _make_trend(figure: Callable[[Items], int]) -> Component:
    return lambda report: {"current": figure(report.conversations), "previous": None, "trend": None}


def _sum_messages(items: Items) -> int:
    return sum(item.messages for item in items)


def _sum_interactions(items: Items) -> int:
    return sum(item.interactions for item in items)


def _count_intent_hits(report: ReportInput) -> Counter[str]:
    return Counter(name for item in report.conversations for name in item.intents)


def _count_steps(report: ReportInput) -> Counter[str]:
    return Counter(step for item in report.conversations for step in item.steps)


def _count_languages(report: ReportInput) -> Counter[str]:
    return Counter(item.language for item in report.conversations)


def _count_channel_types(report: ReportInput) -> Counter[str]:
    counted = Counter(item.channel for item in report.with_test_traffic)
    counted["brevo"] += 0
    return counted


def _list_scores(items: Items) -> list[Decimal]:
    return [item.intent_score for item in items if item.intent_score is not None]


_MESSAGE_COUNT_MEDIAN = _make_median(lambda items: [item.messages for item in items])
_LENGTH_MEDIAN = _make_median(lambda items: [item.message_length for item in items])
_INTENT_COUNT = _make_count(lambda items: sum(len(item.intents) for item in items))

OVERVIEW_COMPONENTS: dict[int, tuple[str, Component]] = {
    0: ("STEP_EXEC_COUNT", _make_breakdown(_count_steps)),
    1: ("CONVERSATION_COUNT", _make_count(len)),
    2: ("CONVERSATION_COUNT_INTERVAL", _make_interval_series(len)),
    3: ("CONVERSATION_LANGUAGES", _make_breakdown(_count_languages)),
    4: ("CONVERSATION_BY_CHANNEL_TYPE", _make_breakdown(_count_channel_types)),
    5: ("CONVERSATION_COUNT_PERIODIC_TREND", _make_trend(len)),
    6: ("CONVERSATION_MESSAGE_COUNT_MEDIAN", _MESSAGE_COUNT_MEDIAN),
    7: ("MESSAGE_COUNT", _make_count(_sum_messages)),
    8: ("MESSAGE_COUNT_INTERVAL", _make_interval_series(_sum_messages)),
    9: ("MESSAGE_COUNT_PERIODIC_TREND", _make_trend(_sum_messages)),
    10: ("MESSAGE_LENGTH_MEDIAN", _LENGTH_MEDIAN),
    11: ("INTENT_HITS", _make_breakdown(_count_intent_hits)),
    12: ("INTENT_SCORE_MEDIAN", _make_median(_list_scores)),
    13: ("INTENT_COUNT", _INTENT_COUNT),
    14: ("INTERACTION_COUNT", _make_count(_sum_interactions)),
    15: ("INTERACTION_COUNT_INTERVAL", _make_interval_series(_sum_interactions)),
    16: ("INTERACTION_COUNT_PERIODIC_TREND", _make_trend(_sum_interactions)),
}
_OVERVIEW_NUMBERS = (0, 1, 2, 5, 3, 6, 13, 11, 12, 14, 15, 16, 7, 8, 9, 10)
CHANNEL_COMPONENTS: dict[int, tuple[str, Component]] = {
    number: (f"{OVERVIEW_COMPONENTS[overview_number][0]}_FOR_CHANNEL_ID", OVERVIEW_COMPONENTS[overview_number][1])
    for number, overview_number in enumerate(_OVERVIEW_NUMBERS)
} | {
    16: (
        "CALL_DURATION_TOTAL",
        lambda report: _format_scalar(
            report, report.context.format_decimal(ms_to_seconds(sum(item.call_ms for item in report.conversations)))
        ),
    ),
    17: ("CALL_DURATION_PERIODIC_TREND", _make_trend(lambda items: sum(item.call_ms for item in items) // 1000)),
    18: ("CALL_DURATION_MEDIAN", _make_median(lambda items: [ms_to_seconds(item.call_ms) for item in items])),
    19: ("CALL_EXIT_STEP", _make_breakdown(lambda report: Counter(item.exit_step for item in report.conversations))),
    20: ("CALL_USER_INPUTS_MEDIAN", _make_median(lambda items: [item.user_messages for item in items])),
    21: ("CALL_END_REASON", _make_breakdown(lambda report: Counter(item.end_reason for item in report.conversations))),
    22: (
        "CALL_TRANSFER_TARGET",
        _make_breakdown(
            lambda report: Counter(item.transfer_target for item in report.conversations if item.transfer_target)
        ),
    ),
}
CALL_COMPONENTS = range(16, 23)


def build_report(
    context: Context,
    account: SandboxAccount,
    span: tuple[datetime, datetime],
    interval_seconds: int,
    components: Sequence[int],
    channel_id: str | None,
) -> dict[str, Any]:
    """Return the report's body: a key per requested component, by name or by id.

    Only CONVERSATION_BY_CHANNEL_TYPE of the overview counts test traffic, unless `totals_count_tests` is set.

    Args:
        context: the world and the shapes.
        account: the account.
        span: the first and the last instant of the range, in UTC.
        interval_seconds: the length of an interval in series.
        components: component ids of the report.
        channel_id: of a channel's report; None for the overview.
    """
    start, end = span
    everything = [
        item
        for item in context.world.conversations_between(account.name, start, end + timedelta(milliseconds=1))
        if channel_id is None or item.channel_id == channel_id
    ]
    with_tests = channel_id is not None or context.shapes.totals_count_tests
    counted = everything if with_tests else [item for item in everything if not is_test(item)]
    report = ReportInput(context, counted, start, end, interval_seconds, everything)
    known = OVERVIEW_COMPONENTS if channel_id is None else CHANNEL_COMPONENTS
    by_id = context.shapes.report_keys == "id"
    body = {str(number) if by_id else known[number][0]: known[number][1](report) for number in components}
    return context.add_unknown_field(body)
