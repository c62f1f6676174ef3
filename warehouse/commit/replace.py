"""The body of a commit: one account's slices replaced, with dimensions and books, in SQL.

What must not come in: locks, files, checks of the staged rows (`staging` did them). Works on the warehouse that
is attached as `wh`, inside the caller's transaction where it writes.
"""

import json
from collections.abc import Iterable
from decimal import Decimal

import duckdb
import pyarrow as pa

from warehouse.commit.restatements import insert_restatements_sql
from warehouse.commit.stage import StagedTables
from warehouse.ddl.migrations import CURRENT_VERSION
from warehouse.engine import first_row
from warehouse.errors import UnknownMember
from warehouse.model.schema import (
    STAGED_FACTS,
    drift,
    fact_table,
    load_ledger,
    member_dimension,
    metadata,
    reconciliation,
    table_schema,
)
from warehouse.records import AccountRow, ChunkCommit, SliceInfo
from warehouse.sql import fill, ident, identifier_list, literal, surrogate_key_sql, upsert_sql

_NEW_DATES = """
INSERT INTO wh.dim_date
SELECT
    date, year(date), quarter(date), month(date), monthname(date), strftime(date, '%Y-%m'), day(date),
    isoyear(date), week(date), isodow(date), dayname(date), isodow(date) > 5
FROM (SELECT DISTINCT date FROM $days)
WHERE date NOT IN (SELECT date FROM wh.dim_date)
"""

_NEW_INTENTS = """
INSERT INTO wh.dim_intent
SELECT DISTINCT intent_key, account_key, intent FROM ($facts)
WHERE intent_key <> 0 AND intent_key NOT IN (SELECT intent_key FROM wh.dim_intent)
"""

_LOADED_BEFORE = """
SELECT l.date, l.state, (l.zone, l.external_id, l.provider) IS NOT DISTINCT FROM (?, ?, ?)
FROM wh.load_ledger AS l WHERE l.account = ? AND l.date IN (SELECT date FROM slices)
"""

_UNLOGGED = """
DELETE FROM wh.restatement_log AS r USING slices AS s
WHERE r.account = $account AND r.date = s.date AND r.logged_at > s.landed_at
"""


def bind_bookkeeping(con: duckdb.DuckDBPyConnection, chunk: ChunkCommit, staged: StagedTables) -> None:
    """Make the chunk's `slices` (rows of the ledger), `reconciled` lines and `drifted` names visible in `con`."""
    con.register("slices", _table(load_ledger.name, (_ledger_row(chunk, staged, info) for info in chunk.slices)))
    con.register("reconciled", _table(reconciliation.name, _reconciled_rows(chunk)))
    con.register("drifted", _table(drift.name, ({**_whose(chunk), **vars(line)} for line in chunk.drift)))


def require_members(con: duckdb.DuckDBPyConnection, account: str, staged: StagedTables) -> None:
    """Every member of the staged facts is staged itself or known. Raises UnknownMember with an example."""
    branch = (
        "(SELECT $dimension, $natural FROM $view WHERE $key <> 0 AND $key NOT IN (SELECT $key FROM wh.$dim) "
        "$but_staged LIMIT 1)"
    )
    parts = []
    for name in staged.facts:
        for column in fact_table(name).columns:
            dimension = str(column.info.get("dimension", "")).removeprefix("dim_")
            if not column.info.get("natural") or dimension == "intent":
                continue
            but = fill("AND $key NOT IN (SELECT $key FROM $view)", key=ident(column.name), view=f"member_{dimension}")
            parts.append(
                fill(
                    branch,
                    dimension=literal(dimension),
                    natural=ident(column.info["natural"]),
                    view=ident(f"staged_{name}"),
                    key=ident(column.name),
                    dim=ident(f"dim_{dimension}"),
                    but_staged=but if dimension in staged.members else "",
                )
            )
    unknown = first_row(con, " UNION ALL ".join(parts)) if parts else None
    if unknown:
        dimension, member = unknown
        raise UnknownMember(
            f"{account}: the facts name the {dimension} {member!r}, which no staged {dimension} row describes. "
            "Nothing was written; the transform must hand over a member row for it."
        )


def replace_slices(con: duckdb.DuckDBPyConnection, chunk: ChunkCommit, staged: StagedTables) -> int:
    """Replace the slices' rows in all facts and books. Returns how many restatements were logged."""
    account = chunk.account
    identity = [account.timezone, account.external_id, account.provider, account.account]
    before = con.execute(_LOADED_BEFORE, identity).fetchall()
    compared = [day for day, state, is_same in before if state == "loaded" and is_same and not chunk.reset_history]
    con.execute(upsert_accounts_sql([account], keep_active=True))
    _grow_dimensions(con, staged)
    restated = 0
    held = _held(con, chunk) if before else ()
    if compared and (held or staged.facts):
        con.register("compared", pa.table({"date": pa.array(compared, pa.date32())}))
        restated = execute_and_count(con, insert_restatements_sql(account, held, staged.facts))
    if chunk.reset_history:
        con.execute(fill(_UNLOGGED, account=literal(account.account)))
    if before:
        _delete(con, chunk, held)
    for name in staged.facts:
        columns = identifier_list(fact_table(name).columns.keys())
        insert = "INSERT INTO wh.$fact ($columns) SELECT $columns FROM $view"
        con.execute(fill(insert, fact=ident(fact_table(name).name), columns=columns, view=ident(f"staged_{name}")))
    con.execute("INSERT INTO wh.load_ledger BY NAME SELECT * FROM slices")
    con.execute("INSERT INTO wh.reconciliation BY NAME SELECT * FROM reconciled")
    con.execute("INSERT INTO wh.drift BY NAME SELECT * FROM drifted")
    return restated


