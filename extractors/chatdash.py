"""ChatDash's wire: one analytics query for each local day. What a metric means is not decided here.

Source: the vendor's public API reference (analytics query). The buckets of ``counts`` are not documented, so a query
covers one local day and its totals are read. A metric that the platform refuses is left out for the rest of the run.
"""

import asyncio
import re
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import SecretStr

from extractors.accounts import Account, BaseUrl, Credential, PathId
from extractors.answers import Answer, provider_message
from extractors.errors import RequestRefused
from extractors.http import Session
from extractors.landing import BatchWriter
from extractors.limits import Limits
from extractors.registry import Provider, Stream
from extractors.windows import Window, rfc3339

STREAM = "analytics"
METRICS = (
    "conversations",
    "conversationByCountry",  # asked for in the singular, answered in the plural
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


class ChatdashAccount(Account):
    """A ChatDash project (agent)."""

    PROVIDER: ClassVar[str] = "chatdash"
    STREAMS: ClassVar[tuple[str, ...]] = (STREAM,)

    base_url: BaseUrl = "https://api.chat-dash.com/v1/public"
    project_id: PathId
    api_key: SecretStr

    @property
    def external_id(self) -> str:
        """The project's id."""
        return self.project_id

    def credential(self) -> Credential:
        """The key as it is, without a scheme before it."""
        return Credential(headers={"Authorization": self.api_key.get_secret_value()})

    def default_streams(self) -> tuple[str, ...]:
        """All."""
        return self.STREAMS


@dataclass
class _Accepted:
    """The metrics that the platform has not refused in this run; ``learning`` is held until the first answer."""

    metrics: tuple[str, ...] = METRICS
    answered: bool = False
    learning: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def refused(self) -> list[str]:
        return [metric for metric in METRICS if metric not in self.metrics]


def _days(_account: Account, window: Window) -> list[Window]:
    return window.each_day()


async def _fetch(session: Session, window: Window, batch: BatchWriter) -> dict[str, Any] | None:
    accepted: _Accepted = session.memory.setdefault("accepted", _Accepted())
    if not accepted.answered:
        async with accepted.learning:
            answer = await _ask_and_learn(session, window, accepted)
            accepted.answered = True
    else:
        answer = await _ask_and_learn(session, window, accepted)
    batch.add(answer)
    return {"refused": accepted.refused} if accepted.refused else None


async def _ask_and_learn(session: Session, window: Window, accepted: _Accepted) -> Answer:
    """Ask for all accepted metrics; what a 400 refuses is left out, found by its name or by halving the list."""
    while True:
        metrics = accepted.metrics
        try:
            return await _ask(session, window, metrics)
        except RequestRefused as error:
            if error.status not in (400, 422):
                raise
            named = _named(error, metrics)
            if named is not None:
                left = tuple(metric for metric in metrics if metric != named)
            else:
                left = await _accepted_of(session, window, metrics, refused=True)
            if not left or left == metrics:
                raise  # it is not about single metrics
            accepted.metrics = tuple(metric for metric in accepted.metrics if metric in left)


async def _accepted_of(session: Session, window: Window, metrics: tuple[str, ...], *, refused: bool) -> tuple[str, ...]:
    """Those of the metrics that are answered when asked for in ever smaller halves."""
    if not refused:
        try:
            await _ask(session, window, metrics)
        except RequestRefused as error:
            if error.status not in (400, 422):
                raise
        else:
            return metrics
    if len(metrics) == 1:
        return ()
    middle = len(metrics) // 2
    return (
        *await _accepted_of(session, window, metrics[:middle], refused=False),
        *await _accepted_of(session, window, metrics[middle:], refused=False),
    )


def _named(error: RequestRefused, metrics: tuple[str, ...]) -> str | None:
    """The one metric that the refusal names; None when it names none, or several."""
    words = set(re.findall(r"\w+", provider_message(error.body)))
    named = [metric for metric in metrics if metric in words]
    return named[0] if len(named) == 1 else None


async def _ask(session: Session, window: Window, metrics: tuple[str, ...]) -> Answer:
    zone = session.account.zone
    limits = {"startTime": rfc3339(window.first_instant(zone)), "endTime": rfc3339(window.last_millisecond(zone))}
    path = f"/projects/{quote(session.account.external_id, safe='')}/analytics/query"
    return await session.ask(STREAM, "POST", path, body={"query": [{"metrics": list(metrics), "filter": limits}]})


PROVIDER = Provider(
    name="chatdash",
    account=ChatdashAccount,
    # the limit is not published; this is a rate that no public API minds
    limits=Limits(requests=60, period_seconds=60, concurrency=4),
    streams={STREAM: Stream(windows=_days, fetch=_fetch)},
)
