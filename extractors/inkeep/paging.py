"""Inkeep's answers, read no further than it takes to know whether rows are missing and where to go on.

What a row means is not read here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from extractors.errors import ErrorLocation, ShapeError
from extractors.http.messages import Response

_LARGEST = 10**15


@dataclass(frozen=True)
class Page:
    """An answer with its rows; ``total`` is how many rows the query has, here or not."""

    where: ErrorLocation
    response: Response
    total: int
    rows: tuple[Mapping[str, Any], ...]

    @property
    def is_complete(self) -> bool:
        """Whether every row of the query is here."""
        return self.total == len(self.rows)

    def row_id(self, index: int) -> str:
        """The id of a row; ShapeError for a row without one."""
        found = self.rows[index].get("id")
        if isinstance(found, bool) or not isinstance(found, str | int) or found == "":
            raise ShapeError(self.where, f"$.data.result[{index % len(self.rows)}].id", "is no id", found)
        return str(found)


def parse_page(where: ErrorLocation, answer: Response) -> Page:
    """Reads ``{status: "ok", data: {result: [...], total, count}}``; ShapeError for any other shape."""
    root = _object(where, "$", answer.json())
    if root.get("status", "ok") != "ok":
        raise ShapeError(where, "$.status", "is not ok", root["status"])
    data = _object(where, "$.data", root.get("data"))
    result = data.get("result")
    if not isinstance(result, list):
        raise ShapeError(where, "$.data.result", "is not an array", result)
    rows = tuple(_object(where, f"$.data.result[{index}]", row) for index, row in enumerate(result))
    total, count = _count(where, "total", data), _count(where, "count", data)
    if count != len(rows):
        raise ShapeError(where, "$.data.count", f"differs from the {len(rows)} rows that came", data["count"])
    if total < count or total > count == 0:
        raise ShapeError(where, "$.data.total", f"does not fit a count of {count}", data["total"])
    return Page(where, answer, total, rows)


def _object(where: ErrorLocation, field: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ShapeError(where, field, "is not an object", value)
    return value


def _count(where: ErrorLocation, name: str, data: Mapping[str, Any]) -> int:
    value = data.get(name)
    try:
        number = Decimal(value if isinstance(value, str) else repr(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if isinstance(value, bool) or not number.is_finite() or not 0 <= number < _LARGEST or number % 1:
        raise ShapeError(where, f"$.data.{name}", "is not a whole number", value)
    return int(number)
