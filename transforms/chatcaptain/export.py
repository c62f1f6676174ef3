"""ChatCaptain's exported CSV files to facts: read, typed, checked and written by DuckDB, never row by row in Python.

File -> typed Parquet -> staged Parquet, in a folder of the chunk, with bounded memory. The header is read in
``chatcaptain_columns``; why a file is refused is found out in ``chatcaptain_misfits``.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
from duckdb.func import PythonUDFType

from extractors.chatcaptain.account import ChatcaptainAccount
from extractors.errors import ShapeError
from extractors.exports.csv_lines import CsvRecordCounter
from transforms import conform
from transforms.chatcaptain.export_columns import CsvHeader, read_header
from transforms.chatcaptain.export_diagnosis import (
    LandedExport,
    diagnose_cells,
    diagnose_records,
    read_csv_sql,
    sql_literal,
)
from transforms.chunk import Chunk, DayClaim
from transforms.drift import UNKNOWN_COLUMN
from transforms.facts import Facts
from transforms.privacy import pseudonymize_user_id
from transforms.reading import UNKNOWN
from warehouse.model.schema import staged_schema

STREAM = "export"
MEMORY_LIMIT = "400MB"
THREADS = 2

_COUNTS = ("messages", "user_messages", "interactions", "conversations")
_TEXTS = (
    "conversation_id", "channel_id", "channel_type", "language", "intents", "end_reason", "transfer_target", "user_id",
)  # fmt: skip
_DECIMALS = {"intent_score": "DECIMAL(18, 9)", "duration_seconds": "DECIMAL(18, 3)"}
_INSTANTS = ("started_at", "ended_at")
_ISO = r"\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}([.,]\d+)?)?\s?([Zz]|[+-]\d{2}(:?\d{2})?)?)?"
_DAY_FIRST = r"(\d{2})\.(\d{2})\.(\d{4})(.*)"

_MACROS = rf"""
CREATE MACRO number_text(cell) AS
    CASE WHEN regexp_full_match(trim(cell), '[+-]?(\d+([.,]\d*)?|[.,]\d+)([eE][+-]?\d+)?')
         THEN replace(trim(cell), ',', '.') END;
CREATE MACRO whole(cell) AS
    CASE WHEN regexp_full_match(cell, '\d{{1,18}}') THEN CAST(cell AS BIGINT)  -- nearly all of them
         WHEN TRY_CAST(number_text(cell) AS DECIMAL(38, 9)) = trunc(TRY_CAST(number_text(cell) AS DECIMAL(38, 9)))
         THEN TRY_CAST(TRY_CAST(number_text(cell) AS DECIMAL(38, 9)) AS BIGINT) END;
-- of a local hour that comes twice, the first: as everywhere else in the program
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


@dataclass(frozen=True)
class ExportTotals:
    """What an export holds of a day, test traffic left out; None where a cell is empty or there is no such column.

    ``strange`` are the codes that are in no conformed channel.
    """

    conversations: int
    messages: int | None
    unknown_channels: tuple[str, ...] = ()


def transform_export(chunk: Chunk, facts: Facts) -> dict[date, ExportTotals]:
    """Stage single conversations and their intents; returns each claimed day's sums for comparison.

    A file of totals per date and channel is compared only, and fills ``channel_daily`` when no overview is pulled.
    """
    claims = chunk.claims.get(STREAM, ())
    exported = {day: ExportTotals(0, 0) for claim in claims for day in claim.days}
    if not claims:
        return exported
    with _engine(chunk) as engine:
        engine.register("listed", _listed_types(chunk))
        kept: dict[bool, list[str]] = {True: [], False: []}
        for number, claim in enumerate(claims):
            source = _open(chunk, claim)
            facts.drift.record(claim.days, claim.batch.where, UNKNOWN_COLUMN, source.header.unknown_columns)
            typed = chunk.scratch_folder / f"export-{number}.parquet"
            _type(engine, source, typed)
            days = ", ".join(f"DATE '{day}'" for day in sorted(claim.days))
            rows = f"SELECT {_columns(source.header)} FROM read_parquet({sql_literal(typed)}) WHERE date IN ({days})"  # noqa: S608
            kept[source.header.has_conversation_rows].append(rows)
        if kept[True]:
            exported.update(_conversations(engine, chunk, facts, " UNION ALL ".join(kept[True])))
        if kept[False]:
            exported.update(_totals(engine, chunk, facts, " UNION ALL ".join(kept[False])))
        for typed in chunk.scratch_folder.glob("export-*.parquet"):
            typed.unlink()
    for claim in claims:
        for day in claim.days:
            facts.drift.record_unknown_channels(day, claim.batch.where, exported[day].unknown_channels)
    return exported


