"""ChatDash's analytics to facts, one local day per answer. Rules: docs/mapping.md, "ChatDash".

A metric that was not told (refused, or lacking on the account's platform) is NULL, and a list that was not told has
no rows. ChatDash knows neither channels nor languages.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from transforms import conform
from transforms.chatdash.fields import FIELDS
from transforms.chunk import Chunk
from transforms.drift import REFUSED_METRIC, Shape, flat_object
from transforms.facts import Facts
from transforms.metrics import ADDITIVE, END_REASON, NOT_ADDITIVE, Metric
from transforms.reading import Node, unwrap_scalar
from transforms.registry import Transform

METRICS = (
    Metric("classified_messages", "messages", ADDITIVE, "User messages that were judged understood or missed, or not."),
    END_REASON,
    Metric("topic", "conversations", ADDITIVE, "Conversations by topic; the provider's list may be cut off."),
    Metric("tokens", "tokens", ADDITIVE, "Tokens by language model."),
    Metric("misunderstood_texts", "messages", ADDITIVE, "Texts of missed messages; the provider's list is cut off."),
    Metric("average_cost", "cost_currency", NOT_ADDITIVE, "Mean cost of a conversation, in the day's cost_currency."),
    Metric("average_interactions", "interactions", NOT_ADDITIVE, "Mean number of interactions of a conversation."),
)

COUNTED = {
    "conversations": "conversations",
    "uniqueIps": "unique_users",
    "interactions": "interactions",
    "incomingTextMessages": "user_messages",
}
"""Answer key to measure, for those that are counted in a total."""

KEYS = (
    *COUNTED,
    "conversationsByCountry",
    "totalCallDuration",
    "totalCost",
    "averageCost",
    "endedReason",
    "topMisunderstoodMessages",
    "topTopics",
    "tokens",
    "topIntents",
    "understoodMessages",
    "averageInteractions",
)

_TOTAL = flat_object("total", "counts")
KNOWN: Shape = {
    **dict.fromkeys((*COUNTED, "totalCallDuration"), _TOTAL),
    "totalCost": flat_object("total", "counts", "currency"),
    "averageCost": flat_object("average", "counts", "currency"),
    "understoodMessages": flat_object("total", "understood", "missed"),
    "conversationsByCountry": flat_object("id", "value"),
    "endedReason": flat_object("reason", "count"),
    "topMisunderstoodMessages": flat_object("id", "label", "count"),
    "topTopics": flat_object("id", "label", "count"),
    "tokens": flat_object("model", "count"),
    "topIntents": flat_object("name", "count"),
    "averageInteractions": None,
}
"""The fields of an answer. What a bucket of ``counts`` holds is unpublished."""

Told = dict[str, Node]
"""What an account told of a day, by answer key; what was not told, or told as null, is not in it."""


def _run(chunk: Chunk, facts: Facts) -> None:
    texts = chunk.account.privacy.message_texts == "keep"
    for claim in chunk.claims.get("analytics", ()):
        facts.drift.record(
            claim.days, claim.batch.where, REFUSED_METRIC, claim.batch.manifest["facts"].get("refused", ())
        )
    for day, told in _days(chunk, facts).items():
        _totals(facts, day, told)
        _money(facts, day, told)
        _classified(facts, day, told)
        _tokens(facts, day, told)
        _intents(facts, day, told)
        _countries(facts, day, told)
        for reason, calls in _entries(told, "endedReason", "reason"):
            facts.record_metric(day, "end_reason", calls, reason)
        for topic, conversations in _entries(told, "topTopics", "label", "id"):
            facts.record_metric(day, "topic", conversations, topic)
        for text, messages in _entries(told, "topMisunderstoodMessages", "label", "id") if texts else ():
            facts.record_metric(day, "misunderstood_texts", messages, text)
        if "averageInteractions" in told:
            facts.record_metric(day, "average_interactions", told["averageInteractions"].number())


def _days(chunk: Chunk, facts: Facts) -> dict[date, Told]:
    """Each claimed day with all its answers as one: several are there when metrics had to be asked for apart."""
    days: dict[date, Told] = {}
    for answer in facts.drift.checking(chunk.responses("analytics"), KNOWN):
        day = answer.claimed_day()
        if day is None:
            continue
        root = answer.root
        if root.object() and not any(key in root for key in KEYS):
            root.refuse("holds none of the metrics")
        told = days.setdefault(day, {})
        for key in KEYS:
            if not root[key].is_null:
                told.setdefault(key, root[key])
    return days


def _totals(facts: Facts, day: date, told: Told) -> None:
    measures = {measure: _count(_total(told, key)) for key, measure in COUNTED.items()}
    facts.set("conversation_daily", day, measures)
    minutes = _number(_total(told, "totalCallDuration"))
    seconds = None if minutes is None else minutes * 60
    facts.set("conversation_daily", day, {"call_duration_seconds": seconds})
    for measure, value in {**measures, "call_duration_seconds": seconds}.items():
        facts.record_provider_total(day, measure, value)


def _money(facts: Facts, day: date, told: Told) -> None:
    amount = _number(_total(told, "totalCost"))
    facts.record_provider_total(day, "cost_amount", amount)
    if amount is not None:
        currency = told["totalCost"]["currency"].text() or None
        facts.set("conversation_daily", day, {"cost_amount": amount, "cost_currency": currency})
    if "averageCost" in told:
        average = _known(told["averageCost"], "average", "counts", "currency")
        facts.record_metric(day, "average_cost", average["average"].number())


def _classified(facts: Facts, day: date, told: Told) -> None:
    if "understoodMessages" not in told:
        return
    messages = _known(told["understoodMessages"], "understood", "missed", "total")
    understood, missed = messages["understood"].count(), messages["missed"].count()
    facts.set("conversation_daily", day, {"understood_messages": understood, "misunderstood_messages": missed})
    facts.record_metric(day, "classified_messages", messages["total"].count())


def _tokens(facts: Facts, day: date, told: Told) -> None:
    """Tokens by model and their sum, which is unknown as soon as one of its parts is; an empty list sums up to 0."""
    if "tokens" not in told:
        return
    counts: list[int] = []
    whole = True
    for model, count in _entries(told, "tokens", "model"):
        facts.record_metric(day, "tokens", count, model)
        whole = whole and count is not None
        counts.append(count or 0)
    total = sum(counts) if whole else None
    facts.set("conversation_daily", day, {"tokens": total})
    facts.record_provider_total(day, "tokens", total)


def _intents(facts: Facts, day: date, told: Told) -> None:
    """Hits add up where a name stands in the list twice; its rank is the first one."""
    for rank, (intent, hits) in enumerate(_entries(told, "topIntents", "name"), 1):
        facts.add("intent_daily", day, {"hits": hits}, intent=intent)
        if facts.value("intent_daily", day, "rank", intent=intent) is None:
            facts.set("intent_daily", day, {"rank": rank, "is_top_n": True}, intent=intent)


def _countries(facts: Facts, day: date, told: Told) -> None:
    if "conversationsByCountry" not in told:
        return
    for node, conversations in _rows(told["conversationsByCountry"], "id", "value"):
        facts.add(
            "country_daily",
            day,
            {"conversations": conversations},
            country_code=conform.normalize_country_code(node.text()),
        )
    total = facts.value("conversation_daily", day, "conversations")
    known = facts.total("country_daily", day, "conversations")
    fewer = total is not None and known < total
    reason = "conversations without an address are in no country" if fewer else None
    facts.reconcile(day, "conversations", "country_daily", total, known, reason=reason)


def _total(told: Told, key: str) -> Node | None:
    """``total``, else the only entry of ``counts`` (a number, or an object with one number); else unknown."""
    if key not in told:
        return None
    metric = _known(told[key], "total", "counts", "currency")
    if not metric["total"].is_null:
        return metric["total"]
    counts = metric["counts"]
    if counts.is_null or len(counts.array()) != 1:
        return None
    return unwrap_scalar(counts.at(0), "count", "value", "total")


def _count(node: Node | None) -> int | None:
    return node.count() if node else None


def _number(node: Node | None) -> Decimal | None:
    return node.number() if node else None


def _known(node: Node, *keys: str) -> Node:
    """An object that holds one of the keys, or nothing at all."""
    if node.object() and not any(key in node for key in keys):
        node.refuse(f"has none of {', '.join(keys)}")
    return node


def _entries(told: Told, key: str, name: str, *beside: str) -> Iterator[tuple[str, int | None]]:
    """The members of a list with their counts, in order."""
    if key in told:
        for node, count in _rows(told[key], name, "count", *beside):
            yield node.member(), count


def _rows(node: Node, name: str, value: str, *beside: str) -> Iterator[tuple[Node, int | None]]:
    """The entries of ``[{name, value}]``. A name may be left out, but not for a key that nobody has heard of."""
    for row in node.elements():
        if value not in row:
            row.refuse(f"has no {value}")
        if name not in row and set(row.object()) - {value, *beside}:
            row.refuse(f"has no {name}")
        yield row[name], row[value].count()


TRANSFORM = Transform(
    run=_run,
    metrics=METRICS,
    known_shapes={"analytics": KNOWN},
    fields=FIELDS,
    meanings={
        "conversations": "Conversations of the project.",
        "user_messages": "Text messages that came in.",
        "interactions": "Interactions as ChatDash counts them.",
        "understood_messages": "Messages judged understood; with the missed ones they may be less than all.",
        "misunderstood_messages": "Messages judged missed.",
        "unique_users": "Distinct IP addresses of the day.",
        "call_duration_seconds": "Minutes of all calls as seconds.",
        "cost_amount": "Total cost in cost_currency; the currency is NULL where none was told.",
        "tokens": "Tokens of all language models.",
    },
)
