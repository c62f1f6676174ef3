"""Inkeep's wire: single conversations, complete although answers are cut off, and daily aggregates. No meaning here.

Source: the vendor's analytics reference (conversations query). There is no limit, offset or cursor: an answer whose
``total`` is above its ``count`` lacks rows. Its range is halved then, down to one millisecond (the finest that a
filter is written with), and read on by id below that.
"""

import asyncio
from collections.abc import Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, ClassVar, TypeVar, cast
from zoneinfo import ZoneInfo

from pydantic import Field, SecretStr, model_validator

from extractors.account import Account, BaseUrl, Credential
from extractors.errors import RequestRefused, ShapeError, Transient
from extractors.http.limits import RequestLimits
from extractors.http.messages import Response
from extractors.http.session import Session
from extractors.inkeep.paging import Page, parse_page
from extractors.landing.zone import BatchWriter
from extractors.registry import Provider, Stream
from extractors.windows import Window, day_start, rfc3339

PATH = "/query/conversations"
TIME = "firstMessageTime"
FIELDS = ("id", TIME, "userMessageCount", "type", "projectId", "integrationId", "properties", "userProperties")
ROWS = [{"type": "field", "field": name} for name in FIELDS]
AGGREGATES = [
    {"type": "aggregation", "aggregation": "count"},
    {"type": "aggregation", "aggregation": "sum", "field": "userMessageCount"},
    {"type": "aggregation", "aggregation": "countDistinct", "field": "userProperties", "path": ["userId"]},
]
BY_DAY = {"type": "time", "timeUnit": "day", "field": TIME}
MILLISECOND = timedelta(milliseconds=1)
READINGS = 3  # rows may come and go while a range is read in parts

_UTC = ZoneInfo("UTC")
_T = TypeVar("_T")


class InkeepAccount(Account):
    """What an Inkeep key opens; the provider tells no id of it."""

    PROVIDER: ClassVar[str] = "inkeep"
    STREAMS: ClassVar[tuple[str, ...]] = ("conversations", "conversation_totals")

    base_url: BaseUrl = "https://api.analytics.inkeep.com"
    api_key: SecretStr = Field(description="Key of the analytics API")
    detail: bool = Field(default=True, description="False: daily totals only, no single conversations")

    @model_validator(mode="after")
    def _detail_fits_streams(self) -> "InkeepAccount":
        if not self.detail and "conversations" in self.enabled_streams:
            raise ValueError("detail: false pulls no single conversations; leave `conversations` out of streams")
        return self

    @property
    def external_id(self) -> str:
        """Always the same: the key alone says whose conversations they are."""
        return "default"

    def credential(self) -> Credential:
        """The key as bearer token."""
        return Credential(headers={"Authorization": f"Bearer {self.api_key.get_secret_value()}"})

    def default_streams(self) -> tuple[str, ...]:
        """Conversations and their totals; the totals alone without ``detail``."""
        return self.STREAMS if self.detail else ("conversation_totals",)


@dataclass
class _Reading:
    """Asks about ranges for one batch; ``came`` keeps every answer, so that one that cannot be followed is landed."""

    session: Session
    stream: str
    came: list[Response] = field(default_factory=list)

    async def ask(
        self,
        start: datetime,
        end: datetime,
        query: Mapping[str, Any],
        context: Mapping[str, Any] | None = None,
        after: str | None = None,
    ) -> Response:
        """The query about ``[start, end)``, and of ids greater than ``after`` only."""
        where = [_condition(TIME, "gte", rfc3339(start)), _condition(TIME, "lt", rfc3339(end))]
        where += [] if after is None else [_condition("id", "gt", after)]
        body = {**query, "where": {"and": where}}
        answer = await self.session.request(self.stream, "POST", PATH, body=body, context=context)
        self.came.append(answer)
        return answer

    def land(self, batch: BatchWriter) -> None:
        """Land all that came."""
        for answer in self.came:
            batch.add(answer)


async def _conversations(session: Session, window: Window, batch: BatchWriter) -> dict[str, Any]:
    zone = session.account.zone
    reading = _Reading(session, "conversations")
    try:
        total, pages = await _every_row(reading, window.first_instant(zone), window.end_instant(zone))
    except ShapeError:
        reading.land(batch)
        raise
    for page in pages:
        batch.add(page.response)
    return {"total": total, "rows": _rows_in(pages), "answers": len(pages)}


async def _every_row(reading: _Reading, start: datetime, end: datetime) -> tuple[int, list[Page]]:
    """What the whole range told as its total, and pages that hold as many rows, oldest first."""
    for _ in range(READINGS):
        whole = await _in_order_of_time(reading, start, end)
        pages = await _parts(reading, start, end, whole)
        if _rows_in(pages) == whole.total:
            return whole.total, pages
    raise _unsteady(reading, start, end, whole.total, _rows_in(pages))


