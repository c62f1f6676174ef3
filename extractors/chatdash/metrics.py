"""ChatDash's metrics: requests for them, and the search for those that an account's platform refuses.

The provider refuses a whole query with a 400 when it refuses one of its metrics. The refused metric is found by its
name in the refusal, else by halving the list. The meaning of the metrics is not decided here.
"""

import asyncio
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

from extractors.chatdash.account import STREAM, ChatdashAccount
from extractors.chatdash.contexts import AnalyticsContext
from extractors.errors import RequestRefused
from extractors.http.messages import Response
from extractors.http.session import Session
from extractors.windows import Window, format_rfc3339

log = logging.getLogger("chatmart.extractors")

METRICS = (
    "conversations",
    "conversationByCountry",  # spelled so; its response is called conversationsByCountry
    "uniqueIps",
    "totalCallDuration",
    "totalCost",
    "averageCost",
    "endedReason",
    "topMisunderstoodMessages",
    "topTopics",
    "interactions",
    "incomingTextMessages",
    "tokens",
    "topIntents",
    "understoodMessages",
    "averageInteractions",
)

MetricGroup = tuple[str, ...]
"""Metrics that are requested together."""


@dataclass
class MetricSupport:
    """The metrics that an account's platform supports, as learnt in this run.

    ``groups`` holds more than one group only when the provider refuses metrics together that it accepts apart.
    ``unrelated_refusals`` are bodies of refusals that no single metric caused. ``version`` counts the changes.
    """

    groups: tuple[MetricGroup, ...] = (METRICS,)
    refused: list[str] = field(default_factory=list)
    unrelated_refusals: set[bytes] = field(default_factory=set)
    version: int = 0
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)


async def request_metrics(session: Session[ChatdashAccount], window: Window, metrics: MetricGroup) -> Response:
    """Request a group of metrics for a window of local days. Raises RequestRefused when one of them is refused."""
    zone = session.account.zone
    times = {
        "startTime": format_rfc3339(window.first_instant(zone)),
        "endTime": format_rfc3339(window.last_millisecond(zone)),
    }
    path = f"/projects/{quote(session.account.project_id, safe='')}/analytics/query"
    body = {"query": [{"metrics": list(metrics), "filter": times}]}
    context: AnalyticsContext = {"metrics": list(metrics)}
    return await session.request(STREAM, "POST", path, body=body, context=context)


async def request_day(session: Session[ChatdashAccount], window: Window, support: MetricSupport) -> list[Response]:
    """Return a day's responses, one for each group of supported metrics. Raises RequestRefused when none is supported.

    The first day goes alone, so that not every day runs into the same refusal.
    """
    while True:
        version = support.version
        if version:
            try:
                return [await request_metrics(session, window, group) for group in support.groups]
            except RequestRefused as refusal:
                if refusal.status != 400:
                    raise
        async with support.lock:
            if support.version == version:  # otherwise another day has updated it meanwhile
                return await _learn_support(session, window, support)


async def _learn_support(session: Session[ChatdashAccount], window: Window, support: MetricSupport) -> list[Response]:
    """Find the supported metrics, store them in ``support``, and return their responses.

    Raises the first RequestRefused when every single metric is refused.
    """
    metrics = [metric for group in support.groups for metric in group]
    refusals: dict[str, RequestRefused] = {}
    responses = await _request_supported(session, window, metrics, support, refusals)
    if not responses:
        first_refusal = next(iter(refusals.values()))
        support.unrelated_refusals.add(first_refusal.body)
        raise first_refusal
    if len(responses) > 1 and refusals:  # found by halving: the supported metrics may be accepted together
        together = tuple(metric for metric in metrics if metric not in refusals)
        try:
            responses = {together: await request_metrics(session, window, together)}
        except RequestRefused as refusal:
            if refusal.status != 400:
                raise
    support.groups = tuple(responses)
    support.refused += refusals
    support.version += 1
    if refusals:
        where, names = session.where(STREAM), ", ".join(refusals)
        log.warning("%s: the provider refuses %s; their columns stay empty", where, names)
    return list(responses.values())


async def _request_supported(
    session: Session[ChatdashAccount],
    window: Window,
    metrics: Sequence[str],
    support: MetricSupport,
    refusals: dict[str, RequestRefused],
) -> dict[MetricGroup, Response]:
    """Return the responses of the supported metrics by group; add the other metrics to ``refusals``."""
    if not metrics:
        return {}
    group = tuple(metrics)
    try:
        return {group: await request_metrics(session, window, group)}
    except RequestRefused as error:
        if error.status != 400 or error.body in support.unrelated_refusals:
            raise
        refusal = error
    refused = group[0] if len(group) == 1 else _find_named_metric(refusal, group)
    if refused:
        refusals[refused] = refusal
        others = [metric for metric in group if metric != refused]
        return await _request_supported(session, window, others, support, refusals)
    middle = (len(group) + 1) // 2
    first_half = await _request_supported(session, window, group[:middle], support, refusals)
    return first_half | await _request_supported(session, window, group[middle:], support, refusals)


def _find_named_metric(refusal: RequestRefused, metrics: Sequence[str]) -> str | None:
    """Return the one metric that a refusal names; None when it names none, or several (a list of allowed ones)."""
    words = set(re.findall(r"\w+", refusal.body.decode(errors="replace")))
    named = [metric for metric in metrics if metric in words]
    return named[0] if len(named) == 1 else None
