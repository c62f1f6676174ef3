"""Inkeep's responses, read as far as needed to know whether rows are missing and after which id to go on.

Nothing else of a row is read here.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from extractors.errors import ErrorLocation, ShapeError
from extractors.http.messages import Response
from extractors.json_values import require_id, require_object
from extractors.provider_message import find_reported_failure

_WHOLE_NUMBER = re.compile(r"\d{1,15}(\.0{1,2})?", re.ASCII)


@dataclass(frozen=True)
class Page:
    """A response with the number of its rows; ``total`` is that of the whole query. ``ids`` are those of the rows.

    The rows themselves are not kept: they are landed, and pages are many.
    """

    response: Response
    total: int
    row_count: int
    ids: tuple[str, ...] = ()

    @property
    def is_complete(self) -> bool:
        """Whether every row of the query is here."""
        return self.total == self.row_count


def parse_page(where: ErrorLocation, response: Response) -> Page:
    """Read ``{status: "ok", data: {result: [...], total, count}}``; raises ShapeError for any other shape."""
    total, rows = _read_rows(where, response)
    return Page(response, total, len(rows))


def parse_conversations(where: ErrorLocation, response: Response) -> Page:
    """Read a page of rows with ids, and release its body if it is landed.

    Raises ShapeError for another shape, for a row without an id, and for one that repeats.
    """
    total, rows = _read_rows(where, response)
    ids: dict[str, None] = {}  # in order
    for index, row in enumerate(rows):
        field = f"$.data.result[{index}].id"
        row_id = require_id(where, field, row.get("id"))
        if row_id in ids:
            raise ShapeError(where, field, "comes a second time", row_id)
        ids[row_id] = None
    response.release_body()
    return Page(response, total, len(rows), tuple(ids))


def _read_rows(where: ErrorLocation, response: Response) -> tuple[int, list[dict[str, Any]]]:
    root = require_object(where, "$", response.root)
    if root.get("status", "ok") != "ok":
        raise ShapeError(where, "$.status", "is not ok", root["status"])
    data = require_object(where, "$.data", root.get("data"))
    failure = find_reported_failure(data)
    if failure:
        raise ShapeError(where, "$.data", f"is no data; the provider says: {failure}", data)
    result = data.get("result")
    if not isinstance(result, list):
        raise ShapeError(where, "$.data.result", "is not an array", result)
    rows = [require_object(where, f"$.data.result[{index}]", row) for index, row in enumerate(result)]
    total, count = _read_count(where, "total", data), _read_count(where, "count", data)
    if count != len(rows):
        raise ShapeError(where, "$.data.count", f"differs from the {len(rows)} rows that came", data["count"])
    if total < count or total > count == 0:
        raise ShapeError(where, "$.data.total", f"does not fit a count of {count}", data["total"])
    return total, rows


def _read_count(where: ErrorLocation, name: str, data: Mapping[str, Any]) -> int:
    value = data.get(name)
    is_number = isinstance(value, str | int | Decimal) and not isinstance(value, bool)
    if not is_number or not _WHOLE_NUMBER.fullmatch(str(value)):
        raise ShapeError(where, f"$.data.{name}", "is not a whole number", value)
    return int(Decimal(str(value)))
