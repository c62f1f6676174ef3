"""Tolerant readers of JSON responses: every accepted form of a number, text, instant or breakdown is read here.

A ``Node`` is a value with its path, so that an error names provider, account, stream, field and value. Nothing is
guessed: a value is read, is null, or raises ShapeError. What must not come in: a provider.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any, NoReturn
from zoneinfo import ZoneInfo

from extractors.errors import ErrorLocation, ShapeError
from extractors.json_body import AmbiguousJson, parse_json_body, replace_lone_surrogates
from warehouse.model.columns import UNKNOWN

_NUMBER = re.compile(r"\s*[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_THREE_DECIMALS = re.compile(r"[1-9]\d{0,2}\.\d{3}\s*$", re.ASCII)
_UTC_NAME = re.compile(r"\s?UTC$")
_MILLISECONDS_FROM = 10**11  # an epoch number this large is in milliseconds: in seconds it would be the year 5138
_LARGEST_OFFSET = timedelta(hours=18)
_NUMBER_LIMIT = Decimal(10) ** 18


def parse_json(body: bytes, where: ErrorLocation) -> "Node":
    """Return the root of a JSON body. Numbers keep their decimal text, so that money never passes through a float.

    Raises ShapeError for a body that is no JSON, or whose values are not certain (a key that stands twice).

    >>> parse_json(b'{"cost": 0.10}', ErrorLocation("chatdash", "acme", "analytics"))["cost"].number()
    Decimal('0.10')
    """
    try:
        value = parse_json_body(body)
    except AmbiguousJson as error:
        raise ShapeError(where, error.field, error.problem, error.values) from error
    except (ValueError, RecursionError) as error:
        raise ShapeError(where, "$", f"is no JSON ({error})", body[:80]) from error
    return Node(value, "$", where)


@lru_cache(maxsize=10_000)
def normalize_key(key: str) -> str:
    """Return a key without ``_`` and ``-`` and in lower case, so that its usual spellings are equal.

    >>> normalize_key("total_count") == normalize_key("totalCount")
    True
    """
    return key.casefold().replace("_", "").replace("-", "")


@dataclass(slots=True, eq=False)  # not frozen: a body has thousands, and each would cost three times as much
class Node:
    """A JSON value, its path in the body, and the account, stream and batch of the response."""

    value: Any
    path: str
    where: ErrorLocation

    def refuse(self, problem: str) -> NoReturn:
        """Raise ShapeError with this field, its value and the problem."""
        raise ShapeError(self.where, self.path, problem, self.value)

    @property
    def is_null(self) -> bool:
        """Whether the value is JSON null or its key is missing."""
        return self.value is None

    def __getitem__(self, key: str) -> "Node":
        """Return the value under a key of an object; null when the key is missing. Raises ShapeError for no object."""
        value = self.value
        if not isinstance(value, dict):
            self.refuse("is not an object")
        return Node(value.get(key), f"{self.path}.{key}", self.where)

    def __contains__(self, key: str) -> bool:
        """Return whether an object has a key. Raises ShapeError for no object."""
        return key in self.object()

    def at(self, index: int) -> "Node":
        """Return an element of an array. Raises ShapeError for no array."""
        return Node(self.array()[index], f"{self.path}[{index}]", self.where)

    def object(self) -> dict[str, Any]:
        """Return the value as an object. Raises ShapeError for any other value."""
        if not isinstance(self.value, dict):
            self.refuse("is not an object")
        return self.value

    def array(self) -> list[Any]:
        """Return the value as an array. Raises ShapeError for any other value."""
        if not isinstance(self.value, list):
            self.refuse("is not an array")
        return self.value

    def elements(self) -> Iterator["Node"]:
        """Yield the elements of an array, in order. Raises ShapeError for no array."""
        for index, value in enumerate(self.array()):
            yield Node(value, f"{self.path}[{index}]", self.where)

    def entries(self) -> Iterator[tuple[str, "Node"]]:
        """Yield the keys and values of an object, in order. Raises ShapeError for no object."""
        for key, value in self.object().items():
            yield key, Node(value, f"{self.path}.{key}", self.where)

    def first(self, *keys: str) -> "Node":
        """Return the value under the first of the accepted keys that is present; else null, under the first key."""
        value = self.object()
        key = next((key for key in keys if key in value), keys[0])
        return Node(value.get(key), f"{self.path}.{key}", self.where)

    def number(self) -> Decimal | None:
        """Return a number in the provider's unit, given as a JSON number or numeric text; None for null.

        Raises ShapeError for any other value, and for a number of 10**18 or more.
        """
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
        if number.copy_abs() >= _NUMBER_LIMIT:  # abs() raises for an exponent beyond its context
            self.refuse("is not a number that can be kept")
        return number

    def amount(self) -> Decimal | None:
        """Return a number that is not negative, in the provider's unit; None for null. Raises ShapeError for others."""
        number = self.number()
        if number is not None and number < 0:
            self.refuse("is negative")
        return number

    def count(self) -> int | None:
        """Return a whole number that is not negative, in any form of a number; None for null.

        Raises ShapeError for any other value, and for a text such as ``1.000``, which may be one or a thousand.
        """
        if is_plain_count(self.value):
            return int(self.value)
        number = self.amount()
        if number is None:
            return None
        if isinstance(self.value, str) and _THREE_DECIMALS.search(self.value):
            self.refuse("is not certain: it may be with or without thousands")
        if number != number.to_integral_value():
            self.refuse("is not a whole number")
        return int(number)

    def required_count(self) -> int:
        """Return a whole number. Raises ShapeError for null and for any other value."""
        count = self.count()
        if count is None:
            self.refuse("is missing")
        return count

    def text(self) -> str | None:
        """Return a text, or a number as text (ids come as either); None for null. Raises ShapeError for others."""
        value = self.value
        if value is None:
            return None
        if isinstance(value, str):
            return replace_lone_surrogates(value)
        if isinstance(value, bool) or not isinstance(value, int | Decimal):
            self.refuse("is not a text")
        return str(value)

    def required_text(self) -> str:
        """Return a text. Raises ShapeError for null, the empty text and any value that is no text."""
        text = self.text()
        if not text:
            self.refuse("is missing")
        return text

    def member(self) -> str:
        """Return a member's name, code point for code point; ``unknown`` for null and the empty text."""
        return self.text() or UNKNOWN

    def instant(self, zone: ZoneInfo | None = None) -> datetime | None:
        """Return an instant (UTC), given as RFC 3339 text, date, epoch seconds or milliseconds; None for null.

        A time without an offset is a local time of ``zone``. Raises ShapeError for a time without an offset when there
        is no ``zone``, and for any other value.
        """
        return None if self.is_null else _read_instant(self, zone)


