"""ChatCaptain's exported CSV files to facts: DuckDB reads, types, checks and writes them, never Python row by row.

A file becomes typed Parquet and then staged Parquet, in the chunk's scratch folder, with bounded memory. What must not
come in: how one file is read (``export_reading.py``), the reason why it is refused (``export_diagnosis.py``).
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from extractors.chatcaptain.account import ChatcaptainAccount
from extractors.errors import ShapeError
from transforms import conform
from transforms.chatcaptain.export_columns import CsvHeader
from transforms.chatcaptain.export_reading import MACROS, PARQUET_OPTIONS, open_export, write_typed
from transforms.chunk import Chunk
from transforms.drift import UNCONFIRMED, UNKNOWN_COLUMN
from transforms.facts import Facts
from transforms.privacy import conceal_parameters, conceal_sql
from warehouse.model.columns import UNKNOWN
from warehouse.model.engine_paths import parquet_rows_sql, path_literal
from warehouse.model.literals import day_literal, literal
from warehouse.model.schema import staged_schema

STREAM = "export"
MEMORY_LIMIT = "200MB"
THREADS = 2
_UNCONFIRMED_END = "end of the file (no length came with it; it came twice alike)"


@dataclass(frozen=True)
class ExportTotals:
    """The sums of a day's export without test traffic.

    ``messages`` is None when a cell is empty or the column is missing. ``unknown_channels`` are the codes that conform
    to no channel.
    """

    conversations: int
    messages: int | None
    unknown_channels: tuple[str, ...] = ()


def transform_export(chunk: Chunk[ChatcaptainAccount], facts: Facts) -> dict[date, ExportTotals]:
    """Stage single conversations and their intents; return the sums of each claimed day, to be compared later.

    A file of totals per date and channel is only compared; it fills ``channel_daily`` when no overview is pulled.
    Raises ShapeError for a file that is damaged, whose columns or cells cannot be read, or whose rows contradict each
    other.
    """
    claims = chunk.claims.get(STREAM, ())
    totals = {day: ExportTotals(0, 0) for claim in claims for day in claim.days}
    # days that the zone's clocks passed over have no file
    claims = tuple(claim for claim in claims if not claim.batch.window.is_skipped(chunk.account.zone))
    if not claims:
        return totals
    with _open_engine(chunk) as engine:
        engine.register("listed", _listed_types(chunk))
        conversation_selects: list[str] = []
        total_selects: list[str] = []
        for number, claim in enumerate(claims):
            export = open_export(chunk, claim)
            facts.drift.record(claim.days, claim.batch.where, UNKNOWN_COLUMN, export.header.unknown_columns)
            if claim.batch.parts[0].context.get("is_end_confirmed") is False:  # of ExportContext
                facts.drift.record(claim.days, claim.batch.where, UNCONFIRMED, [_UNCONFIRMED_END])
            typed = chunk.scratch_folder / f"export-{number}.parquet"
            write_typed(engine, export, typed, chunk.account.export_decimal_sign)
            selects = conversation_selects if export.header.has_conversation_rows else total_selects
            selects.append(_select_days(export.header, typed, claim.days, number))
        if conversation_selects:
            totals.update(_load_conversations(engine, chunk, facts, " UNION ALL ".join(conversation_selects)))
        if total_selects:
            totals.update(_load_totals(engine, chunk, facts, " UNION ALL ".join(total_selects)))
        for typed in chunk.scratch_folder.glob("export-*.parquet"):
            typed.unlink()
    for claim in claims:
        for day in claim.days:
            facts.drift.record_unknown_channels(day, claim.batch.where, totals[day].unknown_channels)
    return totals


def _select_days(header: CsvHeader, typed: Path, days: Iterable[date], number: int) -> str:
    """Return the query for some days of a typed file, with the file's number as ``file``.

    A file that names its channels only by id gets their types from the listed channels.
    """
    has_type = "channel_type" in header.columns or "channel_id" not in header.columns
    listed_type = "(SELECT any_value(listed_type) FROM listed WHERE id = channel_id)"
    columns = "*" if has_type else f"* REPLACE ({listed_type} AS channel_type)"
    day_list = ", ".join(day_literal(day) for day in sorted(days))
    return f"SELECT {columns}, {number} AS file FROM {parquet_rows_sql([typed])} WHERE date IN ({day_list})"  # noqa: S608


def _listed_types(chunk: Chunk[ChatcaptainAccount]) -> pa.Table:
    """Return the channels listed in the chunk's channel reports, with the columns id and listed_type."""
    contexts = [part.context for claim in chunk.claims.get("channel_report", ()) for part in claim.batch.parts]
    types = {
        str(context["channel_id"]): str(context["channel_type"] or UNKNOWN)
        for context in contexts
        if "channel_id" in context
    }
    return pa.table({"id": pa.array(types, pa.string()), "listed_type": pa.array(types.values(), pa.string())})


