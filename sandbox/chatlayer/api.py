"""Chatlayer's analytics API as its vendor's reference tells: series, insights, intents, flows, events, team usage.

Its own reading of that reference: a gRPC gateway, UTC buckets, half-open ranges of at most 31 x 24 hours.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.accounts import SandboxAccount
from sandbox.arithmetic import INSIGHT_BINS, count_by_bin, top_members
from sandbox.chatlayer.series import (
    BUCKET_LENGTHS,
    Labels,
    bucket_starts,
    floor_to_bucket,
    series_response,
    wrap_in_envelope,
)
from sandbox.conversations import Conversation
from sandbox.http import (
    ApiContext,
    ApiError,
    format_instant,
    json_response,
    make_endpoint,
    parse_basic_credential,
    parse_instant,
    record_account,
)

LONGEST = timedelta(hours=31 * 24)
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
SeriesCounts = defaultdict[Labels, Counter[datetime]]


def routes(desk: ApiContext) -> list[Route]:
    """The endpoints; the path root is empty."""
    bot = "/v1/bots/{bot}"
    return [
        Route(f"{bot}/conversations", make_endpoint(desk, conversations), methods=["GET"]),
        Route(f"{bot}/conversations/insights", make_endpoint(desk, insights), methods=["GET"]),
        Route(f"{bot}/conversations/{{conversation}}/flow", make_endpoint(desk, flow), methods=["GET"]),
        Route(f"{bot}/messages", make_endpoint(desk, messages), methods=["GET"]),
        Route(f"{bot}/users", make_endpoint(desk, users), methods=["GET"]),
        Route(f"{bot}/intents", make_endpoint(desk, intents), methods=["GET"]),
        Route(f"{bot}/events/stream", make_endpoint(desk, events), methods=["GET"]),
        Route("/v1/teams/{team}/conversations", make_endpoint(desk, team_conversations), methods=["GET"]),
    ]


async def conversations(desk: ApiContext, request: Request) -> Response:
    """SeriesData of conversations; `group_by` is channel_type or language."""
    account, start, end = _bot(desk, request)
    bucket = _bucket(desk, request, start, end, tuple(BUCKET_LENGTHS), default="1d")
    group = request.query_params.get("group_by")
    if group is not None and group not in BOT_GROUPS:
        raise _refused(400, f"group_by must be one of {BOT_GROUPS}")
    counts: SeriesCounts = defaultdict(Counter)
    if group is None:
        counts[()] = Counter()
    else:
        counts[((group, "sms" if group == "channel_type" else "nl"),)] = Counter()
    for item in _of_version(desk, account, request, start, end):
        labels = () if group is None else ((group, _member(item, group)),)
        counts[labels][floor_to_bucket(item.started_at, bucket)] += 1
    return series_response(desk, counts, bucket_starts(start, end, bucket), bucket)


async def messages(desk: ApiContext, request: Request) -> Response:
    """SeriesData with the named series `user` and `bot`."""
    account, start, end = _bot(desk, request)
    bucket = _bucket(desk, request, start, end, tuple(BUCKET_LENGTHS), default="1d")
    counts: SeriesCounts = defaultdict(Counter)
    for item in _of_version(desk, account, request, start, end):
        at = floor_to_bucket(item.started_at, bucket)
        counts[(("message_type", "user"),)][at] += item.user_messages
        counts[(("message_type", "bot"),)][at] += item.messages - item.user_messages
    return series_response(desk, counts, bucket_starts(start, end, bucket), bucket)


async def users(desk: ApiContext, request: Request) -> Response:
    """SeriesData with the named series `new` and `returning`: distinct users of each bucket."""
    account, start, end = _bot(desk, request)
    bucket = _bucket(desk, request, start, end, tuple(BUCKET_LENGTHS), default="1d")
    seen: set[tuple[datetime, object]] = set()
    counts: SeriesCounts = defaultdict(Counter)
    for item in _of_version(desk, account, request, start, end):
        at = floor_to_bucket(item.started_at, bucket)
        if (at, item.user) not in seen:
            seen.add((at, item.user))
            counts[(("user_type", "new" if item.new_user else "returning"),)][at] += 1
    return series_response(desk, counts, bucket_starts(start, end, bucket), bucket)


async def insights(desk: ApiContext, request: Request) -> Response:
    """SeriesData whose x_values are bins of a distribution; no bucket."""
    account, start, end = _bot(desk, request)
    stat = request.query_params.get("stat")
    if stat not in INSIGHT_BINS:
        raise _refused(400, f"stat must be one of {tuple(INSIGHT_BINS)}")
    bins = count_by_bin(stat, list(_of_version(desk, account, request, start, end)))
    return wrap_in_envelope(desk, {(): list(bins.values())}, list(bins))


async def intents(desk: ApiContext, request: Request) -> Response:
    """`{data:[{intent_id, count, rank}], pagination:{end_cursor, has_more}}` of the whole range, in pages."""
    account, start, end = _bot(desk, request)
    counted = Counter(name for item in _of_version(desk, account, request, start, end) for name in item.intents)
    ranked = top_members(counted, len(counted))
    first, after = request.query_params.get("first", "50"), request.query_params.get("after", "0")
    if not first.isdigit() or not 0 < int(first) <= 100:
        raise _refused(400, "first must be a number from 1 to 100")
    offset = _cursor(after)
    page = ranked[offset : offset + min(int(first), desk.shapes.chatlayer_page)]
    reached = offset + len(page)
    pagination: dict[str, Any] = {"end_cursor": f"c{reached}"} if page else {}
    if reached < len(ranked):
        pagination["has_more"] = True
    data = [
        desk.add_unknown_field({"intent_id": name, "count": _int64(desk, count), "rank": offset + position})
        for position, (name, count) in enumerate(page, 1)
    ]
    return json_response({**({"data": data} if data else {}), **({"pagination": pagination} if pagination else {})})


async def flow(desk: ApiContext, request: Request) -> Response:
    """`{bot_id, conversation_id, user_id, transitions[]}`: the transitions whose timestamp lies in the range."""
    account, start, end = _bot(desk, request)
    wanted = request.path_params["conversation"]
    item = desk.world.find_conversation(account.name, wanted)
    if item is None or item.version != request.query_params["version"]:
        raise _refused(404, f"conversation {wanted} not found")
    transitions = [
        {
            "id": move.id,
            "from_step": {"id": move.from_id, "type": move.from_type},
            "to_step": {"id": move.to_id, "type": move.to_type},
            **({"depth": _int64(desk, move.depth)} if move.depth or desk.shapes.chatlayer_zeros == "keep" else {}),
            "timestamp": format_instant(move.at),
        }
        for move in item.flow
        if start <= move.at < end
    ]
    told = {"transitions": transitions} if transitions else {}
    return json_response(
        desk.add_unknown_field({"bot_id": item.bot_id, "conversation_id": item.id, "user_id": item.user, **told})
    )


async def events(desk: ApiContext, request: Request) -> Response:
    """`{events:[{conversation_id, …}], next_page_token}`: one event per conversation and per transition."""
    account, start, end = _bot(desk, request)
    size, token = request.query_params.get("page_size", "100"), request.query_params.get("page_token") or "0"
    if not size.isdigit() or not 0 < int(size) <= 100:
        raise _refused(400, "page_size must be a number from 1 to 100")
    offset = _cursor(token)
    found = [
        {
            "id": f"{item.id}-ev{number}",
            "type": "conversation_started" if not number else "step",
            "bot_id": item.bot_id,
            "conversation_id": item.id,
            "user_id": item.user,
            "timestamp": format_instant(item.started_at),
        }
        for item in _of_version(desk, account, request, start, end)
        for number in range(len(item.flow) + 1)
    ]
    page = found[offset : offset + int(size)]
    reached = offset + len(page)
    more = {"next_page_token": f"c{reached}"} if reached < len(found) else {}
    return json_response({**({"events": page} if page else {}), **more})


async def team_conversations(desk: ApiContext, request: Request) -> Response:
    """SeriesData of all bots of a team, DRAFT and LIVE, in UTC days, weeks or months."""
    team = request.path_params["team"]
    account = _admitted(desk, request)
    if account.ids.get("team_id") != team:
        raise _refused(404, f"team {team} not found")
    start, end = _range(request)
    bucket = _bucket(desk, request, start, end, ("1d", "1w", "1m"), default=None)
    asked = [name for value in request.query_params.getlist("group_by") for name in value.split(",")]
    if any(name not in TEAM_GROUPS for name in asked):
        raise _refused(400, f"group_by must be of {TEAM_GROUPS}")
    counts: SeriesCounts = defaultdict(Counter)
    for item in desk.world.team_conversations(team, start, end):
        labels = tuple((name, team if name == "team_id" else _member(item, name)) for name in asked)
        counts[labels][floor_to_bucket(item.started_at, bucket)] += 1
    return series_response(desk, counts, bucket_starts(start, end, bucket), bucket)


_MEMBERS: dict[str, Callable[[Conversation], str]] = {
    "channel_type": lambda item: item.channel,
    "language": lambda item: item.language,
    "bot_id": lambda item: item.bot_id,
    "bot_version": lambda item: item.version,
}


def _member(item: Conversation, field: str) -> str:
    return _MEMBERS[field](item) if field in _MEMBERS else ""


def _of_version(
    desk: ApiContext, account: SandboxAccount, request: Request, start: datetime, end: datetime
) -> Iterable[Conversation]:
    version = request.query_params["version"]
    return (item for item in desk.world.conversations_between(account.name, start, end) if item.version == version)


def _int64(desk: ApiContext, value: int) -> object:
    return str(value) if desk.shapes.chatlayer_int64 == "string" else value


def _cursor(text: str) -> int:
    number = text.removeprefix("c")
    if not number.isdigit():
        raise _refused(400, f"bad cursor {text!r}")
    return int(number)


def _admitted(desk: ApiContext, request: Request) -> SandboxAccount:
    account = desk.find_account("chatlayer", parse_basic_credential(request.headers.get("authorization")))
    if account is None:
        raise _refused(401, "unauthenticated")
    record_account(request, account)
    return account


def _bot(desk: ApiContext, request: Request) -> tuple[SandboxAccount, datetime, datetime]:
    account = _admitted(desk, request)
    if request.path_params["bot"] != account.external_id:
        raise _refused(404, f"bot {request.path_params['bot']} not found")
    if request.query_params.get("version") not in ("DRAFT", "LIVE"):
        raise _refused(400, "version must be DRAFT or LIVE")
    return account, *_range(request)


def _range(request: Request) -> tuple[datetime, datetime]:
    start = parse_instant(request.query_params.get("start_time"))
    end = parse_instant(request.query_params.get("end_time"))
    if start is None or end is None or end <= start:
        raise _refused(400, "start_time and end_time must be instants in this order")
    if end - start > LONGEST:
        raise _refused(400, "the range is longer than 31 days")
    return start, end


def _bucket(
    desk: ApiContext, request: Request, start: datetime, end: datetime, known: tuple[str, ...], default: str | None
) -> str:
    bucket = request.query_params.get("bucket", default)
    if bucket is None or bucket not in known:
        raise _refused(400, f"bucket must be one of {known}")
    short = end - start <= BUCKET_LENGTHS.get(bucket, timedelta(days=28))
    if short and desk.shapes.chatlayer_short_range == "refuse":
        raise _refused(400, "the bucket must be smaller than the range")
    return bucket


def _refused(status: int, message: str) -> ApiError:
    code = {400: 3, 401: 16, 403: 7, 404: 5}[status]
    return ApiError(status, {"code": code, "message": message, "details": []})
