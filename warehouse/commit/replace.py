"""The body of a commit, in SQL: it replaces the slices of some chunks in all facts and bookkeeping tables.

No two of the chunks share a slice. Works on the warehouse attached as `wh`; writes happen inside the caller's
transaction. What must not come in: locks, files, checks of the staged rows (see `stage`), the order of chunks
(see `group`).
"""

import json
from collections import Counter
from collections.abc import Collection, Iterable
from datetime import date
from decimal import Decimal

import duckdb
import pyarrow as pa

from warehouse.commit.inputs import Chunks
from warehouse.commit.restatements import insert_restatements_sql
from warehouse.commit.stage import StagedFacts
from warehouse.ddl.migrations import CURRENT_VERSION
from warehouse.model.schema import STAGED_FACTS, drift, fact_table, load_ledger, reconciliation, table_schema
from warehouse.records import ChunkCommit, SliceInfo
from warehouse.sql import day_literal, fill, ident, identifier_list, literal, surrogate_key

_SLICES_SCHEMA = pa.schema(
    [*table_schema(load_ledger.name), ("account_key", pa.int64()), ("history", pa.string()), ("arrival", pa.int64())]
)
_KNOWN_SLICES = """
CREATE TEMP TABLE known AS
SELECT
    s.account_key, s.account, s.date,
    l.state = 'loaded' AND s.history <> 'reset'
        AND (l.zone, l.external_id, l.provider) IS NOT DISTINCT FROM (s.zone, s.external_id, s.provider) AS is_compared
FROM wh.load_ledger AS l JOIN slices AS s ON s.account = l.account AND s.date = l.date
"""
_DELETE_RESTATEMENTS = """
DELETE FROM wh.restatement_log AS r USING slices AS s
WHERE r.account = s.account AND r.date = s.date AND (
    (s.history = 'replay' AND coalesce(r.arrival = s.arrival, r.logged_at = s.landed_at))
    OR (s.history = 'reset' AND coalesce(r.arrival > s.arrival, r.logged_at > s.landed_at))
)
"""
_WITH_ROWS = """
(SELECT $name AS fact FROM wh.$table AS f
SEMI JOIN known AS k ON k.account_key = f.account_key AND k.date = f.date WHERE $between LIMIT 1)
"""
_DELETE_SLICES = (
    "DELETE FROM wh.$table AS f USING known AS k WHERE k.$owner = f.$owner AND k.date = f.date AND $between"
)


def bind_slices(con: duckdb.DuckDBPyConnection, chunks: Chunks, staged: StagedFacts) -> None:
    """Make the relation `slices` of the chunks' slices: their rows of the ledger, account_key and history."""
    counts = staged.rows_by_slice()
    rows = [
        _slice_row(chunk, info, counts.get((number, info.date), 0))
        for number, chunk in chunks.items()
        for info in chunk.slices
    ]
    con.register("slices", pa.Table.from_pylist(rows, schema=_SLICES_SCHEMA))


def replace_slices(con: duckdb.DuckDBPyConnection, chunks: Chunks, staged: StagedFacts) -> Counter[tuple[str, date]]:
    """Replace the rows of the relation `slices` in all facts and bookkeeping tables.

    Return the number of logged restatements by account and day.
    """
    restatements: Counter[tuple[str, date]] = Counter()
    if any(chunk.history != "continue" for chunk in chunks.values()):
        con.execute(_DELETE_RESTATEMENTS)
    con.execute(_KNOWN_SLICES)
    known, first, last, compared = con.execute(
        "SELECT count(*), min(date), max(date), count(*) FILTER (is_compared) FROM known"
    ).fetchall()[0]
    if known:
        between = f"f.date BETWEEN {day_literal(first)} AND {day_literal(last)}"  # lets the engine skip blocks
        filled = _find_facts_with_rows(con, between)
        if compared and (filled or staged.names):
            con.execute("CREATE TEMP VIEW compared AS SELECT account_key, date FROM known WHERE is_compared")
            restatements.update(con.execute(insert_restatements_sql(filled, staged.names)).fetchall())
            con.execute("DROP VIEW compared")
        _delete_slices(con, filled, between)
    con.execute("DROP TABLE known")
    for name in staged.names:
        columns = identifier_list(fact_table(name).columns.keys())
        insert = "INSERT INTO wh.$fact ($columns) SELECT $columns FROM $view"
        con.execute(fill(insert, fact=ident(fact_table(name).name), columns=columns, view=ident(f"staged_{name}")))
    con.execute("INSERT INTO wh.load_ledger BY NAME SELECT * EXCLUDE (account_key, history, arrival) FROM slices")
    _insert_rows(con, reconciliation.name, (row for chunk in chunks.values() for row in _reconciliation_rows(chunk)))
    _insert_rows(con, drift.name, (row for chunk in chunks.values() for row in _drift_rows(chunk)))
    return restatements


