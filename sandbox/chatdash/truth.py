"""What the views hold of a ChatDash account, by docs/mapping.md; a metric the platform lacks or refuses is unknown.

From conversations only.
"""

from collections import Counter
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from sandbox.arithmetic import average, ms_to_seconds, top_members
from sandbox.truth_rules import Row, TruthQuery, metric_row, metric_rows, sum_by_member

SERIES = ("conversations", "uniqueIps", "totalCallDuration", "totalCost", "interactions", "incomingTextMessages")


def _told(ask: TruthQuery, name: str) -> bool:
    if "analytics" not in ask.streams or name in ask.account.absent_metrics | ask.account.refused_metrics:
        return False
    if name == "tokens" and ask.shapes.chatdash_tokens == "absent":
        return False
    return not (name in SERIES and ask.shapes.chatdash_totals == "neither")


def _if(ask: TruthQuery, name: str, value: Any) -> Any:
    return value if _told(ask, name) else None


def _cost(ask: TruthQuery) -> Decimal:
    return sum((item.cost for item in ask.conversations), Decimal(0))


def _tokens(ask: TruthQuery) -> dict[str, int]:
    return sum_by_member(pair for item in ask.conversations for pair in item.tokens)


def conversation_daily(ask: TruthQuery) -> Iterable[Row]:
    """One row of totals; no cost comes without a currency."""
    items, cost = ask.conversations, _cost(ask)
    yield {
        "conversations": _if(ask, "conversations", len(items)),
        "user_messages": _if(ask, "incomingTextMessages", sum(item.user_messages for item in items)),
        "interactions": _if(ask, "interactions", sum(item.interactions for item in items)),
        "understood_messages": _if(ask, "understoodMessages", sum(item.understood_messages for item in items)),
        "misunderstood_messages": _if(ask, "understoodMessages", sum(item.missed_messages for item in items)),
        "unique_users": _if(ask, "uniqueIps", len({item.ip for item in items})),
        "call_duration_seconds": _if(ask, "totalCallDuration", ms_to_seconds(sum(item.call_ms for item in items))),
        "cost_amount": _if(ask, "totalCost", cost),
        "cost_currency": _if(ask, "totalCost", "USD" if cost else None),
        "tokens": _if(ask, "tokens", sum(_tokens(ask).values())),
    }


def intent_daily(ask: TruthQuery) -> Iterable[Row]:
    """The top list as told: its positions are the ranks."""
    if not _told(ask, "topIntents"):
        return
    counted = Counter(name for item in ask.conversations for name in item.intents)
    for rank, (name, hits) in enumerate(top_members(counted, ask.shapes.chatdash_top), 1):
        yield {"intent": name, "hits": hits, "rank": rank, "is_top_n": True}


def country_daily(ask: TruthQuery) -> Iterable[Row]:
    """Upper-case codes, added up; a conversation without an address is in no country."""
    if _told(ask, "conversationByCountry"):
        told = ((item.country, 1) for item in ask.conversations if item.country)
        for code, number in sum_by_member(told, str.upper).items():
            yield {"country_code": code, "conversations": number}


def metric_daily(ask: TruthQuery) -> Iterable[Row]:
    """Classified messages, the two averages, and message texts when they are kept."""
    items = ask.conversations
    if _told(ask, "understoodMessages"):
        yield from metric_row("classified_messages", sum(item.classified_messages for item in items))
    if _told(ask, "averageCost"):
        yield from metric_row("average_cost", average(_cost(ask), len(items)))
    if _told(ask, "averageInteractions"):
        yield from metric_row("average_interactions", average(sum(item.interactions for item in items), len(items)))
    if ask.keep_message_texts and _told(ask, "topMisunderstoodMessages"):
        counted = Counter(text for item in items for text in item.misunderstood_texts)
        yield from metric_rows("misunderstood_texts", dict(top_members(counted, ask.shapes.chatdash_top)))


def end_reason_daily(ask: TruthQuery) -> Iterable[Row]:
    """Calls per reason."""
    if _told(ask, "endedReason"):
        for reason, number in sum_by_member((item.end_reason, 1) for item in ask.conversations if item.is_call).items():
            yield {"end_reason": reason, "conversations": number}


def topic_daily(ask: TruthQuery) -> Iterable[Row]:
    """The top topics by label."""
    if _told(ask, "topTopics"):
        counted = Counter(label for item in ask.conversations for _, label in item.topics)
        for label, number in top_members(counted, ask.shapes.chatdash_top):
            yield {"topic": label, "conversations": number}


def token_daily(ask: TruthQuery) -> Iterable[Row]:
    """Tokens per model."""
    if _told(ask, "tokens"):
        for model, number in _tokens(ask).items():
            yield {"model": model, "tokens": number}


RULES: dict[str, Callable[[TruthQuery], Iterable[Row]]] = {
    "conversation_daily": conversation_daily,
    "intent_daily": intent_daily,
    "country_daily": country_daily,
    "metric_daily": metric_daily,
    "end_reason_daily": end_reason_daily,
    "topic_daily": topic_daily,
    "token_daily": token_daily,
}
