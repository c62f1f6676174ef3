"""Inkeep's analytics query as its vendor's reference tells: one POST with a small query language over conversations.

Routes, credentials and the page that cuts an answer off. The language itself stands in `inkeep_query`.
"""

import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.accounts import SandboxAccount
from sandbox.conversations import Conversation
from sandbox.http import ApiContext, ApiError, format_instant, json_response, make_endpoint, record_account
from sandbox.inkeep.query import InvalidQuery, run_query

LARGEST = 2 * 1024 * 1024
PROBLEM = "application/problem+json"


def routes(desk: ApiContext) -> list[Route]:
    """The endpoint; the path root is empty."""
    return [Route("/query/conversations", make_endpoint(desk, conversations), methods=["POST"])]


async def conversations(desk: ApiContext, request: Request) -> Response:
    """`{status, data: {result[], total, pageSize, count}}`; there is no way to a second page."""
    header = request.headers.get("authorization") or ""
    account = desk.find_account("inkeep", header.removeprefix("Bearer ")) if header.startswith("Bearer ") else None
    if account is None:
        raise _problem(401, "Unauthorized", "unauthorized", "Invalid API key")
    record_account(request, account)
    raw = await request.body()
    if len(raw) > LARGEST:
        raise _problem(413, "Payload Too Large", "payload_too_large", "The body is larger than 2 MB")
    try:
        query = json.loads(raw)
    except ValueError as error:
        raise _problem(400, "Bad Request", "bad_request", "The body is not JSON") from error
    try:
        result = run_query(query, _rows(desk, account), _bucket_form(desk))
    except InvalidQuery as error:
        raise _problem(400, "Bad Request", "bad_request", str(error)) from error
    size = desk.shapes.inkeep_page_size
    page = [desk.add_unknown_field({name: _shown(desk, value) for name, value in row.items()}) for row in result[:size]]
    data = {"result": page, "total": len(result), "pageSize": size, "count": len(page)}
    return json_response({"status": "ok", "data": data})


def _rows(desk: ApiContext, account: SandboxAccount) -> Any:
    """What the query language reads rows from: a range of instants at a time."""
    return lambda start, end: [table_row(item) for item in desk.world.conversations_between(account.name, start, end)]


def table_row(item: Conversation) -> dict[str, Any]:
    """One conversation as the table holds it."""
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


def _bucket_form(desk: ApiContext) -> str:
    return {"date": "%Y-%m-%d", "instant": "%Y-%m-%dT%H:%M:%S.000Z", "space": "%Y-%m-%d %H:%M:%S+00"}[
        desk.shapes.inkeep_buckets
    ]


def _shown(desk: ApiContext, value: Any) -> Any:
    if hasattr(value, "isoformat"):
        return format_instant(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return desk.format_count(value)
    return value


def _problem(status: int, title: str, code: str, detail: str) -> ApiError:
    body = {
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
        "requestId": "req-fake",
        "error": {"code": code, "message": detail},
    }
    return ApiError(status, body, PROBLEM)
