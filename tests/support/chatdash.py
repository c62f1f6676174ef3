"""A day's response of ChatDash, and its facts, for tests of its transform."""

from datetime import date
from typing import Any

from extractors.chatdash.account import ChatdashAccount
from extractors.windows import Window
from tests.support.landed_chunks import ChunkBuilder, FakeResponse, read_staged_rows
from transforms.facts import TransformResult

DAY = date(2025, 3, 30)
WINDOW = Window.of_day(DAY)


def build_account(**settings: Any) -> ChatdashAccount:
    return ChatdashAccount.model_validate(
        {"name": "sales", "project_id": "p_1", "api_key": "fake-key", "timezone": "Europe/Berlin", **settings}
    )


def transform_bodies(landings: ChunkBuilder, *bodies: Any, **settings: Any) -> TransformResult:
    account = build_account(**settings)
    landings.land(account, "analytics", WINDOW, *(FakeResponse(body) for body in bodies))
    return landings.transform(account, WINDOW)


def read_day(staged: TransformResult) -> dict[str, Any]:
    (row,) = read_staged_rows(staged, "conversation_daily")
    assert row.pop("date") == DAY
    return row


def read_metric(staged: TransformResult, metric: str) -> dict[str | None, Any]:
    rows = read_staged_rows(staged, "metric_daily")
    return {row.get("member"): row["value"] for row in rows if row["metric"] == metric}


WHOLE: dict[str, Any] = {
    "conversations": {"counts": [1, 2, 4], "total": 7},
    "uniqueIps": {"counts": [], "total": 5},
    "totalCallDuration": {"counts": [], "total": 1.2345},
    "totalCost": {"counts": [], "total": 0.1234567, "currency": "EUR"},
    "averageCost": {"counts": [], "average": 0.03, "currency": "EUR"},
    "interactions": {"total": "20"},
    "incomingTextMessages": {"total": 9.0},
    "understoodMessages": {"total": 9, "understood": 5, "missed": 2},
    "conversationsByCountry": [{"id": "de", "value": 3}, {"id": "DE", "value": 1}, {"id": "NA", "value": 2}],
    "endedReason": [{"reason": "hangup", "count": 3}, {"reason": None, "count": 1}, {"reason": "never", "count": 0}],
    "topMisunderstoodMessages": [{"id": "m0", "label": "où?", "count": 2}],
    "topTopics": [{"id": "1", "label": "Billing", "count": 2}, {"id": "2", "label": "Billing", "count": 1}],
    "tokens": [{"model": "m-1", "count": 10}, {"model": "m-2", "count": 5}],
    "topIntents": [{"name": "null", "count": 4}, {"name": "NA", "count": 4}],
    "averageInteractions": 2.857142,
}
