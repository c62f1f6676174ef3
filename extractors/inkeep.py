"""Inkeep's wire: a query language without paging. What a row means is not decided here.

Source: the vendor's analytics API reference (query conversations). There is no limit, offset or cursor: when
``total`` is larger than ``count``, rows are missing. So a window of rows is halved until each part is whole, down to
one millisecond; below that, rows are read on by id. That nothing is missing is checked against the first total.
"""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, ClassVar

from pydantic import Field, SecretStr

from extractors.accounts import Account, BaseUrl, Credential
from extractors.answers import Answer
from extractors.errors import ShapeError, Transient, Where
from extractors.http import Session
from extractors.landing import BatchWriter
from extractors.limits import Limits
from extractors.registry import Provider, Stream
from extractors.windows import Window, rfc3339

PATH = "/query/conversations"
ROWS, TOTALS = "conversations", "conversation_totals"
TIME = "firstMessageTime"
FIELDS = (
    "id",
    "userMessageCount",
    "organizationId",
    "projectId",
    "integrationId",
    TIME,
    "type",
    "properties",
    "userProperties",
)
ROUNDS = 3
"""How often a window is read when conversations come in meanwhile."""

_INSTANT = timedelta(milliseconds=1)
_FIGURES: tuple[dict[str, Any], ...] = (
    {"type": "aggregation", "aggregation": "count"},
    {"type": "aggregation", "aggregation": "sum", "field": "userMessageCount"},
    {"type": "aggregation", "aggregation": "countDistinct", "field": "userProperties", "path": ["userId"]},
)


class InkeepAccount(Account):
    """An Inkeep organisation's analytics, as far as its key reaches."""

    PROVIDER: ClassVar[str] = "inkeep"
    STREAMS: ClassVar[tuple[str, ...]] = (ROWS, TOTALS)

    base_url: BaseUrl = "https://api.analytics.inkeep.com"
    api_key: SecretStr
    detail: bool = Field(default=True, description="false: only daily totals are asked for, no conversation")

    @property
    def external_id(self) -> str:
        """Inkeep names no account: the key alone decides what it reaches."""
        return "default"

    def credential(self) -> Credential:
        """The key as a bearer token."""
        return Credential(headers={"Authorization": f"Bearer {self.api_key.get_secret_value()}"})

    def default_streams(self) -> tuple[str, ...]:
        """Rows and the totals they are reconciled with; without detail the totals alone."""
        return self.STREAMS if self.detail else (TOTALS,)


def _by_month(_account: Account, window: Window) -> list[Window]:
    return window.months()


def _totals_windows(account: Account, window: Window) -> list[Window]:
    # the provider's day buckets are UTC: any other zone asks for one of its own days at a time
    return window.months() if account.timezone == "UTC" else window.each_day()


async def _fetch_rows(session: Session, window: Window, batch: BatchWriter) -> dict[str, Any]:
    zone = session.account.zone
    start, end = window.first_instant(zone), window.end_instant(zone)
    for _round in range(ROUNDS):
        first = await _ask_rows(session, start, end)
        expected, count = _told(session, first)
        answers = [first] if count >= expected else [part async for part in _halves(session, start, end)]
        read = sum(_told(session, answer)[1] for answer in answers)
        if read == expected:
            for answer in answers:
                batch.add(answer)
            return {"total": expected, "count": read, "parts": len(answers)}
    raise Transient(
        session.where(ROWS),
        f"{window}: the rows of the parts ({read}) never added up to the total told ({expected})",
        "conversations are still coming in; run the same command again later",
    )


async def _halves(session: Session, start: datetime, end: datetime) -> AsyncIterator[Answer]:
    """The complete answers of both halves of a window, each halved again as often as needed."""
    if end - start <= _INSTANT:
        async for answer in _by_id(session, start, end):
            yield answer
        return
    middle = start + (end - start) // 2 // _INSTANT * _INSTANT
    for part_start, part_end in ((start, middle), (middle, end)):
        answer = await _ask_rows(session, part_start, part_end)
        total, count = _told(session, answer)
        if count >= total:
            yield answer
        else:
            async for part in _halves(session, part_start, part_end):
                yield part


