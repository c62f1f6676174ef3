"""The truth of a ChatDash account after docs/mapping.md; a metric that the platform lacks or refuses is unknown.

Computed from conversations only; no response is read.
"""

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from sandbox.arithmetic import average, ms_to_seconds, select_top_members
from sandbox.chatdash.shapes import ChatdashShapes
from sandbox.truth_rules import Row, Rule, TruthQuery, build_metric_row, build_metric_rows, sum_by_member

Query = TruthQuery[ChatdashShapes]

SERIES = ("conversations", "uniqueIps", "totalCallDuration", "totalCost", "interactions", "incomingTextMessages")


def _is_reported(query: Query, name: str) -> bool:
    """Return whether the account's responses hold a value of this metric."""
    if "analytics" not in query.streams or name in query.account.absent_metrics | query.account.refused_metrics:
        return False
    if name == "tokens" and query.shapes.chatdash_tokens == "absent":
        return False
    return not (name in SERIES and query.shapes.chatdash_totals == "neither")


def _get_if_reported(query: Query, name: str, value: Any) -> Any:
    return value if _is_reported(query, name) else None


def _sum_cost(query: Query) -> Decimal:
    return sum((item.cost for item in query.conversations), Decimal(0))


def _sum_tokens(query: Query) -> dict[str, int]:
    return sum_by_member(pair for item in query.conversations for pair in item.tokens)


def compute_conversation_daily(query: Query) -> Iterable[Row]:
    """Yield one row of totals. The currency is known only where there is a cost."""
    items, cost = query.conversations, _sum_cost(query)
    yield {
        "conversations": _get_if_reported(query, "conversations", len(items)),
        "user_messages": _get_if_reported(query, "incomingTextMessages", sum(item.user_messages for item in items)),
        "interactions": _get_if_reported(query, "interactions", sum(item.interactions for item in items)),
        "understood_messages": _get_if_reported(
            query, "understoodMessages", sum(item.understood_messages for item in items)
        ),
        "misunderstood_messages": _get_if_reported(
            query, "understoodMessages", sum(item.missed_messages for item in items)
        ),
        "unique_users": _get_if_reported(query, "uniqueIps", len({item.ip for item in items})),
        "call_duration_seconds": _get_if_reported(
            query, "totalCallDuration", ms_to_seconds(sum(item.call_ms for item in items))
        ),
        "cost_amount": _get_if_reported(query, "totalCost", cost),
        "cost_currency": _get_if_reported(query, "totalCost", "USD" if cost else None),
        "tokens": _get_if_reported(query, "tokens", sum(_sum_tokens(query).values())),
    }


def compute_intent_daily(query: Query) -> Iterable[Row]:
    """Yield the top list as reported: its positions are the ranks."""
    if not _is_reported(query, "topIntents"):
        return
    counted = Counter(name for item in query.conversations for name in item.intents)
    for rank, (name, hits) in enumerate(select_top_members(counted, query.shapes.chatdash_top), 1):
        yield {"intent": name, "hits": hits, "rank": rank, "is_top_n": True}


def compute_country_daily(query: Query) -> Iterable[Row]:
    """Yield conversations per upper-case country code; a conversation without a country is in no row."""
    if _is_reported(query, "conversationByCountry"):
        countries = ((item.country, 1) for item in query.conversations if item.country)
        for code, number in sum_by_member(countries, str.upper).items():
            yield {"country_code": code, "conversations": number}


def compute_metric_daily(query: Query) -> Iterable[Row]:
    """Yield classified messages, the two averages, and the misunderstood texts if the account keeps texts."""
    items = query.conversations
    if _is_reported(query, "understoodMessages"):
        yield from build_metric_row("classified_messages", sum(item.classified_messages for item in items))
    if _is_reported(query, "averageCost"):
        yield from build_metric_row("average_cost", average(_sum_cost(query), len(items)))
    if _is_reported(query, "averageInteractions"):
        interactions = sum(item.interactions for item in items)
        yield from build_metric_row("average_interactions", average(interactions, len(items)))
    if query.keep_message_texts and _is_reported(query, "topMisunderstoodMessages"):
        counted = Counter(text for item in items for text in item.misunderstood_texts)
        top = select_top_members(counted, query.shapes.chatdash_top)
        yield from build_metric_rows("misunderstood_texts", dict(top))


def compute_end_reason_daily(query: Query) -> Iterable[Row]:
    """Yield calls per end reason."""
    if _is_reported(query, "endedReason"):
        reasons = ((item.end_reason, 1) for item in query.conversations if item.is_call)
        for reason, number in sum_by_member(reasons).items():
            yield {"end_reason": reason, "conversations": number}


def compute_topic_daily(query: Query) -> Iterable[Row]:
    """Yield the top topics by label."""
    if _is_reported(query, "topTopics"):
        counted = Counter(label for item in query.conversations for _, label in item.topics)
        for label, number in select_top_members(counted, query.shapes.chatdash_top):
            yield {"topic": label, "conversations": number}


def compute_token_daily(query: Query) -> Iterable[Row]:
    """Yield tokens per model."""
    if _is_reported(query, "tokens"):
        for model, number in _sum_tokens(query).items():
            yield {"model": model, "tokens": number}


RULES: Mapping[str, Rule[ChatdashShapes]] = {
    "conversation_daily": compute_conversation_daily,
    "intent_daily": compute_intent_daily,
    "country_daily": compute_country_daily,
    "metric_daily": compute_metric_daily,
    "end_reason_daily": compute_end_reason_daily,
    "topic_daily": compute_topic_daily,
    "token_daily": compute_token_daily,
}
