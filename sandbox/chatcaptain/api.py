"""ChatCaptain's API as its vendor's reference tells: channels, the two reports, the inbox, and the way to exports.

Its own reading of that reference. `from` and `to` are both inside the range. What a report holds stands in
`chatcaptain_reports`, what an export is in `chatcaptain_export`.
"""

from datetime import datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.accounts import CALL_TYPES, SandboxAccount
from sandbox.chatcaptain import export as chatcaptain_export
from sandbox.chatcaptain.reports import CALLS_ONLY, CHANNEL, OVERVIEW, report
from sandbox.conversations import MILLISECOND, is_test
from sandbox.http import Desk, Refused, answer, note_account, parse_instant, served

REPORTS = "chatbots.statistics.get"
EXPORTS = "chatbots.statistics.export"


def routes(desk: Desk) -> list[Route]:
    """The endpoints; the path root is empty."""
    root = "/v1/chatbots/{bot}/statistics"
    return [
        Route(f"{root}/channels", served(desk, channels), methods=["GET"]),
        Route(f"{root}/inbox", served(desk, inbox), methods=["GET"]),
        Route(f"{root}/reports/overview", served(desk, overview_report), methods=["GET"]),
        Route(f"{root}/reports/channel", served(desk, channel_report), methods=["GET"]),
        Route(f"{root}/export", served(desk, start_export), methods=["POST"]),
        Route(f"{root}/export/{{export}}", served(desk, export_status), methods=["GET"]),
    ]


async def channels(desk: Desk, request: Request) -> Response:
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
    return answer({"channels": listed} if desk.switches.channels_envelope else listed)


async def inbox(desk: Desk, request: Request) -> Response:
    """Named numbers of the agents' inbox."""
    account = _admitted(desk, request, REPORTS)
    start, end = _range(request)
    items = [item for item in desk.world.between(account.name, start, end + MILLISECOND) if not is_test(item)]
    numbers = inbox_numbers(len(items), sum(item.messages for item in items))
    if desk.switches.inbox_values == "value":
        return answer({name: {"value": desk.count(number)} for name, number in numbers.items()})
    return answer({name: desk.count(number) for name, number in numbers.items()})


def inbox_numbers(conversations: int, messages: int) -> dict[str, int]:
    """The inbox of that many conversations and messages, test traffic not among them."""
    return {"openConversations": 3 + conversations % 5, "closed": conversations // 4, "agent messages": messages // 7}


async def overview_report(desk: Desk, request: Request) -> Response:
    """Components 0 to 16 over all channels."""
    account = _admitted(desk, request, REPORTS)
    start, end = _range(request)
    interval, components = _components(request, len(OVERVIEW))
    return answer(report(desk, account, (start, end), interval, components, None))


async def channel_report(desk: Desk, request: Request) -> Response:
    """Components 0 to 22 of one channel; 16 to 22 only where there are calls."""
    account = _admitted(desk, request, REPORTS)
    start, end = _range(request)
    wanted = request.query_params.get("channelId")
    if not wanted:
        raise refused(400, "channelId is required")
    channel = next((channel for channel in account.channels if channel.listed and channel.id == wanted), None)
    if channel is None:
        raise refused(404, f"no channel {wanted}")
    interval, components = _components(request, len(CHANNEL))
    calls = [number for number in components if number in CALLS_ONLY]
    if calls and channel.type not in CALL_TYPES:
        raise refused(400, f"components {calls} are not available for a channel of type {channel.type}")
    return answer(report(desk, account, (start, end), interval, components, wanted))


async def start_export(desk: Desk, request: Request) -> Response:
    """202 with the id of a new job."""
    account = _admitted(desk, request, EXPORTS)
    start, end = _range(request)
    job = chatcaptain_export.start(desk, account, start, end)
    form = desk.switches.export_id
    headers = {"Location": f"{request.url.path}/{job.id}"} if form == "location" else {}
    return answer({} if form == "location" else {form: job.id}, 202, headers=headers)


async def export_status(desk: Desk, request: Request) -> Response:
    """`{status, downloadUrl?, error?}` of a job."""
    account = _admitted(desk, request, EXPORTS)
    job = desk.jobs.get(request.path_params["export"])
    if job is None or job.account != account.name:
        raise refused(404, "no such export")
    return answer(chatcaptain_export.poll(desk, job))


def _admitted(desk: Desk, request: Request, permission: str) -> SandboxAccount:
    account = desk.account_of("chatcaptain", request.headers.get("x-chatcaptain-key"))
    if account is None:
        raise refused(401, "Unauthorized")
    note_account(request, account)
    if request.path_params["bot"] != account.external_id:
        raise refused(404, "Chatbot not found")
    if permission not in account.permissions:
        raise refused(403, f"Missing permission {permission}")
    return account


def _range(request: Request) -> tuple[datetime, datetime]:
    start, end = (parse_instant(request.query_params.get(name)) for name in ("from", "to"))
    if start is None or end is None or end < start:
        raise refused(400, "from and to must be instants in this order")
    return start, end


def _components(request: Request, known: int) -> tuple[int, list[int]]:
    interval, asked = request.query_params.get("interval"), request.query_params.get("components", "")
    if interval not in ("86400", "3600"):
        raise refused(400, "interval must be 86400 or 3600")
    parts = asked.split(",")
    wrong = [part for part in parts if not part.isdigit() or int(part) >= known]
    if wrong:
        raise refused(400, f"components must be ids from 0 to {known - 1}: {wrong}")
    return int(interval), [int(part) for part in parts]


def refused(status: int, message: str) -> Refused:
    """ChatCaptain's error body."""
    body: dict[str, Any] = {"statusCode": status, "message": message}
    return Refused(status, body)
