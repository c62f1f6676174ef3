"""Chatlayer's wire (Sinch): series in UTC buckets, insights, intents, team usage, events and flows. No meaning here.

Source: the vendor's analytics reference. Ranges are half-open, last at most 31 x 24 hours, and are cut into buckets
that begin at whole hours or days of UTC. The API is a gRPC gateway: what is zero or empty may be left out.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from urllib.parse import quote
from weakref import WeakValueDictionary
from zoneinfo import ZoneInfo

from extractors.account import Account
from extractors.chatlayer.account import SERIES, ChatlayerAccount
from extractors.chatlayer.paging import (
    PAGE_SIZE,
    extract_conversation_ids,
    iter_pages,
    read_events_cursor,
    read_intents_cursor,
)
from extractors.errors import RequestRefused, ShapeError
from extractors.http.limits import RequestLimits
from extractors.http.messages import Request, Response
from extractors.http.session import Session
from extractors.landing.zone import BatchWriter
from extractors.registry import Provider, Stream
from extractors.windows import ONE_DAY, Window

LONGEST_HOURS = 31 * 24
BUCKETS = {"1h": timedelta(hours=1), "1d": ONE_DAY}
STATS = ("num_conversations", "duration_seconds", "num_messages")
TEAM_FIELDS = ("bot_id", "bot_version", "channel_type", "language")
EVENTS_BEFORE = timedelta(hours=2)  # finds conversations that go on past midnight; one ends after 15 silent minutes
FLOWS_AT_ONCE = 50  # answers that are held in memory before they are landed

_UTC = ZoneInfo("UTC")

Fetch = Callable[[Session, Window, BatchWriter], Awaitable[dict[str, Any] | None]]


def _series(stream: str) -> Fetch:
    async def fetch(session: Session, window: Window, batch: BatchWriter) -> None:
        batch.add(await _ask_series(session, stream, window))

    return fetch


async def _ask_series(session: Session, stream: str, window: Window) -> Response:
    endpoint, group = SERIES[stream]
    account = _account(session)
    bucketed = _bucketed(window, account.zone, "1d" if account.has_utc_days else "1h")
    query = {"version": account.version, **bucketed, **group}
    return await session.request(stream, "GET", _bot(account, endpoint), query=query)


async def _probe(session: Session, window: Window) -> Response:
    pulled = _account(session).enabled_streams
    if pulled == ("team_usage",):  # the token may open the team and no bot
        return await _ask_team(session, window)
    return await _ask_series(session, next((stream for stream in SERIES if stream in pulled), "conversations"), window)


async def _insights(session: Session, window: Window, batch: BatchWriter) -> None:
    path, query = _bot(_account(session), "conversations", "insights"), _whole(session, window)
    asked = (session.request("insights", "GET", path, query={**query, "stat": stat}) for stat in STATS)
    for answer in await asyncio.gather(*asked):
        batch.add(answer)


async def _intents(session: Session, window: Window, batch: BatchWriter) -> None:
    path = _bot(_account(session), "intents")
    query = {**_whole(session, window), "first": str(PAGE_SIZE)}
    async for answer in iter_pages(session, "intents", path, query, read_intents_cursor):
        batch.add(answer)


async def _team_usage(session: Session, window: Window, batch: BatchWriter) -> None:
    batch.add(await _ask_team(session, window))


async def _ask_team(session: Session, window: Window) -> Response:
    team = str(_account(session).team_id)
    query = {**_bucketed(window, _UTC, "1d"), "group_by": ",".join(TEAM_FIELDS)}
    path = f"/v1/teams/{quote(team, safe='')}/conversations"
    return await session.request("team_usage", "GET", path, query=query, context={"team_id": team})


async def _events(session: Session, window: Window, batch: BatchWriter) -> None:
    found = await _discovered(session, window)
    for answer in found.answers:
        batch.add(answer)
    if found.error:
        raise found.error


async def _flow(session: Session, window: Window, batch: BatchWriter) -> dict[str, Any]:
    account = _account(session)
    ids = list(dict.fromkeys(account.conversation_ids))
    if "events" in account.enabled_streams:
        found = await _discovered(session, window)
        if found.error:
            raise found.error
        ids = list(dict.fromkeys((*ids, *extract_conversation_ids(session.where("events"), found.answers))))
        del found  # pages of events may be large, and the flows take long
    if not ids:
        batch.mark_empty()
    missing = 0
    for first in range(0, len(ids), FLOWS_AT_ONCE):
        some = ids[first : first + FLOWS_AT_ONCE]
        for answer in await asyncio.gather(*(_one_flow(session, window, each) for each in some)):
            batch.add(answer)
            missing += not answer.context["found"]
    return {"conversations": len(ids), "not_found": missing}


async def _one_flow(session: Session, window: Window, conversation: str) -> Response:
    """One conversation's transitions of the window. That there is no such conversation (any more) is an answer too."""
    path, query = _bot(_account(session), "conversations", conversation, "flow"), _whole(session, window)
    context = {"conversation_id": conversation, "found": True}
    try:
        return await session.request("flow", "GET", path, query=query, context=context)
    except RequestRefused as refused:
        if refused.status != 404:
            raise
        context["found"] = False
        return Response(Request("GET", path, query), refused.status, {}, session.clock.now(), refused.body, context)


