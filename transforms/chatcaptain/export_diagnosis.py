"""The diagnosis of a refused export: finds the line and the cell. Exact and slow; it runs only after a failure.

Also the SQL that opens a landed file in DuckDB, which ``export.py`` shares. What must not come in: the typed reading of
an export.
"""

import csv
import io
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import duckdb
import zstandard

from extractors.errors import ShapeError
from extractors.exports.csv_lines import CsvCounts
from extractors.landing.batch import Batch
from transforms.chatcaptain.export_columns import CsvHeader
from warehouse.model.engine_paths import csv_rows_sql
from warehouse.model.literals import literal

LONGEST_LINE_BYTES = 16 * 2**20
_BUFFER_BYTES = 2 * LONGEST_LINE_BYTES  # DuckDB would take sixteen times the longest line, whole, for each file
_LINE_ENDS = {"\n": "LF", "\r\n": "CR LF", "\r": "CR"}


@dataclass(frozen=True)
class LandedExport:
    """A landed file and its header.

    ``path`` holds its text in UTF-8, compressed.
    """

    batch: Batch
    path: Path
    header: CsvHeader
    counts: CsvCounts

    @property
    def lines_above_rows(self) -> int:
        """The header, and the line that names the delimiter."""
        return 2 if self.header.has_delimiter_line else 1

    def has_only_whole_rows(self, row_count: int) -> bool:
        """Return whether the file's counts fit ``row_count`` rows as wide as the header, without a zero byte.

        Where it is False, only ``diagnose_records`` knows: quotes inside a cell and blank lines are counted wrongly.
        """
        cell_gaps = (row_count + 1) * (len(self.header.names) - 1) + (1 if self.header.has_delimiter_line else 0)
        return (
            row_count == self.counts.record_count - self.lines_above_rows
            and cell_gaps == self.counts.delimiter_counts[self.header.delimiter]
            and not self.counts.has_nul
        )


@dataclass(frozen=True)
class CellCheck:
    """A fault of a cell: its field, its column in the file, the SQL condition of the fault, and the problem."""

    field: str
    column: str
    condition: str
    problem: str


def read_csv_sql(source: LandedExport) -> str:
    """Return a SQL table of the file with text columns ``c0, c1, ...``; an empty cell is NULL, no other cell is."""
    header = source.header
    columns = ", ".join(f"'c{index}': 'VARCHAR'" for index in range(len(header.names)))
    line_end = header.line_end.replace("\r", "\\r").replace("\n", "\\n")
    return csv_rows_sql(
        source.path,
        f"header = true, columns = {{{columns}}}, delim = {literal(header.delimiter)}, quote = '\"', escape = '\"', "
        f"new_line = '{line_end}', skip = {source.lines_above_rows - 1}, max_line_size = {LONGEST_LINE_BYTES}, "
        f"buffer_size = {_BUFFER_BYTES}, compression = 'zstd', nullstr = ''",
    )


def diagnose_records(source: LandedExport, row_count: int | None) -> ShapeError | None:
    """Return a ShapeError for the first record that does not fit the header, with its line.

    None when all records fit and their number is ``row_count`` (None: any number).
    """
    where, width, line_end = source.batch.where, len(source.header.names), source.header.line_end
    fitting_count = start = 0
    try:
        with _open_records(source) as records:
            for start, end, record in records:
                if end not in ("", line_end):
                    problem = f"ends with {_LINE_ENDS[end]}, but the header with {_LINE_ENDS[line_end]}"
                    return ShapeError(where, f"line {start}", f"{problem}: its line ends are mixed", end)
                if any("\0" in cell for cell in record):
                    return ShapeError(where, f"line {start}", "holds a zero byte: the file is damaged", record)
                if record and len(record) != width:
                    problem = f"has {len(record)} cells, the header {width}"
                    return ShapeError(where, f"line {start}", problem, len(record))
                if row_count is None and sum(map(len, record)) > LONGEST_LINE_BYTES // 4:  # up to 4 bytes a character
                    problem = f"is too long: a line of up to {LONGEST_LINE_BYTES // 2**20} MiB is read"
                    return ShapeError(where, f"line {start}", problem, f"{sum(map(len, record))} characters")
                fitting_count += 1 if record else 0
    except csv.Error as error:
        return ShapeError(where, f"line {start + 1}", f"is no CSV ({error})")
    except UnicodeDecodeError as error:
        return ShapeError(where, f"after line {start + 1}", f"is not UTF-8 ({error.reason})")
    if row_count is None or fitting_count - 1 == row_count:
        return None
    return ShapeError(where, "file", f"was read as {row_count} rows, but has {fitting_count - 1}")


def diagnose_cells(
    engine: duckdb.DuckDBPyConnection, source: LandedExport, checks: Sequence[CellCheck]
) -> ShapeError | None:
    """Return a ShapeError for the first row that fails a check, with line, field and cell; None when none fails."""
    engine.execute("SET threads = 1; SET preserve_insertion_order = true")
    conditions = ", ".join(f"coalesce({check.condition}, false)" for check in checks)
    cells = ", ".join(check.column for check in checks)
    row = engine.execute(
        f"SELECT record, failures, [{cells}] FROM "  # noqa: S608
        f"(SELECT *, [{conditions}] AS failures, row_number() OVER () AS record FROM {read_csv_sql(source)}) "
        "WHERE list_contains(failures, true) ORDER BY record LIMIT 1"
    ).fetchone()
    if row is None:
        return None
    record, failures, values = row
    check, cell = next((check, cell) for check, failed, cell in zip(checks, failures, values, strict=True) if failed)
    line = _line_of(source, record)
    return ShapeError(source.batch.where, f"line {line}, {check.field}", check.problem, cell)


def _line_of(source: LandedExport, record_number: int) -> int:
    """Return the line at which a record below the header begins: quoted cells may hold line ends."""
    record_count = 0
    with _open_records(source, is_strict=False) as records:
        for start, _, record in records:
            if record and record_count == record_number:
                return start
            record_count += 1 if record else 0
    return 0


class _Lines(Iterator[str]):
    """The lines of a text with their line ends; keeps the end of the newest one."""

    def __init__(self, text: io.TextIOWrapper) -> None:
        self._text = text
        self.newest = ""

    def __next__(self) -> str:
        self.newest = next(self._text)
        return self.newest

    @property
    def newest_end(self) -> str:
        return self.newest[len(self.newest.rstrip("\r\n")) :]


@contextmanager
def _open_records(source: LandedExport, *, is_strict: bool = True) -> Iterator[Iterator[tuple[int, str, list[str]]]]:
    """Open the header and the rows: the line at which each begins, its line end, and its cells."""
    previous = csv.field_size_limit(2**30)
    try:
        with source.path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
            text = io.TextIOWrapper(io.BufferedReader(stream), encoding="utf-8-sig", newline="")
            yield _iter_records(source, _Lines(text), is_strict)
    finally:
        csv.field_size_limit(previous)


def _iter_records(source: LandedExport, lines: _Lines, is_strict: bool) -> Iterator[tuple[int, str, list[str]]]:
    skipped = source.lines_above_rows - 1
    for _ in range(skipped):
        next(lines, "")
    reader, start = csv.reader(lines, delimiter=source.header.delimiter, strict=is_strict), skipped + 1
    for record in reader:
        yield start, lines.newest_end, record
        start = skipped + reader.line_num + 1
