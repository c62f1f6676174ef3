"""What the views hold of a Cognigy account, by docs/mapping.md: billable units per local day and channel.

From conversations only.
"""

from collections.abc import Callable, Iterable

from sandbox.arithmetic import max_concurrent_calls, ms_to_seconds
from sandbox.truth_rules import Row, TruthQuery, metric_row, sum_by_member


def conversation_daily(ask: TruthQuery) -> Iterable[Row]:
    """One row; a day that an answered month omits is zero."""
    yield {
        "conversations": ask.value_if_pulled(
            "conversation_counter", sum(item.billable_units for item in ask.conversations)
        ),
        "call_duration_seconds": ask.value_if_pulled(
            "call_counter", ms_to_seconds(sum(item.call_ms for item in ask.conversations if item.is_call))
        ),
    }


def channel_daily(ask: TruthQuery) -> Iterable[Row]:
    """Units per channel; what is in no channel, or all of it without a split, is `unknown`."""
    if "conversation_counter" not in ask.streams:
        return
    split = ask.shapes.cognigy_per_channel == "list"
    for code, units in sum_by_member(
        (item.channel if split else "", item.billable_units) for item in ask.conversations
    ).items():
        yield {
            "channel_code": code,
            "is_test": False,
            "conversations": units,
            "messages": None,
            "interactions": None,
            "call_duration_seconds": None,
        }


def metric_daily(ask: TruthQuery) -> Iterable[Row]:
    """Calls, billable calls, the peak, knowledge queries; known zeros are rows."""
    calls = [item for item in ask.conversations if item.is_call]
    if "call_counter" in ask.streams:
        yield from metric_row("calls", len(calls))
        yield from metric_row("billable_calls", sum(item.call_ms > 0 for item in calls))
        yield from metric_row("max_concurrent_calls", max_concurrent_calls(calls))
    if "knowledge_query_counter" in ask.streams:
        yield from metric_row("knowledge_queries", sum(item.knowledge_queries for item in ask.conversations))


RULES: dict[str, Callable[[TruthQuery], Iterable[Row]]] = {
    "conversation_daily": conversation_daily,
    "channel_daily": channel_daily,
    "metric_daily": metric_daily,
}
