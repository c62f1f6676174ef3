"""ChatCaptain's API as its vendor's reference tells: channels, the two reports, the inbox, and the way to exports.

Its own reading of that reference. `from` and `to` are both inside the range. What a report holds stands in
`chatcaptain_reports`, what an export is in `chatcaptain_export`.
"""

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.accounts import CALL_CHANNEL_TYPES, SandboxAccount
from sandbox.chatcaptain import export as chatcaptain_export
from sandbox.chatcaptain.reports import CALL_COMPONENTS, CHANNEL_COMPONENTS, OVERVIEW_COMPONENTS, build_report
from sandbox.conversations import MILLISECOND, is_test
from sandbox.http import ApiContext, ApiError, json_response, make_endpoint, parse_instant, record_account

REPORTS = "chatbots.statistics.get"
EXPORTS = "chatbots.statistics.export"


def routes(desk: ApiContext) -> list[Route]:
    """The endpoints; the path root is empty."""
    root = "/v1/chatbots/{bot}/statistics"
    return [
        Route(f"{root}/channels", make_endpoint(desk, channels), methods=["GET"]),
        Route(f"{root}/inbox", make_endpoint(desk, inbox), methods=["GET"]),
        Route(f"{root}/reports/overview", make_endpoint(desk, overview_report), methods=["GET"]),
        Route(f"{root}/reports/channel", make_endpoint(desk, channel_report), methods=["GET"]),
        Route(f"{root}/export", make_endpoint(desk, start_export), methods=["POST"]),
        Route(f"{root}/export/{{export}}", make_endpoint(desk, export_status), methods=["GET"]),
    ]


async def channels(desk: ApiContext, request: Request) -> Response:
    """The listed channels, each with a secret token that nobody should keep."""
    account = _admitted(desk, request, REPORTS)
    _range(request)
    listed = [
        {
            "id": channel.id,
            "name": channel.name,
            "type": channel.type,
            "token": f"fake-channel-secret-{channel.id}",
            "createdAt": "2024-01-01T00:00:00.000Z",
        }
        for channel in account.channels
        if channel.listed
    ]
    return json_response({"channels": listed} if desk.shapes.channels_envelope else listed)


async def inbox(desk: ApiContext, request: Request) -> Response:
    """Named numbers of the agents' inbox."""
    account = _admitted(desk, request, REPORTS)
    start, end = _range(request)
    items = [
        item for item in desk.world.conversations_between(account.name, start, end + MILLISECOND) if not is_test(item)
    ]
    numbers = inbox_numbers(len(items), sum(item.messages for item in items))
    if desk.shapes.inbox_values == "value":
        return json_response({name: {"value": desk.format_count(number)} for name, number in numbers.items()})
    return json_response({name: desk.format_count(number) for name, number in numbers.items()})


def inbox_numbers(conversations: int, messages: int) -> dict[str, int]:
    """The inbox of that many conversations and messages, test traffic not among them."""
    return {"openConversations": 3 + conversations % 5, "closed": conversations // 4, "agent messages": messages // 7}


async def overview_report(desk: ApiContext, request: Request) -> Response:
    """Components 0 to 16 over all channels."""
    account = _admitted(desk, request, REPORTS)
    start, end = _range(request)
    interval, components = _components(request, len(OVERVIEW_COMPONENTS))
    return json_response(build_report(desk, account, (start, end), interval, components, None))


async def channel_report(desk: ApiContext, request: Request) -> Response:
    """Components 0 to 22 of one channel; 16 to 22 only where there are calls."""
    account = _admitted(desk, request, REPORTS)
    start, end = _range(request)
    wanted = request.query_params.get("channelId")
    if not wanted:
        raise api_error(400, "channelId is required")
    channel = next((channel for channel in account.channels if channel.listed and channel.id == wanted), None)
    if channel is None:
        raise api_error(404, f"no channel {wanted}")
    interval, components = _components(request, len(CHANNEL_COMPONENTS))
    calls = [number for number in components if number in CALL_COMPONENTS]
    if calls and channel.type not in CALL_CHANNEL_TYPES:
        raise api_error(400, f"components {calls} are not available for a channel of type {channel.type}")
    return json_response(build_report(desk, account, (start, end), interval, components, wanted))


async def start_export(desk: ApiContext, request: Request) -> Response:
    """202 with the id of a new job."""
    account = _admitted(desk, request, EXPORTS)
    start, end = _range(request)
    job = chatcaptain_export.create_job(desk, account, start, end)
    form = desk.shapes.export_id
    headers = {"Location": f"{request.url.path}/{job.id}"} if form == "location" else {}
    return json_response({} if form == "location" else {form: job.id}, 202, headers=headers)


async def export_status(desk: ApiContext, request: Request) -> Response:
    """`{status, downloadUrl?, error?}` of a job."""
    account = _admitted(desk, request, EXPORTS)
    job = desk.jobs.get(request.path_params["export"])
    if job is None or job.account != account.name:
        raise api_error(404, "no such export")
    return json_response(chatcaptain_export.poll_job(desk, job))


def _admitted(desk: ApiContext, request: Request, permission: str) -> SandboxAccount:
    account = desk.find_account("chatcaptain", request.headers.get("x-chatcaptain-key"))
    if account is None:
        raise api_error(401, "Unauthorized")
    record_account(request, account)
    if request.path_params["bot"] != account.external_id:
        raise api_error(404, "Chatbot not found")
    if permission not in account.permissions:
        raise api_error(403, f"Missing permission {permission}")
    return account


def _range(request: Request) -> tuple[datetime, datetime]:
    start, end = (parse_instant(request.query_params.get(name)) for name in ("from", "to"))
    if start is None or end is None or end < start:
        raise api_error(400, "from and to must be instants in this order")
    return start, end


def _components(request: Request, known: int) -> tuple[int, list[int]]:
    interval, asked = request.query_params.get("interval"), request.query_params.get("components", "")
    if interval not in ("86400", "3600"):
        raise api_error(400, "interval must be 86400 or 3600")
    parts = asked.split(",")
    wrong = [part for part in parts if not part.isdigit() or int(part) >= known]
    if wrong:
        raise api_error(400, f"components must be ids from 0 to {known - 1}: {wrong}")
    return int(interval), [int(part) for part in parts]


def api_error(status: int, message: str) -> ApiError:
    """ChatCaptain's error body."""
    body: dict[str, Any] = {"statusCode": status, "message": message}
    return ApiError(status, body)
