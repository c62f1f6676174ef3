"""Format values of a result: decimals with their digits, days as YYYY-MM-DD, instants in UTC with ``Z``.

Instants have milliseconds, and more digits when they have more. Infinite days and instants are ``infinity`` and
``-infinity``; those outside of Python's years 1 to 9999 are as the engine writes them.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import pyarrow as pa


def read_column(column: pa.ChunkedArray) -> list[Any]:
    """Return the values of a column as Python objects; as text where Python has no object for one of them."""
    if not _has_engine_text(column.type):
        try:
            return list(column.to_pylist())
        except (OverflowError, ValueError):
            pass  # a day or an instant outside of Python's years
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        con.register("result", pa.table({"value": column}))
        if pa.types.is_nested(column.type):
            texts = con.sql("SELECT CAST(to_json(value) AS VARCHAR) FROM result").fetchall()
            return [None if text is None else json.loads(text, parse_float=Decimal) for (text,) in texts]
        texts = con.sql("SELECT CAST(value AS VARCHAR) FROM result").fetchall()
    is_instant = pa.types.is_timestamp(column.type)
    return [_format_engine_instant(text) if is_instant and text else text for (text,) in texts]


def format_value(value: Any) -> str:
    """Format a value as plain text. Decimals lose trailing zeros, bytes are escaped; nested values are JSON."""
    if isinstance(value, str):
        return value
    if isinstance(value, Decimal):
        return format_decimal(value)
    if isinstance(value, datetime):
        return _format_instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bytes):
        return _format_bytes(value)
    if isinstance(value, list | tuple | Mapping):
        return format_json(value)
    return json.dumps(value) if value is None or isinstance(value, bool | int | float) else str(value)


def format_json(value: Any) -> str:
    """Format a value as JSON. Decimals are numbers with all their digits; numbers that JSON lacks are null."""
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return "null"
    if value is None or isinstance(value, bool | int | float | Decimal):
        return format_value(value)
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(format_json, value))}]"
    if isinstance(value, Mapping):
        members = (f"{dump_json(str(key))}: {format_json(member)}" for key, member in value.items())
        return f"{{{', '.join(members)}}}"
    return dump_json(format_value(value))


def dump_json(value: Any, default: Callable[[Any], str] | None = None) -> str:
    """Return a value as JSON text; one with control characters is all ASCII, so that it cannot steer a terminal."""
    text = json.dumps(value, ensure_ascii=False, default=default)
    return text if text.isprintable() else json.dumps(value, default=default)


def format_decimal(value: Decimal) -> str:
    """Format a decimal without exponent and trailing zeros.

    >>> format_decimal(Decimal("1.500000"))
    '1.5'
    """
    digits = format(value, "f")
    return digits.rstrip("0").rstrip(".") if "." in digits else digits


def format_for_terminal(value: Any) -> str:
    """Format a value as plain text, with control characters escaped so that a name cannot steer the terminal."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in format_value(value))


def _format_instant(value: datetime) -> str:
    digits = "microseconds" if value.microsecond % 1000 else "milliseconds"
    if value.tzinfo is None:
        return value.isoformat(timespec=digits)
    return value.astimezone(UTC).isoformat(timespec=digits).replace("+00:00", "Z")


def _format_engine_instant(text: str) -> str:
    """Return an instant that the engine has written, in UTC, in the form of the others.

    >>> _format_engine_instant("12025-01-01 10:00:00.5+00"), _format_engine_instant("infinity")
    ('12025-01-01T10:00:00.500Z', 'infinity')
    """
    day, separator, time = text.partition(" ")
    if not separator or "(BC)" in text:
        return text
    seconds, _, fraction = time.removesuffix("+00").partition(".")
    return f"{day}T{seconds}.{fraction:0<3}{'Z' if time.endswith('+00') else ''}"


def _format_bytes(value: bytes) -> str:
    """Return bytes as the engine shows them: printable ASCII, and an escape with two hex digits for any other byte."""
    return "".join(chr(byte) if 32 <= byte < 127 and byte != 92 else f"\\x{byte:02X}" for byte in value)


def _has_engine_text(data_type: pa.DataType) -> bool:
    """Return whether Python's objects of a type lose something: nanoseconds, the time of day 24:00:00."""
    if pa.types.is_nested(data_type):
        return any(_has_engine_text(data_type.field(number).type) for number in range(data_type.num_fields))
    return bool(pa.types.is_time(data_type) or (pa.types.is_timestamp(data_type) and data_type.unit == "ns"))
