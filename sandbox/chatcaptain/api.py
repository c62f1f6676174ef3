"""ChatCaptain's API after its vendor's reference: channels, the two reports, the inbox, and the start of exports.

An independent reading of that reference. `from` and `to` are both inside the range. The components of a report are in
`reports`, export jobs in `export`.
"""

from datetime import datetime

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.account import SandboxAccount
from sandbox.chatcaptain.channels import CALL_CHANNEL_TYPES, is_test
from sandbox.chatcaptain.export import SandboxExportJob, create_job, poll_job
from sandbox.chatcaptain.reports import CALL_COMPONENTS, CHANNEL_COMPONENTS, OVERVIEW_COMPONENTS, build_report
from sandbox.chatcaptain.shapes import ChatcaptainShapes
from sandbox.http import ApiContext, ApiError, make_endpoint, make_json_response, parse_instant, record_account
from sandbox.profile import MILLISECOND

REPORTS = "chatbots.statistics.get"
EXPORTS = "chatbots.statistics.export"
Context = ApiContext[ChatcaptainShapes]


def build_routes(context: Context) -> list[Route]:
    """Return the endpoints; the path root is empty."""
    root = "/v1/chatbots/{bot}/statistics"
    return [
        Route(f"{root}/channels", make_endpoint(context, serve_channels), methods=["GET"]),
        Route(f"{root}/inbox", make_endpoint(context, serve_inbox), methods=["GET"]),
        Route(f"{root}/reports/overview", make_endpoint(context, serve_overview_report), methods=["GET"]),
        Route(f"{root}/reports/channel", make_endpoint(context, serve_channel_report), methods=["GET"]),
        Route(f"{root}/export", make_endpoint(context, start_export), methods=["POST"]),
        Route(f"{root}/export/{{export}}", make_endpoint(context, serve_export_status), methods=["GET"]),
    ]


async def serve_channels(context: Context, request: Request) -> Response:
    """Respond with the listed channels. Each has a secret token, which must not be kept."""
    account = _authorize(context, request, REPORTS)
    _read_range(request)
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
    return make_json_response({"channels": listed} if context.shapes.channels_envelope else listed)


async def serve_inbox(context: Context, request: Request) -> Response:
    """Respond with the named numbers of the agents' inbox."""
    account = _authorize(context, request, REPORTS)
    start, end = _read_range(request)
    items = [
        item
        for item in context.world.conversations_between(account.name, start, end + MILLISECOND)
        if not is_test(item)
    ]
    numbers = compute_inbox_numbers(len(items), sum(item.messages for item in items))
    if context.shapes.inbox_values == "value":
        return make_json_response({name: {"value": context.format_count(number)} for name, number in numbers.items()})
    return make_json_response({name: context.format_count(number) for name, number in numbers.items()})


def compute_inbox_numbers(conversations: int, messages: int) -> dict[str, int]:
    """Return the inbox's numbers by name, from the counts of conversations and messages without test traffic."""
    return {"openConversations": 3 + conversations % 5, "closed": conversations // 4, "agent messages": messages // 7}


async def serve_overview_report(context: Context, request: Request) -> Response:
    """Respond with components 0 to 16 over all channels."""
    account = _authorize(context, request, REPORTS)
    start, end = _read_range(request)
    interval, components = _read_components(request, len(OVERVIEW_COMPONENTS))
    return make_json_response(build_report(context, account, (start, end), interval, components, None))


async def serve_channel_report(context: Context, request: Request) -> Response:
    """Respond with components 0 to 22 of one channel; 16 to 22 only if its type takes calls."""
    account = _authorize(context, request, REPORTS)
    start, end = _read_range(request)
    wanted = request.query_params.get("channelId")
    if not wanted:
        raise _build_error(400, "channelId is required")
    channel = next((channel for channel in account.channels if channel.listed and channel.id == wanted), None)
    if channel is None:
        raise _build_error(404, f"no channel {wanted}")
    interval, components = _read_components(request, len(CHANNEL_COMPONENTS))
    calls = [number for number in components if number in CALL_COMPONENTS]
    if calls and channel.type not in CALL_CHANNEL_TYPES:
        raise _build_error(400, f"components {calls} are not available for a channel of type {channel.type}")
    return make_json_response(build_report(context, account, (start, end), interval, components, wanted))


async def start_export(context: Context, request: Request) -> Response:
    """Respond with 202 and the id of a new job."""
    account = _authorize(context, request, EXPORTS)
    start, end = _read_range(request)
    job = create_job(context, account, start, end)
    form = context.shapes.export_id
    headers = {"Location": f"{request.url.path}/{job.id}"} if form == "location" else {}
    return make_json_response({} if form == "location" else {form: job.id}, 202, headers=headers)


async def serve_export_status(context: Context, request: Request) -> Response:
    """Respond with `{status, downloadUrl?, error?}` of a job."""
    account = _authorize(context, request, EXPORTS)
    job: SandboxExportJob | None = context.jobs.get(request.path_params["export"])
    if job is None or job.account != account.name:
        raise _build_error(404, "no such export")
    return make_json_response(poll_job(context, job))


def _authorize(context: Context, request: Request, permission: str) -> SandboxAccount:
    account = context.find_account("chatcaptain", request.headers.get("x-chatcaptain-key"))
    if account is None:
        raise _build_error(401, "Unauthorized")
    record_account(request, account)
    if request.path_params["bot"] != account.external_id:
        raise _build_error(404, "Chatbot not found")
    if permission not in account.permissions:
        raise _build_error(403, f"Missing permission {permission}")
    return account


def _read_range(request: Request) -> tuple[datetime, datetime]:
    start, end = (parse_instant(request.query_params.get(name)) for name in ("from", "to"))
    if start is None or end is None or end < start:
        raise _build_error(400, "from and to must be instants in this order")
    return start, end


def _read_components(request: Request, known: int) -> tuple[int, list[int]]:
    interval, numbers = request.query_params.get("interval"), request.query_params.get("components", "")
    if interval not in ("86400", "3600"):
        raise _build_error(400, "interval must be 86400 or 3600")
    parts = numbers.split(",")
    wrong = [part for part in parts if not part.isdigit() or int(part) >= known]
    if wrong:
        raise _build_error(400, f"components must be ids from 0 to {known - 1}: {wrong}")
    return int(interval), [int(part) for part in parts]


def _build_error(status: int, message: str) -> ApiError:
    return ApiError(status, {"statusCode": status, "message": message})