def upsert_accounts_sql(accounts: Iterable[AccountRow], *, keep_active: bool) -> str:
    """The statement that writes accounts into dim_account; `keep_active` leaves a known one's is_active."""
    row = "SELECT $key, $account, $provider, $external_id, $zone, CAST($start AS DATE), $lookback, true"
    queries = [
        fill(
            row,
            key=surrogate_key_sql(literal(item.account)),
            account=literal(item.account),
            provider=literal(item.provider),
            external_id=literal(item.external_id),
            zone=literal(item.timezone),
            start=literal(item.start_date.isoformat()) if item.start_date else "NULL",
            lookback=str(item.lookback_days),
        )
        for item in accounts
    ]
    table = metadata.tables["dim_account"]
    source = fill(
        "SELECT * FROM ($rows) AS t($columns)",
        rows=" UNION ALL ".join(queries),
        columns=identifier_list(table.columns.keys()),
    )
    return upsert_sql(table, source, keep=("is_active",) if keep_active else ())


def add_dates(con: duckdb.DuckDBPyConnection, days: str) -> None:
    """Fill dim_date with the days of the relation `days`."""
    con.execute(fill(_NEW_DATES, days=ident(days)))


def execute_and_count(con: duckdb.DuckDBPyConnection, statement: str) -> int:
    """Execute an INSERT, UPDATE, DELETE or MERGE. Returns how many rows it changed."""
    row = first_row(con, statement)
    return int(row[0]) if row else 0


def _grow_dimensions(con: duckdb.DuckDBPyConnection, staged: StagedTables) -> None:
    for name in staged.members:
        source = fill("SELECT * FROM $view", view=ident(f"member_{name}"))
        con.execute(upsert_sql(member_dimension(name), source))
    with_intents = [name for name in staged.facts if "intent_key" in fact_table(name).columns]
    if with_intents:
        part = "SELECT intent_key, account_key, intent FROM $view"
        union = " UNION ALL ".join(fill(part, view=ident(f"staged_{name}")) for name in with_intents)
        con.execute(fill(_NEW_INTENTS, facts=union))
    add_dates(con, "slices")


def _held(con: duckdb.DuckDBPyConnection, chunk: ChunkCommit) -> tuple[str, ...]:
    """The facts that hold rows of the slices: most accounts fill few of them, and each statement has its price."""
    rows = _rows_of(chunk, "account_key = " + surrogate_key_sql(literal(chunk.account.account)))
    branch = "(SELECT $name AS held FROM wh.$table WHERE $rows LIMIT 1)"
    parts = [fill(branch, name=literal(name), table=ident(fact_table(name).name), rows=rows) for name in STAGED_FACTS]
    return tuple(str(name) for (name,) in con.execute(" UNION ALL ".join(parts)).fetchall())


def _delete(con: duckdb.DuckDBPyConnection, chunk: ChunkCommit, held: tuple[str, ...]) -> None:
    by_key = _rows_of(chunk, "account_key = " + surrogate_key_sql(literal(chunk.account.account)))
    by_name = _rows_of(chunk, "account = " + literal(chunk.account.account))
    emptied = [(fact_table(name).name, by_key) for name in held]
    books = [(book.name, by_name) for book in (load_ledger, reconciliation, drift)]
    for table, rows in [*emptied, *books]:
        con.execute(fill("DELETE FROM wh.$table WHERE $rows", table=ident(table), rows=rows))


def _rows_of(chunk: ChunkCommit, who: str) -> str:
    """The condition for the rows of the chunk's slices; the span lets the engine skip other blocks."""
    days = [info.date.isoformat() for info in chunk.slices]
    condition = "$who AND date BETWEEN DATE $first AND DATE $last AND date IN (SELECT date FROM slices)"
    return fill(condition, who=who, first=literal(min(days)), last=literal(max(days)))


def _table(name: str, rows: Iterable[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=table_schema(name))


def _whose(chunk: ChunkCommit) -> dict[str, object]:
    return {"provider": chunk.account.provider, "account": chunk.account.account}


def _ledger_row(chunk: ChunkCommit, staged: StagedTables, info: SliceInfo) -> dict[str, object]:
    return {
        **_whose(chunk),
        "date": info.date,
        "state": "loaded",
        "batches": list(info.batches),
        "fetched_at": info.fetched_at,
        "landed_at": info.landed_at,
        "loaded_at": chunk.loaded_at,
        "rows": staged.rows_of_day(info.date),
        "totals": _json(info.totals),
        "zone": chunk.account.timezone,
        "external_id": chunk.account.external_id,
        "run_id": chunk.run_id,
        "schema_version": CURRENT_VERSION,
        "code_version": chunk.code_version,
    }


def _json(totals: object) -> str:
    """Totals as JSON with exact decimals: they are written as they were told, in text when fractional."""
    return json.dumps(totals, default=_decimal, ensure_ascii=False)


def _decimal(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else str(value)
    raise TypeError(f"a total is a {type(value).__name__}, not a number")


def _reconciled_rows(chunk: ChunkCommit) -> Iterable[dict[str, object]]:
    for line in chunk.reconciliations:
        yield {**_whose(chunk), **vars(line), "difference": line.told - line.loaded}
