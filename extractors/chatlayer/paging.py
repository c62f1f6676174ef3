"""Chatlayer's paged responses: the pages of one list, the cursor of the next page, and the conversation ids of events.

Nothing else of an entry is read here.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from extractors.chatlayer.account import ChatlayerAccount
from extractors.errors import ErrorLocation, ShapeError
from extractors.http.messages import Response
from extractors.http.session import Session
from extractors.json_body import format_json, replace_lone_surrogates
from extractors.json_values import require_object

PAGE_SIZE = 100
MAX_PAGES = 10_000  # a million entries: beyond that, the cursor leads in circles
MAX_EMPTY_PAGES = 10  # one after the other; a stream that is filtered after it was cut into pages may have some
_TOTAL_KEYS = ("total", "total_count", "totalCount")


@dataclass(frozen=True)
class PageForm:
    """The form of a stream's pages.

    ``read_cursor`` returns the parameters of the next page, empty after the last one, and raises ShapeError when the
    page's cursor is unreadable. ``list_keys`` returns what tells the entries of a page from each other.
    ``max_empty_pages`` may come one after the other. ``has_conversations`` if its entries name conversations.
    """

    read_cursor: Callable[[ErrorLocation, Any], Mapping[str, str]]
    list_keys: Callable[[Any], list[str]]
    max_empty_pages: int = 0
    has_conversations: bool = False


@dataclass
class Pages:
    """The pages of one list, and the error that ended the reading early, if any.

    The bodies of landed pages are released. ``repeated_key`` is an entry that came a second time: the list has moved
    while it was read. ``conversation_ids`` are those that the pages name, each once, in order; ``example`` is the first
    page with anything in it beside its cursor.
    """

    responses: list[Response] = field(default_factory=list)
    error: ShapeError | None = None
    repeated_key: str | None = None
    conversation_ids: dict[str, None] = field(default_factory=dict)
    example: Mapping[str, Any] | None = None

    def list_conversation_ids(self, where: ErrorLocation) -> list[str]:
        """Return the conversation ids of all events. Raises ShapeError when there are events and none has an id."""
        if not self.conversation_ids and self.example is not None:
            raise ShapeError(where, "conversation_id", "is in none of the events", self.example)
        return list(self.conversation_ids)

    def note_events(self, page: Mapping[str, Any]) -> None:
        """Take in the conversation ids of a page.

        The name of the id is published, its place in an event is not: it is searched at any depth.
        """
        events = {name: value for name, value in page.items() if name != "next_page_token"}
        self.conversation_ids.update(dict.fromkeys(_iter_conversation_ids(events)))
        if self.example is None and any(events.values()):
            self.example = {name: value[:1] if isinstance(value, list) else value for name, value in events.items()}


async def read_pages(
    session: Session[ChatlayerAccount], stream: str, path: str, query: Mapping[str, str], form: PageForm
) -> Pages:
    """Request a list page by page until its end.

    ``error`` is set for a cursor that is unreadable or repeats, for a page that announces more and brings nothing new,
    and for a list that goes on at its announced total. Raises the errors of ``Session.request``.
    """
    pages, progress = Pages(), _Progress(session.where(stream), form)
    cursors: Mapping[str, str] = {}
    while True:
        response = await session.request(stream, "GET", path, query={**query, **cursors})
        pages.responses.append(response)
        try:
            cursors = progress.advance(response.root)
            if form.has_conversations:
                pages.note_events(response.root)
        except ShapeError as error:  # the pages so far are landed first
            pages.error = error
        response.release_body()
        pages.repeated_key = progress.repeated_key
        if not cursors or pages.error:
            return pages


@dataclass
class _Progress:
    """The entries and cursors of the pages that were read, by their hashes: either may be long, and they are many."""

    where: ErrorLocation
    form: PageForm
    repeated_key: str | None = None
    _keys: set[bytes] = field(default_factory=set)
    _cursors: set[bytes] = field(default_factory=set)
    _empty_pages: int = 0

    def advance(self, page: Any) -> Mapping[str, str]:
        """Take in a page; return the parameters of the next one. Raises ShapeError when the pages lead to no end."""
        cursors = self.form.read_cursor(self.where, page)
        keys = self.form.list_keys(page)
        key_hashes = [_hash(key) for key in keys]
        is_new = not self._keys.issuperset(key_hashes)
        for key, key_hash in zip(keys, key_hashes, strict=True):
            if key_hash in self._keys and self.repeated_key is None:
                self.repeated_key = key
            self._keys.add(key_hash)
        self._empty_pages = 0 if keys else self._empty_pages + 1
        for name, cursor in cursors.items():
            label = f"the cursor for {name}"
            if _hash(cursor) in self._cursors or len(self._cursors) >= MAX_PAGES:
                raise ShapeError(self.where, label, "leads to no end", cursor)
            if self._empty_pages > self.form.max_empty_pages or (keys and not is_new):
                raise ShapeError(self.where, label, "stands on a page that brings nothing new", cursor)
            total = _read_total(page)
            if total is not None and len(self._keys) >= total:
                raise ShapeError(self.where, label, f"leads beyond the announced total of {total}", cursor)
            self._cursors.add(_hash(cursor))
        return cursors


def _hash(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()


def _read_total(page: Any) -> int | None:
    """Return the number of entries that a page announces for the whole list, if it does."""
    pagination = page.get("pagination")
    for envelope in (page, pagination if isinstance(pagination, dict) else {}):
        for key in _TOTAL_KEYS:
            text = str(envelope.get(key))
            if text.isdecimal() and int(text) > 0:
                return int(text)
    return None


def _read_intents_cursor(where: ErrorLocation, page: Any) -> Mapping[str, str]:
    """Return the parameters of the next page of intents; empty when ``has_more`` is false or absent.

    Raises ShapeError when the pagination is unreadable or lacks the cursor.
    """
    pagination = require_object(where, "$", page).get("pagination")
    if pagination is None:
        return {}
    pagination = require_object(where, "$.pagination", pagination)
    has_more = pagination.get("has_more", False)
    if has_more is False:
        return {}
    if has_more is not True:
        raise ShapeError(where, "$.pagination.has_more", "is neither true nor false", has_more)
    cursor = _read_cursor_text(where, "$.pagination.end_cursor", pagination.get("end_cursor"))
    if not cursor:
        raise ShapeError(where, "$.pagination.end_cursor", "is missing although there is more", pagination)
    return {"after": cursor}


def _list_intent_ids(page: Any) -> list[str]:
    """Return the id of each intent of a page; another form of a page is refused by the transform."""
    entries = page.get("data")
    return [str(entry.get("intent_id") or "") for entry in _list_objects(entries)]


def _read_events_cursor(where: ErrorLocation, page: Any) -> Mapping[str, str]:
    """Return the parameters of the next page of events; empty when ``next_page_token`` is absent or empty.

    Raises ShapeError when the token is unreadable.
    """
    token = require_object(where, "$", page).get("next_page_token")
    cursor = _read_cursor_text(where, "$.next_page_token", token)
    return {"page_token": cursor} if cursor else {}


def _list_events(page: Any) -> list[str]:
    """Return each event of a page as text. The name of their list is not published: every list counts."""
    return [format_json(entry) for value in page.values() for entry in _list_objects(value)]


def _list_objects(value: Any) -> list[dict[str, Any]]:
    return [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []


def _read_cursor_text(where: ErrorLocation, field_name: str, value: Any) -> str:
    if isinstance(value, bool) or not (value is None or isinstance(value, str | int)):
        raise ShapeError(where, field_name, "is not a cursor", value)
    return "" if value is None else replace_lone_surrogates(str(value))


INTENT_PAGES = PageForm(_read_intents_cursor, _list_intent_ids)
EVENT_PAGES = PageForm(_read_events_cursor, _list_events, MAX_EMPTY_PAGES, has_conversations=True)


def _iter_conversation_ids(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "conversation_id" and isinstance(inner, str | int) and inner:
                yield replace_lone_surrogates(str(inner))
            else:
                yield from _iter_conversation_ids(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _iter_conversation_ids(inner)
