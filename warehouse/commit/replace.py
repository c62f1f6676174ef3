"""The body of a commit, in SQL: it replaces one account's slices, with dimensions and bookkeeping.

Works on the warehouse attached as `wh`; writes happen inside the caller's transaction. What must not come in: locks,
files, checks of the staged rows (see `stage`).
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

_ADD_DATES = """
INSERT INTO wh.dim_date
SELECT
    date, year(date), quarter(date), month(date), monthname(date), strftime(date, '%Y-%m'), day(date),
    isoyear(date), week(date), isodow(date), dayname(date), isodow(date) > 5
FROM (SELECT DISTINCT date FROM $days)
WHERE date NOT IN (SELECT date FROM wh.dim_date)
"""

_ADD_INTENTS = """
INSERT INTO wh.dim_intent
SELECT DISTINCT intent_key, account_key, intent FROM ($facts)
WHERE intent_key <> 0 AND intent_key NOT IN (SELECT intent_key FROM wh.dim_intent)
"""

_KNOWN_SLICES = """
SELECT l.date, l.state, (l.zone, l.external_id, l.provider) IS NOT DISTINCT FROM (?, ?, ?)
FROM wh.load_ledger AS l WHERE l.account = ? AND l.date IN (SELECT date FROM slices)
"""

_DELETE_RESTATEMENTS = """
DELETE FROM wh.restatement_log AS r USING slices AS s
WHERE r.account = $account AND r.date = s.date AND r.logged_at $compared s.landed_at
"""


def bind_bookkeeping(con: duckdb.DuckDBPyConnection, chunk: ChunkCommit, staged: StagedTables) -> None:
    """Register the chunk's rows of bookkeeping in `con`: `slices` (ledger), `new_reconciliation` and `new_drift`."""
    con.register("slices", _table(load_ledger.name, (_ledger_row(chunk, staged, info) for info in chunk.slices)))
    con.register("new_reconciliation", _table(reconciliation.name, _reconciliation_rows(chunk)))
    drift_rows = ({**_account_columns(chunk), **vars(entry)} for entry in chunk.drift)
    con.register("new_drift", _table(drift.name, drift_rows))


def require_members(con: duckdb.DuckDBPyConnection, account: str, staged: StagedTables) -> None:
    """Raise UnknownMember, with an example, unless every member of the staged facts is staged or known."""
    branch = (
        "(SELECT $dimension, $natural FROM $view WHERE $key <> 0 AND $key NOT IN (SELECT $key FROM wh.$dim) "
        "$unless_staged LIMIT 1)"
    )
    parts = []
    for name in staged.facts:
        for column in fact_table(name).columns:
            dimension = str(column.info.get("dimension", "")).removeprefix("dim_")
            if not column.info.get("natural") or dimension == "intent":
                continue
            unless_staged = fill(
                "AND $key NOT IN (SELECT $key FROM $view)", key=ident(column.name), view=f"member_{dimension}"
            )
            parts.append(
                fill(
                    branch,
                    dimension=literal(dimension),
                    natural=ident(column.info["natural"]),
                    view=ident(f"staged_{name}"),
                    key=ident(column.name),
                    dim=ident(f"dim_{dimension}"),
                    unless_staged=unless_staged if dimension in staged.members else "",
                )
            )
    unknown = first_row(con, " UNION ALL ".join(parts)) if parts else None
    if unknown:
        dimension, member = unknown
        raise UnknownMember(
            f"{account}: the facts name the {dimension} {member!r}, which no staged {dimension} row describes. "
            "Nothing was written; the transform must give a member row for it."
        )


def replace_slices(con: duckdb.DuckDBPyConnection, chunk: ChunkCommit, staged: StagedTables) -> int:
    """Replace the slices' rows in all facts and bookkeeping tables. Return the number of logged restatements."""
    account = chunk.account
    identity = [account.timezone, account.external_id, account.provider, account.account]
    ledger_rows = con.execute(_KNOWN_SLICES, identity).fetchall()
    if chunk.history == "replay":  # what this response changed may be logged already, at the same instant
        con.execute(fill(_DELETE_RESTATEMENTS, account=literal(account.account), compared="="))
    compared = [
        day for day, state, is_same in ledger_rows if state == "loaded" and is_same and chunk.history != "reset"
    ]
    con.execute(upsert_accounts_sql([account], keep_active=True))
    _add_members(con, staged)
    restatement_count = 0
    facts_with_rows = _find_facts_with_rows(con, chunk) if ledger_rows else ()
    if compared and (facts_with_rows or staged.facts):
        con.register("compared", pa.table({"date": pa.array(compared, pa.date32())}))
        restatement_count = execute_and_count(con, insert_restatements_sql(account, facts_with_rows, staged.facts))
    if chunk.history == "reset":
        con.execute(fill(_DELETE_RESTATEMENTS, account=literal(account.account), compared=">"))
    if ledger_rows:
        _delete_slices(con, chunk, facts_with_rows)
    for name in staged.facts:
        columns = identifier_list(fact_table(name).columns.keys())
        insert = "INSERT INTO wh.$fact ($columns) SELECT $columns FROM $view"
        con.execute(fill(insert, fact=ident(fact_table(name).name), columns=columns, view=ident(f"staged_{name}")))
    con.execute("INSERT INTO wh.load_ledger BY NAME SELECT * FROM slices")
    con.execute("INSERT INTO wh.reconciliation BY NAME SELECT * FROM new_reconciliation")
    con.execute("INSERT INTO wh.drift BY NAME SELECT * FROM new_drift")
    return restatement_count


