"""An answer as a table for people. On a terminal it fits the window, shows types and units, and tells what it left out.

In a pipe or a file a table is plain: a line of names, a line for each row, every column and digit, nothing cut. What
must not come in: the formats that programs read, which are the same wherever they go (``rendering``).
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
from pipelines.cli.display.values import format_for_terminal

TERMINAL_ROWS = 100
"""How many rows a terminal is shown unless it asks for more."""

_GAP = "  "
_NO_VALUE = "NULL"
_NARROWEST = 12
_CUT = "…"


@dataclass(frozen=True)
class TableStyle:
    """How a table is drawn: for eyes (types, units, grouped digits) or plain; how many rows and how wide at most."""

    show_types: bool = False
    decorated: bool = False
    max_rows: int | None = None
    max_width: int | None = None

    @classmethod
    def for_output(cls, out: TextIO) -> "TableStyle":
        """What suits the place a table goes to."""
        return cls(True, True, TERMINAL_ROWS, make_console(out).width) if out.isatty() else cls()

    def with_overrides(self, show_types: bool | None, max_rows: int | None) -> "TableStyle":
        """This look with what somebody asked for; 0 rows are all of them."""
        return replace(
            self,
            show_types=self.show_types if show_types is None else show_types,
            max_rows=self.max_rows if max_rows is None else max_rows or None,
        )


@dataclass(frozen=True)
class Truncation:
    """What a table has no room for: a number of rows, and columns by name."""

    rows: int = 0
    columns: tuple[str, ...] = ()


@dataclass(frozen=True)
class _Column:
    name: str
    kind: str
    unit: str
    is_number: bool
    is_text: bool
    cells: Sequence[str]
    width: int = 0

    @property
    def header(self) -> str:
        return f"{self.kind} · {self.unit}" if self.unit else self.kind

    def put(self, text: str) -> str:
        """A text in exactly this column's width."""
        length = cell_len(text)
        if length > self.width:
            return set_cell_size(text, self.width - 1) + _CUT
        space = " " * (self.width - length)
        return space + text if self.is_number else text + space


def make_console(out: TextIO) -> Console:
    """Where tables for people go; a file or a pipe has no edge to wrap at."""
    console = Console(file=out, markup=False, highlight=False)
    if not console.is_terminal:
        console.width = 10_000
    return console


def draw_table(answer: pa.Table, out: TextIO, look: TableStyle) -> Truncation:
    """Write the table. Returns what the look leaves no room for."""
    rows = answer.num_rows if look.max_rows is None else min(look.max_rows, answer.num_rows)
    columns = [_column(answer, number, rows, look) for number in range(answer.num_columns)]
    if not columns:
        return Truncation()
    drawn, is_tall = _fitted(columns, look)
    console = make_console(out)
    for line, style in _headers(drawn, is_tall, look):
        console.print(Text(line, style), soft_wrap=True)
    for number in range(rows):
        cells = [column.put(column.cells[number]) for column in drawn]
        if look.decorated:
            console.print(_dimmed(cells), soft_wrap=True)
        else:
            out.write(_GAP.join(cells).rstrip() + "\n")
    return Truncation(answer.num_rows - rows, tuple(column.name for column in columns[len(drawn) :]))


def _column(answer: pa.Table, number: int, rows: int, look: TableStyle) -> _Column:
    field, values = answer.schema.field(number), answer.column(number).slice(0, rows)
    kind = sql_type_name(field.type)
    is_number = pa.types.is_integer(field.type) or pa.types.is_decimal(field.type) or pa.types.is_floating(field.type)
    cells = _aligned(field.name, kind, values) if look.decorated else None
    return _Column(
        name=format_for_terminal(field.name),
        kind=kind if look.show_types else "",
        unit=(describe_unit(field.name, kind, answer.column_names) or "") if look.show_types else "",
        is_number=is_number,
        is_text=pa.types.is_string(field.type) or pa.types.is_nested(field.type),
        cells=cells
        if cells is not None
        else [_NO_VALUE if value is None else format_for_terminal(value) for value in values.to_pylist()],
    )


def _aligned(name: str, kind: str, values: pa.ChunkedArray) -> list[str] | None:
    """Numbers with their points below one another; thousands are set apart in measures, for a year or an id is none."""
    if not pa.types.is_decimal(values.type) and not pa.types.is_integer(values.type):
        return None
    found = find_measure(name, kind)
    separator = "," if found is not None and found.is_quantity else ""
    numbers = values.to_pylist()
    digits = max((_digits(number) for number in numbers), default=0)
    return [_NO_VALUE if number is None else f"{number:{separator}.{digits}f}" for number in numbers]


def _digits(number: Any) -> int:
    return len(format_for_terminal(number).partition(".")[2]) if isinstance(number, Decimal) else 0


def _dimmed(cells: Sequence[str]) -> Text:
    pieces = [Text(cell, "dim" if cell.strip() == _NO_VALUE else "") for cell in cells]
    return Text(_GAP).join(pieces)


def _headers(columns: Sequence[_Column], is_tall: bool, look: TableStyle) -> Iterator[tuple[str, str]]:
    yield _line(columns, [column.name for column in columns]), "bold"
    if look.show_types and is_tall:
        yield _line(columns, [column.kind for column in columns]), "dim"
        yield _line(columns, [column.unit for column in columns]), "dim"
    elif look.show_types:
        yield _line(columns, [column.header for column in columns]), "dim"


def _line(columns: Sequence[_Column], texts: Sequence[str]) -> str:
    return _GAP.join(column.put(text) for column, text in zip(columns, texts, strict=True)).rstrip()


def _fitted(columns: Sequence[_Column], look: TableStyle) -> tuple[list[_Column], bool]:
    """The columns there is room for, from the left, with their widths; and whether units go below the types."""
    wide = [_wide(column, column.header) for column in columns]
    if look.max_width is None or _total(wide) <= look.max_width:
        return wide, False
    tall = [_wide(column, max(column.kind, column.unit, key=len)) for column in columns]
    for count in range(len(tall), 1, -1):
        fitted = _shrunk(tall[:count], look.max_width)
        if _total(fitted) <= look.max_width:
            return fitted, True
    return _shrunk(tall[:1], look.max_width), True


def _wide(column: _Column, header: str) -> _Column:
    return replace(column, width=max(map(cell_len, (column.name, header, *column.cells))))


def _shrunk(columns: Sequence[_Column], width: int) -> list[_Column]:
    """Long texts cut to one level that lets the line fit, or as narrow as can be read; all else stays whole."""
    for level in range(width, _NARROWEST, -1):
        cut = [_cut(column, level) for column in columns]
        if _total(cut) <= width:
            return cut
    return [_cut(column, _NARROWEST) for column in columns]


def _cut(column: _Column, level: int) -> _Column:
    least = max(level, cell_len(column.name), len(column.kind))
    return column if not column.is_text or column.width <= least else replace(column, width=least)


def _total(columns: Sequence[_Column]) -> int:
    return sum(column.width for column in columns) + len(_GAP) * (len(columns) - 1)