def is_plain_count(value: Any) -> bool:
    """Whether a JSON value is a number that ``Node.count`` returns as it is, as nearly all are."""
    return type(value) is int and 0 <= value < _NUMBER_LIMIT


def _read_instant(node: Node, zone: ZoneInfo | None) -> datetime:
    value: Any = node.value
    is_digits = isinstance(value, str) and value.isascii() and value.isdecimal()
    if is_digits or (isinstance(value, int | Decimal) and not isinstance(value, bool)):
        epoch = node.number() or Decimal(0)
        seconds = epoch / 1000 if abs(epoch) >= _MILLISECONDS_FROM else epoch
        try:
            return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(seconds * 1_000_000))
        except OverflowError:
            node.refuse("is not an instant")
    if not isinstance(value, str):
        node.refuse("is not an instant")
    try:
        instant = datetime.fromisoformat(_UTC_NAME.sub("Z", value.strip().upper()))
    except ValueError:
        node.refuse("is not an instant")
    if abs(instant.utcoffset() or timedelta()) > _LARGEST_OFFSET:
        node.refuse("is not an instant: its offset is beyond 18 hours")
    if instant.tzinfo is None:
        if zone is None:
            node.refuse("is an instant without an offset")
        instant = instant.replace(tzinfo=zone)
    try:
        return instant.astimezone(UTC)
    except OverflowError:
        node.refuse("is not an instant")


def read_calendar_day(node: Node) -> date | None:
    """Return the day of a bare ``YYYY-MM-DD``; None for any other form of a time."""
    if isinstance(node.value, str) and len(node.value) == 10 and node.value[4] == node.value[7] == "-":
        try:
            return date.fromisoformat(node.value)
        except ValueError:
            return None
    return None
