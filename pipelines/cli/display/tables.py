"""Draw a query result as a table for people. On a terminal it fits the window and shows types and units.

In a pipe or a file a table is plain: a line of names, then a line per row with every column and digit, nothing cut.
What must not come in: the formats that programs read, which do not depend on the target (``formats``).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, TextIO

import pyarrow as pa
from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

from pipelines.cli.display.column_headers import describe_unit, find_measure, sql_type_name
from pipelines.cli.display.values import format_for_terminal, read_column

TERMINAL_ROWS = 100
"""Rows that a table on a terminal shows by default."""

_GAP = "  "
NO_VALUE = "NULL"
"""What a missing value is shown as."""

_MIN_TEXT_WIDTH = 12
_ELLIPSIS = "…"


@dataclass(frozen=True)
class TableStyle:
    """How a table is drawn: header lines with types and units, decorated cells (grouped digits, dimmed NULL), limits.

    ``max_rows`` and ``max_width`` (terminal cells) are None for no limit.
    """

    show_types: bool = False
    decorated: bool = False
    max_rows: int | None = None
    max_width: int | None = None

    @classmethod
    def for_output(cls, out: TextIO) -> "TableStyle":
        """Return the style for a terminal (decorated, limited) or for anything else (plain, complete)."""
        return cls(True, True, TERMINAL_ROWS, make_console(out).width) if out.isatty() else cls()

    def with_overrides(self, show_types: bool | None, max_rows: int | None) -> "TableStyle":
        """Return this style with the user's options; None keeps the style's value, 0 rows mean no limit."""
        return replace(
            self,
            show_types=self.show_types if show_types is None else show_types,
            max_rows=self.max_rows if max_rows is None else max_rows or None,
        )


@dataclass(frozen=True)
class Truncation:
    """The part of a result that a table left out: a number of rows, and columns by name."""

    rows: int = 0
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class _DrawnColumn:
    name: str
    sql_type: str
    unit: str
    is_number: bool
    is_text: bool
    cells: Sequence[str]
    width: int = 0

    @property
    def header(self) -> str:
        return f"{self.sql_type} · {self.unit}" if self.unit else self.sql_type

    def pad(self, text: str) -> str:
        """Pad or cut a text to exactly this column's width."""
        length = cell_len(text)
        if length > self.width:
            return set_cell_size(text, self.width - 1) + _ELLIPSIS
        space = " " * (self.width - length)
        return space + text if self.is_number else text + space


def make_console(out: TextIO) -> Console:
    """Return a console for tables. For a file or a pipe it is 10,000 cells wide, so that nothing wraps."""
    console = Console(file=out, markup=False, highlight=False)
    if not console.is_terminal:
        console.width = 10_000
    return console


def draw_table(result: pa.Table, out: TextIO, style: TableStyle) -> Truncation:
    """Write the table. Returns the rows and columns that the style's limits left out."""
    rows = result.num_rows if style.max_rows is None else min(style.max_rows, result.num_rows)
    columns = [_draw_column(result, number, rows, style) for number in range(result.num_columns)]
    if not columns:
        return Truncation()
    drawn, is_tall = _fit_columns(columns, style)
    console = make_console(out)
    for line, text_style in _header_lines(drawn, is_tall, style):
        console.print(Text(line, text_style), soft_wrap=True)
    for number in range(rows):
        cells = [column.pad(column.cells[number]) for column in drawn]
        if style.decorated:
            console.print(_dim_missing_values(cells), soft_wrap=True)
        else:
            out.write(_GAP.join(cells).rstrip() + "\n")
    return Truncation(result.num_rows - rows, tuple(column.name for column in columns[len(drawn) :]))


