"""Queries that find broken rows in a published warehouse: rows that share a grain, keys without a dimension row.

The commit refuses both; these queries check that it did. What must not come in: the reaction to a finding.
"""

from sqlalchemy import Table

from warehouse.docs.relations import FACTS, grain_columns, joined_dimension, key_column
from warehouse.model.schema import metadata
from warehouse.sql import fill, ident, literal
from warehouse.store import Store

_DUPLICATES = "SELECT count(*) AS n FROM (SELECT 1 FROM $table GROUP BY $columns HAVING count(*) > 1)"
_WITHOUT_MEMBER = """
SELECT $name AS "key", count(*) AS n FROM $table AS f
WHERE NOT EXISTS (SELECT 1 FROM $dimension AS d WHERE d.$dimension_key = f.$key)
"""


def unique_columns(table: Table) -> tuple[str, ...]:
    """Return the columns that are unique together: the grain of a fact, the key of a dimension."""
    return grain_columns(table) if table in FACTS else (key_column(table).name,)


def count_duplicate_grains(store: Store, table: Table) -> int:
    """Return the number of grains of a table that have more than one row. Raises NothingPublished."""
    query = fill(_DUPLICATES, table=ident(table.name), columns=", ".join(map(ident, unique_columns(table))))
    return int(store.read(query)["n"][0].as_py())


def count_keys_without_member(store: Store, fact: Table) -> dict[str, int]:
    """Return the number of rows whose key is in no row of its dimension, by key column; sound columns are left out.

    Raises NothingPublished.
    """
    parts = [
        fill(
            _WITHOUT_MEMBER,
            name=literal(column.name),
            table=ident(fact.name),
            dimension=ident(dimension),
            dimension_key=ident(key_column(metadata.tables[dimension]).name),
            key=ident(column.name),
        )
        for column in fact.columns
        if (dimension := joined_dimension(column))
    ]
    rows = store.read(" UNION ALL ".join(parts)).to_pylist()
    return {row["key"]: row["n"] for row in rows if row["n"]}
