"""Requests to ChatDash: one analytics query for one local day. The meaning of the metrics is not decided here.

Source: the vendor's public API reference (analytics query). The bucket of ``counts[]`` is unpublished, so each local
day is requested on its own; ``endTime`` is taken to be inside the range. A metric that the account's platform refuses
with a 400 is left out for the rest of the run (``extractors.chatdash.metrics``).
"""

from typing import Any

from extractors.chatdash.account import STREAM, ChatdashAccount
from extractors.chatdash.metrics import METRICS, MetricSupport, request_day, request_metrics
from extractors.http.limits import RequestLimits
from extractors.http.messages import Response
from extractors.http.session import Session
from extractors.landing.writer import BatchWriter
from extractors.provider import Provider, Stream
from extractors.windows import Window, split_by_day


async def _fetch(session: Session[ChatdashAccount], window: Window, batch: BatchWriter) -> dict[str, Any] | None:
    support: MetricSupport = session.run_state.setdefault("chatdash.metrics", MetricSupport())
    for response in await request_day(session, window, support):
        batch.add(response)
    return {"refused": sorted(support.refused)} if support.refused else None


async def _probe(session: Session[ChatdashAccount], window: Window) -> Response:
    return await request_metrics(session, window, METRICS[:1])


PROVIDER = Provider(
    name="chatdash",
    account=ChatdashAccount,
    # no limit is published: 60 a minute
    limits=RequestLimits(requests=60, period_seconds=60, concurrency=4),
    streams={STREAM: Stream(windows=split_by_day, fetch=_fetch)},
    probe=_probe,
)
