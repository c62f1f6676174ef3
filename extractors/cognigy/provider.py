"""Requests to Cognigy: billing counters by calendar month. The meaning of the counters is not decided here.

Source: the vendor's REST reference (conversationcounter, callcounter, knowledgequerycounter). One response covers every
day of a month. Days follow the organisation's billing zone, which is the account's ``timezone``.
"""

from collections.abc import Awaitable, Callable
from typing import Any

from extractors.cognigy.account import COUNTERS, CognigyAccount
from extractors.http.limits import RequestLimits
from extractors.http.messages import Response
from extractors.http.session import Session
from extractors.landing.writer import BatchWriter
from extractors.provider import Provider, Stream
from extractors.windows import Window, split_by_month


def _build_fetch(
    stream: str,
) -> Callable[[Session[CognigyAccount], Window, BatchWriter], Awaitable[dict[str, Any] | None]]:
    async def fetch(session: Session[CognigyAccount], window: Window, batch: BatchWriter) -> None:
        batch.add(await _request_counter(session, stream, window))

    return fetch


async def _request_counter(session: Session[CognigyAccount], stream: str, window: Window) -> Response:
    path = COUNTERS[stream].format(project=session.account.project_id)
    month = {"year": str(window.start.year), "month": str(window.start.month)}
    return await session.request(stream, "GET", path, query=month)


async def _probe(session: Session[CognigyAccount], window: Window) -> Response:
    return await _request_counter(session, session.account.enabled_streams[0], window)


PROVIDER = Provider(
    name="cognigy",
    account=CognigyAccount,
    # 1,000 requests in 5 minutes by address: documented
    limits=RequestLimits(requests=1000, period_seconds=300, concurrency=4),
    streams={stream: Stream(windows=split_by_month, fetch=_build_fetch(stream)) for stream in COUNTERS},
    probe=_probe,
)