def _columns(header: CsvHeader) -> str:
    """All columns; where a file names channels by id only, their types are looked up among the listed channels."""
    if "channel_type" in header.columns or "channel_id" not in header.columns:
        return "*"
    return "* REPLACE ((SELECT any_value(kind) FROM listed WHERE id = channel_id) AS channel_type)"


def _listed_types(chunk: Chunk) -> pa.Table:
    contexts = [part.context for claim in chunk.claims.get("channel_report", ()) for part in claim.batch.parts]
    types = {str(told["channel_id"]): str(told["channel_type"] or UNKNOWN) for told in contexts if "channel_id" in told}
    return pa.table({"id": pa.array(types, pa.string()), "kind": pa.array(types.values(), pa.string())})


@contextmanager
def _engine(chunk: Chunk) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as engine:
        engine.execute(f"SET memory_limit = '{MEMORY_LIMIT}'; SET threads = {THREADS}")
        engine.execute(f"SET temp_directory = {sql_literal(chunk.scratch_folder / 'spilled')}")
        engine.execute(f"SET TimeZone = {sql_literal(chunk.zone.key)}; SET preserve_insertion_order = false")
        engine.execute(_MACROS)
        account = chunk.account

        def hashed(ids: pa.Array) -> pa.Array:
            return pa.array([pseudonymize_user_id(account, told) for told in ids.to_pylist()], pa.string())

        engine.create_function("pseudonym", hashed, ["VARCHAR"], "VARCHAR", type=PythonUDFType.ARROW)
        yield engine


def _open(chunk: Chunk, claim: DayClaim) -> LandedExport:
    """Read a landed file once, whole: its header, its records, and that it is what was landed."""
    batch = claim.batch
    overrides = chunk.account.export_columns if isinstance(chunk.account, ChatcaptainAccount) else {}
    lines, start = CsvRecordCounter(), b""
    try:
        for piece in batch.iter_bytes():
            start = start or piece
            lines.feed(piece)
    except (ValueError, OSError) as error:
        raise ShapeError(batch.where, str(batch.window), f"cannot be read back: {error}") from error
    header = read_header(start, overrides, batch.where)
    return LandedExport(batch, header, lines.record_count)


