"""ChatDash's API as its vendor's reference tells: one analytics query with a list of metrics and a time filter.

Its own reading of that reference. `startTime` and `endTime` are both inside the range.
"""

import json
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.accounts import SandboxAccount
from sandbox.arithmetic import average, ms_to_minutes, top_members
from sandbox.conversations import MILLISECOND, Conversation
from sandbox.http import ApiContext, ApiError, json_response, make_endpoint, parse_instant, record_account

Items = Sequence[Conversation]
MetricFunction = Callable[[ApiContext, "QueryRange"], Any]


class QueryRange:
    """The conversations of one asked range, and its hours for `counts[]`."""

    def __init__(self, desk: ApiContext, account: SandboxAccount, start: datetime, end: datetime) -> None:
        self.items = list(desk.world.conversations_between(account.name, start, end + MILLISECOND))
        self.hours: list[list[Conversation]] = [[] for _ in range(int((end - start) / timedelta(hours=1)) + 1)]
        for item in self.items:
            self.hours[int((item.started_at - start) / timedelta(hours=1))].append(item)


def routes(desk: ApiContext) -> list[Route]:
    """The endpoints below the path root `/v1/public`."""
    return [Route("/projects/{project}/analytics/query", make_endpoint(desk, analytics), methods=["POST"])]


async def analytics(desk: ApiContext, request: Request) -> Response:
    """One object with a key per metric asked for; metrics the platform lacks are absent."""
    account = desk.find_account("chatdash", request.headers.get("authorization"))
    if account is None:
        raise ApiError(401, {"message": "Invalid API key"})
    record_account(request, account)
    if request.path_params["project"] != account.ids["project_id"]:
        raise ApiError(404, {"message": "Project not found"})
    metrics, start, end = parse_query(await request.body())
    for name in metrics:
        if name not in METRICS or name in account.refused_metrics:
            named = desk.shapes.chatdash_refusal == "named"
            raise ApiError(400, {"message": f"Invalid metric: {name}" if named else "Invalid query"})
    span = QueryRange(desk, account, start, end)
    body: dict[str, Any] = {}
    for name in metrics:
        if name in account.absent_metrics or (name == "tokens" and desk.shapes.chatdash_tokens == "absent"):
            continue
        key, metric = METRICS[name]
        body[key] = metric(desk, span)
    return json_response(desk.add_unknown_field(body))


def parse_query(raw: bytes) -> tuple[list[str], datetime, datetime]:
    """Return the metrics of a query and the first and last instant of its range. Raises ApiError for any other body."""
    try:
        body = json.loads(raw)
    except ValueError as error:
        raise ApiError(400, {"message": "The body is not JSON"}) from error
    query = body.get("query") if isinstance(body, dict) else None
    if not isinstance(query, list) or len(query) != 1 or not isinstance(query[0], dict):
        raise ApiError(400, {"message": "query must be a list of one element"})
    metrics, limits = query[0].get("metrics"), query[0].get("filter")
    if not isinstance(metrics, list) or not metrics or not all(isinstance(name, str) for name in metrics):
        raise ApiError(400, {"message": "metrics must be a list of names"})
    if not isinstance(limits, dict):
        raise ApiError(400, {"message": "filter is required"})
    start, end = parse_instant(limits.get("startTime")), parse_instant(limits.get("endTime"))
    if start is None or end is None or end < start:
        raise ApiError(400, {"message": "startTime and endTime must be instants in this order"})
    return metrics, start, end


def _total(figure: Callable[[Items], int]) -> MetricFunction:
    return _series(lambda desk, items: desk.format_count(figure(items)))


def _series(figure: Callable[[ApiContext, Items], Any]) -> MetricFunction:
    def metric(desk: ApiContext, span: QueryRange) -> dict[str, Any]:
        total = figure(desk, span.items)
        many = {"counts": [figure(desk, hour) for hour in span.hours]}
        return {
            "total": {**many, "total": total},
            "total_only": {"counts": [], "total": total},
            "one_count": {"counts": [total]},
            "neither": many,
        }[desk.shapes.chatdash_totals]

    return metric


def _call_minutes(desk: ApiContext, items: Items) -> Any:
    return desk.format_decimal(ms_to_minutes(sum(item.call_ms for item in items)))


