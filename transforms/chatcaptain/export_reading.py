"""The reading of one exported CSV file: from the landed file to typed Parquet, by DuckDB.

What must not come in: the meaning of a row for the facts (``export.py``), the names of columns (``export_columns.py``),
the forms of a number (``export_numbers.py``).
"""

import codecs
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

import duckdb
import zstandard

from extractors.chatcaptain.account import ChatcaptainAccount
from extractors.errors import ErrorLocation, ShapeError, UnreadableResponse
from extractors.exports.csv_lines import CsvCounts, CsvRecordCounter
from extractors.landing.batch import Batch
from transforms.chatcaptain.export_columns import CsvHeader, read_header
from transforms.chatcaptain.export_diagnosis import (
    CellCheck,
    LandedExport,
    diagnose_cells,
    diagnose_records,
    read_csv_sql,
)
from transforms.chatcaptain.export_kinds import check_is_csv_text, find_utf_16_codec
from transforms.chatcaptain.export_numbers import (
    COMMA,
    COUNTS,
    DECIMALS,
    OPEN,
    POINT,
    build_number_macros,
    is_number,
)
from transforms.chunk import Chunk, DayClaim
from transforms.machine_errors import is_machine_error
from warehouse.model.engine_paths import parquet_rows_sql, path_literal
from warehouse.model.literals import day_literal

_TEXTS = (
    "conversation_id", "channel_id", "channel_type", "language", "intents", "end_reason", "transfer_target", "user_id",
)  # fmt: skip
_INSTANTS = ("started_at", "ended_at")
_REQUIRED = ("conversation_id", "started_at", "conversations")
_PIECE_BYTES = 2**20
PARQUET_OPTIONS = "FORMAT parquet, COMPRESSION snappy, DICTIONARY_SIZE_LIMIT 1000, ROW_GROUP_SIZE 40960"
"""Of files that are read soon and removed: a dictionary of ids that hardly repeat costs more than it saves."""

_ISO = r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?\s?([Zz]|[+-]\d{2}(:?\d{2})?)?)?"
_USUAL = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"  # nearly all cells: the forms below cost five times as much
_OFFSET = r"([Zz]|[+-](0\d|1[0-7])(:?[0-5]\d)?|[+-]18(:?00)?)"
_DAY_FIRST = r"(\d{2})\.(\d{2})\.(\d{4})(.*)"

MACROS = rf"""
-- a local time in the hour that comes twice is in its first occurrence, as everywhere in the program
CREATE MACRO earlier(moment) AS
    CASE WHEN CAST(moment - INTERVAL 1 HOUR AS TIMESTAMP) = CAST(moment AS TIMESTAMP)
         THEN moment - INTERVAL 1 HOUR ELSE moment END;
CREATE MACRO written(cell) AS
    CASE WHEN regexp_matches(cell, '(\d\s?[Zz]|:\d{{2}}[.,]?\d*\s?[+-]\d{{2}}(:?\d{{2}})?)$')
         THEN CASE WHEN regexp_matches(cell, '{_OFFSET}$') THEN TRY_CAST(replace(cell, ',', '.') AS TIMESTAMPTZ) END
         ELSE earlier(TRY_CAST(replace(cell, ',', '.') AS TIMESTAMPTZ)) END;
CREATE MACRO instant_of(cell) AS
    CASE WHEN regexp_full_match(trim(cell), '{_ISO}') THEN written(trim(cell))
         WHEN regexp_full_match(trim(cell), '\d{{9,10}}') THEN make_timestamptz(1000000 * CAST(trim(cell) AS BIGINT))
         WHEN regexp_full_match(trim(cell), '\d{{12,13}}') THEN make_timestamptz(1000 * CAST(trim(cell) AS BIGINT))
         WHEN regexp_full_match(trim(cell), '{_DAY_FIRST}')
         THEN written(regexp_replace(trim(cell), '{_DAY_FIRST}', '\3-\2-\1\4')) END;
CREATE MACRO instant(cell) AS
    CASE WHEN regexp_full_match(cell, '{_USUAL}') THEN TRY_CAST(cell AS TIMESTAMPTZ)
         WHEN ends_with(rtrim(cell), 'UTC') OR ends_with(rtrim(cell), ' Z')
         THEN instant_of(regexp_replace(rtrim(cell), '\s?(UTC|Z)$', 'Z')) ELSE instant_of(cell) END;
"""
"""SQL functions that read a cell as an instant in the session's time zone. Those of numbers depend on the file."""