def _type(engine: duckdb.DuckDBPyConnection, source: LandedExport, target: Path) -> None:
    """Write a file's rows, typed, as Parquet; ShapeError names the line of what cannot be read."""
    typed, cells = _typed(source.header), _cells(source)
    bad = " ".join(f"WHEN {cell} IS NOT NULL AND {field} IS NULL THEN true" for field, cell in cells)
    needed = " ".join(f"WHEN {field} IS NULL THEN true" for field, _ in cells if _is_needed(field))
    numbers = [cell for field, cell in cells if field in (*_COUNTS, *_DECIMALS)]
    marks = {sign: " OR ".join(f"contains({cell}, '{sign}')" for cell in numbers) or "false" for sign in ".,"}
    select = ", ".join(f"{expression} AS {field}" for field, expression in typed.items())
    query = (
        f"SELECT {', '.join(typed)}, CAST(started_at AS DATE) AS date, CASE {bad} {needed} END AS bad, "  # noqa: S608
        f"coalesce({marks['.']}, false) AS points, coalesce({marks[',']}, false) AS commas "
        f"FROM (SELECT *, {select} FROM {read_csv_sql(source)})"
    )
    try:
        engine.execute(f"COPY ({query}) TO {sql_literal(target)} (FORMAT parquet, COMPRESSION lz4)")
        found = engine.execute(
            "SELECT count(*), count(bad), coalesce(bool_or(points), false) AND coalesce(bool_or(commas), false) "  # noqa: S608
            f"FROM read_parquet({sql_literal(target)})"
        ).fetchone()
    except duckdb.Error as error:
        raise diagnose_records(source, None) or ShapeError(
            source.batch.where, "file", f"cannot be read as CSV ({str(error).splitlines()[0]})"
        ) from error
    rows, unreadable, mixed = found or (0, 0, False)
    if rows != source.record_count - 1:
        misfit = diagnose_records(source, rows)
        if misfit:
            raise misfit
    if unreadable:
        raise diagnose_cells(engine, source, [(field, cell, typed[field], _is_needed(field)) for field, cell in cells])
    if mixed:
        what = "some have a decimal point and some a decimal comma: one of them must be a thousands separator"
        raise ShapeError(source.batch.where, "numbers", what, sorted(source.header.columns))


def _cells(source: LandedExport) -> list[tuple[str, str]]:
    return [(field, f"c{index}") for field, index in source.header.columns.items()]


def _is_needed(field: str) -> bool:
    return field in ("conversation_id", "started_at", "conversations")


def _typed(header: CsvHeader) -> dict[str, str]:
    """The expression of every field; NULL for those that have no column."""

    def cell(field: str) -> str:
        return f"c{header.columns[field]}" if field in header.columns else "CAST(NULL AS VARCHAR)"

    return {
        **{field: cell(field) for field in _TEXTS},
        **{field: f"instant({cell(field)})" for field in _INSTANTS},
        **{field: f"whole({cell(field)})" for field in _COUNTS},
        **{field: f"TRY_CAST(number_text({cell(field)}) AS {kind})" for field, kind in _DECIMALS.items()},
    }


def _conversations(
    engine: duckdb.DuckDBPyConnection, chunk: Chunk, facts: Facts, rows: str
) -> dict[date, ExportTotals]:
    engine.execute(f"CREATE VIEW kept AS {rows}")
    table = _without_repeats(engine, chunk)
    languages = engine.execute(f"SELECT DISTINCT language FROM {table}").fetchall()  # noqa: S608
    tags = {told: conform.normalize_language_code(told) for (told,) in languages}
    engine.register(
        "tags", pa.table({"told": pa.array(tags, pa.string()), "tag": pa.array(tags.values(), pa.string())})
    )
    channels = {code or UNKNOWN for (code,) in engine.execute(f"SELECT DISTINCT channel_type FROM {table}").fetchall()}  # noqa: S608
    sums = _sums(engine, table, "1", channels)
    if not sums:
        return sums
    hashes = chunk.account.privacy.key is not None and chunk.account.privacy.user_ids == "hash"
    values = {
        "channel_code": f"coalesce(channel_type, '{UNKNOWN}')",
        "language_code": "tag",
        "user_id": "pseudonym(user_id)" if hashes else "NULL",
        **dict.fromkeys(("type", "project_id", "integration_id", "properties"), "NULL"),
    }
    found = f"{table} LEFT JOIN tags ON language IS NOT DISTINCT FROM told"
    conversations = _staged(engine, chunk, "conversation", values, found)
    facts.attach("conversation", conversations, channels, tags.values())
    named = (
        "(SELECT *, unnest(list_distinct(names)) AS intent FROM (SELECT date, conversation_id, intent_score, "  # noqa: S608
        f"list_filter(string_split(intents, '|'), lambda name: name <> '') AS names FROM {table}))"
    )
    values = {
        "hits": "len(list_filter(names, lambda name: name = intent))",
        "score": "CASE WHEN len(list_distinct(names)) = 1 THEN intent_score END",
    }
    facts.attach("conversation_intent", _staged(engine, chunk, "conversation_intent", values, named))
    return sums


