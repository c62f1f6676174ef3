"""Inkeep's analytics query after its vendor's reference: one POST with a small query language over conversations.

An independent reading of that reference: the route, credentials and the only page. The language is in `query`.
"""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.account import SandboxAccount
from sandbox.conversations import Conversation
from sandbox.http import ApiContext, ApiError, format_instant, make_endpoint, make_json_response, record_account
from sandbox.inkeep.query import InvalidQuery, ReadRows, run_query
from sandbox.inkeep.shapes import InkeepShapes

MAX_BODY_BYTES = 2 * 1024 * 1024
PROBLEM = "application/problem+json"
BUCKET_FORMATS = {"date": "%Y-%m-%d", "instant": "%Y-%m-%dT%H:%M:%S.000Z", "space": "%Y-%m-%d %H:%M:%S+00"}
Context = ApiContext[InkeepShapes]


def build_routes(context: Context) -> list[Route]:
    """Return the endpoint; the path root is empty."""
    return [Route("/query/conversations", make_endpoint(context, serve_conversations), methods=["POST"])]


async def serve_conversations(context: Context, request: Request) -> Response:
    """Respond with `{status, data: {result[], total, pageSize, count}}`. There is no second page."""
    header = request.headers.get("authorization") or ""
    account = context.find_account("inkeep", header.removeprefix("Bearer ")) if header.startswith("Bearer ") else None
    if account is None:
        raise _build_error(401, "Unauthorized", "unauthorized", "Invalid API key")
    record_account(request, account)
    raw = await request.body()
    if len(raw) > MAX_BODY_BYTES:
        raise _build_error(413, "Payload Too Large", "payload_too_large", "The body is larger than 2 MB")
    try:
        query = json.loads(raw)
    except ValueError as error:
        raise _build_error(400, "Bad Request", "bad_request", "The body is not JSON") from error
    try:
        result = run_query(query, _build_row_reader(context, account), BUCKET_FORMATS[context.shapes.inkeep_buckets])
    except InvalidQuery as error:
        raise _build_error(400, "Bad Request", "bad_request", str(error)) from error
    size = context.shapes.inkeep_page_size
    page = [
        context.add_unknown_field({name: _format_value(context, value) for name, value in row.items()})
        for row in result[:size]
    ]
    data = {"result": page, "total": len(result), "pageSize": size, "count": len(page)}
    return make_json_response({"status": "ok", "data": data})


def _build_row_reader(context: Context, account: SandboxAccount) -> ReadRows:
    """Return a function that reads the account's rows with start <= `firstMessageTime` < end."""
    return lambda start, end: [
        build_table_row(item) for item in context.world.conversations_between(account.name, start, end)
    ]


def build_table_row(item: Conversation) -> dict[str, Any]:
    """Return a conversation as a row of the table that queries select from."""
    person = None if item.user is None else {item.user_field: item.user, "supportAgentName": "Agent Fake"}
    return {
        "id": item.id,
        "userMessageCount": item.user_messages,
        "organizationId": "org-fake",
        "projectId": item.project_id,
        "integrationId": item.integration_id,
        "firstMessageTime": item.started_at,
        "type": item.type,
        "properties": item.properties,
        "userProperties": person,
    }


def _format_value(context: Context, value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return format_instant(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return context.format_count(value)
    return value


def _build_error(status: int, title: str, code: str, detail: str) -> ApiError:
    body = {
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "requestId": "req-fake",
        "error": {"code": code, "message": detail},
    }
    return ApiError(status, body, PROBLEM)
