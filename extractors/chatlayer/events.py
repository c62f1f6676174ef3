"""Chatlayer's event stream, and the flows of the conversations that it names. Their meaning is not decided here.

Source: the vendor's analytics reference (events stream, conversation flow).
"""

import asyncio
from datetime import timedelta
from typing import Any
from weakref import WeakValueDictionary

from extractors.chatlayer.account import ChatlayerAccount
from extractors.chatlayer.buckets import build_range_query, split_by_longest_range
from extractors.chatlayer.contexts import FlowContext
from extractors.chatlayer.paging import EVENT_PAGES, PAGE_SIZE, Pages, read_pages
from extractors.errors import RequestRefused
from extractors.http.answers import record_answer
from extractors.http.messages import Request, Response
from extractors.http.session import Session
from extractors.landing.writer import BatchWriter
from extractors.windows import Window

EVENTS_BEFORE = timedelta(hours=2)  # finds conversations that go on past midnight; one ends after 15 silent minutes
FLOWS_AT_ONCE = 50  # responses held in memory before they are landed


def split_for_conversations(account: ChatlayerAccount, window: Window) -> list[Window]:
    """Return the longest windows for a few named conversations, single days for conversations found by events.

    A killed run loses one window.
    """
    if "events" in account.enabled_streams:
        return window.split_into_days()
    return split_by_longest_range(account, window)


async def fetch_events(session: Session[ChatlayerAccount], window: Window, batch: BatchWriter) -> None:
    """Land the pages of a window's events. Raises ShapeError after the pages that came before an unreadable cursor."""
    pages = await _share_event_pages(session, window)
    for response in pages.responses:
        batch.add(response)
    if pages.error:
        raise pages.error


async def fetch_flows(session: Session[ChatlayerAccount], window: Window, batch: BatchWriter) -> dict[str, Any]:
    """Land the flow of each conversation, of the configured ones and those found by events; return their numbers.

    Raises ShapeError when the events cannot be read to their end.
    """
    ids = list(dict.fromkeys(session.account.conversation_ids))
    if "events" in session.account.enabled_streams:
        pages = await _share_event_pages(session, window)
        if pages.error:
            raise pages.error
        ids = list(dict.fromkeys((*ids, *pages.list_conversation_ids(session.where("events")))))
        del pages  # they may be many, and the flows take long
    if not ids:
        batch.mark_empty()
    missing = 0
    for first in range(0, len(ids), FLOWS_AT_ONCE):
        requests = (_request_flow(session, window, name) for name in ids[first : first + FLOWS_AT_ONCE])
        for response in await asyncio.gather(*requests):
            batch.add(response)
            missing += response.status == 404
    return {"conversations": len(ids), "not_found": missing}


async def _request_flow(session: Session[ChatlayerAccount], window: Window, conversation_id: str) -> Response:
    """Return one conversation's transitions of the window. A 404 (deleted, or never existed) is a response too."""
    account = session.account
    path, query = account.bot_path("conversations", conversation_id, "flow"), build_range_query(account, window)
    context: FlowContext = {"conversation_id": conversation_id, "found": True}
    try:
        response = await session.request("flow", "GET", path, query=query, context=context)
    except RequestRefused as refusal:
        if refusal.status != 404:
            raise
        context["found"] = False
        response = Response(Request("GET", path, query), refusal.status, {}, session.clock.now(), refusal.body, context)
        record_answer("flow", response)
    response.release_body()
    return response


async def _share_event_pages(session: Session[ChatlayerAccount], window: Window) -> Pages:
    """Return a window's events, requested once although ``events`` and ``flow`` are fetched side by side.

    The shared task is held weakly: the pages are freed as soon as both have read them.
    """
    tasks: WeakValueDictionary[Window, asyncio.Task[Pages]] = session.run_state.setdefault(
        "chatlayer.events", WeakValueDictionary()
    )
    task = tasks.get(window)
    if task is None:
        task = tasks[window] = asyncio.create_task(_request_event_pages(session, window))
    return await task


async def _request_event_pages(session: Session[ChatlayerAccount], window: Window) -> Pages:
    account = session.account
    query = {**build_range_query(account, window, EVENTS_BEFORE), "page_size": str(PAGE_SIZE)}
    return await read_pages(session, "events", account.bot_path("events", "stream"), query, EVENT_PAGES)
