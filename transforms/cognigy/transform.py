"""Cognigy's counters to facts. Rules: docs/mapping.md, "Cognigy".

Counts are billable units. A day that an answered month leaves out is a known zero; an item without a day is of month
grain and refused.
"""

from collections.abc import Iterator
from datetime import date

from transforms.chunk import Chunk
from transforms.cognigy.fields import FIELDS
from transforms.drift import Shape, flat_object
from transforms.facts import Facts
from transforms.metrics import ADDITIVE, NOT_ADDITIVE, Metric
from transforms.reading import UNKNOWN, Node
from transforms.registry import Transform

METRICS = (
    Metric("calls", "calls", ADDITIVE, "Calls that were processed."),
    Metric("billable_calls", "calls", ADDITIVE, "Calls that are billed."),
    Metric("max_concurrent_calls", "calls", NOT_ADDITIVE, "The most calls at one time on the day."),
    Metric("knowledge_queries", "queries", ADDITIVE, "Queries to the knowledge store."),
)

_DAY = ("day", "month", "year")
KNOWN: dict[str, Shape] = {
    "conversation_counter": {
        "items": {"perChannel": flat_object("channel", "conversations"), **dict.fromkeys(("conversations", *_DAY))}
    },
    "call_counter": {"items": flat_object("maxConcurrency", "callMinutes", "processedCalls", "billableCalls", *_DAY)},
    "knowledge_query_counter": {"items": flat_object("queries", *_DAY)},
}
"""The fields of each stream's answer."""


def _run(chunk: Chunk, facts: Facts) -> None:
    for day, item in _daily_items(chunk, facts, "conversation_counter"):
        _conversations(facts, day, item)
    for day, item in _daily_items(chunk, facts, "call_counter"):
        minutes = item["callMinutes"].number() if item else 0
        seconds = None if minutes is None else minutes * 60
        facts.set("conversation_daily", day, {"call_duration_seconds": seconds})
        facts.record_metric(day, "calls", item["processedCalls"].count() if item else 0)
        facts.record_metric(day, "billable_calls", item["billableCalls"].count() if item else 0)
        facts.record_metric(day, "max_concurrent_calls", item["maxConcurrency"].count() if item else 0)
    for day, item in _daily_items(chunk, facts, "knowledge_query_counter"):
        facts.record_metric(day, "knowledge_queries", item["queries"].count() if item else 0)


def _conversations(facts: Facts, day: date, item: Node | None) -> None:
    total = item["conversations"].count() if item else 0
    facts.set("conversation_daily", day, {"conversations": total})
    facts.record_provider_total(day, "conversations", total)
    for entry in item["perChannel"].elements() if item and not item["perChannel"].is_null else ():
        told = {"conversations": entry["conversations"].count()}
        channel = entry["channel"].member()
        facts.drift.record_unknown_channels(day, entry.where, [channel])
        facts.add("channel_daily", day, told, channel_code=channel)
    if total is None:
        return
    residual = total - int(facts.total("channel_daily", day, "conversations"))
    if residual > 0:
        facts.add("channel_daily", day, {"conversations": residual}, channel_code=UNKNOWN)
    facts.reconcile(day, "conversations", "channel_daily", total, facts.total("channel_daily", day, "conversations"))


def _daily_items(chunk: Chunk, facts: Facts, stream: str) -> Iterator[tuple[date, Node | None]]:
    """Each claimed day with its item, None for a day that the answered month leaves out."""
    for answer in facts.drift.checking(chunk.responses(stream), KNOWN[stream]):
        items: dict[date, Node] = {}
        for item in answer.root["items"].elements():
            day = _day_of(item)
            if day in items:
                item.refuse(f"tells {day} a second time")
            items[day] = item
        for day in sorted(answer.days):
            yield day, items.get(day)


def _day_of(item: Node) -> date:
    year, month, day = (item[part].count() for part in ("year", "month", "day"))
    if not day:
        item.refuse("is of month grain (no day), which cannot be cut into days")
    try:
        return date(year or 0, month or 0, day)
    except (ValueError, OverflowError):
        item.refuse("is no calendar day")


TRANSFORM = Transform(
    run=_run,
    metrics=METRICS,
    known_shapes=KNOWN,
    fields=FIELDS,
    meanings={
        "conversations": "Billable conversations as Cognigy counts them for the invoice, not single chats.",
        "call_duration_seconds": "Minutes of the call counter as seconds.",
    },
)
