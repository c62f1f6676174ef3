"""The declaration of ChatCaptain: its streams, their windows and its limits. No request is built here.

Requests: ``chatcaptain.reports`` and ``chatcaptain.export``.
"""

from extractors.chatcaptain.account import ChatcaptainAccount
from extractors.chatcaptain.export import fetch_export
from extractors.chatcaptain.reports import (
    fetch_channel_reports,
    fetch_channels,
    fetch_inbox,
    fetch_overview,
    request_channels,
)
from extractors.http.limits import RequestLimits
from extractors.http.messages import Response
from extractors.http.session import Session
from extractors.provider import Provider, Stream
from extractors.windows import Window, split_by_day, split_by_month


async def _probe(session: Session[ChatcaptainAccount], window: Window) -> Response | None:
    """Request the channel list; return None for an account of exports alone, whose probe would start a job."""
    if session.account.enabled_streams == ("export",):
        return None
    return await request_channels(session, window)


def _keep_whole(_account: ChatcaptainAccount, window: Window) -> list[Window]:
    return [window]


PROVIDER = Provider(
    name="chatcaptain",
    account=ChatcaptainAccount,
    # no limit is published; the export itself keeps to one job at a time
    limits=RequestLimits(requests=None, period_seconds=60, concurrency=4),
    streams={
        "channels": Stream(windows=_keep_whole, fetch=fetch_channels),
        "overview_report": Stream(windows=split_by_day, fetch=fetch_overview),
        "channel_report": Stream(windows=split_by_day, fetch=fetch_channel_reports),
        "inbox": Stream(windows=split_by_day, fetch=fetch_inbox),
        "export": Stream(windows=split_by_month, fetch=fetch_export),
    },
    probe=_probe,
)