async def _by_id(session: Session, start: datetime, end: datetime) -> AsyncIterator[Answer]:
    """The answers of one instant, read on after the last id of each."""
    last: str | int | None = None
    while True:
        answer = await _ask_rows(session, start, end, after=last, by_id=True)
        total, count = _told(session, answer)
        yield answer
        if count >= total:
            return
        rows = answer.json()["data"]["result"]
        following = rows[-1].get("id") if rows and isinstance(rows[-1], dict) else None
        if not isinstance(following, str | int) or following == last:
            raise ShapeError(
                session.where(ROWS), "data.result[-1].id", "does not lead on to the rows after it", following
            )
        last = following


async def _ask_rows(
    session: Session, start: datetime, end: datetime, *, after: str | int | None = None, by_id: bool = False
) -> Answer:
    order = ("id",) if by_id else (TIME, "id")
    body = {
        "select": [{"type": "field", "field": field} for field in FIELDS],
        "where": _between(start, end, after),
        "orderBy": [{"field": field, "direction": "asc"} for field in order],
    }
    return await session.ask(ROWS, "POST", PATH, body=body)


def _between(start: datetime, end: datetime, after: str | int | None = None) -> dict[str, Any]:
    conditions: list[tuple[str, str, str | int]] = [(TIME, "gte", rfc3339(start)), (TIME, "lt", rfc3339(end))]
    if after is not None:
        conditions.append(("id", "gt", after))
    return {
        "and": [{"condition": {"field": field, "operator": how, "value": value}} for field, how, value in conditions]
    }


def _told(session: Session, answer: Answer, stream: str = ROWS) -> tuple[int, int]:
    """``total`` and the number of rows that really came."""
    where = session.where(stream)
    data = answer.json()
    data = data.get("data") if isinstance(data, dict) else None
    if not isinstance(data, dict):
        raise ShapeError(where, "$.data", "is not an object", data)
    rows = data.get("result")
    if not isinstance(rows, list):
        raise ShapeError(where, "$.data.result", "is not an array", rows)
    count = _whole(where, "$.data.count", data.get("count"))
    if count != len(rows):
        raise ShapeError(where, "$.data.count", f"is not the number of rows ({len(rows)})", data.get("count"))
    return _whole(where, "$.data.total", data.get("total")), count


def _whole(where: Where, field: str, value: Any) -> int:
    try:
        number = Decimal(str(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if isinstance(value, bool) or not number.is_finite() or number != number.to_integral_value():
        raise ShapeError(where, field, "is not a whole number", value)
    return int(number)


async def _fetch_totals(session: Session, window: Window, batch: BatchWriter) -> None:
    if session.account.timezone == "UTC":
        await _add_daily_buckets(session, window, batch)
    else:
        batch.add(await _ask_totals(session, window, list(_FIGURES)))


async def _add_daily_buckets(session: Session, window: Window, batch: BatchWriter) -> None:
    select = [{"type": "time", "timeUnit": "day", "field": TIME}, *_FIGURES]
    answer = await _ask_totals(session, window, select)
    groups, count = _told(session, answer, TOTALS)
    if count >= groups:
        batch.add(answer)
        return
    if len(window) == 1:
        raise ShapeError(session.where(TOTALS), "$.data.total", "tells more than one group for one day", groups)
    middle = window.start + timedelta(days=len(window) // 2)
    for half in (Window(window.start, middle), Window(middle, window.end)):
        await _add_daily_buckets(session, half, batch)


async def _ask_totals(session: Session, window: Window, select: list[dict[str, Any]]) -> Answer:
    zone = session.account.zone
    body = {"select": select, "where": _between(window.first_instant(zone), window.end_instant(zone))}
    grouped = len(select) > len(_FIGURES)
    context = {"window": [window.start.isoformat(), window.end.isoformat()], "grouped": grouped}
    return await session.ask(TOTALS, "POST", PATH, body=body, context=context)


PROVIDER = Provider(
    name="inkeep",
    account=InkeepAccount,
    limits=Limits(requests=None, period_seconds=60, concurrency=4),
    streams={
        ROWS: Stream(windows=_by_month, fetch=_fetch_rows),
        TOTALS: Stream(windows=_totals_windows, fetch=_fetch_totals),
    },
)