@contextmanager
def _open_engine(chunk: Chunk[ChatcaptainAccount]) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as engine:
        engine.execute(f"SET memory_limit = '{MEMORY_LIMIT}'; SET threads = {THREADS}")
        engine.execute(f"SET temp_directory = {path_literal(chunk.scratch_folder / 'spilled')}")
        engine.execute(f"SET TimeZone = {literal(chunk.zone.key)}; SET preserve_insertion_order = false")
        # each join has its short side on the right, where it is kept in memory: the optimizer takes a filtered file for
        # a short one, and millions of rows with the same cell do not fit
        engine.execute("SET disabled_optimizers = 'join_order,build_side_probe_side'")
        engine.execute(MACROS)
        yield engine


def _load_conversations(
    engine: duckdb.DuckDBPyConnection, chunk: Chunk[ChatcaptainAccount], facts: Facts, rows: str
) -> dict[date, ExportTotals]:
    engine.execute(f"CREATE VIEW kept AS {rows}")
    table = _without_repeats(engine, chunk)
    languages = engine.execute(f"SELECT DISTINCT language FROM {table}").fetchall()  # noqa: S608
    tags = {language: conform.normalize_language_code(language) for (language,) in languages}
    engine.register(
        "tags", pa.table({"raw_language": pa.array(tags, pa.string()), "tag": pa.array(tags.values(), pa.string())})
    )
    channels = {code or UNKNOWN for (code,) in engine.execute(f"SELECT DISTINCT channel_type FROM {table}").fetchall()}  # noqa: S608
    totals = _sum_days(engine, table, "1", channels)
    if not totals:
        return totals
    tagged = f"{table} LEFT JOIN tags ON language IS NOT DISTINCT FROM raw_language"
    account = chunk.account
    user_id = conceal_sql(account, "user_id", "user_id")
    if conceal_parameters(account, "user_id"):
        user_id, tagged = _join_pseudonyms(engine, table, tagged, user_id)
    conversation_id = conceal_sql(account, "conversation_id", "conversation_id")
    values = {
        "conversation_id": conversation_id,
        "channel_code": f"coalesce(channel_type, {literal(UNKNOWN)})",
        "language_code": "tag",
        "user_id": user_id,
        "transfer_target": conceal_sql(account, "transfer_target", "transfer_target"),
        **dict.fromkeys(("type", "project_id", "integration_id", "properties"), "NULL"),
    }
    parameters = conceal_parameters(account, "user_id", "conversation_id", "transfer_target")
    conversations = _write_staged(engine, chunk, "conversation", values, tagged, parameters)
    facts.attach("conversation", conversations, channels, tags.values())
    hits = "len(list_filter(names, lambda name: name = intent))"
    values = {
        "conversation_id": conversation_id,
        "hits": f"CASE WHEN len(names) = intent_count THEN 1 ELSE {hits} END",
        "score": "CASE WHEN intent_count = 1 THEN intent_score END",
    }
    intents = _split_intents(engine, table)
    parameters = conceal_parameters(account, "conversation_id")
    hits_file = _write_staged(engine, chunk, "conversation_intent", values, intents, parameters)
    facts.attach("conversation_intent", hits_file)
    return totals


def _join_pseudonyms(engine: duckdb.DuckDBPyConnection, table: str, rows: str, pseudonym: str) -> tuple[str, str]:
    """Return the expression of the pseudonyms, and the rows to take it from: an id that comes often is hashed once."""
    if not _repeats_cells(engine, table, "user_id"):
        return pseudonym, rows
    ids = f"SELECT DISTINCT user_id FROM {table}"  # noqa: S608
    pseudonyms = f"(SELECT user_id, {pseudonym} AS pseudonym FROM ({ids}))"  # noqa: S608
    return "pseudonym", f"{rows} LEFT JOIN {pseudonyms} USING (user_id)"


def _split_intents(engine: duckdb.DuckDBPyConnection, table: str) -> str:
    """Return the rows with one ``intent`` each, ``names`` as in the cell, and ``intent_count``, the different ones.

    A cell that comes often is split once.
    """
    is_repeated = _repeats_cells(engine, table, "intents")
    cells = f"(SELECT DISTINCT intents FROM {table})" if is_repeated else table  # noqa: S608
    names = "list_filter(string_split(intents, '|'), lambda name: name <> '')"
    split = f"SELECT *, {names} AS names, list_distinct(names) AS different FROM {cells}"  # noqa: S608
    rows = f"(SELECT *, unnest(different) AS intent, len(different) AS intent_count FROM ({split}))"  # noqa: S608
    return f"{table} JOIN {rows} USING (intents)" if is_repeated else rows


def _repeats_cells(engine: duckdb.DuckDBPyConnection, table: str, column: str) -> bool:
    """Return whether the cells of a column come twice and more on average, so that a join by them costs less."""
    query = f"SELECT count({column}) >= 2 * approx_count_distinct({column}) FROM {table}"  # noqa: S608
    (is_repeated,) = engine.execute(query).fetchone() or (False,)
    return bool(is_repeated)


