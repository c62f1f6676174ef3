"""Erasure of people from bodies: their records lose all that is personal, and stay, so that every count stays.

In a record of a person the ids become tokens, and all other fields that are not named as kept become null. Inside of
the texts of others, and in requests, a person's id becomes ``forgotten``. What must not come in: files, a provider's
own fields (they are declared in its package).
"""

import hmac
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Protocol

from extractors.account import Account
from extractors.json_body import format_json, parse_json_body
from extractors.landing.forgotten import LEAST_TEXT_LENGTH, People, build_token
from extractors.windows import Window


@dataclass
class BatchPeople:
    """The people who are erased from one batch. ``records`` counts their records.

    ``conversations`` collects the ids of their conversations. Tokens are the same within a batch only: a day's number
    of different users stays, and no row can be told to be of the same person as that of another batch.
    """

    people: People
    secret: bytes
    conversations: set[str]
    records: int = 0

    def is_user(self, text: str) -> bool:
        """Return whether the text of a user's id is one of theirs."""
        return bool(text) and self.people.has(text)

    def is_named_in(self, texts: Iterable[str]) -> bool:
        """Return whether one of some other texts is the id of one of them. A short id is there by chance."""
        return any(len(text) >= LEAST_TEXT_LENGTH and self.people.has(text) for text in texts)

    def build_user_token(self, text: str) -> str:
        """Return the token of a user's id."""
        return build_token(self.secret, f"user {text}")

    def build_conversation_token(self, text: str) -> str:
        """Return the token of a conversation's id, and remember that the id is a person's."""
        self.conversations.add(text)
        return build_token(self.secret, f"conversation {text}")

    def replace_inside(self, text: str) -> str:
        """Return a text without the people's ids."""
        return self.people.replace_inside(text)

    def replace_in_description(self, text: str) -> str:
        """Return a text of a request without the people's ids and those of their conversations."""
        for conversation in [other for other in self.conversations if other in text]:
            text = text.replace(conversation, self.build_conversation_token(conversation))
        return self.replace_inside(text)


class PersonalData(Protocol):
    """The place of personal data in the bodies of one stream."""

    def erase(self, account: Account, pieces: Iterable[bytes], people: BatchPeople) -> Iterator[bytes]:
        """Yield a body without the people; the same bytes where they are not in it."""
        ...


@dataclass(frozen=True)
class JsonRecords:
    """Records in the list at ``path`` of a JSON body; without a path the body is the record.

    ``user_ids`` are the paths of ids within a record, ``conversation_id`` is the name of its conversation's id, and
    ``kept`` are the fields that say nothing of a person.
    """

    path: tuple[str, ...]
    user_ids: tuple[tuple[str, ...], ...]
    conversation_id: str
    kept: tuple[str, ...]

    def erase(self, _account: Account, pieces: Iterable[bytes], people: BatchPeople) -> Iterator[bytes]:
        """Yield the body in one piece."""
        body = b"".join(pieces)
        root = _parse(body)
        holder, records = _find_list(root, self.path)
        erased = [self._erase_record(record, people) for record in records]
        if erased == records:
            yield body
            return
        if not self.path:
            root = erased[0]
        else:
            holder[self.path[-1]] = erased
        yield format_json(root).encode("utf-8", "surrogatepass")

    def _erase_record(self, record: Any, people: BatchPeople) -> Any:
        if not isinstance(record, dict):
            return record
        personal = {name: value for name, value in record.items() if name not in (*self.kept, self.conversation_id)}
        conversation = _as_text(record.get(self.conversation_id))
        users = [_as_text(_get(record, path)) for path in self.user_ids]
        is_theirs = conversation in people.conversations or any(map(people.is_user, users))
        if not is_theirs and not people.is_named_in(_iter_texts(personal)):
            return {**record, **_replace_texts(personal, people.replace_inside)}
        people.records += 1
        erased: dict[str, Any] = {name: record[name] if name in self.kept else None for name in record}
        if conversation:
            token = people.build_conversation_token(conversation)
            # ids of steps and events may be made from that of their conversation
            erased = _replace_texts(erased, lambda text: text.replace(conversation, token))
            erased[self.conversation_id] = token
        for path, text in zip(self.user_ids, users, strict=True):
            if text:
                _set(erased, path, people.build_user_token(text))
        return erased


