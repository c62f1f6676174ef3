"""Cognigy's API after its vendor's reference: counters of conversations, calls and knowledge queries by month.

An independent reading of that reference, with days in the account's time zone. No other vendor's rule comes in.
"""

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.account import SandboxAccount
from sandbox.arithmetic import max_concurrent_calls, ms_to_minutes
from sandbox.cognigy.shapes import CognigyShapes
from sandbox.conversations import Conversation
from sandbox.http import ApiContext, ApiError, make_endpoint, make_json_response, record_account

KNOWN_CHANNELS = frozenset(
    (
        "facebook",
        "alexa",
        "slack",
        "generic",
        "inject",
        "rest",
        "realtime",
        "socket",
        "adminconsole",
        "webchat2",
        "dialogflow",
        "twilio",
        "twilio-sms",
        "line",
        "intercom",
        "microsoftBotFramework",
        "microsoftTeams",
        "sunshineConversations",
        "admin-webchat",
        "avaya",
        "nonConversational",
        "voiceGateway2",
        "amazonLex",
        "workplace",
        "webhook",
        "abstractRest",
        "userlike",
        "ringCentralEngage",
        "audioCodes",
        "bandwidth",
        "whatsapp",
        "eightByEight",
        "genesysBotConnector",
        "niceCXOne",
        "agentAssistVoice",
        "webchat3",
        "niceCXOneAAH",
        "zoomContactCenter",
    )
)
PARAMETERS = frozenset({"year", "month", "channel", "nonConversational", "api_key"})
Context = ApiContext[CognigyShapes]
CounterItem = dict[str, Any]
Count = Callable[[list[Conversation]], CounterItem | None]
"""Returns the figures of conversations; None where Cognigy has no item for them."""


def build_routes(context: Context) -> list[Route]:
    """Return the endpoints below the path root `/new`."""
    endpoints = {
        "/v3.0/projects/{project}/conversationcounter": serve_conversation_counter,
        "/v3.0/projects/{project}/callcounter": serve_call_counter,
        "/v2.0/projects/{project}/knowledgequerycounter": serve_knowledge_query_counter,
    }
    return [Route(path, make_endpoint(context, handler), methods=["GET"]) for path, handler in endpoints.items()]


async def serve_conversation_counter(context: Context, request: Request) -> Response:
    """Respond with `items[]{conversations, day, month, year, perChannel[]}`; conversations are billable units."""
    account = await _authorize(context, request)
    wanted = request.query_params.get("channel")
    if wanted is not None and wanted not in KNOWN_CHANNELS:
        raise _build_error(context, 400, "Bad Request", f"channel {wanted!r} is not a channel")

    def count(items: list[Conversation]) -> CounterItem | None:
        units: Counter[str] = Counter()
        for item in items:
            if wanted is None or item.channel == wanted:
                units[item.channel] += item.billable_units
        if not units:
            return None
        split = [{"channel": name, "conversations": context.format_count(n)} for name, n in units.items() if name]
        split.append({"channel": "line", "conversations": context.format_count(0)})
        forms: dict[str, CounterItem] = {"list": {"perChannel": split}, "empty": {"perChannel": []}, "absent": {}}
        per_channel = forms[context.shapes.cognigy_per_channel]
        return {"conversations": context.format_count(units.total()), **per_channel}

    return _build_response(
        context, request, account, "conversationCounter", count, {"conversations": context.format_count(0)}
    )


async def serve_call_counter(context: Context, request: Request) -> Response:
    """Respond with `items[]{day, month, year, maxConcurrency, callMinutes, processedCalls, billableCalls}`."""
    account = await _authorize(context, request)

    def count(items: list[Conversation]) -> CounterItem | None:
        calls = [item for item in items if item.is_call]
        return _count_calls(context, calls) if calls else None

    return _build_response(context, request, account, "callCounter", count, _count_calls(context, []))


async def serve_knowledge_query_counter(context: Context, request: Request) -> Response:
    """Respond with `items[]{queries, day, month, year}`."""
    account = await _authorize(context, request)

    def count(items: list[Conversation]) -> CounterItem | None:
        queries = sum(item.knowledge_queries for item in items)
        return {"queries": context.format_count(queries)} if queries else None

    return _build_response(
        context, request, account, "knowledgeQueryCounter", count, {"queries": context.format_count(0)}
    )


