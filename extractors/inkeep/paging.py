"""Inkeep's responses, read as far as needed to know whether rows are missing and after which id to go on.

Nothing else of a row is read here.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from extractors.errors import ErrorLocation, ShapeError
from extractors.http.messages import Response
from extractors.json_values import require_id, require_object

_COUNT_LIMIT = 10**15


@dataclass(frozen=True)
class Page:
    """A response with its rows; ``total`` is the number of rows of the whole query."""

    where: ErrorLocation
    response: Response
    total: int
    rows: tuple[Mapping[str, Any], ...]

    @property
    def is_complete(self) -> bool:
        """Whether every row of the query is here."""
        return self.total == len(self.rows)

    def row_id(self, index: int) -> str:
        """Return the id of a row; raises ShapeError for a row without one."""
        field = f"$.data.result[{index % len(self.rows)}].id"
        return require_id(self.where, field, self.rows[index].get("id"))


def parse_page(where: ErrorLocation, response: Response) -> Page:
    """Read ``{status: "ok", data: {result: [...], total, count}}``; raises ShapeError for any other shape."""
    root = require_object(where, "$", response.root)
    if root.get("status", "ok") != "ok":
        raise ShapeError(where, "$.status", "is not ok", root["status"])
    data = require_object(where, "$.data", root.get("data"))
    result = data.get("result")
    if not isinstance(result, list):
        raise ShapeError(where, "$.data.result", "is not an array", result)
    rows = tuple(require_object(where, f"$.data.result[{index}]", row) for index, row in enumerate(result))
    total, count = _read_count(where, "total", data), _read_count(where, "count", data)
    if count != len(rows):
        raise ShapeError(where, "$.data.count", f"differs from the {len(rows)} rows that came", data["count"])
    if total < count or total > count == 0:
        raise ShapeError(where, "$.data.total", f"does not fit a count of {count}", data["total"])
    return Page(where, response, total, rows)


def _read_count(where: ErrorLocation, name: str, data: Mapping[str, Any]) -> int:
    value = data.get(name)
    try:
        number = Decimal(value if isinstance(value, str | int | Decimal) else repr(value))
    except InvalidOperation:
        number = Decimal("NaN")
    if isinstance(value, bool) or not number.is_finite() or not 0 <= number < _COUNT_LIMIT or number % 1:
        raise ShapeError(where, f"$.data.{name}", "is not a whole number", value)
    return int(number)