def open_export(chunk: Chunk[ChatcaptainAccount], claim: DayClaim) -> LandedExport:
    """Read a landed file once and whole: its header, and its counts, unless the download has landed them.

    A file in UTF-16 is copied to the scratch folder in UTF-8. Raises ShapeError for a damaged file, for a file that is
    no CSV, and for a header that is refused.
    """
    batch = claim.batch
    pieces = _iter_pieces(batch)
    start, path = next(pieces, b""), batch.path
    codec = find_utf_16_codec(start)
    if codec:
        path = chunk.scratch_folder / f"{batch.window}.utf-8.zst"
        _copy_as_utf_8(chain([start], pieces), codec, path, batch.where)
        pieces = _iter_copy(path)
        start = next(pieces, b"")
    check_is_csv_text(start, batch.where)
    header = read_header(start, chunk.account.export_columns, batch.where)
    counts = CsvCounts.from_json(batch.parts[0].context.get("counts"))  # of ExportContext
    if counts is not None:
        deque(pieces, maxlen=0)  # to its end: only there damage shows
    return LandedExport(batch, path, header, counts or _count_records(chain([start], pieces)))


def _count_records(pieces: Iterable[bytes]) -> CsvCounts:
    counter = CsvRecordCounter()
    for piece in pieces:
        counter.feed(piece)
    return counter.counts


def _iter_pieces(batch: Batch) -> Iterator[bytes]:
    try:
        yield from batch.iter_bytes()
    except (ValueError, OSError) as error:
        if is_machine_error(error):
            raise
        raise UnreadableResponse(batch.where, batch.window, error) from error


def _copy_as_utf_8(pieces: Iterable[bytes], codec: str, path: Path, where: ErrorLocation) -> None:
    decoder = codecs.getincrementaldecoder(codec)()
    try:
        with path.open("wb") as file, zstandard.ZstdCompressor(level=1).stream_writer(file) as copy:
            for piece in pieces:
                copy.write(decoder.decode(piece).encode())
            decoder.decode(b"", final=True)
    except UnicodeError as error:
        raise ShapeError(where, "file", f"is damaged UTF-16 ({error})") from error