def _draw_column(result: pa.Table, number: int, rows: int, style: TableStyle) -> _DrawnColumn:
    field, values = result.schema.field(number), result.column(number).slice(0, rows)
    sql_type = sql_type_name(field.type)
    is_number = pa.types.is_integer(field.type) or pa.types.is_decimal(field.type) or pa.types.is_floating(field.type)
    cells = _align_numbers(field.name, sql_type, values) if style.decorated else None
    return _DrawnColumn(
        name=format_for_terminal(field.name),
        sql_type=sql_type if style.show_types else "",
        unit=(describe_unit(field.name, sql_type, result.column_names) or "") if style.show_types else "",
        is_number=is_number,
        is_text=pa.types.is_string(field.type) or pa.types.is_nested(field.type),
        cells=cells
        if cells is not None
        else [NO_VALUE if value is None else format_for_terminal(value) for value in read_column(values)],
    )


def _align_numbers(name: str, sql_type: str, values: pa.ChunkedArray) -> list[str] | None:
    """Format numbers with aligned decimal points; None for a column that holds no numbers.

    Thousands are separated only in measures: a year or an id must not be.
    """
    if not pa.types.is_decimal(values.type) and not pa.types.is_integer(values.type):
        return None
    measure = find_measure(name, sql_type)
    separator = "," if measure is not None and measure.is_quantity else ""
    numbers = values.to_pylist()
    decimals = max((_count_decimals(number) for number in numbers), default=0)
    return [NO_VALUE if number is None else f"{number:{separator}.{decimals}f}" for number in numbers]


def _count_decimals(number: Any) -> int:
    return len(format_for_terminal(number).partition(".")[2]) if isinstance(number, Decimal) else 0


def _dim_missing_values(cells: Sequence[str]) -> Text:
    pieces = [Text(cell, "dim" if cell.strip() == NO_VALUE else "") for cell in cells]
    return Text(_GAP).join(pieces)


def _header_lines(columns: Sequence[_DrawnColumn], is_tall: bool, style: TableStyle) -> Iterator[tuple[str, str]]:
    yield _join_cells(columns, [column.name for column in columns]), "bold"
    if style.show_types and is_tall:
        yield _join_cells(columns, [column.sql_type for column in columns]), "dim"
        yield _join_cells(columns, [column.unit for column in columns]), "dim"
    elif style.show_types:
        yield _join_cells(columns, [column.header for column in columns]), "dim"


def _join_cells(columns: Sequence[_DrawnColumn], texts: Sequence[str]) -> str:
    return _GAP.join(column.pad(text) for column, text in zip(columns, texts, strict=True)).rstrip()


def _fit_columns(columns: Sequence[_DrawnColumn], style: TableStyle) -> tuple[list[_DrawnColumn], bool]:
    """Return the columns that fit, from the left, with their widths; and whether units need a line of their own."""
    wide = [_set_width(column, column.header) for column in columns]
    if style.max_width is None or _total_width(wide) <= style.max_width:
        return wide, False
    tall = [_set_width(column, max(column.sql_type, column.unit, key=len)) for column in columns]
    for count in range(len(tall), 1, -1):
        fitting = _shrink_texts(tall[:count], style.max_width)
        if _total_width(fitting) <= style.max_width:
            return fitting, True
    return _shrink_texts(tall[:1], style.max_width), True


def _set_width(column: _DrawnColumn, header: str) -> _DrawnColumn:
    return replace(column, width=max(map(cell_len, (column.name, header, *column.cells))))


def _shrink_texts(columns: Sequence[_DrawnColumn], width: int) -> list[_DrawnColumn]:
    """Cut long texts to the largest common width at which the line fits, at least ``_MIN_TEXT_WIDTH``."""
    for text_width in range(width, _MIN_TEXT_WIDTH, -1):
        shrunk = [_limit_width(column, text_width) for column in columns]
        if _total_width(shrunk) <= width:
            return shrunk
    return [_limit_width(column, _MIN_TEXT_WIDTH) for column in columns]


def _limit_width(column: _DrawnColumn, text_width: int) -> _DrawnColumn:
    limit = max(text_width, cell_len(column.name), len(column.sql_type))
    return column if not column.is_text or column.width <= limit else replace(column, width=limit)


def _total_width(columns: Sequence[_DrawnColumn]) -> int:
    return sum(column.width for column in columns) + len(_GAP) * (len(columns) - 1)
