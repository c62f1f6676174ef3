"""Chatlayer's paged answers, read no further than it takes to ask for the next page or for a conversation.

What an entry means is not read here.
"""

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from typing import Any

from extractors.errors import ErrorLocation, ShapeError
from extractors.http.messages import Response
from extractors.http.session import Session

PAGE_SIZE = 100
MAX_PAGES = 10_000  # a million entries: past that, the cursor leads in circles

CursorReader = Callable[[ErrorLocation, Any], Mapping[str, str]]
"""Reads from a page the parameters of the next one; none at the end. Raises ShapeError."""


async def iter_pages(
    session: Session, stream: str, path: str, query: Mapping[str, str], following: CursorReader
) -> AsyncIterator[Response]:
    """Each page, before it is read for the way to the next one."""
    where = session.where(stream)
    turn: Mapping[str, str] = {}
    seen: set[str] = set()
    while True:
        answer = await session.request(stream, "GET", path, query={**query, **turn})
        yield answer
        turn = following(where, answer.json())
        if not turn:
            return
        for name, cursor in turn.items():
            if cursor in seen or len(seen) >= MAX_PAGES:
                raise ShapeError(where, f"the cursor for {name}", "leads to no end", cursor)
            seen.add(cursor)


def read_intents_cursor(where: ErrorLocation, page: Any) -> Mapping[str, str]:
    """The way to the next page of intents: all pages until ``has_more`` is false or absent."""
    pagination = _object(where, "$", page).get("pagination")
    if pagination is None:
        return {}
    told = _object(where, "$.pagination", pagination)
    more = told.get("has_more")
    if more is None or more is False:
        return {}
    if more is not True:
        raise ShapeError(where, "$.pagination.has_more", "is neither true nor false", more)
    cursor = _cursor(where, "$.pagination.end_cursor", told.get("end_cursor"))
    if not cursor:
        raise ShapeError(where, "$.pagination.end_cursor", "is missing although there is more", told)
    return {"after": cursor}


def read_events_cursor(where: ErrorLocation, page: Any) -> Mapping[str, str]:
    """The way to the next page of events: until ``next_page_token`` is absent or empty."""
    cursor = _cursor(where, "$.next_page_token", _object(where, "$", page).get("next_page_token"))
    return {"page_token": cursor} if cursor else {}


def _object(where: ErrorLocation, field: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ShapeError(where, field, "is not an object", value)
    return value


def _cursor(where: ErrorLocation, field: str, value: Any) -> str:
    if isinstance(value, bool) or not (value is None or isinstance(value, str | int)):
        raise ShapeError(where, field, "is not a cursor", value)
    return "" if value is None else str(value)


def extract_conversation_ids(where: ErrorLocation, answers: Sequence[Response]) -> list[str]:
    """The conversation ids of all events. The place of the id in an event is unpublished, its name is."""
    told = [{name: value for name, value in page.json().items() if name != "next_page_token"} for page in answers]
    found = list(dict.fromkeys(_ids(told)))
    if not found and any(value for page in told for value in page.values()):
        raise ShapeError(where, "conversation_id", "is in none of the events", told)
    return found


def _ids(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "conversation_id" and isinstance(inner, str | int) and inner:
                yield str(inner)
            else:
                yield from _ids(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _ids(inner)
