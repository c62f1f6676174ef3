"""What the views hold of a Cognigy account, by docs/mapping.md: billable units per local day and channel.

From conversations only.
"""

from collections.abc import Callable, Iterable

from sandbox.arithmetic import most_at_once, seconds
from sandbox.truth_rules import Ask, Row, added, metric


def conversation_daily(ask: Ask) -> Iterable[Row]:
    """One row; a day that an answered month omits is zero."""
    yield {
        "conversations": ask.pulled("conversation_counter", sum(item.units for item in ask.items)),
        "call_duration_seconds": ask.pulled(
            "call_counter", seconds(sum(item.call_ms for item in ask.items if item.is_call))
        ),
    }


def channel_daily(ask: Ask) -> Iterable[Row]:
    """Units per channel; what is in no channel, or all of it without a split, is `unknown`."""
    if "conversation_counter" not in ask.streams:
        return
    split = ask.switches.cognigy_per_channel == "list"
    for code, units in added((item.channel if split else "", item.units) for item in ask.items).items():
        yield {
            "channel_code": code,
            "is_test": False,
            "conversations": units,
            "messages": None,
            "interactions": None,
            "call_duration_seconds": None,
        }


def metric_daily(ask: Ask) -> Iterable[Row]:
    """Calls, billable calls, the peak, knowledge queries; known zeros are rows."""
    calls = [item for item in ask.items if item.is_call]
    if "call_counter" in ask.streams:
        yield from metric("calls", len(calls))
        yield from metric("billable_calls", sum(item.call_ms > 0 for item in calls))
        yield from metric("max_concurrent_calls", most_at_once(calls))
    if "knowledge_query_counter" in ask.streams:
        yield from metric("knowledge_queries", sum(item.knowledge for item in ask.items))


RULES: dict[str, Callable[[Ask], Iterable[Row]]] = {
    "conversation_daily": conversation_daily,
    "channel_daily": channel_daily,
    "metric_daily": metric_daily,
}
