"""ChatCaptain's channels, its two reports and its inbox. Exports of single conversations: ``chatcaptain.export``.

Source: the vendor's REST reference. Reports and inbox return one number per request, so one local day per request,
with the interval that is documented for single days. A component id means a different thing in each report.
"""

import asyncio
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Any

from extractors.chatcaptain.account import CALL_TYPES, ChatcaptainAccount
from extractors.chatcaptain.client import build_range_query, request_statistics
from extractors.chatcaptain.contexts import ChannelReportContext
from extractors.errors import ShapeError
from extractors.http.messages import BodyRules, Response
from extractors.http.session import Session
from extractors.json_body import replace_lone_surrogates
from extractors.json_values import require_id
from extractors.landing.writer import BatchWriter
from extractors.windows import Window

INTERVAL = "3600"
OVERVIEW_COMPONENTS = range(17)
CHANNEL_COMPONENTS = range(16)
CALL_COMPONENTS = range(16, 23)

_Session = Session[ChatcaptainAccount]


@dataclass(frozen=True)
class ListedChannel:
    """A listed channel; ``type`` is empty when the provider reports none."""

    id: str
    type: str


def parse_channels(session: _Session, response: Response) -> list[ListedChannel]:
    """Return the listed channels, each id once.

    Accepts an array, or ``{channels: [...]}``, of ``{id, type, ...}``; raises ShapeError for any other shape, and for
    an id that comes with two types.
    """
    where = session.where("channels")
    body = response.root
    if isinstance(body, dict) and "channels" in body:
        body = body["channels"]
    if not isinstance(body, list):
        raise ShapeError(where, "channels", "is no array of channels", body)
    channels: dict[str, ListedChannel] = {}
    for index, entry in enumerate(body):
        field = f"channels[{index}]"
        if not isinstance(entry, dict) or "type" not in entry:
            raise ShapeError(where, field, "is no channel with id and type", entry)
        channel_id, channel_type = require_id(where, f"{field}.id", entry.get("id")), entry["type"]
        if channel_type is not None and not isinstance(channel_type, str):
            raise ShapeError(where, f"{field}.type", "is not a text", channel_type)
        # both are parts of requests and keys of rows
        channel_id = replace_lone_surrogates(channel_id)
        channel = ListedChannel(channel_id, replace_lone_surrogates(channel_type or ""))
        if channels.setdefault(channel_id, channel) != channel:
            problem = f"is not the type of an earlier entry with the id {channel_id}, {channels[channel_id].type!r}"
            raise ShapeError(where, f"{field}.type", problem, channel_type)
    return list(channels.values())


async def request_channels(session: _Session, window: Window) -> Response:
    """Request a window's channel list, without the channels' credentials. Raises as ``request_statistics`` does."""
    query, rules = build_range_query(session.account, window), BodyRules(is_listing=True)
    return await request_statistics(session, "channels", "channels", query, body_rules=rules)


async def _share_channels(session: _Session, window: Window) -> Response:
    """Return the channel list, requested once in a run by the first stream that needs it."""
    if "channels" not in session.run_state:
        session.run_state["channels"] = asyncio.ensure_future(request_channels(session, window))
    response: Response = await session.run_state["channels"]
    return response


async def fetch_channels(session: _Session, window: Window, batch: BatchWriter) -> dict[str, Any]:
    """Land the channel list; return the number of channels. Raises ShapeError."""
    response = await _share_channels(session, window)
    batch.add(response)
    return {"channels": len(parse_channels(session, response))}


async def fetch_channel_reports(session: _Session, window: Window, batch: BatchWriter) -> dict[str, Any]:
    """Land the channel list and one report for each channel of a local day; return the number of channels.

    The list comes first, because it names the channels for which there are no reports. Raises ShapeError.
    """
    listing = await _share_channels(session, window)
    batch.add(listing)
    channels = parse_channels(session, listing)

    def request_report(channel: ListedChannel) -> Awaitable[Response]:
        has_calls = channel.type.casefold() in CALL_TYPES
        components = [*CHANNEL_COMPONENTS, *(CALL_COMPONENTS if has_calls else ())]
        query = {**_build_report_query(session.account, window, components), "channelId": channel.id}
        context: ChannelReportContext = {"channel_id": channel.id, "channel_type": channel.type}
        return request_statistics(session, "channel_report", "reports/channel", query, context=context)

    for response in await asyncio.gather(*map(request_report, channels)):
        batch.add(response)
    return {"channels": len(channels)}


async def fetch_overview(session: _Session, window: Window, batch: BatchWriter) -> None:
    """Land the overview report of a local day."""
    query = _build_report_query(session.account, window, [*OVERVIEW_COMPONENTS])
    batch.add(await request_statistics(session, "overview_report", "reports/overview", query))


async def fetch_inbox(session: _Session, window: Window, batch: BatchWriter) -> None:
    """Land the inbox numbers of a local day."""
    batch.add(await request_statistics(session, "inbox", "inbox", build_range_query(session.account, window)))


def _build_report_query(account: ChatcaptainAccount, window: Window, components: list[int]) -> dict[str, str]:
    component_ids = ",".join(map(str, components))
    return {**build_range_query(account, window), "interval": INTERVAL, "components": component_ids}
