"""Inkeep's conversations and daily totals to facts. Rules: docs/mapping.md, "Inkeep".

A conversation belongs to the local day of its ``firstMessageTime``. Only rows give distinct users; without rows the
totals fill the day. Inkeep has neither channels, languages nor intents. What must not come in: the list of fields
(``fields.py``).
"""

from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from extractors.account import Account
from extractors.inkeep.contexts import ConversationTotalsContext
from extractors.json_body import format_json, replace_lone_surrogates
from extractors.windows import Window
from transforms.chunk import Chunk, LandedResponse
from transforms.completeness import refuse_incomplete
from transforms.facts import Facts, sum_known
from transforms.inkeep.fields import FIELDS, PERSONAL, SHAPES
from transforms.metrics import ADDITIVE, Metric
from transforms.privacy import conceal
from transforms.reading import Node, read_calendar_day
from transforms.registry import Transform
from warehouse.model.columns import UNKNOWN

METRICS = (Metric("type", "conversations", ADDITIVE, "Conversations by type."),)

USER_IDS = ("userId", "id")
COUNT, MESSAGES, DAY = "count", "sum_userMessageCount", "firstMessageTime_day"

_UTC = ZoneInfo("UTC")


@dataclass(frozen=True)
class _Conversation:
    """One conversation; ``user`` is the user's id in text, not yet a pseudonym."""

    started_at: datetime
    type: str | None
    project_id: str | None
    integration_id: str | None
    user_messages: int | None
    user: str | None
    properties: str | None


@dataclass(frozen=True)
class _DayTotals:
    """The counts of a day; None for a count that is not known."""

    conversations: int | None
    user_messages: int | None


def _transform(chunk: Chunk[Account], facts: Facts) -> None:
    totals = _read_totals(chunk, facts)
    for day, reported in totals.items():
        facts.record_provider_total(day, "conversations", reported.conversations)
        facts.record_provider_total(day, "user_messages", reported.user_messages)
        if not chunk.is_stream_enabled("conversations"):
            facts.set("conversation_daily", day, vars(reported))
    for day, conversations in _read_conversations(chunk, facts).items():
        loaded = _load_conversations(chunk, facts, day, conversations)
        if day in totals:
            reported = totals[day]
            facts.reconcile(day, "conversations", "conversation", reported.conversations, loaded.conversations)
            facts.reconcile(day, "user_messages", "conversation", reported.user_messages, loaded.user_messages)


def _load_conversations(
    chunk: Chunk[Account], facts: Facts, day: date, conversations: dict[str, _Conversation]
) -> _DayTotals:
    users = {row.user for row in conversations.values() if row.user is not None}
    counts = _DayTotals(len(conversations), sum_known(row.user_messages for row in conversations.values()))
    facts.set("conversation_daily", day, {**vars(counts), "unique_users": len(users)})
    for conversation_id, row in conversations.items():
        facts.record_metric(day, "type", 1, row.type or UNKNOWN)
        measures = {**vars(row), "user_id": conceal(chunk.account, "user_id", row.user)}
        del measures["user"]
        concealed_id = conceal(chunk.account, "conversation_id", conversation_id)
        facts.set("conversation", day, measures, conversation_id=concealed_id)
    return counts


def _read_conversations(chunk: Chunk[Account], facts: Facts) -> dict[date, dict[str, _Conversation]]:
    """Return the conversations of each claimed day by id.

    Raises ShapeError for a conversation outside of the requested range, and for one that comes twice in a batch: then
    another one may be missing, because their number is the reported total.
    """
    days: dict[date, dict[str, _Conversation]] = {}
    ids: set[tuple[str, str]] = set()
    keeps_properties = chunk.account.privacy.properties == "keep"
    for response in facts.drift.checking(chunk.responses("conversations"), SHAPES["conversations"]):
        for day in response.days:
            days.setdefault(day, {})
        start, end = _read_requested_range(response, chunk.zone)
        rows = _read_rows(response)
        # the total of all pages has been compared with their rows by the extractor, and so has the count of each
        _refuse_incomplete(response, rows, *(response.root["data"][name].count() for name in ("total", "count")))
        for node in rows.elements():
            started_at = _required_instant(node["firstMessageTime"])
            day = chunk.local_day(started_at)
            if day not in response.window or not start <= started_at <= end:
                node["firstMessageTime"].refuse("lies outside of the requested range")
            conversation_id = node["id"].required_text()
            if (response.batch.batch_id, conversation_id) in ids:
                node["id"].refuse("comes a second time")
            ids.add((response.batch.batch_id, conversation_id))
            if day in response.days:
                days[day][conversation_id] = _read_conversation(node, started_at, keeps_properties=keeps_properties)
    return days