def upsert_accounts_sql(accounts: Iterable[AccountRow], *, keep_active: bool) -> str:
    """Return the statement that writes accounts into dim_account; `keep_active` keeps is_active of known accounts."""
    row = "SELECT $key, $account, $provider, $external_id, $zone, CAST($start AS DATE), $lookback, true"
    queries = [
        fill(
            row,
            key=surrogate_key_sql(literal(account.account)),
            account=literal(account.account),
            provider=literal(account.provider),
            external_id=literal(account.external_id),
            zone=literal(account.timezone),
            start=literal(account.start_date.isoformat()) if account.start_date else "NULL",
            lookback=str(account.lookback_days),
        )
        for account in accounts
    ]
    table = metadata.tables["dim_account"]
    source = fill(
        "SELECT * FROM ($rows) AS t($columns)",
        rows=" UNION ALL ".join(queries),
        columns=identifier_list(table.columns.keys()),
    )
    return upsert_sql(table, source, keep=("is_active",) if keep_active else ())


def add_dates(con: duckdb.DuckDBPyConnection, days: str) -> None:
    """Add the days of the relation `days` to dim_date."""
    con.execute(fill(_ADD_DATES, days=ident(days)))


def execute_and_count(con: duckdb.DuckDBPyConnection, statement: str) -> int:
    """Execute an INSERT, UPDATE, DELETE or MERGE. Return the number of changed rows."""
    row = first_row(con, statement)
    return int(row[0]) if row else 0


def _add_members(con: duckdb.DuckDBPyConnection, staged: StagedTables) -> None:
    for name in staged.members:
        source = fill("SELECT * FROM $view", view=ident(f"member_{name}"))
        con.execute(upsert_sql(member_dimension(name), source))
    with_intents = [name for name in staged.facts if "intent_key" in fact_table(name).columns]
    if with_intents:
        part = "SELECT intent_key, account_key, intent FROM $view"
        union = " UNION ALL ".join(fill(part, view=ident(f"staged_{name}")) for name in with_intents)
        con.execute(fill(_ADD_INTENTS, facts=union))
    add_dates(con, "slices")


def _find_facts_with_rows(con: duckdb.DuckDBPyConnection, chunk: ChunkCommit) -> tuple[str, ...]:
    """Return the facts that have rows of the slices: most accounts fill few, and every statement costs time."""
    condition = _slices_condition(chunk, "account_key = " + surrogate_key_sql(literal(chunk.account.account)))
    branch = "(SELECT $name AS fact FROM wh.$table WHERE $condition LIMIT 1)"
    parts = [
        fill(branch, name=literal(name), table=ident(fact_table(name).name), condition=condition)
        for name in STAGED_FACTS
    ]
    return tuple(str(name) for (name,) in con.execute(" UNION ALL ".join(parts)).fetchall())


def _delete_slices(con: duckdb.DuckDBPyConnection, chunk: ChunkCommit, facts_with_rows: tuple[str, ...]) -> None:
    by_key = _slices_condition(chunk, "account_key = " + surrogate_key_sql(literal(chunk.account.account)))
    by_name = _slices_condition(chunk, "account = " + literal(chunk.account.account))
    facts = [(fact_table(name).name, by_key) for name in facts_with_rows]
    bookkeeping = [(table.name, by_name) for table in (load_ledger, reconciliation, drift)]
    for table, condition in [*facts, *bookkeeping]:
        con.execute(fill("DELETE FROM wh.$table WHERE $condition", table=ident(table), condition=condition))


def _slices_condition(chunk: ChunkCommit, account_condition: str) -> str:
    """Return the condition for rows of the chunk's slices; its first and last day let the engine skip blocks."""
    days = [info.date.isoformat() for info in chunk.slices]
    condition = "$account_condition AND date BETWEEN DATE $first AND DATE $last AND date IN (SELECT date FROM slices)"
    return fill(condition, account_condition=account_condition, first=literal(min(days)), last=literal(max(days)))


def _table(name: str, rows: Iterable[dict[str, object]]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=table_schema(name))


def _account_columns(chunk: ChunkCommit) -> dict[str, object]:
    return {"provider": chunk.account.provider, "account": chunk.account.account}


def _ledger_row(chunk: ChunkCommit, staged: StagedTables, info: SliceInfo) -> dict[str, object]:
    return {
        **_account_columns(chunk),
        "date": info.date,
        "state": "loaded",
        "batches": list(info.batches),
        "fetched_at": info.fetched_at,
        "landed_at": info.landed_at,
        "loaded_at": chunk.loaded_at,
        "rows": staged.rows_of_day(info.date),
        "totals": _totals_as_json(info.totals),
        "zone": chunk.account.timezone,
        "external_id": chunk.account.external_id,
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