def _iter_copy(path: Path) -> Iterator[bytes]:
    with path.open("rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as reader:
        while piece := reader.read(_PIECE_BYTES):
            yield piece


def write_typed(
    engine: duckdb.DuckDBPyConnection, source: LandedExport, target: Path, decimal_sign: str | None
) -> None:
    """Write a file's rows as Parquet: a column per field, ``date`` (local day), ``member``, ``bad``, ``marks``.

    ``member`` is equal in two rows of totals that only their numbers tell apart. Without a ``decimal_sign`` the
    numbers of the file decide it. Raises ShapeError with the line of a record that does not fit the header, of a cell
    that cannot be read or is negative, and of a row outside the batch's window.
    """
    reading = _Reading(engine, source, target)
    marks = reading.write(decimal_sign)
    if marks & (POINT | COMMA) == POINT | COMMA or marks == OPEN:
        reading.refuse_signs(marks)
    if marks & OPEN:
        reading.write("." if marks & POINT else ",")  # once more: now every number can be read
    reading.check_rows()


@dataclass(frozen=True)
class _Reading:
    """The reading of one file into ``target``."""

    engine: duckdb.DuckDBPyConnection
    source: LandedExport
    target: Path

    def write(self, decimal_sign: str | None) -> int:
        """Write all rows with numbers of this decimal sign; return the marks of all number cells."""
        source, target = self.source, path_literal(self.target)
        self.engine.execute(build_number_macros(decimal_sign))
        try:
            query = self._typed_query(decimal_sign)
            self.engine.execute(f"COPY ({query}) TO {target} ({PARQUET_OPTIONS})")
        except duckdb.Error as error:
            if is_machine_error(error):  # nothing is wrong with the file
                raise
            raise diagnose_records(source, None) or ShapeError(
                source.batch.where, "file", f"cannot be read as CSV ({str(error).splitlines()[0]})"
            ) from error
        row_count, marks = self._select_one("count(*), coalesce(bit_or(marks), 0)")
        if not source.has_only_whole_rows(row_count):
            shape_error = diagnose_records(source, row_count)
            if shape_error:
                raise shape_error
        return int(marks)

    def refuse_signs(self, marks: int) -> NoReturn:
        """Raise ShapeError for numbers that leave the decimal sign open, or that contradict each other."""
        if marks == OPEN:
            problem = "is thousands or has three decimals, and no number of the file shows which; set "
            raise self._diagnose(self._check_marks(OPEN, f"{problem}the account's export_decimal_sign"))
        pointed = self._diagnose(self._check_marks(POINT, ""))
        raise self._diagnose(self._check_marks(COMMA, f"has a decimal comma, but {pointed.field} a decimal point"))

    def check_rows(self) -> None:
        """Raise ShapeError for a cell that cannot be read, and for a row outside the batch's window."""
        window = self.source.batch.window
        bad_count, first, last = self._select_one("count(bad), min(date), max(date)")
        if bad_count:
            raise self._diagnose(self._check_cells())
        if first is not None and (first < window.start or last >= window.end):
            requested_days = f"{window.start} to {window.end - timedelta(days=1)}"
            day = f"CAST(instant({self._cells['started_at']}) AS DATE)"
            is_outside = f"{day} < {day_literal(window.start)} OR {day} >= {day_literal(window.end)}"
            problem = f"is on none of the days that were requested, {requested_days}"
            raise self._diagnose([CellCheck("started_at", self._cells["started_at"], is_outside, problem)])

    @property
    def _cells(self) -> dict[str, str]:
        """The column of each field in the file."""
        return {field: f"c{index}" for field, index in self.source.header.columns.items()}

    def _select_one(self, columns: str) -> tuple[Any, ...]:
        query = f"SELECT {columns} FROM {parquet_rows_sql([self.target])}"  # noqa: S608
        return self.engine.execute(query).fetchone() or ()

    def _diagnose(self, checks: Sequence[CellCheck]) -> ShapeError:
        shape_error = diagnose_cells(self.engine, self.source, checks)
        if shape_error is None:
            raise AssertionError("a cell was refused, but the second reading finds no such cell")
        return shape_error

    def _check_marks(self, mark: int, problem: str) -> list[CellCheck]:
        return [
            CellCheck(field, cell, f"{_marks_of(field, cell)} & {mark} > 0", problem)
            for field, cell in self._cells.items()
            if is_number(field)
        ]

    def _check_cells(self) -> list[CellCheck]:
        typed = _typed_expressions(self.source.header)
        checks = []
        for field, cell in self._cells.items():
            unreadable = f"{cell} IS NOT NULL AND {typed[field]} IS NULL"
            checks.append(CellCheck(field, cell, unreadable, "cannot be read"))
            if field in _REQUIRED:
                checks.append(CellCheck(field, cell, f"{cell} IS NULL", "is empty"))
            if is_number(field):
                checks.append(CellCheck(field, cell, f"{typed[field]} < 0", "is negative"))
        return checks

    def _typed_query(self, decimal_sign: str | None) -> str:
        """Return the query for all fields, the local day, the member of totals, and the faults and marks of a row."""
        header, cells = self.source.header, self._cells
        typed = _typed_expressions(header)
        bad = [f"{cell} IS NOT NULL AND {field} IS NULL" for field, cell in cells.items()]
        bad += [f"{field} IS NULL" for field in _REQUIRED if field in cells]
        bad += [f"{field} < 0" for field in cells if is_number(field)]
        marks = [_marks_of(field, cell) for field, cell in cells.items() if is_number(field)]
        numbers = {cell for field, cell in cells.items() if is_number(field)}
        others = ", ".join(cell for cell in map("c{}".format, range(len(header.names))) if cell not in numbers)
        select = ", ".join(f"{expression} AS {field}" for field, expression in typed.items())
        return (
            f"SELECT {', '.join(typed)}, CAST(started_at AS DATE) AS date, "  # noqa: S608
            f"{'NULL' if header.has_conversation_rows else f'hash({others})'} AS member, "
            f"CASE {' '.join(f'WHEN {condition} THEN true' for condition in bad)} END AS bad, "
            f"{' | '.join(marks) if marks and decimal_sign is None else '0'} AS marks "
            f"FROM (SELECT *, {select} FROM {read_csv_sql(self.source)})"
        )


def _marks_of(field: str, cell: str) -> str:
    return f"sign_marks({cell}, {'true' if field in COUNTS else 'false'})"


def _typed_expressions(header: CsvHeader) -> dict[str, str]:
    """Return the SQL expression of each field; NULL for a field without a column."""

    def cell(field: str) -> str:
        return f"c{header.columns[field]}" if field in header.columns else "CAST(NULL AS VARCHAR)"

    return {
        **{field: cell(field) for field in _TEXTS},
        **{field: f"instant({cell(field)})" for field in _INSTANTS},
        **{field: f"whole({cell(field)})" for field in COUNTS},
        **{field: f"TRY_CAST(number_text({cell(field)}) AS {kind})" for field, kind in DECIMALS.items()},
    }
