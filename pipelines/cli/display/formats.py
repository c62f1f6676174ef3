"""Write query results as table, CSV, JSON or Parquet. Decimals keep their digits; instants are UTC with ``Z``.

CSV, JSON and Parquet do not depend on the target. The look of a table does, and is in ``tables``.
"""

import csv
import json
from collections.abc import Callable, Iterator
from typing import Any, TextIO

import click
import pyarrow as pa

from pipelines.cli.display.tables import TableStyle, draw_table
from pipelines.cli.display.values import format_json, format_value, read_column


def write_result(result: pa.Table, output_format: str, out: TextIO) -> None:
    """Write a result, with all its columns, in one of ``OUTPUT_FORMATS``.

    Raises UsageError for Parquet on a terminal, KeyError for an unknown format.
    """
    OUTPUT_FORMATS[output_format](result, out)


def _iterate_rows(result: pa.Table) -> Iterator[tuple[Any, ...]]:
    yield from zip(*map(read_column, result.columns), strict=True)


def _write_table(result: pa.Table, out: TextIO) -> None:
    draw_table(result, out, TableStyle.for_output(out))


def _write_csv(result: pa.Table, out: TextIO) -> None:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(result.column_names)
    for row in _iterate_rows(result):
        writer.writerow(["" if value is None else format_value(value) for value in row])


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
}
