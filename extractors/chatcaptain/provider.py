"""ChatCaptain's wire: channels, the two reports and the inbox. Exports stand in ``chatcaptain_export``.

Source: the vendor's REST reference. Reports and inbox answer per request, so one local day per request, with the
interval that is documented for single days. A component id means a different thing in each report.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from extractors.account import Account
from extractors.chatcaptain.account import CALL_TYPES, ChatcaptainAccount, build_range_query, request_statistics
from extractors.chatcaptain.export import fetch_export
from extractors.errors import ShapeError
from extractors.http.limits import RequestLimits
from extractors.http.messages import Response
from extractors.http.session import Session
from extractors.landing.zone import BatchWriter
from extractors.registry import Provider, Stream
from extractors.windows import Window

INTERVAL = "3600"
OVERVIEW_COMPONENTS = range(17)
CHANNEL_COMPONENTS = range(16)
CALL_COMPONENTS = range(16, 23)


@dataclass(frozen=True)
class ListedChannel:
    """A listed channel; ``type`` is empty when the provider tells none."""

    id: str
    type: str


def parse_channels(session: Session, answer: Response) -> list[ListedChannel]:
    """The channels of an answer: an array, or ``{channels: [...]}``, of ``{id, type, ...}``; each id once."""
    where = session.where("channels")
    body = remove_tokens(answer.json())
    if isinstance(body, dict) and "channels" in body:
        body = body["channels"]
    if not isinstance(body, list):
        raise ShapeError(where, "channels", "is no array of channels", body)
    found: dict[str, ListedChannel] = {}
    for index, entry in enumerate(body):
        field = f"channels[{index}]"
        if not isinstance(entry, dict) or "type" not in entry:
            raise ShapeError(where, field, "is no channel with id and type", entry)
        told_id, told_type = entry.get("id"), entry["type"]
        if isinstance(told_id, bool) or not isinstance(told_id, int | str) or told_id == "":
            raise ShapeError(where, f"{field}.id", "is no id", told_id)
        if told_type is not None and not isinstance(told_type, str):
            raise ShapeError(where, f"{field}.type", "is not a text", told_type)
        found.setdefault(str(told_id), ListedChannel(str(told_id), told_type or ""))
    return list(found.values())


def remove_tokens(value: Any) -> Any:
    """A JSON value without the secret tokens of channel objects, at any depth."""
    if isinstance(value, dict):
        return {key: remove_tokens(inner) for key, inner in value.items() if not key.casefold().endswith("token")}
    if isinstance(value, list):
        return [remove_tokens(inner) for inner in value]
    return value


async def _channel_list(session: Session, window: Window) -> Response:
    """The channel list, asked for once in a run, whichever stream needs it first."""
    if "channels" not in session.run_state:
        asking = request_statistics(session, "channels", "channels", build_range_query(session, window))
        session.run_state["channels"] = asyncio.ensure_future(asking)
    answer: Response = await session.run_state["channels"]
    return answer


def _land_channels(batch: BatchWriter, answer: Response) -> None:
    cleaned = remove_tokens(answer.json())
    batch.add(answer, json.dumps(cleaned, ensure_ascii=False, separators=(",", ":")).encode())


async def _fetch_channels(session: Session, window: Window, batch: BatchWriter) -> dict[str, Any]:
    answer = await _channel_list(session, window)
    _land_channels(batch, answer)
    return {"channels": len(parse_channels(session, answer))}


async def _fetch_channel_reports(session: Session, window: Window, batch: BatchWriter) -> dict[str, Any]:
    """One answer per listed channel, after the list itself: it says for which types nothing could be asked."""
    listing = await _channel_list(session, window)
    _land_channels(batch, listing)
    channels = parse_channels(session, listing)

    def report(channel: ListedChannel) -> Awaitable[Response]:
        calls = channel.type.casefold() in CALL_TYPES
        components = [*CHANNEL_COMPONENTS, *(CALL_COMPONENTS if calls else ())]
        query = {**_report_query(session, window, components), "channelId": channel.id}
        context = {"channel_id": channel.id, "channel_type": channel.type}
        return request_statistics(session, "channel_report", "reports/channel", query, context=context)

    for answer in await asyncio.gather(*map(report, channels)):
        batch.add(answer)
    return {"channels": len(channels)}


async def _fetch_overview(session: Session, window: Window, batch: BatchWriter) -> None:
    query = _report_query(session, window, [*OVERVIEW_COMPONENTS])
    batch.add(await request_statistics(session, "overview_report", "reports/overview", query))


async def _fetch_inbox(session: Session, window: Window, batch: BatchWriter) -> None:
    batch.add(await request_statistics(session, "inbox", "inbox", build_range_query(session, window)))


async def _probe(session: Session, window: Window) -> Response | None:
    """The channel list; None for an account that pulls exports only, which cannot be asked for without starting one."""
    if session.account.enabled_streams == ("export",):
        return None
    return await request_statistics(session, "channels", "channels", build_range_query(session, window))


def _report_query(session: Session, window: Window, components: list[int]) -> dict[str, str]:
    wanted = ",".join(map(str, components))
    return {**build_range_query(session, window), "interval": INTERVAL, "components": wanted}


def _whole(_account: Account, window: Window) -> list[Window]:
    return [window]


def _days(_account: Account, window: Window) -> list[Window]:
    return window.each_day()


def _months(_account: Account, window: Window) -> list[Window]:
    return window.months()


_Cut = Callable[[Account, Window], list[Window]]
_Fetch = Callable[[Session, Window, BatchWriter], Awaitable[dict[str, Any] | None]]
_STREAMS: dict[str, tuple[_Cut, _Fetch]] = {
    "channels": (_whole, _fetch_channels),
    "overview_report": (_days, _fetch_overview),
    "channel_report": (_days, _fetch_channel_reports),
    "inbox": (_days, _fetch_inbox),
    "export": (_months, fetch_export),
}

PROVIDER = Provider(
    name="chatcaptain",
    account=ChatcaptainAccount,
    # no limit is published; one export at a time is kept by the export itself
    limits=RequestLimits(requests=None, period_seconds=60, concurrency=4),
    streams={name: Stream(windows=cut, fetch=fetch) for name, (cut, fetch) in _STREAMS.items()},
    probe=_probe,
)
