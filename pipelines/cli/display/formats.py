"""Answers of the warehouse as table, CSV, JSON or Parquet. Decimals keep their digits, instants are UTC with ``Z``.

CSV, JSON and Parquet are the same wherever they go; what a table looks like is up to ``tables``.
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


def write_result(answer: pa.Table, form: str, out: TextIO) -> None:
    """Write an answer in one of ``FORMATS``."""
    OUTPUT_FORMATS[form](answer, out)


def _rows(answer: pa.Table) -> Iterator[tuple[Any, ...]]:
    for batch in answer.to_batches():
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _json_value(value: Any) -> str:
    if isinstance(value, Decimal):
        return format_decimal(value)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return "null"
    if isinstance(value, datetime | date):
        return json.dumps(format_value(value))
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_json_value, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{json.dumps(str(key))}: {_json_value(each)}' for key, each in value.items())}}}"
    return json.dumps(value, ensure_ascii=False, default=str)


def _as_table(answer: pa.Table, out: TextIO) -> None:
    draw_table(answer, out, TableStyle.for_output(out))


def _as_csv(answer: pa.Table, out: TextIO) -> None:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(answer.column_names)
    for row in _rows(answer):
        writer.writerow(["" if value is None else format_value(value) for value in row])


def _as_json(answer: pa.Table, out: TextIO) -> None:
    names = [json.dumps(name, ensure_ascii=False) for name in answer.column_names]
    lines = (
        ", ".join(f"{name}: {_json_value(value)}" for name, value in zip(names, row, strict=True))
        for row in _rows(answer)
    )
    out.write("[" + ",\n ".join(f"{{{line}}}" for line in lines) + "]\n")


def _as_parquet(answer: pa.Table, out: TextIO) -> None:
    if out.isatty():
        raise click.UsageError("Parquet is for a file: chatmart sql '…' --output answer.parquet")
    pq.write_table(answer, out.buffer)


OUTPUT_FORMATS: dict[str, Callable[[pa.Table, TextIO], None]] = {
    "table": _as_table,
    "csv": _as_csv,
    "json": _as_json,
    "parquet": _as_parquet,
}