def _without_repeats(engine: duckdb.DuckDBPyConnection, chunk: Chunk[ChatcaptainAccount]) -> str:
    """Return the view of the rows without repeated lines. Raises ShapeError for two different lines with one id."""
    counts = "SELECT count(*), (SELECT count(*) FROM (SELECT 1 FROM {0} GROUP BY file, hash(conversation_id))) FROM {0}"
    row_count, distinct_count = engine.execute(counts.format("kept")).fetchone() or (0, 0)
    if row_count == distinct_count:
        return "kept"
    engine.execute("CREATE VIEW distinctly AS SELECT DISTINCT * FROM kept")
    contradiction = engine.execute(
        "SELECT file, conversation_id, min(date), max(date) FROM distinctly "
        "GROUP BY file, conversation_id HAVING count(*) > 1 ORDER BY ALL LIMIT 1"
    ).fetchone()
    if contradiction:
        file, conversation_id, first, last = contradiction
        days = f"of {first}" if first == last else f"of {first} and {last}"
        where = chunk.claims[STREAM][file].batch.where
        raise ShapeError(where, "conversation_id", f"is in two lines {days} that differ", conversation_id)
    return "distinctly"


def _write_staged(
    engine: duckdb.DuckDBPyConnection,
    chunk: Chunk[ChatcaptainAccount],
    table: str,
    values: dict[str, str],
    source: str,
    parameters: Mapping[str, bytes] | None = None,
) -> Path:
    """Write a staged table with its declared columns; a column without an expression in ``values`` keeps its name."""
    kinds = {pa.int64(): "BIGINT", pa.string(): "VARCHAR", pa.date32(): "DATE"}
    columns = []
    for column in staged_schema(table):
        kind = kinds.get(column.type) or ("TIMESTAMPTZ" if pa.types.is_timestamp(column.type) else str(column.type))
        kind = kind.replace("decimal128", "DECIMAL")
        columns.append(f"CAST({values.get(column.name, column.name)} AS {kind}) AS {column.name}")
    path = chunk.scratch_folder / f"{table}.parquet"
    query = f"SELECT {', '.join(columns)} FROM {source}"  # noqa: S608
    copy = f"COPY ({query}) TO {path_literal(path)} ({PARQUET_OPTIONS})"
    engine.execute(copy, dict(parameters or {}))
    return path


def _sum_days(
    engine: duckdb.DuckDBPyConnection, table: str, conversations: str, channels: set[str]
) -> dict[date, ExportTotals]:
    """Return the sums per local day without test traffic; messages only for a day whose rows all have them."""
    tests = [code for code in channels if conform.find_channel(code).is_test]
    unknown = [code for code in channels if conform.find_channel(code).channel == conform.OTHER_CHANNEL]
    rows = engine.execute(
        f"SELECT date, sum({conversations}) FILTER (real), sum(messages) FILTER (real), "  # noqa: S608
        "count(*) FILTER (real AND messages IS NULL), "
        "list(DISTINCT channel_type) FILTER (list_contains(CAST($unknown AS VARCHAR[]), channel_type)) "
        "FROM (SELECT *, channel_type IS NULL OR "
        f"NOT list_contains(CAST($tests AS VARCHAR[]), channel_type) AS real FROM {table}) GROUP BY date",
        {"tests": tests, "unknown": unknown},
    ).fetchall()
    return {
        day: ExportTotals(int(count or 0), None if gap_count else int(messages or 0), tuple(sorted(codes or ())))
        for day, count, messages, gap_count, codes in rows
    }


def _load_totals(
    engine: duckdb.DuckDBPyConnection, chunk: Chunk[ChatcaptainAccount], facts: Facts, rows: str
) -> dict[date, ExportTotals]:
    engine.execute(f"CREATE VIEW totals AS {rows}")
    repeated = engine.execute(
        "SELECT file, date, channel_type, list(conversations) FROM totals "
        "GROUP BY file, date, channel_type, member HAVING count(*) > 1 ORDER BY ALL LIMIT 1"
    ).fetchone()
    if repeated:
        file, day, code, counts = repeated
        where = chunk.claims[STREAM][file].batch.where
        raise ShapeError(where, "conversations", f"is named twice for {day} and channel {code!r}", counts)
    totals = engine.execute(
        "SELECT date, channel_type, sum(conversations) FROM totals GROUP BY date, channel_type ORDER BY ALL"
    ).fetchall()
    for day, code, count in totals if not chunk.is_stream_enabled("overview_report") else ():
        facts.add("channel_daily", day, {"conversations": int(count)}, channel_code=code or UNKNOWN)
    return _sum_days(engine, "totals", "conversations", {code or UNKNOWN for _, code, *_ in totals})
