"""Tolerant readers of JSON answers: every accepted form of one idea is read here, once. No provider is known here.

A ``Node`` is a value with its path, so that what is refused is named: provider, account, stream, field, value seen.
Nothing is guessed: a value is read, is null, or is a ShapeError.
"""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from extractors.errors import ErrorLocation, ShapeError

UNKNOWN = "unknown"
"""The member that stands for JSON null, an empty text or a label that is not there."""

_HALF_PAIR = re.compile("[\ud800-\udfff]")
_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_MILLISECONDS_FROM = 10**11  # epoch numbers this large are milliseconds: in seconds it would be the year 5138


def parse_json(body: bytes, where: ErrorLocation) -> "Node":
    """The root of a JSON body; numbers keep their decimal text, so that money never passes through a float."""
    try:
        value = json.loads(body, parse_float=Decimal, parse_constant=_no_constant)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise ShapeError(where, "$", f"is no JSON ({error})", body[:80]) from error
    return Node(value, "$", where)


def replace_lone_surrogates(text: str) -> str:
    """``text`` as told, but for halves of surrogate pairs (a text cut inside an emoji): no store can hold those."""
    return text if text.isascii() else _HALF_PAIR.sub("\N{REPLACEMENT CHARACTER}", text)


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON number")


@dataclass(frozen=True)
class Node:
    """A JSON value, its path in the answer and whom the answer belongs to."""

    value: Any
    path: str
    where: ErrorLocation

    def refuse(self, problem: str) -> NoReturn:
        """Raise the ShapeError that names this field and its value."""
        raise ShapeError(self.where, self.path, problem, self.value)

    @property
    def is_null(self) -> bool:
        """True for JSON null and for a key that is not there."""
        return self.value is None

    def __getitem__(self, key: str) -> "Node":
        """The value under a key of an object; null when the key is not there."""
        return Node(self.object().get(key), f"{self.path}.{key}", self.where)

    def __contains__(self, key: str) -> bool:
        return key in self.object()

    def at(self, index: int) -> "Node":
        """The element of an array."""
        return Node(self.array()[index], f"{self.path}[{index}]", self.where)

    def object(self) -> dict[str, Any]:
        """The value as an object."""
        if not isinstance(self.value, dict):
            self.refuse("is not an object")
        return self.value

    def array(self) -> list[Any]:
        """The value as an array."""
        if not isinstance(self.value, list):
            self.refuse("is not an array")
        return self.value

    def elements(self) -> Iterator["Node"]:
        """The elements of an array, in order."""
        for index in range(len(self.array())):
            yield self.at(index)

    def entries(self) -> Iterator[tuple[str, "Node"]]:
        """The keys and values of an object, in order."""
        for key in self.object():
            yield key, self[key]

    def first(self, *keys: str) -> "Node":
        """The value under the first of several accepted keys that is there; null under the first key otherwise."""
        for key in keys:
            if key in self:
                return self[key]
        return self[keys[0]]

    def number(self) -> Decimal | None:
        """A finite number given as int, float or numeric text; None for null."""
        value = self.value
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int | Decimal | str):
            self.refuse("is not a number")
        if isinstance(value, str) and not _NUMBER.fullmatch(value):
            self.refuse("is not a number")
        try:
            number = Decimal(value)
        except InvalidOperation:
            self.refuse("is not a number that can be kept")
        if number.copy_abs() >= Decimal(10) ** 18:  # abs() itself fails on what is too large for it
            self.refuse("is not a number that can be kept")
        return number

    def count(self) -> int | None:
        """A whole number in any of the number forms; None for null."""
        number = self.number()
        if number is None:
            return None
        if number != number.to_integral_value():
            self.refuse("is not a whole number")
        return int(number)

    def required_count(self) -> int:
        """A whole number that must be there."""
        count = self.count()
        if count is None:
            self.refuse("is missing")
        return count

    def text(self) -> str | None:
        """A text, or a number as its text (ids come as either); None for null."""
        value = self.value
        if value is None:
            return None
        if isinstance(value, str):
            return replace_lone_surrogates(value)
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            self.refuse("is not a text")
        return str(value)

    def required_text(self) -> str:
        """A non-empty text that must be there."""
        text = self.text()
        if not text:
            self.refuse("is missing")
        return text

    def member(self) -> str:
        """A member's name, code point for code point; null and the empty text are ``unknown``."""
        return self.text() or UNKNOWN

    def instant(self, zone: ZoneInfo | None = None) -> datetime | None:
        """An instant (UTC) given as RFC 3339 text, date, epoch seconds or milliseconds; None for null.

        A time without an offset belongs to ``zone``, and is refused when there is none.
        """
        return None if self.is_null else _instant(self, zone)


def _instant(node: Node, zone: ZoneInfo | None) -> datetime:
    value: Any = node.value
    in_digits = isinstance(value, str) and value.isascii() and value.isdecimal()
    if in_digits or (isinstance(value, int | Decimal) and not isinstance(value, bool)):
        epoch = node.number() or Decimal(0)
        seconds = epoch / 1000 if abs(epoch) >= _MILLISECONDS_FROM else epoch
        try:
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(seconds * 1_000_000))
        except OverflowError:
            node.refuse("is not an instant")
    if not isinstance(value, str):
        node.refuse("is not an instant")
    try:
        moment = datetime.fromisoformat(value.strip().upper())
    except ValueError:
        node.refuse("is not an instant")
    if moment.tzinfo is None:
        if zone is None:
            node.refuse("is an instant without an offset")
        moment = moment.replace(tzinfo=zone)
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        node.refuse("is not an instant")


def unwrap_scalar(node: Node, *wrappers: str) -> Node:
    """The number inside a scalar that is bare or wrapped as ``{value: …}`` or ``{count: …}``."""
    if not isinstance(node.value, dict):
        return node
    keys = wrappers or ("value", "count")
    inside = [key for key in keys if key in node.value]
    if len(inside) != 1:
        node.refuse(f"is neither a number nor an object with one of {', '.join(keys)}")
    return node[inside[0]]


def read_breakdown(
    node: Node, names: tuple[str, ...] = ("key", "id", "name"), values: tuple[str, ...] = ("count", "value")
) -> list[tuple[str, Node]]:
    """Members and their numbers, from a map name → number or a list of ``{name: …, value: …}`` objects.

    The same member may stand there twice; null and empty names are ``unknown``.
    """
    if node.is_null:
        return []
    if isinstance(node.value, dict):
        return [(replace_lone_surrogates(name) or UNKNOWN, unwrap_scalar(value)) for name, value in node.entries()]
    rows: list[tuple[str, Node]] = []
    for row in node.elements():
        if not any(key in row for key in names) or not any(key in row for key in values):
            row.refuse(f"has none of {', '.join(names)} or none of {', '.join(values)}")
        rows.append((row.first(*names).member(), row.first(*values)))
    return rows


def read_calendar_day(node: Node) -> date | None:
    """A bare ``YYYY-MM-DD`` as a date, None for any other form of a time."""
    if isinstance(node.value, str) and len(node.value) == 10 and node.value[4] == node.value[7] == "-":
        try:
            return date.fromisoformat(node.value)
        except ValueError:
            return None
    return None
