"""Checked readers of the few JSON values that extraction itself needs: to find the next page, an id, a count of rows.

Each raises ShapeError with the field's name and the value seen. The meaning of data is read in ``transforms``.
"""

from typing import Any

from extractors.errors import ErrorLocation, ShapeError


def require_object(where: ErrorLocation, field: str, value: Any) -> dict[str, Any]:
    """Return ``value`` if it is a JSON object; raises ShapeError otherwise."""
    if not isinstance(value, dict):
        raise ShapeError(where, field, "is not an object", value)
    return value


def require_id(where: ErrorLocation, field: str, value: Any) -> str:
    """Return an id, a number or a text that is not empty, as text; raises ShapeError otherwise."""
    if isinstance(value, bool) or not isinstance(value, str | int) or value == "":
        raise ShapeError(where, field, "is no id", value)
    return str(value)
