"""Chatlayer's analytics API after its vendor's reference: series, insights, intents, flows, events, team usage.

An independent reading of that reference: a gRPC gateway, UTC buckets, half-open ranges of at most 31 x 24 hours.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.account import SandboxAccount
from sandbox.arithmetic import INSIGHT_BINS, count_by_bin, select_top_members
from sandbox.chatlayer.series import (
    BUCKET_LENGTHS,
    Labels,
    build_series_response,
    floor_to_bucket,
    list_bucket_starts,
    wrap_in_envelope,
)
from sandbox.chatlayer.shapes import ChatlayerShapes
from sandbox.chatlayer.team import iterate_team_conversations
from sandbox.conversations import Conversation, Transition
from sandbox.http import (
    ApiContext,
    ApiError,
    format_instant,
    make_endpoint,
    make_json_response,
    parse_basic_credential,
    parse_instant,
    record_account,
)

LONGEST_RANGE = timedelta(hours=31 * 24)
BOT_GROUPS = ("channel_type", "language")
TEAM_GROUPS = (
    "bot_id",
    "bot_version",
    "team_id",
    "channel_type",
    "language",
    "campaign_id",
    "campaign_source",
)
Context = ApiContext[ChatlayerShapes]
SeriesCounts = defaultdict[Labels, Counter[datetime]]


def build_routes(context: Context) -> list[Route]:
    """Return the endpoints; the path root is empty."""
    bot = "/v1/bots/{bot}"
    endpoints = {
        f"{bot}/conversations": serve_conversations,
        f"{bot}/conversations/insights": serve_insights,
        f"{bot}/conversations/{{conversation}}/flow": serve_flow,
        f"{bot}/messages": serve_messages,
        f"{bot}/users": serve_users,
        f"{bot}/intents": serve_intents,
        f"{bot}/events/stream": serve_events,
        "/v1/teams/{team}/conversations": serve_team_conversations,
    }
    return [Route(path, make_endpoint(context, handler), methods=["GET"]) for path, handler in endpoints.items()]


async def serve_conversations(context: Context, request: Request) -> Response:
    """Respond with SeriesData of conversations; `group_by` is channel_type or language."""
    account, start, end = _read_bot_request(context, request)
    bucket = _read_bucket(context, request, start, end, tuple(BUCKET_LENGTHS), default="1d")
    group = request.query_params.get("group_by")
    if group is not None and group not in BOT_GROUPS:
        raise _build_error(400, f"group_by must be one of {BOT_GROUPS}")
    counts: SeriesCounts = defaultdict(Counter)
    if group is None:
        counts[()] = Counter()
    else:
        counts[((group, "sms" if group == "channel_type" else "nl"),)] = Counter()
    for item in _iterate_conversations_of_version(context, account, request, start, end):
        labels = () if group is None else ((group, _get_member(item, group)),)
        counts[labels][floor_to_bucket(item.started_at, bucket)] += 1
    return build_series_response(context, counts, list_bucket_starts(start, end, bucket), bucket)


async def serve_messages(context: Context, request: Request) -> Response:
    """Respond with SeriesData: the named series `user` and `bot`."""
    account, start, end = _read_bot_request(context, request)
    bucket = _read_bucket(context, request, start, end, tuple(BUCKET_LENGTHS), default="1d")
    counts: SeriesCounts = defaultdict(Counter)
    for item in _iterate_conversations_of_version(context, account, request, start, end):
        at = floor_to_bucket(item.started_at, bucket)
        counts[(("message_type", "user"),)][at] += item.user_messages
        counts[(("message_type", "bot"),)][at] += item.messages - item.user_messages
    return build_series_response(context, counts, list_bucket_starts(start, end, bucket), bucket)


async def serve_users(context: Context, request: Request) -> Response:
    """Respond with SeriesData: the named series `new` and `returning`, distinct users of each bucket."""
    account, start, end = _read_bot_request(context, request)
    bucket = _read_bucket(context, request, start, end, tuple(BUCKET_LENGTHS), default="1d")
    seen: set[tuple[datetime, object]] = set()
    counts: SeriesCounts = defaultdict(Counter)
    for item in _iterate_conversations_of_version(context, account, request, start, end):
        at = floor_to_bucket(item.started_at, bucket)
        if (at, item.user) not in seen:
            seen.add((at, item.user))
            counts[(("user_type", "new" if item.new_user else "returning"),)][at] += 1
    return build_series_response(context, counts, list_bucket_starts(start, end, bucket), bucket)


async def serve_insights(context: Context, request: Request) -> Response:
    """Respond with SeriesData whose x_values are the bins of a distribution; there is no bucket."""
    account, start, end = _read_bot_request(context, request)
    stat = request.query_params.get("stat")
    if stat not in INSIGHT_BINS:
        raise _build_error(400, f"stat must be one of {tuple(INSIGHT_BINS)}")
    bins = count_by_bin(stat, list(_iterate_conversations_of_version(context, account, request, start, end)))
    return wrap_in_envelope(context, {(): list(bins.values())}, list(bins))


async def serve_intents(context: Context, request: Request) -> Response:
    """Respond with `{data:[{intent_id, count, rank}], pagination:{end_cursor, has_more}}` of the range, in pages."""
    account, start, end = _read_bot_request(context, request)
    items = _iterate_conversations_of_version(context, account, request, start, end)
    hits = Counter(name for item in items for name in item.intents)
    ranked = select_top_members(hits, len(hits))
    first, after = request.query_params.get("first", "50"), request.query_params.get("after", "0")
    if not first.isdigit() or not 0 < int(first) <= 100:
        raise _build_error(400, "first must be a number from 1 to 100")
    offset = _parse_cursor(after)
    page = ranked[offset : offset + min(int(first), context.shapes.chatlayer_page)]
    reached = offset + len(page)
    pagination: dict[str, Any] = {"end_cursor": f"c{reached}"} if page else {}
    if reached < len(ranked):
        pagination["has_more"] = True
    data = [
        context.add_unknown_field({"intent_id": name, "count": _format_int64(context, count), "rank": rank})
        for rank, (name, count) in enumerate(page, offset + 1)
    ]
    body = {"data": data, "pagination": pagination}
    return make_json_response({name: value for name, value in body.items() if value})  # the gateway omits empty fields


async def serve_flow(context: Context, request: Request) -> Response:
    """Respond with `{bot_id, conversation_id, user_id, transitions[]}`: transitions with a timestamp in the range."""
    account, start, end = _read_bot_request(context, request)
    wanted = request.path_params["conversation"]
    item = context.world.find_conversation(account.name, wanted)
    if item is None or item.version != request.query_params["version"]:
        raise _build_error(404, f"conversation {wanted} not found")
    transitions = [_build_transition(context, move) for move in item.flow if start <= move.at < end]
    body: dict[str, Any] = {"bot_id": item.bot_id, "conversation_id": item.id, "user_id": item.user}
    if transitions:
        body["transitions"] = transitions
    return make_json_response(context.add_unknown_field(body))


def _build_transition(context: Context, move: Transition) -> dict[str, Any]:
    has_depth = move.depth or context.shapes.chatlayer_zeros == "keep"
    return {
        "id": move.id,
        "from_step": {"id": move.from_id, "type": move.from_type},
        "to_step": {"id": move.to_id, "type": move.to_type},
        **({"depth": _format_int64(context, move.depth)} if has_depth else {}),
        "timestamp": format_instant(move.at),
    }


async def serve_events(context: Context, request: Request) -> Response:
    """Respond with `{events:[{conversation_id, …}], next_page_token}`: an event per conversation and transition."""
    account, start, end = _read_bot_request(context, request)
    size, token = request.query_params.get("page_size", "100"), request.query_params.get("page_token") or "0"
    if not size.isdigit() or not 0 < int(size) <= 100:
        raise _build_error(400, "page_size must be a number from 1 to 100")
    offset = _parse_cursor(token)
    all_events = [
        {
            "id": f"{item.id}-ev{number}",
            "type": "conversation_started" if not number else "step",
            "bot_id": item.bot_id,
            "conversation_id": item.id,
            "user_id": item.user,
            "timestamp": format_instant(item.started_at),
        }
        for item in _iterate_conversations_of_version(context, account, request, start, end)
        for number in range(len(item.flow) + 1)
    ]
    page = all_events[offset : offset + int(size)]
    reached = offset + len(page)
    more = {"next_page_token": f"c{reached}"} if reached < len(all_events) else {}
    return make_json_response({**({"events": page} if page else {}), **more})


async def serve_team_conversations(context: Context, request: Request) -> Response:
    """Respond with SeriesData of all bots of a team, DRAFT and LIVE, in UTC days, weeks or months."""
    team = request.path_params["team"]
    account = _authorize(context, request)
    if account.ids.get("team_id") != team:
        raise _build_error(404, f"team {team} not found")
    start, end = _read_range(request)
    bucket = _read_bucket(context, request, start, end, ("1d", "1w", "1m"), default=None)
    groups = [name for value in request.query_params.getlist("group_by") for name in value.split(",")]
    if any(name not in TEAM_GROUPS for name in groups):
        raise _build_error(400, f"group_by must be of {TEAM_GROUPS}")
    counts: SeriesCounts = defaultdict(Counter)
    for item in iterate_team_conversations(context.world, team, start, end):
        labels = tuple((name, team if name == "team_id" else _get_member(item, name)) for name in groups)
        counts[labels][floor_to_bucket(item.started_at, bucket)] += 1
    return build_series_response(context, counts, list_bucket_starts(start, end, bucket), bucket)


_MEMBERS: dict[str, Callable[[Conversation], str]] = {
    "channel_type": lambda item: item.channel,
    "language": lambda item: item.language,
    "bot_id": lambda item: item.bot_id,
    "bot_version": lambda item: item.version,
}


def _get_member(item: Conversation, field: str) -> str:
    return _MEMBERS[field](item) if field in _MEMBERS else ""


def _iterate_conversations_of_version(
    context: Context, account: SandboxAccount, request: Request, start: datetime, end: datetime
) -> Iterable[Conversation]:
    version = request.query_params["version"]
    return (item for item in context.world.conversations_between(account.name, start, end) if item.version == version)


def _format_int64(context: Context, value: int) -> object:
    return str(value) if context.shapes.chatlayer_int64 == "string" else value


def _parse_cursor(text: str) -> int:
    number = text.removeprefix("c")
    if not number.isdigit():
        raise _build_error(400, f"bad cursor {text!r}")
    return int(number)


def _authorize(context: Context, request: Request) -> SandboxAccount:
    """Return the account of the request's credential. Raises ApiError (401) without a known one."""
    account = context.find_account("chatlayer", parse_basic_credential(request.headers.get("authorization")))
    if account is None:
        raise _build_error(401, "unauthenticated")
    record_account(request, account)
    return account


