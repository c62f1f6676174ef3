"""The dimensions in a commit, in SQL: members of the staged facts are checked, new and changed ones are written.

Most commits bring nothing new: one query over all dimensions decides which of them are written at all. What must not
come in: facts that are written, bookkeeping.
"""

from collections.abc import Iterable, Mapping

import duckdb
import pyarrow as pa

from warehouse.commit.inputs import Chunks
from warehouse.commit.stage import StagedFacts
from warehouse.engine import execute_and_count, first_row
from warehouse.errors import UnknownMember
from warehouse.model.schema import fact_table, metadata, table_schema
from warehouse.records import AccountRow
from warehouse.sql import difference_sql, fill, ident, literal, surrogate_key, upsert_sql

_ADD_DATES = """
INSERT INTO wh.dim_date
SELECT
    date, year(date), quarter(date), month(date), monthname(date), strftime(date, '%Y-%m'), day(date),
    isoyear(date), week(date), isodow(date), dayname(date), isodow(date) > 5
FROM (
    SELECT CAST(unnest(generate_series(
        least(min(date), (SELECT min(date) FROM wh.dim_date)),
        greatest(max(date), (SELECT max(date) FROM wh.dim_date)),
        INTERVAL 1 DAY
    )) AS DATE) AS date
    FROM $days
)
WHERE date NOT IN (SELECT date FROM wh.dim_date)
"""
_NEW_DATES = "SELECT DISTINCT date FROM $days WHERE date NOT IN (SELECT date FROM wh.dim_date)"
_NEW_INTENTS = """
SELECT DISTINCT intent_key, account_key, intent, lower(strip_accents(intent)) FROM ($facts)
WHERE intent_key <> 0 AND intent_key NOT IN (SELECT intent_key FROM wh.dim_intent)
"""
_KEPT_COLUMNS: Mapping[str, tuple[str, ...]] = {"dim_account": ("is_active",)}


def require_members(
    con: duckdb.DuckDBPyConnection, chunks: Chunks, staged: StagedFacts, members: Iterable[str]
) -> None:
    """Raise UnknownMember, with an example, unless every member of the staged facts is staged or known.

    `members` are the staged ones: each counts from the first chunk on that describes it. Call it before
    `write_members`.
    """
    branch = (
        "(SELECT f.chunk, $dimension, f.$natural FROM $facts AS f $join "
        "WHERE f.$key <> 0 AND f.$key NOT IN (SELECT $key FROM wh.$dim) $unless_staged LIMIT 1)"
    )
    parts = []
    for name in staged.names:
        for column in fact_table(name).columns:
            dimension = str(column.info.get("dimension", "")).removeprefix("dim_")
            if not column.info.get("natural") or dimension == "intent":
                continue
            key = ident(column.name)
            is_staged = dimension in members
            join = fill("LEFT JOIN $view AS m ON m.$key = f.$key", key=key, view=ident(f"member_{dimension}"))
            parts.append(
                fill(
                    branch,
                    dimension=literal(dimension),
                    natural=ident(column.info["natural"]),
                    facts=ident(staged.key_relation(name, column.info["natural"])),
                    join=join if is_staged else "",
                    key=key,
                    dim=ident(f"dim_{dimension}"),
                    unless_staged="AND coalesce(m.first_chunk > f.chunk, true)" if is_staged else "",
                )
            )
    unknown = first_row(con, " UNION ALL ".join(parts)) if parts else None
    if unknown:
        number, dimension, member = unknown
        raise UnknownMember(
            f"{chunks[number].account.account}: the facts name the {dimension} {member!r}, which no staged {dimension} "
            "row describes. Nothing was written; the transform must give a member row for it."
        )


def write_members(con: duckdb.DuckDBPyConnection, chunks: Chunks, members: Iterable[str]) -> None:
    """Write the accounts of the chunks and the staged members that are new or changed, as the last chunk has them."""
    accounts = {chunk.account.account: chunk.account for chunk in chunks.values()}
    con.register("new_accounts", _account_table(accounts.values()))
    sources = {"dim_account": "new_accounts", **{f"dim_{name}": f"member_{name}" for name in members}}
    differences = {
        table: difference_sql(metadata.tables[table], source, keep=_KEPT_COLUMNS.get(table, ()))
        for table, source in sources.items()
    }
    for table in _find_with_rows(con, differences):
        statement = upsert_sql(metadata.tables[table], differences[table], keep=_KEPT_COLUMNS.get(table, ()))
        con.execute(statement)
    con.unregister("new_accounts")


def write_dates_and_intents(con: duckdb.DuckDBPyConnection, staged: StagedFacts) -> None:
    """Write the days of the relation `slices` and the intents of the staged facts that are new."""
    sources = {"dim_date": fill(_NEW_DATES, days="slices")}
    part = "SELECT intent_key, account_key, intent FROM $facts"
    facts = [
        fill(part, facts=ident(staged.key_relation(name, "intent")))
        for name in staged.names
        if "intent_key" in fact_table(name).columns
    ]
    if facts:
        sources["dim_intent"] = fill(_NEW_INTENTS, facts=" UNION ALL ".join(facts))
    new = _find_with_rows(con, sources)
    if "dim_date" in new:
        add_dates(con, "slices")
    if "dim_intent" in new:
        con.execute("INSERT INTO wh.dim_intent " + sources["dim_intent"])


def add_dates(con: duckdb.DuckDBPyConnection, days: str) -> None:
    """Add the days of the relation `days` to dim_date, and those between them and its other days."""
    con.execute(fill(_ADD_DATES, days=ident(days)))


def upsert_accounts(con: duckdb.DuckDBPyConnection, accounts: Iterable[AccountRow], *, keep_active: bool) -> int:
    """Write accounts into dim_account and return the number of changed rows.

    `keep_active` keeps is_active of known accounts.
    """
    con.register("new_accounts", _account_table(accounts))
    keep = _KEPT_COLUMNS["dim_account"] if keep_active else ()
    source = difference_sql(metadata.tables["dim_account"], "new_accounts", keep=keep)
    changed = execute_and_count(con, upsert_sql(metadata.tables["dim_account"], source, keep=keep))
    con.unregister("new_accounts")
    return changed


def _account_table(accounts: Iterable[AccountRow]) -> pa.Table:
    rows = [{"account_key": surrogate_key(row.account), **vars(row), "is_active": True} for row in accounts]
    return pa.Table.from_pylist(rows, schema=table_schema("dim_account"))


def _find_with_rows(con: duckdb.DuckDBPyConnection, queries: Mapping[str, str]) -> list[str]:
    """Return the names of the queries that have a row."""
    branch = "(SELECT $name FROM ($query) LIMIT 1)"
    parts = [fill(branch, name=literal(name), query=query) for name, query in queries.items()]
    return [str(name) for (name,) in con.execute(" UNION ALL ".join(parts)).fetchall()]