def _read_requested_range(response: LandedResponse, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Return the first and last instant (UTC) of the request's filter, else of the batch's window.

    The end belongs to neither, but a time that the provider rounds to milliseconds may fall on it.
    """
    query = response.request["body"] or {"where": {"and": []}}
    limits = {item["condition"]["operator"]: item["condition"] for item in query["where"]["and"]}
    start, end = response.window.first_instant(zone), response.window.end_instant(zone)
    if {"gte", "lt"} <= limits.keys():
        start, end = (datetime.fromisoformat(limits[operator]["value"]) for operator in ("gte", "lt"))
    return start, end


def _read_rows(response: LandedResponse) -> Node:
    """Return the rows of a response. Raises ShapeError for a status other than ``ok``."""
    status = response.root["status"]
    if status.value != "ok" and "status" in response.root:
        status.refuse("is not ok")
    return response.root["data"]["result"]


def _refuse_incomplete(response: LandedResponse, rows: Node, *sums: int | None) -> None:
    """Refuse a response that announces more than its rows, at the top or in ``data``, and none of the ``sums``."""
    for envelope in (response.root, response.root["data"]):
        refuse_incomplete(envelope, len(rows.array()), [number for number in sums if number is not None])


def _read_conversation(node: Node, started_at: datetime, *, keeps_properties: bool) -> _Conversation:
    user = node["userProperties"]
    ids = [] if user.is_null else [text for name in USER_IDS if (text := _id_text(user[name]))]
    return _Conversation(
        started_at=started_at,
        type=node["type"].text() or None,
        project_id=node["projectId"].text() or None,
        integration_id=node["integrationId"].text() or None,
        user_messages=node["userMessageCount"].count(),
        user=ids[0] if ids else None,
        properties=_properties_json(node) if keeps_properties else None,
    )


def _required_instant(node: Node) -> datetime:
    instant = node.instant()
    if instant is None:
        node.refuse("is missing")
    return instant


def _id_text(node: Node) -> str | None:
    """Return a user's id as text, so that 1, 1.0 and "1" are one user."""
    number = node.number() if isinstance(node.value, Decimal) else None
    is_whole = number is not None and number == number.to_integral_value()
    return str(int(number)) if number is not None and is_whole else node.text()


def _properties_json(node: Node) -> str | None:
    """Return ``{"properties": …, "userProperties": …}`` as JSON, without the user's ids; None without properties."""
    user = node["userProperties"]
    other_user_properties = (
        {} if user.is_null else {name: value for name, value in user.object().items() if name not in USER_IDS}
    )
    properties = {"properties": node["properties"].value, "userProperties": other_user_properties}
    filled = {name: value for name, value in properties.items() if value}
    return format_json(_replace_surrogates(filled)) if filled else None


def _replace_surrogates(value: Any) -> Any:
    """Return a parsed value whose texts and keys a store can hold."""
    if isinstance(value, dict):
        return {replace_lone_surrogates(key): _replace_surrogates(inner) for key, inner in value.items()}
    if isinstance(value, list):
        return [_replace_surrogates(inner) for inner in value]
    return replace_lone_surrogates(value) if isinstance(value, str) else value


def _read_totals(chunk: Chunk[Account], facts: Facts) -> dict[date, _DayTotals]:
    """Return the aggregates of each claimed day."""
    days: dict[date, _DayTotals] = {}
    for response in facts.drift.checking(chunk.responses("conversation_totals"), SHAPES["conversation_totals"]):
        context: ConversationTotalsContext = response.context
        window = Window.parse(context["days"])
        rows = _read_rows(response)
        totals = _read_daily_rows(window, rows) if context["by_day"] else _read_single_row(window, rows)
        counts = [] if context["by_day"] else [total.conversations or 0 for total in totals.values()]
        _refuse_incomplete(response, rows, *counts)
        days.update((day, total) for day, total in totals.items() if day in response.days)
    return days


def _read_single_row(window: Window, rows: Node) -> dict[date, _DayTotals]:
    """Read a response for one day: one row, or none for a day without conversations."""
    if len(rows.array()) > 1:
        rows.refuse("has more than the one row of a total")
    for row in rows.elements():
        if not row[DAY].is_null and _read_utc_day(row[DAY]) != window.start:
            row[DAY].refuse(f"is not the requested {window.start}")
    return {window.start: _read_row(rows.at(0)) if rows.array() else _DayTotals(0, 0)}


def _read_daily_rows(window: Window, rows: Node) -> dict[date, _DayTotals]:
    """Read a response with a row per UTC day; a day without a row had no conversation."""
    totals: dict[date, _DayTotals] = {}
    for row in rows.elements():
        day = _read_utc_day(row[DAY])
        if day in totals:
            row[DAY].refuse("comes a second time")
        if day not in window:
            row[DAY].refuse("lies outside of the requested range")
        totals[day] = _read_row(row)
    return {day: totals.get(day, _DayTotals(0, 0)) for day in window.days()}


def _read_utc_day(node: Node) -> date:
    """Return a day of UTC, given as date, instant, or time of UTC with or without offset."""
    day = read_calendar_day(node)
    if day is None:
        instant = node.instant(_UTC)
        if instant is None or instant.timetz().replace(tzinfo=None) != time():
            node.refuse("is not the beginning of a day")
        day = instant.date()
    return day


def _read_row(row: Node) -> _DayTotals:
    for column in (COUNT, MESSAGES):
        if column not in row:
            row.refuse(f"has no {column}")
    conversations, messages = row[COUNT].count(), row[MESSAGES].count()
    return _DayTotals(conversations, 0 if conversations == 0 and messages is None else messages)


TRANSFORM = Transform(
    run=_transform,
    metrics=METRICS,
    fields=FIELDS,
    personal=PERSONAL,
    meanings={
        "conversations": "Conversations by the time of their first message.",
        "user_messages": "Messages that users wrote in these conversations.",
        "unique_users": "Distinct user ids of the day's conversations; those without an id are not counted.",
    },
)
