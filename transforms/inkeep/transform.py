"""Inkeep's conversations and daily totals to facts. Rules: docs/mapping.md, "Inkeep".

Days are those of ``firstMessageTime``. Rows count users, which the totals cannot; without rows the totals stand for
the day. Inkeep knows neither channels, languages nor intents.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from extractors.inkeep.contexts import ConversationTotalsContext
from extractors.windows import Window
from transforms.chunk import Chunk
from transforms.drift import Shape, flat_object
from transforms.facts import Facts
from transforms.inkeep.fields import FIELDS
from transforms.metrics import ADDITIVE, Metric
from transforms.privacy import pseudonymize_user_id
from transforms.reading import UNKNOWN, Node, read_calendar_day, replace_lone_surrogates
from transforms.registry import Transform

METRICS = (Metric("type", "conversations", ADDITIVE, "Conversations by type."),)

USER_IDS = ("userId", "id")
COUNT, MESSAGES, DAY = "count", "sum_userMessageCount", "firstMessageTime_day"
COLUMNS = {
    "conversations": (
        "id", "userMessageCount", "organizationId", "projectId", "integrationId", "firstMessageTime", "type",
        "properties", "userProperties",
    ),
    "conversation_totals": (COUNT, MESSAGES, DAY, "countDistinct_userProperties.userId"),
}  # fmt: skip
"""The columns of each stream's rows; what stands in properties is the customer's own."""

_UTC = ZoneInfo("UTC")


@dataclass(frozen=True)
class _Row:
    """One conversation; ``user`` is the user's id as told, in text."""

    started_at: datetime
    type: str | None
    project_id: str | None
    integration_id: str | None
    user_messages: int | None
    user: str | None
    properties: str | None


@dataclass(frozen=True)
class _Total:
    """What the aggregates tell of a day; None for what they do not."""

    conversations: int | None
    user_messages: int | None


def _run(chunk: Chunk, facts: Facts) -> None:
    totals = _totals(chunk, facts)
    for day, told in totals.items():
        facts.record_provider_total(day, "conversations", told.conversations)
        facts.record_provider_total(day, "user_messages", told.user_messages)
        if not chunk.is_stream_enabled("conversations"):
            facts.set("conversation_daily", day, vars(told))
    for day, rows in _rows(chunk, facts).items():
        counted = _load(chunk, facts, day, rows)
        if day in totals:
            told = totals[day]
            facts.reconcile(day, "conversations", "conversation", told.conversations, counted.conversations)
            facts.reconcile(day, "user_messages", "conversation", told.user_messages, counted.user_messages)


def _known(stream: str) -> Shape:
    counts = dict.fromkeys(("total", "pageSize", "count"))
    return {"status": None, "data": {"result": flat_object(*COLUMNS[stream]), **counts}}


def _load(chunk: Chunk, facts: Facts, day: date, rows: dict[str, _Row]) -> _Total:
    users = {row.user for row in rows.values() if row.user is not None}
    counted = _Total(len(rows), _sum(row.user_messages for row in rows.values()))
    facts.set("conversation_daily", day, {**vars(counted), "unique_users": len(users)})
    for conversation_id, row in rows.items():
        facts.record_metric(day, "type", 1, row.type or UNKNOWN)
        told = {**vars(row), "user_id": pseudonymize_user_id(chunk.account, row.user)}
        del told["user"]
        facts.set("conversation", day, told, conversation_id=conversation_id)
    return counted


def _sum(numbers: Iterable[int | None]) -> int | None:
    """The sum of what is known: 0 of nothing, None when nothing is known."""
    told = list(numbers)
    known = [number for number in told if number is not None]
    return sum(known) if known or not told else None


def _rows(chunk: Chunk, facts: Facts) -> dict[date, dict[str, _Row]]:
    """The conversations of each claimed day by id; of one that came twice, the later one."""
    days: dict[date, dict[str, _Row]] = {}
    keep = chunk.account.privacy.properties == "keep"
    for answer in facts.drift.checking(chunk.responses("conversations"), _known("conversations")):
        for day in answer.days:
            days.setdefault(day, {})
        for node in answer.root["data"]["result"].elements():
            started_at = _told_instant(node["firstMessageTime"])
            day = chunk.local_day(started_at)
            if day not in answer.window:
                node["firstMessageTime"].refuse("lies outside of what was asked for")
            if day in answer.days:
                days[day][node["id"].required_text()] = _row(node, started_at, keep=keep)
    return days