def _read_bot_request(context: Context, request: Request) -> tuple[SandboxAccount, datetime, datetime]:
    """Return the account and the range (UTC) of a request to a bot's endpoint. Raises ApiError for a wrong one."""
    account = _authorize(context, request)
    if request.path_params["bot"] != account.external_id:
        raise _build_error(404, f"bot {request.path_params['bot']} not found")
    if request.query_params.get("version") not in ("DRAFT", "LIVE"):
        raise _build_error(400, "version must be DRAFT or LIVE")
    return account, *_read_range(request)


def _read_range(request: Request) -> tuple[datetime, datetime]:
    start = parse_instant(request.query_params.get("start_time"))
    end = parse_instant(request.query_params.get("end_time"))
    if start is None or end is None or end <= start:
        raise _build_error(400, "start_time and end_time must be instants in this order")
    if end - start > LONGEST_RANGE:
        raise _build_error(400, "the range is longer than 31 days")
    return start, end


def _read_bucket(
    context: Context, request: Request, start: datetime, end: datetime, known: tuple[str, ...], default: str | None
) -> str:
    bucket = request.query_params.get("bucket", default)
    if bucket is None or bucket not in known:
        raise _build_error(400, f"bucket must be one of {known}")
    is_short = end - start <= BUCKET_LENGTHS.get(bucket, timedelta(days=28))
    if is_short and context.shapes.chatlayer_short_range == "refuse":
        raise _build_error(400, "the bucket must be smaller than the range")
    return bucket


def _build_error(status: int, message: str) -> ApiError:
    code = {400: 3, 401: 16, 403: 7, 404: 5}[status]
    return ApiError(status, {"code": code, "message": message, "details": []})