@dataclass(frozen=True)
class JsonTexts:
    """Free texts in the list at ``path`` of a JSON body, under ``name`` in each of its objects."""

    path: tuple[str, ...]
    name: str

    def erase(self, _account: Account, pieces: Iterable[bytes], people: BatchPeople) -> Iterator[bytes]:
        """Yield the body in one piece."""
        body = b"".join(pieces)
        root = _parse(body)
        _, records = _find_list(root, self.path)
        is_changed = False
        for record in records:
            text = record.get(self.name) if isinstance(record, dict) else None
            if isinstance(text, str) and (replaced := people.replace_inside(text)) != text:
                record[self.name] = replaced
                people.records += 1
                is_changed = True
        yield format_json(root).encode("utf-8", "surrogatepass") if is_changed else body


@dataclass(frozen=True)
class PersonalBatchEraser:
    """The eraser of one batch (``extractors.landing.erasure.BatchEraser``)."""

    account: Account
    personal: PersonalData | None
    people: BatchPeople

    @property
    def records(self) -> int:
        """The records of people in the bodies so far."""
        return self.people.records

    def erase_body(self, pieces: Iterable[bytes]) -> Iterator[bytes]:
        """Yield a body without the people; the same bytes where they are not in it."""
        return iter(pieces) if self.personal is None else self.personal.erase(self.account, pieces, self.people)

    def erase_description(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """Return a request, a context or headers without the people, and without the counts of a body that changed."""
        replace = self.people.replace_in_description
        erased = {name: _replace_texts(value, replace) for name, value in fields.items()}
        if self.people.records:
            erased.pop("counts", None)
        return erased


@dataclass
class AccountEraser:
    """The eraser of some people of an account.

    ``secret`` makes the tokens. ``conversations`` are the ids of conversations that are known to be theirs; it grows.
    """

    account: Account
    personal: Mapping[str, PersonalData]
    people: People
    secret: bytes
    conversations: set[str] = field(default_factory=set)

    def open_batch(self, stream: str, window: Window) -> PersonalBatchEraser:
        """Return the eraser of one batch."""
        secret = hmac.digest(self.secret, f"{stream} {window}".encode(), "sha256")
        people = BatchPeople(self.people, secret, self.conversations)
        return PersonalBatchEraser(self.account, self.personal.get(stream), people)


def _parse(body: bytes) -> Any:
    try:
        return parse_json_body(body)
    except (ValueError, RecursionError):  # no JSON: a transform refuses it, and it has no record
        return None


def _find_list(root: Any, path: tuple[str, ...]) -> tuple[Any, list[Any]]:
    """Return the object that holds the list at a path, and the list; an empty list where there is none."""
    if not path:
        return None, [root]
    holder = _get(root, path[:-1])
    records = holder.get(path[-1]) if isinstance(holder, dict) else None
    return holder, records if isinstance(records, list) else []


def _get(value: Any, path: tuple[str, ...]) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _set(record: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    for name in path[:-1]:
        if not isinstance(record.get(name), dict):
            record[name] = {}
        record = record[name]
    record[path[-1]] = value


def _as_text(value: Any) -> str:
    """Return an id as text: 7, 7.0 and "7" are one. Empty for any other value."""
    if isinstance(value, Decimal):
        return str(int(value)) if value.is_finite() and value == value.to_integral_value() else str(value)
    return str(value) if isinstance(value, str | int) and not isinstance(value, bool) else ""


def _iter_texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _iter_texts(inner)
    elif text := _as_text(value):
        yield text


def _replace_texts(value: Any, replace: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {name: _replace_texts(inner, replace) for name, inner in value.items()}
    if isinstance(value, list):
        return [_replace_texts(inner, replace) for inner in value]
    return replace(value) if isinstance(value, str) else value
