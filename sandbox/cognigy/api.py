"""Cognigy's API as its vendor's reference tells: conversation, call and knowledge query counters by month.

Its own reading of that reference; days are those of the account's zone. No figures of other providers.
"""

from collections import Counter
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.accounts import SandboxAccount
from sandbox.arithmetic import max_concurrent_calls, ms_to_minutes
from sandbox.conversations import Conversation
from sandbox.http import ApiContext, ApiError, json_response, make_endpoint, record_account

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
Item = dict[str, Any]


def routes(desk: ApiContext) -> list[Route]:
    """The endpoints below the path root `/new`."""
    return [
        Route(
            "/v3.0/projects/{project}/conversationcounter", make_endpoint(desk, conversation_counter), methods=["GET"]
        ),
        Route("/v3.0/projects/{project}/callcounter", make_endpoint(desk, call_counter), methods=["GET"]),
        Route(
            "/v2.0/projects/{project}/knowledgequerycounter", make_endpoint(desk, knowledge_counter), methods=["GET"]
        ),
    ]


async def conversation_counter(desk: ApiContext, request: Request) -> Response:
    """`items[]{conversations, day, month, year, perChannel[]}`; conversations are billable units."""
    account = await _admitted(desk, request)
    asked = request.query_params.get("channel")
    if asked is not None and asked not in KNOWN_CHANNELS:
        raise _refusal(desk, 400, "Bad Request", f"channel {asked!r} is not a channel")

    def count(items: list[Conversation]) -> Item | None:
        units: Counter[str] = Counter()
        for item in items:
            if asked is None or item.channel == asked:
                units[item.channel] += item.billable_units
        if not units:
            return None
        split = [{"channel": name, "conversations": desk.format_count(n)} for name, n in units.items() if name]
        split.append({"channel": "line", "conversations": desk.format_count(0)})
        forms: dict[str, Item] = {"list": {"perChannel": split}, "empty": {"perChannel": []}, "absent": {}}
        per_channel = forms[desk.shapes.cognigy_per_channel]
        return {"conversations": desk.format_count(units.total()), **per_channel}

    return _by_day(desk, request, account, "conversationCounter", count, {"conversations": desk.format_count(0)})


async def call_counter(desk: ApiContext, request: Request) -> Response:
    """`items[]{day, month, year, maxConcurrency, callMinutes, processedCalls, billableCalls}`."""
    account = await _admitted(desk, request)

    def count(items: list[Conversation]) -> Item | None:
        calls = [item for item in items if item.is_call]
        return _calls(desk, calls) if calls else None

    return _by_day(desk, request, account, "callCounter", count, _calls(desk, []))


async def knowledge_counter(desk: ApiContext, request: Request) -> Response:
    """`items[]{queries, day, month, year}`."""
    account = await _admitted(desk, request)

    def count(items: list[Conversation]) -> Item | None:
        queries = sum(item.knowledge_queries for item in items)
        return {"queries": desk.format_count(queries)} if queries else None

    return _by_day(desk, request, account, "knowledgeQueryCounter", count, {"queries": desk.format_count(0)})


def _calls(desk: ApiContext, calls: list[Conversation]) -> Item:
    return {
        "maxConcurrency": desk.format_count(max_concurrent_calls(calls)),
        "callMinutes": desk.format_decimal(ms_to_minutes(sum(call.call_ms for call in calls))),
        "processedCalls": desk.format_count(len(calls)),
        "billableCalls": desk.format_count(sum(call.call_ms > 0 for call in calls)),
    }


def _by_day(
    desk: ApiContext,
    request: Request,
    account: SandboxAccount,
    resource: str,
    count: Callable[[list[Conversation]], Item | None],
    nothing: Item,
) -> Response:
    query = request.query_params
    year, month = _whole(desk, query.get("year"), "year", 2000, 2100), query.get("month")
    if year is None:
        raise _refusal(desk, 400, "Bad Request", "year is required")
    items: list[Item] = []
    if month is None:
        for number in range(1, 13):
            every = [
                item for _, day in desk.world.conversations_by_day(account.name, _days(year, number)) for item in day
            ]
            if (counted := count(every)) is not None:
                items.append({**counted, "month": number, "year": year})
    else:
        number = _whole(desk, month, "month", 1, 12) or 0
        for day, conversations in desk.world.conversations_by_day(account.name, _days(year, number)):
            counted = count(conversations)
            if counted is None and desk.shapes.cognigy_empty_days == "zero":
                counted = nothing
            if counted is not None:
                items.append(desk.add_unknown_field({**counted, "day": day.day, "month": day.month, "year": day.year}))
    accepted = request.headers.get("accept", "*/*")
    if "application/json" not in accepted:
        hal = {"_links": {"self": {"href": str(request.url)}}, "_embedded": {resource: items}}
        return json_response(hal, media_type="application/hal+json")
    return json_response({"items": items})


def _days(year: int, month: int) -> list[date]:
    first = date(year, month, 1)
    return [day for offset in range(31) if (day := first + timedelta(days=offset)).month == month]


def _whole(desk: ApiContext, text: str | None, name: str, low: int, high: int) -> int | None:
    if text is None:
        return None
    if not text.isascii() or not text.isdigit() or not low <= int(text) <= high:
        raise _refusal(desk, 400, "Bad Request", f"{name} must be a number from {low} to {high}")
    return int(text)


async def _admitted(desk: ApiContext, request: Request) -> SandboxAccount:
    if await request.body():
        raise _refusal(desk, 403, "Forbidden", "a GET carries no body")
    bearer = request.headers.get("authorization")
    ways = (
        request.headers.get("x-api-key"),
        request.query_params.get("api_key"),
        bearer.removeprefix("Bearer ") if bearer and bearer.startswith("Bearer ") else bearer and "",
    )
    given = [way for way in ways if way is not None]
    if len(given) > 1:
        raise _refusal(desk, 400, "Bad Request", "more than one credential")
    owner = desk.find_account("cognigy", given[0]) if given else None
    if owner is None:
        raise _refusal(desk, 401, "Unauthorized", "the API key is missing or wrong")
    record_account(request, owner)
    project = request.path_params["project"]
    if len(project) != 24:
        raise _refusal(desk, 400, "Bad Request", "projectId has 24 characters")
    if project != owner.ids["project_id"]:
        raise _refusal(desk, 404, "Not Found", f"no project {project}")
    unknown = sorted(set(request.query_params) - PARAMETERS)
    if unknown:
        raise _refusal(desk, 400, "Bad Request", f"unknown parameters: {', '.join(unknown)}")
    return owner


def _refusal(desk: ApiContext, status: int, title: str, detail: str) -> ApiError:
    code = 1000 + status
    return ApiError(
        status,
        {
            "type": title.replace(" ", "") + "Error",
            "title": title,
            "status": status,
            "detail": detail,
            "code": code if desk.shapes.cognigy_error_code == "number" else str(code),
            "traceId": f"api-fake-{status}",
            "details": {},
        },
    )