def _row(node: Node, started_at: datetime, *, keep: bool) -> _Row:
    user = node["userProperties"]
    ids = [] if user.is_null else [text for name in USER_IDS if (text := _id_text(user[name]))]
    return _Row(
        started_at=started_at,
        type=node["type"].text() or None,
        project_id=node["projectId"].text() or None,
        integration_id=node["integrationId"].text() or None,
        user_messages=node["userMessageCount"].count(),
        user=ids[0] if ids else None,
        properties=_properties(node) if keep else None,
    )


def _told_instant(node: Node) -> datetime:
    instant = node.instant()
    if instant is None:
        node.refuse("is missing")
    return instant


def _id_text(node: Node) -> str | None:
    """A user's id as text, so that 1, 1.0 and "1" are one user."""
    number = node.count() if isinstance(node.value, Decimal) and node.value == node.value.to_integral_value() else None
    return node.text() if number is None else str(number)


def _properties(node: Node) -> str | None:
    """``{"properties": …, "userProperties": …}`` as JSON, of the latter all but the user's ids; None without either."""
    user = node["userProperties"]
    rest = {} if user.is_null else {name: value for name, value in user.object().items() if name not in USER_IDS}
    told = {"properties": node["properties"].value, "userProperties": rest}
    kept = {name: value for name, value in told.items() if value}
    if not kept:
        return None
    return replace_lone_surrogates(json.dumps(kept, ensure_ascii=False, separators=(",", ":"), default=_number))


def _number(value: Any) -> float:
    """Decimals are the only values of a parsed answer that JSON does not know."""
    return float(value)


def _totals(chunk: Chunk, facts: Facts) -> dict[date, _Total]:
    """The aggregates of each claimed day."""
    days: dict[date, _Total] = {}
    for answer in facts.drift.checking(chunk.responses("conversation_totals"), _known("conversation_totals")):
        context: ConversationTotalsContext = answer.context
        asked = Window.parse(context["days"])
        rows = answer.root["data"]["result"]
        told = _bucketed(asked, rows) if context["by_day"] else _single(asked, rows)
        days.update((day, total) for day, total in told.items() if day in answer.days)
    return days


def _single(asked: Window, rows: Node) -> dict[date, _Total]:
    """One row; none when nothing was found."""
    if len(rows.array()) > 1:
        rows.refuse("has more than the one row of a total")
    return {asked.start: _total(rows.at(0)) if rows.array() else _Total(0, 0)}


def _bucketed(asked: Window, rows: Node) -> dict[date, _Total]:
    """A row for each day; a day without one had no conversation."""
    told: dict[date, _Total] = {}
    for row in rows.elements():
        day = _bucket(row[DAY])
        if day in told or day not in asked:
            row[DAY].refuse("is told twice, or lies outside of what was asked for")
        told[day] = _total(row)
    return {day: told.get(day, _Total(0, 0)) for day in asked.days()}


def _bucket(node: Node) -> date:
    """A day of UTC given as date, instant, or time of UTC with or without offset."""
    day = read_calendar_day(node)
    if day is None:
        instant = node.instant(_UTC)
        if instant is None or instant.timetz().replace(tzinfo=None) != time():
            node.refuse("is not the beginning of a day")
        day = instant.date()
    return day


def _total(row: Node) -> _Total:
    for column in (COUNT, MESSAGES):
        if column not in row:
            row.refuse(f"has no {column}")
    conversations, messages = row[COUNT].count(), row[MESSAGES].count()
    return _Total(conversations, 0 if conversations == 0 and messages is None else messages)


TRANSFORM = Transform(
    run=_run,
    metrics=METRICS,
    known_shapes={stream: _known(stream) for stream in COLUMNS},
    fields=FIELDS,
    meanings={
        "conversations": "Conversations by the time of their first message.",
        "user_messages": "Messages that users wrote in these conversations.",
        "unique_users": "Distinct user ids of the day's conversations; those without an id are not counted.",
    },
)
