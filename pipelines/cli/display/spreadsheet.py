"""Write a query result as a workbook for Excel and its like: typed cells below a header, no text is ever a formula.

A sheet knows days, instants without a zone, and numbers of 15 digits. What would lose something in them is text.
"""

import io
from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, TextIO

import click
import pyarrow as pa

from pipelines.cli.display.values import format_value, read_column

if TYPE_CHECKING:
    from xlsxwriter.format import Format
    from xlsxwriter.worksheet import Worksheet

_MAX_ROWS = 1_048_575  # below the header
_MAX_COLUMNS = 16_384
_MAX_CHARACTERS = 32_767
_MAX_DIGITS = 15
_FIRST_DAY = date(1900, 3, 1)  # a sheet takes 1900 for a leap year
_MAX_WIDTH = 60
_ROWS_FOR_WIDTH = 200


def write_spreadsheet(result: pa.Table, out: TextIO) -> None:
    """Write the result to a file that is open for text, as one sheet: a header, then a row per row, instants in UTC.

    Whole numbers, decimals and floats are numbers, days and instants are dates, NULL is an empty cell. A number of more
    than 15 digits, a day before March 1900, and what a sheet has no type for are text. Raises UsageError on a terminal,
    where the writing library is missing, and for a result that no sheet holds.
    """
    if out.isatty():
        raise click.UsageError("xlsx needs a file: chatmart sql '…' --output answer.xlsx")
    try:
        import xlsxwriter  # imported late: an extra, and the other formats do without
    except ImportError as error:
        raise click.UsageError("xlsx needs a library: pip install 'chatmart[excel]', or write CSV") from error
    _require_room(result)
    content = io.BytesIO()
    with TemporaryDirectory(prefix="chatmart-") as folder:
        options = {"constant_memory": True, "tmpdir": folder, "default_date_format": "yyyy-mm-dd"}
        with xlsxwriter.Workbook(content, options) as workbook:
            sheet = workbook.add_worksheet("result")
            instants = workbook.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
            _set_up_columns(sheet, result)
            header = workbook.add_format({"bold": True})
            for number, name in enumerate(result.column_names):
                sheet.write_string(0, number, name, header)
            for row, values in enumerate(_iterate_rows(result), 1):
                for number, value in enumerate(values):
                    _write_cell(sheet, row, number, value, instants)
    out.buffer.write(content.getvalue())


def _require_room(result: pa.Table) -> None:
    for count, limit, word in ((result.num_rows, _MAX_ROWS, "rows"), (result.num_columns, _MAX_COLUMNS, "columns")):
        if count > limit:
            raise click.UsageError(f"a sheet holds {limit:,} {word}, and these are {count:,}: write CSV or Parquet")


def _iterate_rows(result: pa.Table) -> Iterator[tuple[Any, ...]]:
    for batch in result.to_batches(max_chunksize=10_000):
        yield from zip(*(read_column(pa.chunked_array([column])) for column in batch.columns), strict=True)


def _set_up_columns(sheet: "Worksheet", result: pa.Table) -> None:
    """Freeze and filter the header, and make each column as wide as its first cells."""
    sheet.freeze_panes(1, 0)
    if result.num_columns:
        sheet.autofilter(0, 0, result.num_rows, result.num_columns - 1)
    for number, name in enumerate(result.column_names):
        values = read_column(result.column(number).slice(0, _ROWS_FOR_WIDTH))
        longest = max((len(format_value(value)) for value in values if value is not None), default=0)
        sheet.set_column(number, number, min(max(len(name) + 3, longest + 1), _MAX_WIDTH))  # 3: the filter's button


def _write_cell(sheet: "Worksheet", row: int, column: int, value: Any, instants: "Format") -> None:
    if value is None:
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | float | Decimal) and _is_exact(value):
        sheet.write_number(row, column, value)
    elif isinstance(value, datetime) and value.date() >= _FIRST_DAY and value.microsecond % 1000 == 0:
        in_utc = value if value.tzinfo is None else value.astimezone(UTC).replace(tzinfo=None)
        sheet.write_datetime(row, column, in_utc, instants)
    elif isinstance(value, date) and not isinstance(value, datetime) and value >= _FIRST_DAY:
        sheet.write_datetime(row, column, value)
    else:
        _write_text(sheet, row, column, format_value(value))


def _is_exact(number: float | Decimal) -> bool:
    """Return whether a sheet keeps the number: it has floats, and shows 15 digits of them."""
    if isinstance(number, float):
        return number == number and abs(number) != float("inf")
    return len(Decimal(number).normalize().as_tuple().digits) <= _MAX_DIGITS


def _write_text(sheet: "Worksheet", row: int, column: int, text: str) -> None:
    if len(text.encode("utf-16-le")) > 2 * _MAX_CHARACTERS:
        raise click.UsageError(
            f"a text in row {row:,} has {len(text):,} characters, and a cell holds {_MAX_CHARACTERS:,}: write CSV"
        )
    sheet.write_string(row, column, text)