def _find_facts_with_rows(con: duckdb.DuckDBPyConnection, between: str) -> tuple[str, ...]:
    """Return the facts that have rows of known slices: most accounts fill few, and every statement costs time."""
    parts = [
        fill(_WITH_ROWS, name=literal(name), table=ident(fact_table(name).name), between=between)
        for name in STAGED_FACTS
    ]
    return tuple(str(name) for (name,) in con.execute(" UNION ALL ".join(parts)).fetchall())


def _delete_slices(con: duckdb.DuckDBPyConnection, filled: Collection[str], between: str) -> None:
    facts = [(fact_table(name).name, "account_key") for name in filled]
    bookkeeping = [(table.name, "account") for table in (load_ledger, reconciliation, drift)]
    for table, owner in [*facts, *bookkeeping]:
        con.execute(fill(_DELETE_SLICES, table=ident(table), owner=owner, between=between))


def _insert_rows(con: duckdb.DuckDBPyConnection, table: str, rows: Iterable[dict[str, object]]) -> None:
    new_rows = list(rows)
    if new_rows:
        con.register("new_rows", pa.Table.from_pylist(new_rows, schema=table_schema(table)))
        con.execute(fill("INSERT INTO wh.$table BY NAME SELECT * FROM new_rows", table=ident(table)))
        con.unregister("new_rows")


def _account_columns(chunk: ChunkCommit) -> dict[str, object]:
    return {"provider": chunk.account.provider, "account": chunk.account.account}


def _slice_row(chunk: ChunkCommit, info: SliceInfo, rows: int) -> dict[str, object]:
    return {
        **_account_columns(chunk),
        "account_key": surrogate_key(chunk.account.account),
        "history": chunk.history,
        "arrival": info.arrival,
        "date": info.date,
        "state": "loaded",
        "batches": list(info.batches),
        "fetched_at": info.fetched_at,
        "landed_at": info.landed_at,
        "loaded_at": chunk.loaded_at,
        "rows": rows,
        "totals": _totals_as_json(info.totals),
        "zone": chunk.account.timezone,
        "external_id": chunk.account.external_id,
        "privacy": chunk.account.privacy,
        "run_id": chunk.run_id,
        "schema_version": CURRENT_VERSION,
        "code_version": chunk.code_version,
    }


def _totals_as_json(totals: object) -> str:
    """Return totals as JSON with exact decimals; a fraction is written as text."""
    return json.dumps(totals, default=_encode_decimal, ensure_ascii=False, allow_nan=False)


def _encode_decimal(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else str(value)
    raise TypeError(f"a total is a {type(value).__name__}, not a number")


def _reconciliation_rows(chunk: ChunkCommit) -> Iterable[dict[str, object]]:
    for entry in chunk.reconciliations:
        yield {**_account_columns(chunk), **vars(entry), "difference": entry.reported - entry.loaded}


def _drift_rows(chunk: ChunkCommit) -> Iterable[dict[str, object]]:
    for entry in chunk.drift:
        yield {**_account_columns(chunk), **vars(entry)}