async def _parts(reading: _Reading, start: datetime, end: datetime, page: Page) -> list[Page]:
    """Pages that together hold the rows of a range of which ``page`` may lack some.

    Halves that do not add up are asked again, and not followed: behind a filter that does not filter there is no end.
    """
    if page.is_complete:
        return [page]
    if end - start <= MILLISECOND:
        return await _in_order_of_id(reading, start, end)
    middle = start + (end - start) // (2 * MILLISECOND) * MILLISECOND
    total = page.total
    for _ in range(READINGS):
        first, second = await _both(_in_order_of_time(reading, start, middle), _in_order_of_time(reading, middle, end))
        if first.total + second.total == total:
            parts = await _both(_parts(reading, start, middle, first), _parts(reading, middle, end, second))
            return [*parts[0], *parts[1]]
        total = (await _in_order_of_time(reading, start, end)).total
    raise _unsteady(reading, start, end, total, first.total + second.total)


def _rows_in(pages: Iterable[Page]) -> int:
    return sum(len(page.rows) for page in pages)


def _unsteady(reading: _Reading, start: datetime, end: datetime, told: int, found: int) -> Transient:
    return Transient(
        reading.session.where(reading.stream),
        f"{told} conversations are told for {rfc3339(start)} to {rfc3339(end)}, but its parts hold {found}",
        "they are being changed; run the same command again later",
    )


async def _in_order_of_time(reading: _Reading, start: datetime, end: datetime) -> Page:
    query = {"select": ROWS, "orderBy": [_ascending(TIME), _ascending("id")]}
    return parse_page(reading.session.where(reading.stream), await reading.ask(start, end, query))


async def _in_order_of_id(reading: _Reading, start: datetime, end: datetime) -> list[Page]:
    """Rows of one millisecond by id alone: their instants may differ by microseconds, and so would another order."""
    where = reading.session.where(reading.stream)
    query = {"select": ROWS, "orderBy": [_ascending("id")]}
    pages: list[Page] = []
    last: str | None = None
    seen: set[str] = set()
    while not pages or not pages[-1].is_complete:
        pages.append(parse_page(where, await reading.ask(start, end, query, after=last)))
        if pages[-1].rows:
            last = pages[-1].row_id(-1)
            if last in seen:
                raise ShapeError(where, "$.data.result", "does not go on after the id that was asked for", last)
            seen.add(last)
    return pages


async def _totals(session: Session, window: Window, batch: BatchWriter) -> None:
    reading = _Reading(session, "conversation_totals")
    try:
        answers = await _daily(reading, window)
    except ShapeError:
        reading.land(batch)
        raise
    for answer in answers:
        batch.add(answer)


async def _probe(session: Session, window: Window) -> Response:
    reading, zone = _Reading(session, "conversation_totals"), session.account.zone
    return await reading.ask(window.first_instant(zone), window.end_instant(zone), {"select": AGGREGATES[:1]})


async def _daily(reading: _Reading, window: Window) -> list[Response]:
    """Aggregates of each day: in buckets for a window of several days, which are then days of UTC.

    Where buckets are refused or cut off, the window is halved, down to single days.
    """
    session, zone = reading.session, reading.session.account.zone
    start, end = window.first_instant(zone), window.end_instant(zone)
    bucketed = len(window) > 1
    context = {"days": str(window), "by_day": bucketed}
    if not bucketed:
        return [await reading.ask(start, end, {"select": AGGREGATES}, context)]
    if not session.run_state.get("inkeep.no_buckets"):
        try:
            answer = await reading.ask(start, end, {"select": [BY_DAY, *AGGREGATES]}, context)
        except RequestRefused as refused:
            if refused.status != 400:
                raise
            session.run_state["inkeep.no_buckets"] = True
        else:
            if parse_page(session.where(reading.stream), answer).is_complete:
                return [answer]
    middle = window.start + (window.end - window.start) // 2
    halves = Window(window.start, middle), Window(middle, window.end)
    first, second = await _both(*(_daily(reading, half) for half in halves))
    return [*first, *second]


async def _both(first: Coroutine[Any, Any, _T], second: Coroutine[Any, Any, _T]) -> tuple[_T, _T]:
    """Both at once. When one fails the other one is waited for, so that nothing goes on behind our back."""
    outcomes = await asyncio.gather(first, second, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return cast(tuple[_T, _T], tuple(outcomes))


def _condition(name: str, operator: str, value: str) -> dict[str, Any]:
    return {"condition": {"field": name, "operator": operator, "value": value}}


def _ascending(name: str) -> dict[str, str]:
    return {"field": name, "direction": "asc"}


def _months(_account: Account, window: Window) -> list[Window]:
    return window.months()


def _months_in_utc(account: Account, window: Window) -> list[Window]:
    """Months where local days are days of UTC, which is what the provider's buckets are; else single days."""
    borders = (*window.days(), window.end)
    if all(day_start(day, account.zone) == day_start(day, _UTC) for day in borders):
        return window.months()
    return window.each_day()


PROVIDER = Provider(
    name="inkeep",
    account=InkeepAccount,
    # no limit is published
    limits=RequestLimits(requests=None, period_seconds=60, concurrency=4),
    streams={
        "conversations": Stream(windows=_months, fetch=_conversations),
        "conversation_totals": Stream(windows=_months_in_utc, fetch=_totals),
    },
    probe=_probe,
)
