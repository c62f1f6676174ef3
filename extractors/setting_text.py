"""Settings written as text: as whole number, number, flag or day, where the setting is one. No file is read here.

The configuration file and the environment hold text only. A text setting keeps its characters. Here a text becomes a
value of another type, or is refused: a text that readers of YAML take for different values (``010``, ``1_000``,
``1e3``, ``0x1F``, ``20250101``) is never guessed at.
"""

import re
from collections.abc import Iterator
from datetime import date
from typing import Any, get_args

from pydantic import BaseModel, SecretStr

_WHOLE_NUMBER = re.compile(r"[-+]?[0-9]+")
_OCTAL_NUMBER = re.compile(r"[-+]?0[0-7]+")
_NUMBER = re.compile(r"[-+]?([0-9]+(\.[0-9]*)?|\.[0-9]+)")
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_FLAGS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


def convert_text(annotation: Any, value: Any) -> Any:
    """Return a value for a field of this type annotation: a text, also in a list, as number, flag or day.

    Values of fields that may be text, and values that are no text, are returned as they are. Raises ValueError with a
    sentence for a text that is no value of the type.

    >>> convert_text(int | None, "3"), convert_text(str, "0123"), convert_text(tuple[float, float], ["2", "0.5"])
    (3, '0123', [2.0, 0.5])
    """
    kinds = set(_iter_types(annotation))
    if kinds & {str, SecretStr} or any(issubclass(kind, BaseModel) for kind in kinds):
        return value
    if isinstance(value, list):
        return [_convert(kinds, item) for item in value]
    return _convert(kinds, value)


def _iter_types(annotation: Any) -> Iterator[type[Any]]:
    """Yield the classes of an annotation: those of its alternatives and items; ``str`` for literal texts."""
    arguments = get_args(annotation)
    if isinstance(annotation, type) and not arguments:
        yield annotation
    for argument in arguments:
        yield from (str,) if isinstance(argument, str) else _iter_types(argument)


def _convert(kinds: set[type[Any]], value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if bool in kinds:
        return _read_flag(value)
    if int in kinds:
        return _read_whole_number(value)
    if float in kinds:
        return _read_number(value)
    return _read_day(value) if date in kinds else value


def _read_whole_number(text: str) -> int:
    if not _WHOLE_NUMBER.fullmatch(text):
        raise ValueError("is no whole number; write it in digits alone, as in 30")
    number = int(text)
    if _OCTAL_NUMBER.fullmatch(text) and int(text, 8) != number:
        raise ValueError("begins with 0, which some programs read as an octal number; write it without the 0")
    return number


def _read_number(text: str) -> float:
    if not _NUMBER.fullmatch(text):
        raise ValueError("is no number; write it in digits with a decimal point, as in 30 or 0.5")
    return float(text)


def _read_flag(text: str) -> bool:
    flag = _FLAGS.get(text.lower()) if text in (text.lower(), text.upper(), text.title()) else None
    if flag is None:
        raise ValueError("is neither true nor false; write one of the two")
    return flag


def _read_day(text: str) -> date:
    if not _DAY.fullmatch(text):
        raise ValueError("is no day; write it as in 2025-01-31")
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"there is no day {text}") from None