def _count_calls(context: Context, calls: list[Conversation]) -> CounterItem:
    return {
        "maxConcurrency": context.format_count(max_concurrent_calls(calls)),
        "callMinutes": context.format_decimal(ms_to_minutes(sum(call.call_ms for call in calls))),
        "processedCalls": context.format_count(len(calls)),
        "billableCalls": context.format_count(sum(call.call_ms > 0 for call in calls)),
    }


def _build_response(
    context: Context,
    request: Request,
    account: SandboxAccount,
    resource: str,
    count: Count,
    zeros: CounterItem,
) -> Response:
    """Respond with an item per local day of the month, or per month if the request names a year only."""
    query = request.query_params
    year, month = _parse_whole_number(context, query.get("year"), "year", 2000, 2100), query.get("month")
    if year is None:
        raise _build_error(context, 400, "Bad Request", "year is required")
    if month is None:
        items = _list_month_items(context, account, year, count)
    else:
        number = _parse_whole_number(context, month, "month", 1, 12) or 0
        items = _list_day_items(context, account, _list_days(year, number), count, zeros)
    accepted = request.headers.get("accept", "*/*")
    if "application/json" not in accepted:
        hal = {"_links": {"self": {"href": str(request.url)}}, "_embedded": {resource: items}}
        return make_json_response(hal, media_type="application/hal+json")
    return make_json_response({"items": items})


def _list_month_items(context: Context, account: SandboxAccount, year: int, count: Count) -> list[CounterItem]:
    """Return an item per month that has figures. These items name no day."""
    items = []
    for month in range(1, 13):
        per_day = context.world.conversations_by_day(account.name, _list_days(year, month))
        figures = count([item for _, conversations in per_day for item in conversations])
        if figures is not None:
            items.append({**figures, "month": month, "year": year})
    return items


def _list_day_items(
    context: Context, account: SandboxAccount, days: list[date], count: Count, zeros: CounterItem
) -> list[CounterItem]:
    """Return an item per local day that has figures; with `cognigy_empty_days="zero"` per local day."""
    items = []
    for day, conversations in context.world.conversations_by_day(account.name, days):
        figures = count(conversations)
        if figures is None and context.shapes.cognigy_empty_days == "zero":
            figures = zeros
        if figures is not None:
            item = {**figures, "day": day.day, "month": day.month, "year": day.year}
            items.append(context.add_unknown_field(item))
    return items


def _list_days(year: int, month: int) -> list[date]:
    first = date(year, month, 1)
    return [day for offset in range(31) if (day := first + timedelta(days=offset)).month == month]


def _parse_whole_number(context: Context, text: str | None, name: str, low: int, high: int) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise _build_error(context, 400, "Bad Request", f"{name} must be a number from {low} to {high}")
    return int(text)


async def _authorize(context: Context, request: Request) -> SandboxAccount:
    """Return the account of the request's only credential. Raises ApiError for a request that Cognigy refuses."""
    if await request.body():
        raise _build_error(context, 403, "Forbidden", "a GET carries no body")
    header = request.headers.get("authorization")
    candidates = (
        request.headers.get("x-api-key"),
        request.query_params.get("api_key"),
        header.removeprefix("Bearer ") if header and header.startswith("Bearer ") else header and "",
    )
    credentials = [credential for credential in candidates if credential is not None]
    if len(credentials) > 1:
        raise _build_error(context, 400, "Bad Request", "more than one credential")
    account = context.find_account("cognigy", credentials[0]) if credentials else None
    if account is None:
        raise _build_error(context, 401, "Unauthorized", "the API key is missing or wrong")
    record_account(request, account)
    project = request.path_params["project"]
    if len(project) != 24:
        raise _build_error(context, 400, "Bad Request", "projectId has 24 characters")
    if project != account.ids["project_id"]:
        raise _build_error(context, 404, "Not Found", f"no project {project}")
    unknown = sorted(set(request.query_params) - PARAMETERS)
    if unknown:
        raise _build_error(context, 400, "Bad Request", f"unknown parameters: {', '.join(unknown)}")
    return account


def _build_error(context: Context, status: int, title: str, detail: str) -> ApiError:
    code = 1000 + status
    return ApiError(
        status,
        {
            "type": title.replace(" ", "") + "Error",
            "title": title,
            "status": status,
            "detail": detail,
            "code": code if context.shapes.cognigy_error_code == "number" else str(code),
            "traceId": f"api-fake-{status}",
            "details": {},
        },
    )
