"""Chatlayer's paged responses: the cursor of the next page, and the conversation ids of events.

Nothing else of an entry is read here.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any

from extractors.chatlayer.account import ChatlayerAccount
from extractors.errors import ErrorLocation, ShapeError
from extractors.http.messages import Response
from extractors.http.session import Session
from extractors.json_values import require_object

PAGE_SIZE = 100
MAX_PAGES = 10_000  # a million entries: beyond that, the cursor leads in circles

CursorReader = Callable[[ErrorLocation, Any], Mapping[str, str]]
"""Returns the parameters of the next page, read from a page; empty after the last one. Raises ShapeError."""


async def iter_pages(
    session: Session[ChatlayerAccount], stream: str, path: str, query: Mapping[str, str], read_cursor: CursorReader
) -> AsyncIterator[Response]:
    """Yield every page, each before its cursor is read. Raises ShapeError when a cursor is unreadable or repeats."""
    where = session.where(stream)
    cursors: Mapping[str, str] = {}
    seen: set[str] = set()
    while True:
        response = await session.request(stream, "GET", path, query={**query, **cursors})
        yield response
        cursors = read_cursor(where, response.root)
        if not cursors:
            return
        for name, cursor in cursors.items():
            if cursor in seen or len(seen) >= MAX_PAGES:
                raise ShapeError(where, f"the cursor for {name}", "leads to no end", cursor)
            seen.add(cursor)


def read_intents_cursor(where: ErrorLocation, page: Any) -> Mapping[str, str]:
    """Return the parameters of the next page of intents; empty when ``has_more`` is false or absent.

    Raises ShapeError when the pagination is unreadable or lacks the cursor.
    """
    pagination = require_object(where, "$", page).get("pagination")
    if pagination is None:
        return {}
    pagination = require_object(where, "$.pagination", pagination)
    has_more = pagination.get("has_more")
    if has_more is None or has_more is False:
        return {}
    if has_more is not True:
        raise ShapeError(where, "$.pagination.has_more", "is neither true nor false", has_more)
    cursor = _read_cursor_text(where, "$.pagination.end_cursor", pagination.get("end_cursor"))
    if not cursor:
        raise ShapeError(where, "$.pagination.end_cursor", "is missing although there is more", pagination)
    return {"after": cursor}


def read_events_cursor(where: ErrorLocation, page: Any) -> Mapping[str, str]:
    """Return the parameters of the next page of events; empty when ``next_page_token`` is absent or empty.

    Raises ShapeError when the token is unreadable.
    """
    token = require_object(where, "$", page).get("next_page_token")
    cursor = _read_cursor_text(where, "$.next_page_token", token)
    return {"page_token": cursor} if cursor else {}


def _read_cursor_text(where: ErrorLocation, field: str, value: Any) -> str:
    if isinstance(value, bool) or not (value is None or isinstance(value, str | int)):
        raise ShapeError(where, field, "is not a cursor", value)
    return "" if value is None else str(value)


def extract_conversation_ids(where: ErrorLocation, pages: Sequence[Response]) -> list[str]:
    """Return the conversation ids of all events, each once, in order.

    The name of the id is published, its place in an event is not: it is searched at any depth. Raises ShapeError when
    there are events and none has an id.
    """
    events = [{name: value for name, value in page.root.items() if name != "next_page_token"} for page in pages]
    ids = list(dict.fromkeys(_iter_conversation_ids(events)))
    if not ids and any(value for page in events for value in page.values()):
        raise ShapeError(where, "conversation_id", "is in none of the events", events)
    return ids


def _iter_conversation_ids(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "conversation_id" and isinstance(inner, str | int) and inner:
                yield str(inner)
            else:
                yield from _iter_conversation_ids(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _iter_conversation_ids(inner)
