"""ChatDash's API after its vendor's reference: one analytics query with a list of metrics and a time filter.

An independent reading of that reference. `startTime` and `endTime` are both inside the range.
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

from sandbox.account import SandboxAccount
from sandbox.arithmetic import average, ms_to_minutes, select_top_members
from sandbox.chatdash.shapes import ChatdashShapes
from sandbox.conversations import Conversation
from sandbox.http import ApiContext, ApiError, make_endpoint, make_json_response, parse_instant, record_account
from sandbox.profile import MILLISECOND

Context = ApiContext[ChatdashShapes]
Items = Sequence[Conversation]
MetricFunction = Callable[[Context, "QueryRange"], Any]


class QueryRange:
    """The conversations of a query's range, and the same by hour for `counts[]`."""

    def __init__(self, context: Context, account: SandboxAccount, start: datetime, end: datetime) -> None:
        self.items = list(context.world.conversations_between(account.name, start, end + MILLISECOND))
        self.hours: list[list[Conversation]] = [[] for _ in range(int((end - start) / timedelta(hours=1)) + 1)]
        for item in self.items:
            self.hours[int((item.started_at - start) / timedelta(hours=1))].append(item)


def build_routes(context: Context) -> list[Route]:
    """Return the endpoints below the path root `/v1/public`."""
    return [Route("/projects/{project}/analytics/query", make_endpoint(context, serve_analytics), methods=["POST"])]


async def serve_analytics(context: Context, request: Request) -> Response:
    """Respond with an object that has a key per requested metric; metrics that the platform lacks are absent.

    Raises ApiError for a wrong credential, project, body or metric.
    """
    account = context.find_account("chatdash", request.headers.get("authorization"))
    if account is None:
        raise ApiError(401, {"message": "Invalid API key"})
    record_account(request, account)
    if request.path_params["project"] != account.ids["project_id"]:
        raise ApiError(404, {"message": "Project not found"})
    metrics, start, end = parse_query(await request.body())
    for name in metrics:
        if name not in METRICS or name in account.refused_metrics:
            is_named = context.shapes.chatdash_refusal == "named"
            raise ApiError(400, {"message": f"Invalid metric: {name}" if is_named else "Invalid query"})
    span = QueryRange(context, account, start, end)
    body: dict[str, Any] = {}
    for name in metrics:
        if name in account.absent_metrics or (name == "tokens" and context.shapes.chatdash_tokens == "absent"):
            continue
        key, metric = METRICS[name]
        body[key] = metric(context, span)
    return make_json_response(context.add_unknown_field(body))


def parse_query(raw: bytes) -> tuple[list[str], datetime, datetime]:
    """Return the metrics of a query and the first and last instant of its range, in UTC.

    Raises ApiError for any other body.
    """
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


def _make_count_series(figure: Callable[[Items], int]) -> MetricFunction:
    return _make_series(lambda context, items: context.format_count(figure(items)))


def _make_series(figure: Callable[[Context, Items], Any]) -> MetricFunction:
    def build_metric(context: Context, span: QueryRange) -> dict[str, Any]:
        total = figure(context, span.items)
        hourly = {"counts": [figure(context, hour) for hour in span.hours]}
        return {
            "total": {**hourly, "total": total},
            "total_only": {"counts": [], "total": total},
            "one_count": {"counts": [total]},
            "neither": hourly,
        }[context.shapes.chatdash_totals]

    return build_metric


def _compute_call_minutes(context: Context, items: Items) -> Any:
    return context.format_decimal(ms_to_minutes(sum(item.call_ms for item in items)))


def _sum_cost(items: Items) -> Decimal:
    return sum((item.cost for item in items), Decimal(0))


def _build_costs(context: Context, span: QueryRange) -> dict[str, Any]:
    body: dict[str, Any] = _make_series(lambda context, items: context.format_decimal(_sum_cost(items)))(context, span)
    return {**body, "currency": "USD"} if _sum_cost(span.items) else body


