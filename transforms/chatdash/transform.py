"""ChatDash's analytics to facts, one local day per response. Rules: docs/mapping.md, "ChatDash".

A metric that was not reported (refused, or missing on the account's platform) is NULL, and a list that was not reported
has no rows. ChatDash has neither channels nor languages. What must not come in: the list of fields (``fields.py``).
"""

from collections.abc import Collection, Iterator
from datetime import date
from decimal import Decimal
from typing import TypeAlias

from extractors.account import Account
from transforms import conform
from transforms.breakdowns import read_named_counts, refuse_repeated_entries, unwrap_scalar
from transforms.chatdash.fields import FIELDS, PERSONAL, SHAPES
from transforms.chunk import Chunk, LandedResponse
from transforms.completeness import refuse_incomplete
from transforms.drift import MISSING_FIELD, REFUSED_METRIC
from transforms.facts import Facts, sum_known
from transforms.metrics import ADDITIVE, END_REASON, NOT_ADDITIVE, Metric
from transforms.reading import Node
from transforms.registry import Transform
from transforms.request_echo import RequestedValues, refuse_other_request

METRICS = (
    Metric("classified_messages", "messages", ADDITIVE, "User messages: understood, missed, or neither."),
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
"""The measure of each key whose total is a count."""

KEYS = tuple(dict.fromkeys(place.split(".")[0].removesuffix("[]") for place in FIELDS["analytics"]))
"""The keys of a response, one per metric."""

ANSWERED_AS = {"conversationByCountry": "conversationsByCountry"}
"""The keys that differ from the name of their metric in a request."""

MetricNodes: TypeAlias = "dict[str, Node]"
"""The metrics that an account reported for a day, by key; a metric that is missing or null is not in it."""


def _transform(chunk: Chunk[Account], facts: Facts) -> None:
    keeps_texts = chunk.account.privacy.message_texts == "keep"
    for claim in chunk.claims.get("analytics", ()):
        facts.drift.record(
            claim.days, claim.batch.where, REFUSED_METRIC, claim.batch.manifest["facts"].get("refused", ())
        )
    for day, metrics in _read_days(chunk, facts).items():
        _load_totals(facts, day, metrics)
        _load_cost(facts, day, metrics)
        _load_classified_messages(facts, day, metrics)
        _load_tokens(facts, day, metrics)
        _load_intents(facts, day, metrics)
        _load_countries(facts, day, metrics)
        for reason, calls in _entries(metrics, "endedReason", "reason"):
            facts.record_metric(day, "end_reason", calls, reason)
        for topic, conversations in _entries(metrics, "topTopics", "label", "id"):
            facts.record_metric(day, "topic", conversations, topic)
        for text, messages in _entries(metrics, "topMisunderstoodMessages", "label", "id") if keeps_texts else ():
            facts.record_metric(day, "misunderstood_texts", messages, text)
        if "averageInteractions" in metrics:
            facts.record_metric(day, "average_interactions", metrics["averageInteractions"].amount())


def _read_days(chunk: Chunk[Account], facts: Facts) -> dict[date, MetricNodes]:
    """Merge the responses of each claimed day: a day has several when its metrics had to be requested separately.

    Raises ShapeError for a response to another request or that is cut off, for a metric with different values in two
    responses of a day, and for a day without any metric.
    """
    days: dict[date, MetricNodes] = {}
    roots: dict[date, Node] = {}
    reported_days: set[date] = set()
    for response in facts.drift.checking(chunk.responses("analytics"), SHAPES["analytics"]):
        day = response.claimed_day()
        if day is None:
            continue
        root = response.root
        present = [key for key in KEYS if key in root]
        if root.object() and not present:
            root.refuse("holds none of the metrics")
        _check_request(chunk, response)
        metrics = days.setdefault(day, {})
        for key in present:
            if not root[key].is_null and metrics.setdefault(key, root[key]).value != root[key].value:
                root[key].refuse("differs from another response for the same day")
        roots[day] = root
        facts.drift.record([day], response.where, MISSING_FIELD, _list_missing_keys(response, present))
        reported_days.update([day] if present else [])
    for day in sorted(days.keys() - reported_days):  # a platform may lack the metrics of one response, but not of all
        roots[day].refuse("holds none of the metrics")
    return days


def _list_missing_keys(response: LandedResponse, present: Collection[str]) -> list[str]:
    """Return the keys of the requested metrics that a response lacks: their columns stay NULL."""
    requested = [ANSWERED_AS.get(metric, metric) for metric in response.context.get("metrics", ())]
    return [key for key in requested if key not in present]


def _check_request(chunk: Chunk[Account], response: LandedResponse) -> None:
    """Refuse a response that belongs to another request, and one that announces more than it holds.

    A bare ``total`` beside the metrics is no announcement: the metrics are no list whose items it could count.
    """
    requested: RequestedValues = {
        "projectId": chunk.account.external_id,
        "startTime": response.window.first_instant(chunk.zone),
        "endTime": response.window.last_millisecond(chunk.zone),
    }
    refuse_other_request(response.root, requested, chunk.zone)
    refuse_incomplete(response.root, None)
    for key in KEYS:
        if isinstance(response.root[key].value, dict):
            refuse_incomplete(response.root[key], None)


def _load_totals(facts: Facts, day: date, metrics: MetricNodes) -> None:
    measures = {measure: _read_count(_total(metrics, key)) for key, measure in COUNTED.items()}
    facts.set("conversation_daily", day, measures)
    minutes = _read_amount(_total(metrics, "totalCallDuration"))
    seconds = None if minutes is None else minutes * 60
    facts.set("conversation_daily", day, {"call_duration_seconds": seconds})
    for measure, value in {**measures, "call_duration_seconds": seconds}.items():
        facts.record_provider_total(day, measure, value)


def _load_cost(facts: Facts, day: date, metrics: MetricNodes) -> None:
    amount = _read_amount(_total(metrics, "totalCost"))
    facts.record_provider_total(day, "cost_amount", amount)
    if amount is not None:
        currency = metrics["totalCost"]["currency"].text() or None
        facts.set("conversation_daily", day, {"cost_amount": amount, "cost_currency": currency})
    if "averageCost" in metrics:
        average = _require_any_key(metrics["averageCost"], "average", "counts", "currency")
        facts.record_metric(day, "average_cost", average["average"].amount())


def _load_classified_messages(facts: Facts, day: date, metrics: MetricNodes) -> None:
    if "understoodMessages" not in metrics:
        return
    messages = _require_any_key(metrics["understoodMessages"], "understood", "missed", "total")
    understood, missed = messages["understood"].count(), messages["missed"].count()
    facts.set("conversation_daily", day, {"understood_messages": understood, "misunderstood_messages": missed})
    facts.record_metric(day, "classified_messages", messages["total"].count())


def _load_tokens(facts: Facts, day: date, metrics: MetricNodes) -> None:
    """Load the tokens by model and their sum: NULL when one of the counts is null, 0 for an empty list."""
    if "tokens" not in metrics:
        return
    counts: list[int | None] = []
    for model, count in _entries(metrics, "tokens", "model"):
        facts.record_metric(day, "tokens", count, model)
        counts.append(count)
    total = sum_known(counts)
    facts.set("conversation_daily", day, {"tokens": total})
    facts.record_provider_total(day, "tokens", total)


def _load_intents(facts: Facts, day: date, metrics: MetricNodes) -> None:
    """Add the hits of a name that is in the list twice; its first place is its rank."""
    for rank, (intent, hits) in enumerate(_entries(metrics, "topIntents", "name"), 1):
        facts.add("intent_daily", day, {"hits": hits}, intent=intent)
        if facts.value("intent_daily", day, "rank", intent=intent) is None:
            facts.set("intent_daily", day, {"rank": rank, "is_top_n": True}, intent=intent)


def _load_countries(facts: Facts, day: date, metrics: MetricNodes) -> None:
    if "conversationsByCountry" not in metrics:
        return
    refuse_repeated_entries(metrics["conversationsByCountry"], "value")
    for name, conversations in read_named_counts(metrics["conversationsByCountry"], "id", "value"):
        facts.add(
            "country_daily",
            day,
            {"conversations": conversations},
            country_code=conform.normalize_country_code(name.text()),
        )
    total = facts.value("conversation_daily", day, "conversations")
    located = facts.total("country_daily", day, "conversations")
    is_partial = total is not None and located is not None and located < total
    reason = "conversations without an address are in no country" if is_partial else None
    facts.reconcile(day, "conversations", "country_daily", total, located, reason=reason)


def _total(metrics: MetricNodes, key: str) -> Node | None:
    """Return ``total``, else the only entry of ``counts`` (a number, or an object with one number), else None."""
    if key not in metrics:
        return None
    metric = _require_any_key(metrics[key], "total", "counts", "currency")
    if not metric["total"].is_null:
        return metric["total"]
    counts = metric["counts"]
    if counts.is_null or len(counts.array()) != 1:
        return None
    return unwrap_scalar(counts.at(0), "count", "value", "total")


def _read_count(node: Node | None) -> int | None:
    return node.count() if node else None


def _read_amount(node: Node | None) -> Decimal | None:
    return node.amount() if node else None


def _require_any_key(node: Node, *keys: str) -> Node:
    """Return an object that is empty or has one of the keys. Raises ShapeError for any other."""
    if node.object() and not any(key in node for key in keys):
        node.refuse(f"has none of {', '.join(keys)}")
    return node


def _entries(metrics: MetricNodes, key: str, name: str, *other_keys: str) -> Iterator[tuple[str, int | None]]:
    """Yield the members of a list with their counts, in order. Raises ShapeError for one that comes twice."""
    if key in metrics:
        refuse_repeated_entries(metrics[key], "count")
        for member, count in read_named_counts(metrics[key], name, "count", *other_keys):
            yield member.member(), count


TRANSFORM = Transform(
    run=_transform,
    metrics=METRICS,
    fields=FIELDS,
    personal=PERSONAL,
    meanings={
        "conversations": "Conversations of the project.",
        "user_messages": "Text messages that came in.",
        "interactions": "Interactions as ChatDash counts them.",
        "understood_messages": "Messages judged understood; with the missed ones they may be fewer than all.",
        "misunderstood_messages": "Messages judged missed.",
        "unique_users": "Distinct IP addresses of the day.",
        "call_duration_seconds": "Minutes of all calls as seconds.",
        "cost_amount": "Total cost in cost_currency; the currency is NULL where none was reported.",
        "tokens": "Tokens of all language models.",
    },
)
