"""ChatDash's analytics to facts. Rules: docs/mapping.md, "ChatDash".

One answer is one local day. A metric that is absent or null is unknown, never zero. ChatDash tells neither channels nor
languages.
"""

from datetime import date
from decimal import Decimal

from transforms import conform
from transforms.chunk import Chunk
from transforms.facts import Facts
from transforms.metrics import ADDITIVE, END_REASON, NOT_ADDITIVE, Metric
from transforms.reading import Node, scalar
from transforms.registry import Transform

CLASSIFIED = Metric("classified_messages", "messages", ADDITIVE, "Messages that the bot tried to understand.")
TOPIC = Metric("topic", "conversations", NOT_ADDITIVE, "Conversations by topic, cut off after the most frequent ones.")
TOKENS = Metric("tokens", "tokens", ADDITIVE, "Tokens by language model.")
TEXTS = Metric("misunderstood_texts", "messages", NOT_ADDITIVE, "The texts most often not understood; a cut-off list.")
AVERAGE_COST = Metric("average_cost", "money", NOT_ADDITIVE, "Cost of a conversation on average.")
AVERAGE_INTERACTIONS = Metric(
    "average_interactions", "interactions", NOT_ADDITIVE, "Interactions of a conversation on average."
)


def _run(chunk: Chunk, facts: Facts) -> None:
    for answer in chunk.answers("analytics"):
        day = answer.only_day()
        if day is None:
            continue
        _totals(facts, day, answer.root)
        _breakdowns(facts, day, answer.root)
        if chunk.account.privacy.message_texts == "keep":
            for entry in _entries(answer.root["topMisunderstoodMessages"]):
                _add_metric(facts, day, TEXTS, entry["label"].member(), entry["count"].count())


def _totals(facts: Facts, day: date, root: Node) -> None:
    calls = _total(root["totalCallDuration"]).number()
    understood = root["understoodMessages"]
    cost = root["totalCost"]
    measures = {
        "conversations": _total(root["conversations"]).count(),
        "unique_users": _total(root["uniqueIps"]).count(),
        "call_duration_seconds": None if calls is None else calls * 60,
        "cost_amount": _total(cost).number(),
        "cost_currency": None if cost.is_null else cost["currency"].text() or None,
        "interactions": _total(root["interactions"]).count(),
        "user_messages": _total(root["incomingTextMessages"]).count(),
        "understood_messages": None if understood.is_null else understood["understood"].count(),
        "misunderstood_messages": None if understood.is_null else understood["missed"].count(),
    }
    facts.put("conversation_daily", day, measures)
    for measure, value in measures.items():
        if isinstance(value, int | Decimal):
            facts.told(day, measure, value)
    facts.metric(day, CLASSIFIED.metric, None if understood.is_null else understood["total"].count())
    average = root["averageCost"]
    facts.metric(day, AVERAGE_COST.metric, None if average.is_null else average["average"].number())
    facts.metric(day, AVERAGE_INTERACTIONS.metric, root["averageInteractions"].number())


def _breakdowns(facts: Facts, day: date, root: Node) -> None:
    for entry in _entries(root["conversationsByCountry"]):
        code = conform.country_code(entry["id"].text())
        facts.add("country_daily", day, {"conversations": entry["value"].count()}, country_code=code)
    if not root["conversationsByCountry"].is_null:
        _reconcile_countries(facts, day)
    for position, entry in enumerate(_entries(root["topIntents"]), start=1):
        intent = entry["name"].member()
        if facts.value("intent_daily", day, "rank", intent=intent) is None:
            facts.put("intent_daily", day, {"rank": position, "is_top_n": True}, intent=intent)
        facts.add("intent_daily", day, {"hits": entry["count"].count()}, intent=intent)
    for entry in _entries(root["endedReason"]):
        _add_metric(facts, day, END_REASON, entry["reason"].member(), entry["count"].count())
    for entry in _entries(root["topTopics"]):
        _add_metric(facts, day, TOPIC, entry["label"].member(), entry["count"].count())
    if not root["tokens"].is_null:
        facts.put("conversation_daily", day, {"tokens": 0})
        for entry in root["tokens"].each():
            count = entry["count"].count()
            _add_metric(facts, day, TOKENS, entry["model"].member(), count)
            facts.add("conversation_daily", day, {"tokens": count})


def _reconcile_countries(facts: Facts, day: date) -> None:
    told = facts.value("conversation_daily", day, "conversations")
    counted = facts.total("country_daily", day, "conversations")
    fewer = told is not None and counted < told
    reason = "conversations without an address have no country" if fewer else None
    facts.reconcile(day, "conversations", "country_daily", told, counted, explained=reason)


def _total(node: Node) -> Node:
    """``total``, else the only entry of ``counts``, else null: the buckets of several entries are not published."""
    if node.is_null or not node["total"].is_null:
        return node if node.is_null else node["total"]
    counts = node["counts"]
    return scalar(counts.at(0)) if not counts.is_null and len(counts.array()) == 1 else node["total"]


def _entries(node: Node) -> list[Node]:
    return [] if node.is_null else list(node.each())


def _add_metric(facts: Facts, day: date, metric: Metric, member: str, count: int | None) -> None:
    # two topics may share a label: within a day their conversations are added up, also in lists cut off at the end
    facts.add("metric_daily", day, {"value": count}, metric=metric.metric, member=member, channel_id=None)


TRANSFORM = Transform(
    run=_run,
    metrics=(CLASSIFIED, TOPIC, TOKENS, TEXTS, AVERAGE_COST, AVERAGE_INTERACTIONS, END_REASON),
    meanings={
        "conversations": "Conversations of the agent.",
        "unique_users": "Distinct IP addresses of the day, not people.",
        "call_duration_seconds": "Minutes of all calls as seconds.",
        "cost_amount": "Cost of the conversations in cost_currency.",
        "interactions": "Interactions of users with the agent.",
        "user_messages": "Text messages that came in.",
        "understood_messages": "Classified messages that were understood.",
        "misunderstood_messages": "Classified messages that were missed; some are neither.",
        "tokens": "Sum over the language models.",
    },
)
