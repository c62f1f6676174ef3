"""JSON bodies, parsed strictly and written back, in extraction and in transforms alike.

Python's own reading of JSON takes the last of two equal keys, and accepts ``NaN``. Both would be a guess at what the
provider means. Its own writing turns a fraction into a float. What must not come in: the meaning of a body.
"""

import json
import re
from collections import Counter
from decimal import Decimal
from typing import Any, NoReturn

MAX_VALUES = 5_000_000
"""Of one body: about one gigabyte of Python objects at worst, and 600,000 rows of eight fields."""

_UNCOUNTED_BYTES = 10 * 2**20  # a shorter body cannot hold much more than that, and need not be counted
_LONE_SURROGATE = re.compile("[\ud800-\udfff]")


class AmbiguousJson(ValueError):
    """JSON whose values are not certain: a key that stands twice in one object, or a number that is none.

    ``field`` is the key or ``$``, ``values`` are those seen.
    """

    def __init__(self, field: str, problem: str, values: object = None) -> None:
        self.field = field
        self.problem = problem
        self.values = values
        super().__init__(f"{field} {problem}")


def has_too_many_values(body: bytes) -> bool:
    """Whether a JSON body holds more than ``MAX_VALUES``, by its brackets and commas, also those inside texts.

    A value takes up to two hundred times as many bytes as its text: 200 MB of ``{}`` are 5 GB when they are parsed.
    """
    return len(body) > _UNCOUNTED_BYTES and sum(map(body.count, (b"{", b"[", b","))) > MAX_VALUES


def replace_lone_surrogates(text: str) -> str:
    """Return the text with U+FFFD in place of lone surrogates (a text cut inside an emoji).

    No store and no URL can hold them. They stay in landed bodies.
    """
    return text if text.isascii() else _LONE_SURROGATE.sub("\N{REPLACEMENT CHARACTER}", text)


def parse_json_body(body: bytes) -> Any:
    """Return the value of a JSON body. Fractions are Decimal, so that money never passes through a float.

    Raises AmbiguousJson for a key that stands twice in one object and for a number that no JSON allows or no Decimal
    holds, ValueError or RecursionError for a body that is no JSON.

    >>> parse_json_body(b'{"cost": 0.10}')
    {'cost': Decimal('0.10')}
    >>> parse_json_body(b'{"conversations": 5, "conversations": 7}')
    Traceback (most recent call last):
    extractors.json_body.AmbiguousJson: conversations stands twice in one object
    """
    return parse_json_text(body.decode(json.detect_encoding(body), "surrogatepass"))


def parse_json_text(text: str) -> Any:
    """Return the value of a JSON text, as ``parse_json_body`` does."""
    return _decoder.decode(text)


def _parse_decimal(text: str) -> Decimal:
    try:
        return Decimal(text)
    except ArithmeticError as error:  # an exponent that no Decimal holds
        raise AmbiguousJson("$", "holds a number that cannot be kept", text) from error


def _refuse_constant(name: str) -> NoReturn:
    raise AmbiguousJson("$", f"is no JSON ({name} is no JSON number)", name)


def _build_object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    built = dict(pairs)
    if len(built) < len(pairs):
        key = next(key for key, count in Counter(key for key, _ in pairs).items() if count > 1)
        raise AmbiguousJson(key, "stands twice in one object", [value for other, value in pairs if other == key])
    return built


_decoder = json.JSONDecoder(
    parse_float=_parse_decimal, parse_constant=_refuse_constant, object_pairs_hook=_build_object
)


def format_json(value: Any) -> str:
    """Return a parsed value as compact JSON text. A Decimal keeps its digits and its exponent, whatever its size.

    >>> format_json(parse_json_body(b'{"cost": 0.10, "size": 1e400, "name": null}'))
    '{"cost":0.10,"size":1E+400,"name":null}'
    """
    if isinstance(value, dict):
        return "{" + ",".join(f"{_dump(key)}:{format_json(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(format_json, value)) + "]"
    return str(value) if isinstance(value, Decimal) else _dump(value)


def _dump(value: Any) -> str:
    # a lone surrogate, from a text cut inside an emoji, stays an escape: UTF-8 cannot encode it
    is_cut = isinstance(value, str) and not value.isascii() and _LONE_SURROGATE.search(value)
    return json.dumps(value, ensure_ascii=bool(is_cut), allow_nan=False)
