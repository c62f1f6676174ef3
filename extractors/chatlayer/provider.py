"""Requests to Chatlayer (Sinch): series in UTC buckets, insights, intents, team usage. No meaning is decided here.

Source: the vendor's analytics reference. The API is a gRPC gateway: a field that is zero or empty may be left out.
Events and flows: ``extractors.chatlayer.events``.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import quote

from extractors.chatlayer.account import SERIES, ChatlayerAccount
from extractors.chatlayer.buckets import (
    UTC_ZONE,
    build_bucket_query,
    build_range_query,
    split_by_longest_range,
    split_by_longest_utc_range,
)
from extractors.chatlayer.contexts import TeamUsageContext
from extractors.chatlayer.events import fetch_events, fetch_flows, split_for_conversations
from extractors.chatlayer.paging import INTENT_PAGES, PAGE_SIZE, read_pages
from extractors.errors import ShapeError
from extractors.http.limits import RequestLimits
from extractors.http.messages import Response
from extractors.http.session import Session
from extractors.landing.writer import BatchWriter
from extractors.provider import Provider, Stream
from extractors.windows import Window, split_by_day

STATS = ("num_conversations", "duration_seconds", "num_messages")
TEAM_FIELDS = ("bot_id", "bot_version", "channel_type", "language")

_Session = Session[ChatlayerAccount]


def _build_series_fetch(stream: str) -> Callable[[_Session, Window, BatchWriter], Awaitable[dict[str, Any] | None]]:
    async def fetch(session: _Session, window: Window, batch: BatchWriter) -> None:
        batch.add(await _request_series(session, stream, window))

    return fetch


async def _request_series(session: _Session, stream: str, window: Window) -> Response:
    endpoint, grouping = SERIES[stream]
    account = session.account
    bucket_query = build_bucket_query(window, account.zone, "1d" if account.has_utc_days else "1h")
    query = {"version": account.version, **bucket_query, **grouping}
    return await session.request(stream, "GET", account.bot_path(endpoint), query=query)


async def _fetch_insights(session: _Session, window: Window, batch: BatchWriter) -> None:
    path = session.account.bot_path("conversations", "insights")
    query = build_range_query(session.account, window)
    requests = (session.request("insights", "GET", path, query={**query, "stat": stat}) for stat in STATS)
    for response in await asyncio.gather(*requests):
        batch.add(response)


async def _fetch_intents(session: _Session, window: Window, batch: BatchWriter) -> None:
    """Land the pages of a day's intents.

    An intent that comes twice has moved while the pages were read, and others may have been missed: the pages are read
    a second time, once. Raises ShapeError, after landing the pages, when one comes twice again.
    """
    path = session.account.bot_path("intents")
    query = {**build_range_query(session.account, window), "first": str(PAGE_SIZE)}
    pages = await read_pages(session, "intents", path, query, INTENT_PAGES)
    if pages.repeated_key is not None:
        pages = await read_pages(session, "intents", path, query, INTENT_PAGES)
    for response in pages.responses:
        batch.add(response)
    if pages.error:
        raise pages.error
    if pages.repeated_key is not None:
        problem = "comes twice in the pages of a day, also when they are read a second time"
        raise ShapeError(session.where("intents"), "$.data[].intent_id", problem, pages.repeated_key)


async def _fetch_team_usage(session: _Session, window: Window, batch: BatchWriter) -> None:
    batch.add(await _request_team_usage(session, window))


async def _request_team_usage(session: _Session, window: Window) -> Response:
    team_id = str(session.account.team_id)
    query = {**build_bucket_query(window, UTC_ZONE, "1d"), "group_by": ",".join(TEAM_FIELDS)}
    path = f"/v1/teams/{quote(team_id, safe='')}/conversations"
    context: TeamUsageContext = {"team_id": team_id}
    return await session.request("team_usage", "GET", path, query=query, context=context)


async def _probe(session: _Session, window: Window) -> Response:
    enabled = session.account.enabled_streams
    if enabled == ("team_usage",):  # the token may open the team and no bot
        return await _request_team_usage(session, window)
    series = next((stream for stream in SERIES if stream in enabled), "conversations")
    return await _request_series(session, series, window)


PROVIDER = Provider(
    name="chatlayer",
    account=ChatlayerAccount,
    # no limit is published: 5 at once
    limits=RequestLimits(requests=None, period_seconds=60, concurrency=5),
    streams={
        **{stream: Stream(windows=split_by_longest_range, fetch=_build_series_fetch(stream)) for stream in SERIES},
        "insights": Stream(windows=split_by_day, fetch=_fetch_insights),
        "intents": Stream(windows=split_by_day, fetch=_fetch_intents),
        "team_usage": Stream(windows=split_by_longest_utc_range, fetch=_fetch_team_usage),
        "events": Stream(windows=split_for_conversations, fetch=fetch_events),
        "flow": Stream(windows=split_for_conversations, fetch=fetch_flows),
    },
    probe=_probe,
)
