"""Write query results as table, CSV, JSON or Parquet. Decimals keep their digits; instants are UTC with ``Z``.

CSV, JSON and Parquet do not depend on the target. The look of a table does, and is in ``tables``.
"""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TextIO

import click
import pyarrow as pa
import pyarrow.parquet as pq

from pipelines.cli.display.tables import TableStyle, draw_table
from pipelines.cli.display.values import format_decimal, format_value


def write_result(result: pa.Table, output_format: str, out: TextIO) -> None:
    """Write a result, with all its columns, in one of ``OUTPUT_FORMATS``.

    Raises UsageError for Parquet on a terminal, KeyError for an unknown format.
    """
    OUTPUT_FORMATS[output_format](result, out)


def _iterate_rows(result: pa.Table) -> Iterator[tuple[Any, ...]]:
    for batch in result.to_batches():
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _format_json(value: Any) -> str:
    if isinstance(value, Decimal):
        return format_decimal(value)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return "null"
    if isinstance(value, datetime | date):
        return json.dumps(format_value(value))
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_format_json, value))}]"
    if isinstance(value, Mapping):
        members = (f"{json.dumps(str(key))}: {_format_json(member)}" for key, member in value.items())
        return f"{{{', '.join(members)}}}"
    return json.dumps(value, ensure_ascii=False, default=str)


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
        ", ".join(f"{name}: {_format_json(value)}" for name, value in zip(names, row, strict=True))
        for row in _iterate_rows(result)
    )
    out.write("[" + ",\n ".join(f"{{{line}}}" for line in lines) + "]\n")


def _write_parquet(result: pa.Table, out: TextIO) -> None:
    if out.isatty():
        raise click.UsageError("Parquet needs a file: chatmart sql '…' --output answer.parquet")
    pq.write_table(result, out.buffer)


OUTPUT_FORMATS: dict[str, Callable[[pa.Table, TextIO], None]] = {
    "table": _write_table,
    "csv": _write_csv,
    "json": _write_json,
    "parquet": _write_parquet,
}
