"""Requests to Inkeep: single conversations, complete although responses are cut off, and daily aggregates.

The meaning of a row is not decided here. Source: the vendor's analytics reference (conversations query). There is no
limit, offset or cursor: a response whose ``total`` is above its ``count`` lacks rows. Its range is then halved, down to
one millisecond (the finest time of a filter), and below that read on by id.
"""

import asyncio
from collections.abc import Coroutine, Iterable
from datetime import datetime
from typing import Any, TypeVar, cast
from zoneinfo import ZoneInfo

from extractors.errors import RequestRefused, ShapeError, Transient
from extractors.http.limits import RequestLimits
from extractors.http.messages import Response
from extractors.http.session import Session
from extractors.inkeep.account import InkeepAccount
from extractors.inkeep.contexts import ConversationTotalsContext
from extractors.inkeep.paging import Page, parse_page
from extractors.inkeep.query import AGGREGATES, BY_DAY, COUNT, MILLISECOND, RangeQueries
from extractors.landing.writer import BatchWriter
from extractors.provider import Provider, Stream
from extractors.windows import Window, day_start, format_rfc3339, split_by_month

MAX_READS = 3  # rows may come and go while a range is read in parts

_UTC = ZoneInfo("UTC")
_NO_DAY_BUCKETS = "inkeep.no_buckets"  # key of the run's state
_T = TypeVar("_T")


async def _fetch_conversations(session: Session[InkeepAccount], window: Window, batch: BatchWriter) -> dict[str, Any]:
    zone = session.account.zone
    queries = RangeQueries(session, "conversations")
    try:
        total, pages = await _read_all_rows(queries, window.first_instant(zone), window.end_instant(zone))
    except ShapeError:
        queries.add_all_to(batch)
        raise
    for page in pages:
        batch.add(page.response)
    return {"total": total, "rows": _count_rows(pages), "answers": len(pages)}


async def _read_all_rows(queries: RangeQueries, start: datetime, end: datetime) -> tuple[int, list[Page]]:
    """Return the reported total of a range, and pages with exactly as many different rows, oldest first.

    Raises Transient when total and rows still differ after three reads.
    """
    for _ in range(MAX_READS):
        whole = await queries.request_rows_by_time(start, end)
        pages = await _read_missing_rows(queries, start, end, whole)
        received = len({row_id for page in pages for row_id in page.ids})
        if received == whole.total == _count_rows(pages):
            return whole.total, pages
    raise _build_unsteady_error(queries, start, end, whole.total, received)


async def _read_missing_rows(queries: RangeQueries, start: datetime, end: datetime, page: Page) -> list[Page]:
    """Return pages that together hold the rows of a range of which ``page`` may lack some.

    If the two halves do not sum to the whole, re-read them and do not split further: behind a filter that does not
    work, splitting would never end. Raises Transient after three reads.
    """
    if page.is_complete:
        return [page]
    if end - start <= MILLISECOND:
        return await _read_rows_by_id(queries, start, end)
    middle = start + (end - start) // (2 * MILLISECOND) * MILLISECOND
    total = page.total
    for _ in range(MAX_READS):
        first, second = await _await_both(
            queries.request_rows_by_time(start, middle), queries.request_rows_by_time(middle, end)
        )
        if first.total + second.total == total:
            first_pages, second_pages = await _await_both(
                _read_missing_rows(queries, start, middle, first), _read_missing_rows(queries, middle, end, second)
            )
            return [*first_pages, *second_pages]
        total = (await queries.request_rows_by_time(start, end)).total
    raise _build_unsteady_error(queries, start, end, total, first.total + second.total)


