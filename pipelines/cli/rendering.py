"""Answers of the warehouse as table, CSV, JSON or Parquet. Decimals keep their digits, instants are UTC with ``Z``."""

import csv
import json
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TextIO

import click
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

_NO_VALUE = "NULL"


def write(answer: pa.Table, form: str, out: TextIO) -> None:
    """Write an answer in one of ``FORMATS``."""
    FORMATS[form](answer, out)


def _rows(answer: pa.Table) -> Iterator[tuple[Any, ...]]:
    for batch in answer.to_batches():
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _text(value: Any) -> str:
    """A scalar in plain text; numbers without needless zeros."""
    if isinstance(value, Decimal):
        return _plain(value)
    if isinstance(value, datetime):
        return _instant(value)
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _plain(value: Decimal) -> str:
    text = format(value, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _instant(value: datetime) -> str:
    if value.tzinfo is None:
        return value.isoformat(timespec="milliseconds")
    return value.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _json_value(value: Any) -> str:
    if isinstance(value, Decimal):
        return _plain(value)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return "null"
    if isinstance(value, datetime | date):
        return json.dumps(_text(value))
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_json_value, value))}]"
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{json.dumps(str(key))}: {_json_value(each)}' for key, each in value.items())}}}"
    return json.dumps(value, ensure_ascii=False, default=str)


def _as_table(answer: pa.Table, out: TextIO) -> None:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for field in answer.schema:
        numeric = pa.types.is_integer(field.type) or pa.types.is_decimal(field.type) or pa.types.is_floating(field.type)
        table.add_column(field.name, justify="right" if numeric else "left", overflow="fold")
    for row in _rows(answer):
        table.add_row(*(_NO_VALUE if value is None else shown(value) for value in row))
    output(out).print(table)


def output(out: TextIO) -> Console:
    """Where tables for people go; a file or a pipe has no edge to wrap at."""
    console = Console(file=out, markup=False, highlight=False)
    if not console.is_terminal:
        console.width = 10_000
    return console


def shown(value: Any) -> str:
    """A value in plain text; control characters in a name must not steer the terminal."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in _text(value))


def _as_csv(answer: pa.Table, out: TextIO) -> None:
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(answer.column_names)
    for row in _rows(answer):
        writer.writerow(["" if value is None else _text(value) for value in row])


def _as_json(answer: pa.Table, out: TextIO) -> None:
    names = [json.dumps(name, ensure_ascii=False) for name in answer.column_names]
    lines = (
        ", ".join(f"{name}: {_json_value(value)}" for name, value in zip(names, row, strict=True))
        for row in _rows(answer)
    )
    out.write("[" + ",\n ".join(f"{{{line}}}" for line in lines) + "]\n")


def _as_parquet(answer: pa.Table, out: TextIO) -> None:
    if out.isatty():
        raise click.UsageError("Parquet is for a file: chatmart sql --format parquet '…' > answer.parquet")
    pq.write_table(answer, out.buffer)


FORMATS: dict[str, Callable[[pa.Table, TextIO], None]] = {
    "table": _as_table,
    "csv": _as_csv,
    "json": _as_json,
    "parquet": _as_parquet,
}
