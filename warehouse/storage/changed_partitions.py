"""Which tables and months of a lake a transaction has changed, so that only these are written anew.

What must not come in: files, the end of the transaction.
"""

from collections.abc import Collection

import duckdb

from warehouse.model.schemas import name_with_schema
from warehouse.records import Scope
from warehouse.sql import fill, literal
from warehouse.storage.parquet_tables import is_partitioned, tables_of

_COUNT = "SELECT $table, $month, count(*) FROM wh.$name AS t"
_CHECKSUM = """
SELECT $table, $month, CAST(bit_xor(hash(t)) AS VARCHAR) || ' ' || CAST(sum(hash(t)) AS VARCHAR) FROM wh.$name AS t
"""


def find_changed_partitions(con: duckdb.DuckDBPyConnection, scope: Scope) -> list[tuple[str, str]]:
    """Return, sorted, the tables and months whose loaded rows the open transaction of `con` has changed.

    Another session of the engine still sees the rows as they were loaded. Rows are only hashed, which is dear, in
    tables that have a month with as many rows as before.
    """
    with con.cursor() as loaded:
        tables = tables_of(scope)
        before, after = (_query_partitions(session, _COUNT, tables) for session in (loaded, con))
        same_count = {part for part in before.keys() & after.keys() if before[part] == after[part]}
        hashed = [table for table in tables if any(part[0] == table and before[part] for part in same_count)]
        old, new = (_query_partitions(session, _CHECKSUM, hashed) for session in (loaded, con))
    same = {part for part in same_count if old.get(part) == new.get(part)}
    return sorted((before.keys() | after.keys()) - same)


def _query_partitions(
    con: duckdb.DuckDBPyConnection, query: str, tables: Collection[str]
) -> dict[tuple[str, str], int | str]:
    """Return the value of a query by table and month; without rows, a table without months has one all the same."""
    parts = [
        fill(
            f"{query} GROUP BY 2" if is_partitioned(table) else query,
            table=literal(table),
            name=name_with_schema(table),
            month="date_trunc('month', date)" if is_partitioned(table) else "NULL",
        )
        for table in tables
    ]
    rows = con.execute(" UNION ALL ".join(parts)).fetchall() if parts else []
    return {(table, f"{month:%Y-%m}" if month else ""): value for table, month, value in rows}