async def _read_rows_by_id(queries: RangeQueries, start: datetime, end: datetime) -> list[Page]:
    """Return the rows of one millisecond in order of id.

    Their instants may differ by microseconds, so an order by time would not be the order of ids. Raises ShapeError
    when a page does not go on after the requested id, Transient when the pages hold more rows than the first announced.
    """
    pages = [await queries.request_rows_by_id(start, end, after=None)]
    seen = set(pages[0].ids)
    while not pages[-1].is_complete:
        page = await queries.request_rows_by_id(start, end, after=pages[-1].ids[-1])
        repeated = seen.intersection(page.ids)
        if repeated:
            problem = "does not go on after the id that was asked for"
            raise ShapeError(queries.where, "$.data.result", problem, min(repeated))
        pages.append(page)
        seen.update(page.ids)
        if len(seen) > pages[0].total:
            raise _build_unsteady_error(queries, start, end, pages[0].total, len(seen))
    return pages


def _count_rows(pages: Iterable[Page]) -> int:
    return sum(page.row_count for page in pages)


def _build_unsteady_error(
    queries: RangeQueries, start: datetime, end: datetime, reported: int, received: int
) -> Transient:
    return Transient(
        queries.where,
        f"{reported} conversations are reported for {format_rfc3339(start)} to {format_rfc3339(end)}, "
        f"but its parts hold {received} different ones",
        "they are being changed; run the same command again later",
    )


async def _fetch_totals(session: Session[InkeepAccount], window: Window, batch: BatchWriter) -> None:
    queries = RangeQueries(session, "conversation_totals")
    try:
        responses = await _request_daily_totals(queries, window)
    except ShapeError:
        queries.add_all_to(batch)
        raise
    for response in responses:
        batch.add(response)


async def _probe(session: Session[InkeepAccount], window: Window) -> Response:
    zone = session.account.zone
    queries = RangeQueries(session, "conversation_totals")
    return await queries.request_aggregates(window.first_instant(zone), window.end_instant(zone), [COUNT])


async def _request_daily_totals(queries: RangeQueries, window: Window) -> list[Response]:
    """Return aggregates of each day: in buckets for a window of several days, which are then days of UTC.

    Where buckets are refused or cut off, the window is halved, down to single days.
    """
    session, zone = queries.session, queries.session.account.zone
    start, end = window.first_instant(zone), window.end_instant(zone)
    by_day = len(window) > 1
    context: ConversationTotalsContext = {"days": str(window), "by_day": by_day}
    if not by_day:
        return [await queries.request_aggregates(start, end, AGGREGATES, context)]
    if not session.run_state.get(_NO_DAY_BUCKETS):
        try:
            response = await queries.request_aggregates(start, end, [BY_DAY, *AGGREGATES], context)
        except RequestRefused as refusal:
            if refusal.status != 400:
                raise
            session.run_state[_NO_DAY_BUCKETS] = True
        else:
            if parse_page(queries.where, response).is_complete:
                return [response]
    middle = window.start + (window.end - window.start) // 2
    first, second = await _await_both(
        _request_daily_totals(queries, Window(window.start, middle)),
        _request_daily_totals(queries, Window(middle, window.end)),
    )
    return [*first, *second]


async def _await_both(first: Coroutine[Any, Any, _T], second: Coroutine[Any, Any, _T]) -> tuple[_T, _T]:
    """Return both results. When one fails, wait for the other before raising, so that no request goes on unseen."""
    outcomes = await asyncio.gather(first, second, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException):
            raise outcome
    return cast(tuple[_T, _T], tuple(outcomes))


def _split_totals(account: InkeepAccount, window: Window) -> list[Window]:
    """Return months where local days are days of UTC, as the provider's buckets are; single days otherwise."""
    borders = (*window.days(), window.end)
    if all(day_start(day, account.zone) == day_start(day, _UTC) for day in borders):
        return window.split_into_months()
    return window.split_into_days()


PROVIDER = Provider(
    name="inkeep",
    account=InkeepAccount,
    # no limit is published
    limits=RequestLimits(requests=None, period_seconds=60, concurrency=4),
    streams={
        "conversations": Stream(windows=split_by_month, fetch=_fetch_conversations),
        "conversation_totals": Stream(windows=_split_totals, fetch=_fetch_totals),
    },
    probe=_probe,
)
