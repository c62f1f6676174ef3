"""The reading of one exported CSV file: from the landed file to typed Parquet, by DuckDB.

What must not come in: the meaning of a row for the facts (``export.py``), the names of columns (``export_columns.py``).
"""

from pathlib import Path

import duckdb

from extractors.chatcaptain.account import ChatcaptainAccount
from extractors.errors import ShapeError
from extractors.exports.csv_lines import CsvRecordCounter
from transforms.chatcaptain.export_columns import CsvHeader, read_header
from transforms.chatcaptain.export_diagnosis import LandedExport, diagnose_cells, diagnose_records, read_csv_sql
from transforms.chunk import Chunk, DayClaim
from warehouse.model.literals import literal

_COUNTS = ("messages", "user_messages", "interactions", "conversations")
_TEXTS = (
    "conversation_id", "channel_id", "channel_type", "language", "intents", "end_reason", "transfer_target", "user_id",
)  # fmt: skip
_DECIMALS = {"intent_score": "DECIMAL(18, 9)", "duration_seconds": "DECIMAL(18, 3)"}
_INSTANTS = ("started_at", "ended_at")
_ISO = r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?\s?([Zz]|[+-]\d{2}(:?\d{2})?)?)?"
_DAY_FIRST = r"(\d{2})\.(\d{2})\.(\d{4})(.*)"

MACROS = rf"""
CREATE MACRO number_text(cell) AS
    CASE WHEN regexp_full_match(trim(cell), '[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?')
         THEN replace(trim(cell), ',', '.') END;
CREATE MACRO whole(cell) AS
    CASE WHEN regexp_full_match(cell, '\d{{1,18}}') THEN CAST(cell AS BIGINT)  -- nearly all cells
         WHEN TRY_CAST(number_text(cell) AS DECIMAL(38, 9)) = trunc(TRY_CAST(number_text(cell) AS DECIMAL(38, 9)))
         THEN TRY_CAST(TRY_CAST(number_text(cell) AS DECIMAL(38, 9)) AS BIGINT) END;
-- a local time in the hour that comes twice is in its first occurrence, as everywhere in the program
CREATE MACRO earlier(moment) AS
    CASE WHEN CAST(moment - INTERVAL 1 HOUR AS TIMESTAMP) = CAST(moment AS TIMESTAMP)
         THEN moment - INTERVAL 1 HOUR ELSE moment END;
CREATE MACRO written(cell) AS
    CASE WHEN regexp_matches(cell, '(\d[Zz]|:\d{{2}}[.,]?\d*\s?[+-]\d{{2}}(:?\d{{2}})?)$')
         THEN TRY_CAST(replace(cell, ',', '.') AS TIMESTAMPTZ)
         ELSE earlier(TRY_CAST(replace(cell, ',', '.') AS TIMESTAMPTZ)) END;
CREATE MACRO instant(cell) AS
    CASE WHEN regexp_full_match(trim(cell), '{_ISO}') THEN written(trim(cell))
         WHEN regexp_full_match(trim(cell), '\d{{9,10}}') THEN make_timestamptz(1000000 * CAST(trim(cell) AS BIGINT))
         WHEN regexp_full_match(trim(cell), '\d{{12,13}}') THEN make_timestamptz(1000 * CAST(trim(cell) AS BIGINT))
         WHEN regexp_full_match(trim(cell), '{_DAY_FIRST}')
         THEN written(regexp_replace(trim(cell), '{_DAY_FIRST}', '\3-\2-\1\4')) END;
"""
"""SQL functions that read a cell: a number, a whole number, an instant in the session's time zone."""


