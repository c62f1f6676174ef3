"""Inkeep's rows and aggregates to facts. Rules: docs/mapping.md, "Inkeep".

Inkeep tells no channel, language or intent. A row belongs to the local day of its first message.
"""

import json
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from extractors.windows import Window
from transforms.chunk import Chunk, Landed
from transforms.facts import Facts
from transforms.metrics import ADDITIVE, Metric
from transforms.privacy import pseudonym
from transforms.reading import UNKNOWN, Node, calendar_day
from transforms.registry import Transform

TYPE = Metric("type", "conversations", ADDITIVE, "Conversations by their type.")
ROWS, TOTALS = "conversations", "conversation_totals"
_USER_IDS = ("userId", "id")


def _run(chunk: Chunk, facts: Facts) -> None:
    if chunk.pulled(ROWS):
        _rows(chunk, facts)
    for day, row in _daily_totals(chunk):
        count = (row["count"].count() or 0) if row else 0
        messages = row["sum_userMessageCount"].count() if row else 0
        messages = 0 if messages is None and count == 0 else messages
        facts.told(day, "conversations", count)
        facts.told(day, "user_messages", messages)
        if chunk.pulled(ROWS):
            for measure, told in (("conversations", count), ("user_messages", messages)):
                facts.reconcile(day, measure, ROWS, told, facts.value("conversation_daily", day, measure))
        else:
            facts.put("conversation_daily", day, {"conversations": count, "user_messages": messages})


def _rows(chunk: Chunk, facts: Facts) -> None:
    users: dict[date, set[str]] = {}
    for day, identifier, row in _latest(chunk):
        user = _user(row["userProperties"])
        messages = row["userMessageCount"].count()
        kind = row["type"].text() or None
        if user is not None:
            users.setdefault(day, set()).add(user)
        facts.add("conversation_daily", day, {"conversations": 1, "user_messages": messages})
        facts.metric(day, TYPE.metric, 1, member=kind or UNKNOWN)
        facts.put(
            "conversation",
            day,
            {
                "started_at": row["firstMessageTime"].instant(),
                "user_messages": messages,
                "type": kind,
                "project_id": row["projectId"].text(),
                "integration_id": row["integrationId"].text(),
                "user_id": pseudonym(chunk.account, user),
                "properties": _kept(chunk, row),
            },
            conversation_id=identifier,
        )
    for day in chunk.days:
        facts.add("conversation_daily", day, {"conversations": 0, "user_messages": 0})
        facts.put("conversation_daily", day, {"unique_users": len(users.get(day, ()))})


def _latest(chunk: Chunk) -> Iterator[tuple[date, str, Node]]:
    """Each conversation of the claimed days once: of an id that was answered twice, the later answer."""
    found: dict[tuple[date, str], Node] = {}
    for answer in chunk.answers(ROWS):
        for row in answer.root["data"]["result"].each():
            started = row["firstMessageTime"].instant()
            if started is None:
                row["firstMessageTime"].refuse("is missing")
            day = chunk.day_of(started)
            if day not in answer.window:
                row["firstMessageTime"].refuse(f"lies outside the window that was asked for ({answer.window})")
            if day in answer.days:
                found[day, row["id"].told_text()] = row
    for (day, identifier), row in found.items():
        yield day, identifier, row


def _user(properties: Node) -> str | None:
    """The user's id as text: ``userId``, else ``id``; None for a row with neither."""
    if properties.is_null:
        return None
    return next((text for text in (properties[key].text() for key in _USER_IDS) if text), None)


def _kept(chunk: Chunk, row: Node) -> str | None:
    """Free-form properties as JSON, only where ``privacy`` keeps them; user ids are never among them."""
    if chunk.account.privacy.properties != "keep":
        return None
    users = row["userProperties"].value or {}
    kept = {
        "properties": row["properties"].value,
        "userProperties": {key: value for key, value in users.items() if key not in _USER_IDS},
    }
    return json.dumps(kept, ensure_ascii=False, default=_json_number)


def _json_number(value: Any) -> float:
    if isinstance(value, Decimal):
        return float(value)
    raise TypeError(f"{value!r} is no JSON")


def _daily_totals(chunk: Chunk) -> Iterator[tuple[date, Node | None]]:
    """Each claimed day with its aggregates, None for a day without a conversation."""
    for answer in chunk.answers(TOTALS):
        start, end = (date.fromisoformat(day) for day in answer.context["window"])
        asked = Window(start, end)
        rows = list(answer.root["data"]["result"].each())
        by_day = _by_bucket(rows, asked) if answer.context["grouped"] else _only(answer, rows, asked)
        for day in sorted(answer.days):
            if day in asked:
                yield day, by_day.get(day)


def _only(answer: Landed, rows: list[Node], asked: Window) -> dict[date, Node]:
    if len(rows) > 1:
        answer.root["data"]["result"].refuse("has more than one row for one day")
    return dict.fromkeys(asked.days(), rows[0]) if rows else {}


def _by_bucket(rows: list[Node], asked: Window) -> dict[date, Node]:
    found: dict[date, Node] = {}
    for row in rows:
        bucket = row["firstMessageTime_day"]
        day = calendar_day(bucket)
        if day is None:
            instant = bucket.instant(ZoneInfo("UTC"))
            if instant is None:
                bucket.refuse("is missing")
            day = _utc_midnight(bucket, instant)
        if day not in asked or day in found:
            bucket.refuse("is no day of the window, or stands twice")
        found[day] = row
    return found


def _utc_midnight(bucket: Node, instant: datetime) -> date:
    if instant.time() != datetime.min.time() or instant.utcoffset() != timedelta(0):
        bucket.refuse("is not the beginning of a UTC day")
    return instant.date()


TRANSFORM = Transform(
    run=_run,
    metrics=(TYPE,),
    meanings={
        "conversations": "Conversations by the day of their first message.",
        "user_messages": "Messages of users in these conversations, also those of later days.",
        "unique_users": "Distinct user ids that the customer's site passed on; rows without one are not counted.",
    },
)