def _without_repeats(engine: duckdb.DuckDBPyConnection, chunk: Chunk) -> str:
    """The view of the rows without lines that stand twice; ShapeError for two lines that tell one id differently."""
    repeats = (
        "SELECT count(*), (SELECT count(*) FROM (SELECT 1 FROM {0} GROUP BY date, hash(conversation_id))) FROM {0}"
    )
    rows, distinct = engine.execute(repeats.format("kept")).fetchone() or (0, 0)
    if rows == distinct:
        return "kept"
    engine.execute("CREATE VIEW distinctly AS SELECT DISTINCT * FROM kept")
    contradicted = engine.execute(
        "SELECT conversation_id FROM distinctly GROUP BY date, conversation_id HAVING count(*) > 1 LIMIT 1"
    ).fetchone()
    if contradicted:
        what = "stands in two lines of a day that differ"
        raise ShapeError(chunk.error_location(STREAM), "conversation_id", what, contradicted[0])
    return "distinctly"


def _staged(engine: duckdb.DuckDBPyConnection, chunk: Chunk, table: str, values: dict[str, str], source: str) -> Path:
    """Write a staged table as declared; a column without a value of its own is taken by its name."""
    kinds = {pa.int64(): "BIGINT", pa.string(): "VARCHAR", pa.date32(): "DATE"}
    columns = []
    for column in staged_schema(table):
        kind = kinds.get(column.type) or ("TIMESTAMPTZ" if pa.types.is_timestamp(column.type) else str(column.type))
        kind = kind.replace("decimal128", "DECIMAL")
        columns.append(f"CAST({values.get(column.name, column.name)} AS {kind}) AS {column.name}")
    path = chunk.scratch_folder / f"{table}.parquet"
    query = f"SELECT {', '.join(columns)} FROM {source}"  # noqa: S608
    engine.execute(f"COPY ({query}) TO {sql_literal(path)} (FORMAT parquet, COMPRESSION zstd)")
    return path


def _sums(
    engine: duckdb.DuckDBPyConnection, table: str, conversations: str, channels: set[str]
) -> dict[date, ExportTotals]:
    """Per day, without test traffic: conversations, and messages where every row tells them."""
    tests = [code for code in channels if conform.find_channel(code).is_test]
    strange = [code for code in channels if conform.find_channel(code).channel == conform.OTHER_CHANNEL]
    found = engine.execute(
        f"SELECT date, sum({conversations}) FILTER (real), sum(messages) FILTER (real), "  # noqa: S608
        "count(*) FILTER (real AND messages IS NULL), "
        "list(DISTINCT channel_type) FILTER (list_contains(CAST($strange AS VARCHAR[]), channel_type)) "
        "FROM (SELECT *, channel_type IS NULL OR "
        f"NOT list_contains(CAST($tests AS VARCHAR[]), channel_type) AS real FROM {table}) GROUP BY date",
        {"tests": tests, "strange": strange},
    ).fetchall()
    return {
        day: ExportTotals(int(count or 0), None if gaps else int(said or 0), tuple(sorted(codes or ())))
        for day, count, said, gaps, codes in found
    }


def _totals(engine: duckdb.DuckDBPyConnection, chunk: Chunk, facts: Facts, rows: str) -> dict[date, ExportTotals]:
    engine.execute(f"CREATE VIEW totals AS {rows}")
    found = engine.execute(
        "SELECT date, channel_type, sum(conversations) FROM totals GROUP BY date, channel_type ORDER BY ALL"
    ).fetchall()
    for day, code, count in found if not chunk.is_stream_enabled("overview_report") else ():
        facts.add("channel_daily", day, {"conversations": int(count)}, channel_code=code or UNKNOWN)
    return _sums(engine, "totals", "conversations", {code or UNKNOWN for _, code, *_ in found})