def open_export(chunk: Chunk[ChatcaptainAccount], claim: DayClaim) -> LandedExport:
    """Read a landed file once and whole: its header and the number of its records.

    Raises ShapeError for a damaged file, and for a header without the required columns.
    """
    batch = claim.batch
    counter, start = CsvRecordCounter(), b""
    try:
        for piece in batch.iter_bytes():
            start = start or piece
            counter.feed(piece)
    except (ValueError, OSError) as error:
        raise ShapeError(batch.where, str(batch.window), f"cannot be read back: {error}") from error
    header = read_header(start, chunk.account.export_columns, batch.where)
    return LandedExport(batch, header, counter.record_count)


def write_typed(engine: duckdb.DuckDBPyConnection, source: LandedExport, target: Path) -> None:
    """Write a file's rows as Parquet, with a column per field, ``date`` (local day), ``bad``, ``points``, ``commas``.

    Raises ShapeError with the line of a cell or record that cannot be read.
    """
    typed, cells = _typed_expressions(source.header), _cells(source)
    try:
        engine.execute(
            f"COPY ({_typed_query(source, typed, cells)}) TO {literal(str(target))} (FORMAT parquet, COMPRESSION lz4)"
        )
        counts = engine.execute(
            "SELECT count(*), count(bad), coalesce(bool_or(points), false) AND coalesce(bool_or(commas), false) "  # noqa: S608
            f"FROM read_parquet({literal(str(target))})"
        ).fetchone()
    except duckdb.Error as error:
        raise diagnose_records(source, None) or ShapeError(
            source.batch.where, "file", f"cannot be read as CSV ({str(error).splitlines()[0]})"
        ) from error
    row_count, bad_count, has_points_and_commas = counts or (0, 0, False)
    if row_count != source.record_count - 1:
        shape_error = diagnose_records(source, row_count)
        if shape_error:
            raise shape_error
    if bad_count:
        checks = [(field, cell, typed[field], _is_required(field)) for field, cell in cells]
        raise diagnose_cells(engine, source, checks)
    if has_points_and_commas:
        problem = "some have a decimal point and some a decimal comma: one of them must be a thousands separator"
        raise ShapeError(source.batch.where, "numbers", problem, sorted(source.header.columns))


def _typed_query(source: LandedExport, typed: dict[str, str], cells: list[tuple[str, str]]) -> str:
    """Return the query for all fields, the local day, and whether a row is bad or has numbers with points or commas."""
    unreadable = " ".join(f"WHEN {cell} IS NOT NULL AND {field} IS NULL THEN true" for field, cell in cells)
    missing = " ".join(f"WHEN {field} IS NULL THEN true" for field, _ in cells if _is_required(field))
    numbers = [cell for field, cell in cells if field in (*_COUNTS, *_DECIMALS)]
    has_sign = {sign: " OR ".join(f"contains({cell}, '{sign}')" for cell in numbers) or "false" for sign in ".,"}
    select = ", ".join(f"{expression} AS {field}" for field, expression in typed.items())
    return (
        f"SELECT {', '.join(typed)}, CAST(started_at AS DATE) AS date, CASE {unreadable} {missing} END AS bad, "  # noqa: S608
        f"coalesce({has_sign['.']}, false) AS points, coalesce({has_sign[',']}, false) AS commas "
        f"FROM (SELECT *, {select} FROM {read_csv_sql(source)})"
    )


def _cells(source: LandedExport) -> list[tuple[str, str]]:
    return [(field, f"c{index}") for field, index in source.header.columns.items()]


def _is_required(field: str) -> bool:
    return field in ("conversation_id", "started_at", "conversations")


def _typed_expressions(header: CsvHeader) -> dict[str, str]:
    """Return the SQL expression of each field; NULL for a field without a column."""

    def cell(field: str) -> str:
        return f"c{header.columns[field]}" if field in header.columns else "CAST(NULL AS VARCHAR)"

    return {
        **{field: cell(field) for field in _TEXTS},
        **{field: f"instant({cell(field)})" for field in _INSTANTS},
        **{field: f"whole({cell(field)})" for field in _COUNTS},
        **{field: f"TRY_CAST(number_text({cell(field)}) AS {kind})" for field, kind in _DECIMALS.items()},
    }
