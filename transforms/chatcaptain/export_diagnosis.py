"""The diagnosis of a refused export: finds the line and the cell. Exact and slow; it runs only after a failure.

Also the SQL that opens a landed file in DuckDB, which ``export.py`` shares. What must not come in: the typed reading of
an export.
"""

import csv
import io
from dataclasses import dataclass

import duckdb
import zstandard

from extractors.errors import ShapeError
from extractors.landing.batch import Batch
from transforms.chatcaptain.export_columns import CsvHeader
from warehouse.model.literals import literal

_LONGEST_CELL = 2**30


@dataclass(frozen=True)
class LandedExport:
    """A landed file, its header, and the number of its records by line ends, with the header and blank lines."""

    batch: Batch
    header: CsvHeader
    record_count: int


def read_csv_sql(source: LandedExport) -> str:
    """Return a SQL table of the file with text columns ``c0, c1, ...``; an empty cell is NULL, no other cell is."""
    header = source.header
    columns = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(len(header.names)))
    line_end = header.line_end.replace("\r", "\\r").replace("\n", "\\n")
    return (
        f"read_csv({literal(str(source.batch.path))}, auto_detect = false, header = true, columns = {{{columns}}}, "
        f"delim = {literal(header.delimiter)}, quote = '\"', escape = '\"', new_line = '{line_end}', "
        "compression = 'zstd', nullstr = '')"
    )


def diagnose_records(source: LandedExport, row_count: int | None) -> ShapeError | None:
    """Return a ShapeError for the first record that does not fit the header, with its line.

    None when all records fit and their number is ``row_count`` (None: any number).
    """
    where, width = source.batch.where, len(source.header.names)
    fitting_count = line = 0
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
                fitting_count += 1 if record else 0
    except csv.Error as error:
        return ShapeError(where, f"line {line + 1}", f"is no CSV ({error})")
    except UnicodeDecodeError as error:
        return ShapeError(where, f"after line {line + 1}", f"is not UTF-8 ({error.reason})")
    finally:
        csv.field_size_limit(previous)
    if row_count is None or fitting_count - 1 == row_count:
        return None
    return ShapeError(
        where, "file", f"was read as {row_count} rows, but has {fitting_count - 1} lines; its line ends are mixed"
    )


def diagnose_cells(
    engine: duckdb.DuckDBPyConnection, source: LandedExport, cells: list[tuple[str, str, str, bool]]
) -> ShapeError:
    """Return a ShapeError for the first cell that cannot be read, or that is empty and required, with its line.

    ``cells`` are of field, column, typed SQL expression, and whether the cell is required. Raises AssertionError when
    no such cell exists.
    """
    engine.execute("SET threads = 1; SET preserve_insertion_order = true")
    bad = " OR ".join(
        f"({column} IS NOT NULL AND {typed} IS NULL){f' OR {column} IS NULL' if is_required else ''}"
        for _, column, typed, is_required in cells
    )
    values_sql = ", ".join(f"{column}, {typed} IS NULL" for _, column, typed, _ in cells)
    row = engine.execute(
        f"SELECT record, {values_sql} FROM (SELECT *, row_number() OVER () AS record FROM {read_csv_sql(source)}) "  # noqa: S608
        f"WHERE {bad} ORDER BY record LIMIT 1"
    ).fetchone()
    record, *values = row or (0,)
    for (field, _, _, is_required), cell, is_unreadable in zip(cells, values[::2], values[1::2], strict=True):
        if cell is not None and is_unreadable:
            return ShapeError(source.batch.where, f"line {_line_of(source, record)}, {field}", "cannot be read", cell)
        if cell is None and is_required:
            return ShapeError(source.batch.where, f"line {_line_of(source, record)}, {field}", "is empty", cell)
    raise AssertionError("a cell was refused, but the second reading finds no bad cell")


def _line_of(source: LandedExport, record: int) -> int:
    """Return the line at which a record below the header begins: quoted cells may hold line ends."""
    with source.batch.path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
        text = io.TextIOWrapper(io.BufferedReader(stream), encoding="utf-8-sig", newline="")
        reader = csv.reader(text, delimiter=source.header.delimiter)
        line = record_count = 0
        for cells in reader:
            line, start = reader.line_num, line + 1
            if cells and record_count == record:
                return start
            record_count += 1 if cells else 0
    return line