def _cost(items: Items) -> Decimal:
    return sum((item.cost for item in items), Decimal(0))


def _costs(desk: ApiContext, span: QueryRange) -> dict[str, Any]:
    body: dict[str, Any] = _series(lambda desk, items: desk.format_decimal(_cost(items)))(desk, span)
    return {**body, "currency": "USD"} if _cost(span.items) else body


def _average_cost(desk: ApiContext, span: QueryRange) -> dict[str, Any]:
    mean = desk.format_decimal(average(_cost(span.items), len(span.items)))
    hours = [desk.format_decimal(average(_cost(hour), len(hour))) for hour in span.hours]
    return {"counts": hours, "average": mean, **({"currency": "USD"} if _cost(span.items) else {})}


def _countries(desk: ApiContext, span: QueryRange) -> list[dict[str, Any]]:
    counted = Counter(item.country for item in span.items if item.country)
    return [{"id": name, "value": desk.format_count(count)} for name, count in counted.items()]


def _reasons(desk: ApiContext, span: QueryRange) -> list[dict[str, Any]]:
    counted = Counter(item.end_reason for item in span.items if item.is_call)
    counted["voicemail"] += 0
    return [{"reason": name or None, "count": desk.format_count(count)} for name, count in counted.items()]


def _misunderstood(desk: ApiContext, span: QueryRange) -> list[dict[str, Any]]:
    counted = Counter(text for item in span.items for text in item.misunderstood_texts)
    best = top_members(counted, desk.shapes.chatdash_top)
    return [{"id": f"m{i}", "label": text, "count": desk.format_count(n)} for i, (text, n) in enumerate(best)]


def _topics(desk: ApiContext, span: QueryRange) -> list[dict[str, Any]]:
    ids = {label: number for item in span.items for number, label in item.topics}
    counted = Counter(label for item in span.items for _, label in item.topics)
    best = top_members(counted, desk.shapes.chatdash_top)
    return [{"id": ids[label], "label": label, "count": desk.format_count(n)} for label, n in best]


def _tokens(desk: ApiContext, span: QueryRange) -> list[dict[str, Any]]:
    counted: Counter[str] = Counter()
    for item in span.items:
        for model, number in item.tokens:
            counted[model] += number
    return [{"model": model, "count": desk.format_count(number)} for model, number in counted.items()]


def _intents(desk: ApiContext, span: QueryRange) -> list[dict[str, Any]]:
    counted = Counter(name for item in span.items for name in item.intents)
    return [{"name": name, "count": desk.format_count(n)} for name, n in top_members(counted, desk.shapes.chatdash_top)]


def _understood(desk: ApiContext, span: QueryRange) -> dict[str, Any]:
    told = {
        "total": desk.format_count(sum(item.classified_messages for item in span.items)),
        "understood": desk.format_count(sum(item.understood_messages for item in span.items)),
        "missed": desk.format_count(sum(item.missed_messages for item in span.items)),
    }
    return desk.add_unknown_field(told)


def _average_interactions(desk: ApiContext, span: QueryRange) -> Any:
    return desk.format_decimal(average(sum(item.interactions for item in span.items), len(span.items)))


METRICS: dict[str, tuple[str, MetricFunction]] = {
    "conversations": ("conversations", _total(len)),
    "conversationByCountry": ("conversationsByCountry", _countries),
    "uniqueIps": ("uniqueIps", _total(lambda items: len({item.ip for item in items}))),
    "totalCallDuration": ("totalCallDuration", _series(_call_minutes)),
    "totalCost": ("totalCost", _costs),
    "averageCost": ("averageCost", _average_cost),
    "endedReason": ("endedReason", _reasons),
    "topMisunderstoodMessages": ("topMisunderstoodMessages", _misunderstood),
    "topTopics": ("topTopics", _topics),
    "interactions": ("interactions", _total(lambda items: sum(item.interactions for item in items))),
    "incomingTextMessages": ("incomingTextMessages", _total(lambda items: sum(item.user_messages for item in items))),
    "tokens": ("tokens", _tokens),
    "topIntents": ("topIntents", _intents),
    "understoodMessages": ("understoodMessages", _understood),
    "averageInteractions": ("averageInteractions", _average_interactions),
}
