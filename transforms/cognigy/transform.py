"""Cognigy's counters to facts. Rules: docs/mapping.md, "Cognigy".

Conversations are billable units. A day that is missing from a month's response is a known zero. An item without a day
covers a month and is refused, and so are items of other months and lists that are cut off. What must not come in: the
list of fields (``fields.py``).
"""

from collections.abc import Iterator
from datetime import date

from extractors.account import Account
from transforms.breakdowns import read_named_counts, refuse_repeated_entries
from transforms.chunk import Chunk
from transforms.cognigy.fields import FIELDS, SHAPES
from transforms.completeness import refuse_incomplete
from transforms.facts import Facts, sum_known
from transforms.metrics import ADDITIVE, NOT_ADDITIVE, Metric
from transforms.reading import Node
from transforms.registry import Transform
from transforms.request_echo import RequestedValues, refuse_other_request
from warehouse.model.columns import UNKNOWN

METRICS = (
    Metric("calls", "calls", ADDITIVE, "Calls that were processed."),
    Metric("billable_calls", "calls", ADDITIVE, "Calls that are billed."),
    Metric("max_concurrent_calls", "calls", NOT_ADDITIVE, "The most calls at one time on the day."),
    Metric("knowledge_queries", "queries", ADDITIVE, "Queries to the knowledge store."),
)

COUNTS = {
    "conversation_counter": ("conversations",),
    "call_counter": ("processedCalls", "billableCalls"),
    "knowledge_query_counter": ("queries",),
}
"""The counts of an item by stream; a response may hold their sum over the month."""

FIGURES = {
    **COUNTS,
    "conversation_counter": ("conversations", "perChannel"),
    "call_counter": ("processedCalls", "billableCalls", "callMinutes", "maxConcurrency"),
}
"""The figures of an item by stream. An item without any of them belongs to another counter."""


def _transform(chunk: Chunk[Account], facts: Facts) -> None:
    for day, item in _daily_items(chunk, facts, "conversation_counter"):
        _load_conversations(facts, day, item)
    for day, item in _daily_items(chunk, facts, "call_counter"):
        minutes = item["callMinutes"].amount() if item else 0
        seconds = None if minutes is None else minutes * 60
        facts.set("conversation_daily", day, {"call_duration_seconds": seconds})
        facts.record_metric(day, "calls", item["processedCalls"].count() if item else 0)
        facts.record_metric(day, "billable_calls", item["billableCalls"].count() if item else 0)
        facts.record_metric(day, "max_concurrent_calls", item["maxConcurrency"].count() if item else 0)
    for day, item in _daily_items(chunk, facts, "knowledge_query_counter"):
        facts.record_metric(day, "knowledge_queries", item["queries"].count() if item else 0)


def _load_conversations(facts: Facts, day: date, item: Node | None) -> None:
    total = item["conversations"].count() if item else 0
    facts.set("conversation_daily", day, {"conversations": total})
    facts.record_provider_total(day, "conversations", total)
    if item and not item["perChannel"].is_null:
        _load_split(facts, day, item["perChannel"], total)
    if total is None:
        return
    located = facts.total("channel_daily", day, "conversations")
    if located is not None and located < total:  # beside an unknown part, the rest of the total is unknown too
        facts.add("channel_daily", day, {"conversations": total - located}, channel_code=UNKNOWN)
    facts.reconcile(day, "conversations", "channel_daily", total, facts.total("channel_daily", day, "conversations"))


def _load_split(facts: Facts, day: date, split: Node, total: int | None) -> None:
    """Add the counts by channel. Raises ShapeError for a channel that comes twice, unless the sum is the total."""
    counts = list(read_named_counts(split, "channel", "conversations"))
    if total is None or sum_known(count for _, count in counts) != total:
        refuse_repeated_entries(split, "conversations")
    for name, count in counts:
        channel = name.member()
        facts.drift.record_unknown_channels(day, name.where, [channel])
        facts.add("channel_daily", day, {"conversations": count}, channel_code=channel)


def _daily_items(chunk: Chunk[Account], facts: Facts, stream: str) -> Iterator[tuple[date, Node | None]]:
    """Yield each claimed day with its item; None for a day that is missing from the month's response.

    Raises ShapeError for an item of another month or without any of the counter's fields, for a day that comes twice,
    and for a response that announces more items than it holds.
    """
    for response in facts.drift.checking(chunk.responses(stream), SHAPES[stream]):
        month = response.window.start  # a window is within one month, which was requested whole
        requested: RequestedValues = {
            "projectId": chunk.account.external_id,
            "year": month.year,
            "month": month.month,
        }
        refuse_other_request(response.root, requested)
        items: dict[date, Node] = {}
        for item in response.root["items"].elements():
            refuse_other_request(item, requested)
            day = _day_of(item)
            if day in items:
                item.refuse(f"reports {day} a second time")
            if not any(name in item for name in FIGURES[stream]):
                item.refuse(f"has none of {', '.join(FIGURES[stream])}")
            items[day] = item
        sums = [sum(item[name].count() or 0 for item in items.values()) for name in COUNTS[stream]]
        refuse_incomplete(response.root, len(items), sums)
        for day in sorted(response.days):
            yield day, items.get(day)


def _day_of(item: Node) -> date:
    year, month, day = (item[part].count() for part in ("year", "month", "day"))
    if not day:
        item.refuse("is of month grain (no day), which cannot be divided into days")
    try:
        return date(year or 0, month or 0, day)
    except (ValueError, OverflowError):
        item.refuse("is no calendar day")


TRANSFORM = Transform(
    run=_transform,
    metrics=METRICS,
    fields=FIELDS,
    meanings={
        "conversations": "Billable conversations as Cognigy counts them for the invoice, not single chats.",
        "call_duration_seconds": "Minutes of the call counter as seconds.",
    },
)
