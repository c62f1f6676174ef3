"""ChatDash's wire: one analytics query for one local day, with a list of metrics. What they mean is not decided here.

Source: the vendor's public API reference (analytics query). The bucket of ``counts[]`` is unpublished, so each local
day is asked for on its own; ``endTime`` is taken to be inside the range. A metric that the account's platform refuses
with a 400 is left out for the rest of the run.
"""

import asyncio
import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import quote

from pydantic import Field, SecretStr

from extractors.account import Account, BaseUrl, Credential, PathId
from extractors.errors import RequestRefused
from extractors.http.limits import RequestLimits
from extractors.http.messages import Response
from extractors.http.session import Session
from extractors.landing.zone import BatchWriter
from extractors.registry import Provider, Stream
from extractors.windows import Window, rfc3339

log = logging.getLogger("chatmart.extractors")

STREAM = "analytics"
METRICS = (
    "conversations",
    "conversationByCountry",  # so spelled; its answer is called conversationsByCountry
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

Group = tuple[str, ...]


class ChatdashAccount(Account):
    """A ChatDash project."""

    PROVIDER: ClassVar[str] = "chatdash"
    STREAMS: ClassVar[tuple[str, ...]] = (STREAM,)

    base_url: BaseUrl = "https://api.chat-dash.com/v1/public"
    project_id: PathId = Field(description="The project's id")
    api_key: SecretStr = Field(description="The project's API key")

    @property
    def external_id(self) -> str:
        """The project's id."""
        return self.project_id

    def credential(self) -> Credential:
        """The bare key, without a scheme."""
        return Credential(headers={"Authorization": self.api_key.get_secret_value()})

    def default_streams(self) -> tuple[str, ...]:
        """The one stream there is."""
        return (STREAM,)


@dataclass
class _Known:
    """What a run has learnt of an account: the lists of metrics that are answered, and the metrics that are not.

    There is more than one list only when the provider refuses metrics together that it answers apart. ``hopeless``
    holds refusals that were no metric's fault.
    """

    groups: tuple[Group, ...] = (METRICS,)
    refused: list[str] = field(default_factory=list)
    hopeless: set[bytes] = field(default_factory=set)
    lessons: int = 0
    learning: asyncio.Lock = field(default_factory=asyncio.Lock)


async def _fetch(session: Session, window: Window, batch: BatchWriter) -> dict[str, Any] | None:
    known: _Known = session.run_state.setdefault("chatdash.metrics", _Known())
    for answer in await _answers(session, window, known):
        batch.add(answer)
    return {"refused": sorted(known.refused)} if known.refused else None


async def _answers(session: Session, window: Window, known: _Known) -> list[Response]:
    """A day's answers. The first day goes alone, so that not every day runs into the same refusal."""
    while True:
        lessons = known.lessons
        if lessons:
            try:
                return [await _ask(session, window, group) for group in known.groups]
            except RequestRefused as refused:
                if refused.status != 400:
                    raise
        async with known.learning:
            if known.lessons == lessons:  # else another day has learnt meanwhile
                return await _learn(session, window, known)


async def _learn(session: Session, window: Window, known: _Known) -> list[Response]:
    """Find out what is answered, and remember it. Raises the refusal when every single metric is refused."""
    wanted = [metric for group in known.groups for metric in group]
    refusals: dict[str, RequestRefused] = {}
    answers = await _tried(session, window, wanted, known, refusals)
    if not answers:
        refused = next(iter(refusals.values()))
        known.hopeless.add(refused.body)
        raise refused
    kept = tuple(metric for metric in wanted if metric not in refusals)
    groups = tuple(_metrics_of(answer) for answer in answers)
    if len(groups) > 1 and refusals:  # found by halves: what is left may be asked for at once
        try:
            answers, groups = [await _ask(session, window, kept)], (kept,)
        except RequestRefused as together:
            if together.status != 400:
                raise
    known.groups = groups
    known.refused += refusals
    known.lessons += 1
    if refusals:
        where, names = session.where(STREAM), ", ".join(refusals)
        log.warning("%s: the provider refuses %s; their columns stay empty", where, names)
    return answers


async def _tried(
    session: Session, window: Window, metrics: Sequence[str], known: _Known, refusals: dict[str, RequestRefused]
) -> list[Response]:
    """Answers to as many of the metrics as are answered; the others go to ``refusals``."""
    if not metrics:
        return []
    try:
        return [await _ask(session, window, tuple(metrics))]
    except RequestRefused as error:
        if error.status != 400 or error.body in known.hopeless:
            raise
        refused = error
    culprit = metrics[0] if len(metrics) == 1 else _named(refused, metrics)
    if culprit:
        refusals[culprit] = refused
        return await _tried(session, window, [each for each in metrics if each != culprit], known, refusals)
    half = (len(metrics) + 1) // 2
    first = await _tried(session, window, metrics[:half], known, refusals)
    return [*first, *await _tried(session, window, metrics[half:], known, refusals)]


def _named(refused: RequestRefused, metrics: Sequence[str]) -> str | None:
    """The one metric that a refusal names; None when it names none, or several (it may list what is allowed)."""
    words = set(re.findall(r"\w+", refused.body.decode(errors="replace")))
    found = [metric for metric in metrics if metric in words]
    return found[0] if len(found) == 1 else None


async def _ask(session: Session, window: Window, metrics: Group) -> Response:
    zone = session.account.zone
    times = {"startTime": rfc3339(window.first_instant(zone)), "endTime": rfc3339(window.last_millisecond(zone))}
    path = f"/projects/{quote(session.account.external_id, safe='')}/analytics/query"
    body = {"query": [{"metrics": list(metrics), "filter": times}]}
    return await session.request(STREAM, "POST", path, body=body, context={"metrics": list(metrics)})


async def _probe(session: Session, window: Window) -> Response:
    return await _ask(session, window, METRICS[:1])


def _metrics_of(answer: Response) -> Group:
    return tuple(answer.context["metrics"])


def _days(_account: Account, window: Window) -> list[Window]:
    return window.each_day()


PROVIDER = Provider(
    name="chatdash",
    account=ChatdashAccount,
    # no limit is published: 60 a minute
    limits=RequestLimits(requests=60, period_seconds=60, concurrency=4),
    streams={STREAM: Stream(windows=_days, fetch=_fetch)},
    probe=_probe,
)
