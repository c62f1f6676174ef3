"""Why a landed export is refused: finds the line and the cell. Slow and exact; runs only when something is wrong.

Also how such a file is opened in DuckDB, which the fast way shares.
"""

import csv
import io
from dataclasses import dataclass
from pathlib import Path

import duckdb
import zstandard

from extractors.errors import ShapeError
from extractors.landing.batch import Batch
from transforms.chatcaptain.export_columns import CsvHeader

_LONGEST_CELL = 2**30


@dataclass(frozen=True)
class LandedExport:
    """A landed file, its header, and its records as counted by line ends (header and blank lines among them)."""

    batch: Batch
    header: CsvHeader
    record_count: int


def sql_literal(value: str | Path) -> str:
    """A text as a SQL literal."""
    return "'" + str(value).replace("'", "''") + "'"


def read_csv_sql(source: LandedExport) -> str:
    """The file as a table of texts ``c0, c1, ...``; an empty cell is NULL, nothing else is."""
    header = source.header
    columns = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(len(header.names)))
    line_end = header.line_end.replace("\r", "\\r").replace("\n", "\\n")
    return (
        f"read_csv({sql_literal(source.batch.path)}, auto_detect = false, header = true, columns = {{{columns}}}, "
        f"delim = {sql_literal(header.delimiter)}, quote = '\"', escape = '\"', new_line = '{line_end}', "
        "compression = 'zstd', nullstr = '')"
    )


def diagnose_records(source: LandedExport, rows: int | None) -> ShapeError | None:
    """The first record that does not fit the header, named by its line; None when all fit and there are ``rows``."""
    where, width = source.batch.where, len(source.header.names)
    fitting = line = 0
    previous = csv.field_size_limit(_LONGEST_CELL)
    try:
        with source.batch.path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
            text = io.TextIOWrapper(io.BufferedReader(stream), encoding="utf-8-sig", newline="")
            reader = csv.reader(text, delimiter=source.header.delimiter, strict=True)
            for record in reader:
                line, start = reader.line_num, line + 1
                if record and len(record) != width:
                    return ShapeError(
                        where, f"line {start}", f"has {len(record)} cells, the header {width}", len(record)
                    )
                fitting += 1 if record else 0
    except csv.Error as error:
        return ShapeError(where, f"line {line + 1}", f"is no CSV ({error})")
    except UnicodeDecodeError as error:
        return ShapeError(where, f"after line {line + 1}", f"is not UTF-8 ({error.reason})")
    finally:
        csv.field_size_limit(previous)
    if rows is None or fitting - 1 == rows:
        return None
    return ShapeError(where, "file", f"was read as {rows} rows, but its lines are {fitting - 1}; line ends are mixed")


def diagnose_cells(
    engine: duckdb.DuckDBPyConnection, source: LandedExport, cells: list[tuple[str, str, str, bool]]
) -> ShapeError:
    """The first cell that cannot be read, or is empty where it may not be, named by its line.

    ``cells``: field, column, typed expression, whether it must be there.
    """
    engine.execute("SET threads = 1; SET preserve_insertion_order = true")
    bad = " OR ".join(
        f"({column} IS NOT NULL AND {typed} IS NULL){f' OR {column} IS NULL' if needed else ''}"
        for _, column, typed, needed in cells
    )
    told = ", ".join(f"{column}, {typed} IS NULL" for _, column, typed, _ in cells)
    found = engine.execute(
        f"SELECT record, {told} FROM (SELECT *, row_number() OVER () AS record FROM {read_csv_sql(source)}) "  # noqa: S608
        f"WHERE {bad} ORDER BY record LIMIT 1"
    ).fetchone()
    record, *values = found or (0,)
    for (field, _, _, needed), cell, unread in zip(cells, values[::2], values[1::2], strict=True):
        if cell is not None and unread:
            return ShapeError(source.batch.where, f"line {_line_of(source, record)}, {field}", "cannot be read", cell)
        if cell is None and needed:
            return ShapeError(source.batch.where, f"line {_line_of(source, record)}, {field}", "is empty", cell)
    raise AssertionError("a cell was refused that is not to be found again")


def _line_of(source: LandedExport, record: int) -> int:
    """The line at which a record below the header begins: quoted cells may hold line ends."""
    with source.batch.path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
        text = io.TextIOWrapper(io.BufferedReader(stream), encoding="utf-8-sig", newline="")
        reader = csv.reader(text, delimiter=source.header.delimiter)
        line = seen = 0
        for cells in reader:
            line, start = reader.line_num, line + 1
            if cells and seen == record:
                return start
            seen += 1 if cells else 0
    return line
