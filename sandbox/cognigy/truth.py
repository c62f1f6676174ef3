"""The truth of a Cognigy account after docs/mapping.md: billable units per local day and channel.

Computed from conversations only; no response is read.
"""

from collections.abc import Iterable, Mapping

from sandbox.arithmetic import max_concurrent_calls, ms_to_seconds
from sandbox.cognigy.shapes import CognigyShapes
from sandbox.truth_rules import Row, Rule, TruthQuery, build_metric_row, sum_by_member

Query = TruthQuery[CognigyShapes]


def compute_conversation_daily(query: Query) -> Iterable[Row]:
    """Yield one row. A day that is missing in the response for its month has zeros."""
    yield {
        "conversations": query.get_if_pulled(
            "conversation_counter", sum(item.billable_units for item in query.conversations)
        ),
        "call_duration_seconds": query.get_if_pulled(
            "call_counter", ms_to_seconds(sum(item.call_ms for item in query.conversations if item.is_call))
        ),
    }


def compute_channel_daily(query: Query) -> Iterable[Row]:
    """Yield the units per channel. Units without a channel are `unknown`: all of them in a response without a split."""
    if "conversation_counter" not in query.streams:
        return
    split = query.shapes.cognigy_per_channel == "list"
    for code, units in sum_by_member(
        (item.channel if split else "", item.billable_units) for item in query.conversations
    ).items():
        yield {
            "channel_code": code,
            "is_test": False,
            "conversations": units,
            "messages": None,
            "interactions": None,
            "call_duration_seconds": None,
        }


def compute_metric_daily(query: Query) -> Iterable[Row]:
    """Yield calls, billable calls, the highest concurrency and knowledge queries; known zeros are rows."""
    calls = [item for item in query.conversations if item.is_call]
    if "call_counter" in query.streams:
        yield from build_metric_row("calls", len(calls))
        yield from build_metric_row("billable_calls", sum(item.call_ms > 0 for item in calls))
        yield from build_metric_row("max_concurrent_calls", max_concurrent_calls(calls))
    if "knowledge_query_counter" in query.streams:
        yield from build_metric_row("knowledge_queries", sum(item.knowledge_queries for item in query.conversations))


RULES: Mapping[str, Rule[CognigyShapes]] = {
    "conversation_daily": compute_conversation_daily,
    "channel_daily": compute_channel_daily,
    "metric_daily": compute_metric_daily,
}