@dataclass
class _Discovery:
    answers: list[Response]
    error: ShapeError | None = None


async def _discovered(session: Session, window: Window) -> _Discovery:
    """The events of a window, asked for once when ``events`` and ``flow`` are fetched side by side.

    Held weakly: when both have read them, the pages are let go.
    """
    running: WeakValueDictionary[Window, asyncio.Task[_Discovery]] = session.run_state.setdefault(
        "chatlayer.events", WeakValueDictionary()
    )
    task = running.get(window)
    if task is None:
        task = running[window] = asyncio.create_task(_discover(session, window))
    return await task


async def _discover(session: Session, window: Window) -> _Discovery:
    path = _bot(_account(session), "events", "stream")
    query = {**_whole(session, window, EVENTS_BEFORE), "page_size": str(PAGE_SIZE)}
    found = _Discovery([])
    try:
        async for answer in iter_pages(session, "events", path, query, read_events_cursor):
            found.answers.append(answer)
    except ShapeError as error:  # what came is landed first
        found.error = error
    return found


def _account(session: Session) -> ChatlayerAccount:
    return cast(ChatlayerAccount, session.account)


def _bot(account: ChatlayerAccount, *parts: str) -> str:
    return "/".join(["/v1/bots", *(quote(part, safe="") for part in (account.bot_id, *parts))])


def _whole(session: Session, window: Window, before: timedelta = timedelta()) -> dict[str, str]:
    """A bot's range without buckets."""
    account = _account(session)
    times = _times(window.first_instant(account.zone) - before, window.end_instant(account.zone))
    return {"version": account.version, **times}


def _bucketed(window: Window, zone: ZoneInfo, bucket: str) -> dict[str, str]:
    """A range and its bucket, which should be smaller: a range of one bucket begins one earlier, which is not used."""
    start, end = window.first_instant(zone), window.end_instant(zone)
    if end - start <= BUCKETS[bucket]:
        start = end - 2 * BUCKETS[bucket]
    return {**_times(start, end), "bucket": bucket}


def _times(start: datetime, end: datetime) -> dict[str, str]:
    return {"start_time": _text(start), "end_time": _text(end)}


def _text(instant: datetime) -> str:
    return f"{instant.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def _longest(account: Account, window: Window) -> list[Window]:
    return window.by_hours(LONGEST_HOURS, account.zone)


def _longest_in_utc(_account: Account, window: Window) -> list[Window]:
    return window.by_hours(LONGEST_HOURS, _UTC)


def _days(_account: Account, window: Window) -> list[Window]:
    return window.each_day()


def _conversation_windows(account: Account, window: Window) -> list[Window]:
    """Few named conversations go by the longest range; discovered ones by day: a killed run loses a day."""
    return _days(account, window) if "events" in account.enabled_streams else _longest(account, window)


PROVIDER = Provider(
    name="chatlayer",
    account=ChatlayerAccount,
    # no limit is published: 5 at once
    limits=RequestLimits(requests=None, period_seconds=60, concurrency=5),
    streams={
        **{stream: Stream(windows=_longest, fetch=_series(stream)) for stream in SERIES},
        "insights": Stream(windows=_days, fetch=_insights),
        "intents": Stream(windows=_days, fetch=_intents),
        "team_usage": Stream(windows=_longest_in_utc, fetch=_team_usage),
        "events": Stream(windows=_conversation_windows, fetch=_events),
        "flow": Stream(windows=_conversation_windows, fetch=_flow),
    },
    probe=_probe,
)
