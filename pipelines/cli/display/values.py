"""Format one value of a result: decimals with their digits, days as YYYY-MM-DD, instants in UTC with ``Z``."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any


def format_value(value: Any) -> str:
    """Format a value as plain text. Decimals lose trailing zeros; anything unknown becomes JSON."""
    if isinstance(value, Decimal):
        return format_decimal(value)
    if isinstance(value, datetime):
        return _format_instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


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
    if value.tzinfo is None:
        return value.isoformat(timespec="milliseconds")
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