def _build_average_cost(context: Context, span: QueryRange) -> dict[str, Any]:
    mean = context.format_decimal(average(_sum_cost(span.items), len(span.items)))
    hours = [context.format_decimal(average(_sum_cost(hour), len(hour))) for hour in span.hours]
    return {"counts": hours, "average": mean, **({"currency": "USD"} if _sum_cost(span.items) else {})}


def _build_countries(context: Context, span: QueryRange) -> list[dict[str, Any]]:
    counted = Counter(item.country for item in span.items if item.country)
    return [{"id": name, "value": context.format_count(count)} for name, count in counted.items()]


def _build_end_reasons(context: Context, span: QueryRange) -> list[dict[str, Any]]:
    counted = Counter(item.end_reason for item in span.items if item.is_call)
    counted["voicemail"] += 0
    return [{"reason": name or None, "count": context.format_count(count)} for name, count in counted.items()]


def _build_misunderstood_messages(context: Context, span: QueryRange) -> list[dict[str, Any]]:
    counted = Counter(text for item in span.items for text in item.misunderstood_texts)
    top = select_top_members(counted, context.shapes.chatdash_top)
    return [{"id": f"m{i}", "label": text, "count": context.format_count(n)} for i, (text, n) in enumerate(top)]


def _build_topics(context: Context, span: QueryRange) -> list[dict[str, Any]]:
    ids = {label: number for item in span.items for number, label in item.topics}
    counted = Counter(label for item in span.items for _, label in item.topics)
    top = select_top_members(counted, context.shapes.chatdash_top)
    return [{"id": ids[label], "label": label, "count": context.format_count(n)} for label, n in top]


def _build_tokens(context: Context, span: QueryRange) -> list[dict[str, Any]]:
    counted: Counter[str] = Counter()
    for item in span.items:
        for model, number in item.tokens:
            counted[model] += number
    return [{"model": model, "count": context.format_count(number)} for model, number in counted.items()]


def _build_intents(context: Context, span: QueryRange) -> list[dict[str, Any]]:
    counted = Counter(name for item in span.items for name in item.intents)
    return [
        {"name": name, "count": context.format_count(n)}
        for name, n in select_top_members(counted, context.shapes.chatdash_top)
    ]


def _build_understood_messages(context: Context, span: QueryRange) -> dict[str, Any]:
    counts = {
        "total": context.format_count(sum(item.classified_messages for item in span.items)),
        "understood": context.format_count(sum(item.understood_messages for item in span.items)),
        "missed": context.format_count(sum(item.missed_messages for item in span.items)),
    }
    return context.add_unknown_field(counts)


def _compute_average_interactions(context: Context, span: QueryRange) -> Any:
    return context.format_decimal(average(sum(item.interactions for item in span.items), len(span.items)))


METRICS: dict[str, tuple[str, MetricFunction]] = {
    "conversations": ("conversations", _make_count_series(len)),
    "conversationByCountry": ("conversationsByCountry", _build_countries),
    "uniqueIps": ("uniqueIps", _make_count_series(lambda items: len({item.ip for item in items}))),
    "totalCallDuration": ("totalCallDuration", _make_series(_compute_call_minutes)),
    "totalCost": ("totalCost", _build_costs),
    "averageCost": ("averageCost", _build_average_cost),
    "endedReason": ("endedReason", _build_end_reasons),
    "topMisunderstoodMessages": ("topMisunderstoodMessages", _build_misunderstood_messages),
    "topTopics": ("topTopics", _build_topics),
    "interactions": ("interactions", _make_count_series(lambda items: sum(item.interactions for item in items))),
    "incomingTextMessages": (
        "incomingTextMessages",
        _make_count_series(lambda items: sum(item.user_messages for item in items)),
    ),
    "tokens": ("tokens", _build_tokens),
    "topIntents": ("topIntents", _build_intents),
    "understoodMessages": ("understoodMessages", _build_understood_messages),
    "averageInteractions": ("averageInteractions", _compute_average_interactions),
}
