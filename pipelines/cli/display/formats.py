"""Write query results as table, CSV, JSON, Parquet or xlsx. Decimals keep their digits; instants are UTC with ``Z``.

All but the table do not depend on the target. The look of a table does, and is in ``tables``.
"""

import csv
import json
from collections.abc import Callable, Iterator
from typing import Any, TextIO

import click
import pyarrow as pa

from pipelines.cli.display.spreadsheet import write_spreadsheet
from pipelines.cli.display.tables import TableStyle, draw_table
from pipelines.cli.display.values import format_json, format_value, read_column

_FORMULA_STARTS = (
    "=",
    "+",
    "-",
    "@",
    "\N{FULLWIDTH EQUALS SIGN}",
    "\N{FULLWIDTH PLUS SIGN}",
    "\N{FULLWIDTH COMMERCIAL AT}",
)


def write_result(result: pa.Table, output_format: str, out: TextIO) -> None:
    """Write a result, with all its columns, in one of ``OUTPUT_FORMATS``.

    Raises UsageError for Parquet on a terminal, KeyError for an unknown format.
    """
    OUTPUT_FORMATS[output_format](result, out)


def write_safe_csv(result: pa.Table, out: TextIO) -> None:
    """Write a result as CSV in which no text is a formula of a spreadsheet: one that would be gets an apostrophe.

    Names of intents, channels and the like are a provider's or a visitor's words, and a formula can open programs and
    send what stands in other cells.
    """
    _write_csv(result, out, _disarm_formula)


def _iterate_rows(result: pa.Table) -> Iterator[tuple[Any, ...]]:
    yield from zip(*map(read_column, result.columns), strict=True)


def _write_table(result: pa.Table, out: TextIO) -> None:
    draw_table(result, out, TableStyle.for_output(out))


def _write_csv(result: pa.Table, out: TextIO, form_text: Callable[[str], str] = str) -> None:
    writer = csv.writer(_LineFeedWriter(out), lineterminator="\r\n")
    writer.writerow(map(form_text, result.column_names))
    forms = [form_text if pa.types.is_string(kind) else format_value for kind in result.schema.types]
    for row in _iterate_rows(result):
        writer.writerow(["" if value is None else form(value) for form, value in zip(forms, row, strict=True)])


class _LineFeedWriter:
    """Ends rows with LF. The csv module is told CR LF, because it quotes a text with a CR only then."""

    def __init__(self, out: TextIO) -> None:
        self._out = out

    def write(self, row: str) -> None:
        self._out.write(row.removesuffix("\r\n") + "\n")


def _disarm_formula(text: str) -> str:
    """Return a text with a leading apostrophe if a spreadsheet would take it for a formula, and else unchanged."""
    return f"'{text}" if text.lstrip().startswith(_FORMULA_STARTS) or text.startswith(("\t", "\r")) else text


def _write_json(result: pa.Table, out: TextIO) -> None:
    names = [json.dumps(name, ensure_ascii=False) for name in result.column_names]
    lines = (
        ", ".join(f"{name}: {format_json(value)}" for name, value in zip(names, row, strict=True))
        for row in _iterate_rows(result)
    )
    out.write("[" + ",\n ".join(f"{{{line}}}" for line in lines) + "]\n")


def _write_parquet(result: pa.Table, out: TextIO) -> None:
    if out.isatty():
        raise click.UsageError("Parquet needs a file: chatmart sql '…' --output answer.parquet")
    import pyarrow.parquet as pq  # imported late: the other formats do without

    try:
        result.validate(full=True)
        pq.write_table(result, out.buffer)
    except pa.ArrowException as error:
        sentence = f"Parquet cannot hold this result ({error}): cast the column to VARCHAR, or write CSV"
        raise click.UsageError(sentence) from error


OUTPUT_FORMATS: dict[str, Callable[[pa.Table, TextIO], None]] = {
    "table": _write_table,
    "csv": _write_csv,
    "json": _write_json,
    "parquet": _write_parquet,
    "xlsx": write_spreadsheet,
}
