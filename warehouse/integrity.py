"""Questions to a published warehouse that must have no answer: rows that share a grain, keys that nothing describes.

The commit refuses both; these ask whether it did. What must not come in: what is done about an answer.
"""

from sqlalchemy import Table

from warehouse.docs.relations import FACTS, grain_columns, joined_dimension, key_column
from warehouse.model.schema import metadata
from warehouse.sql import fill, ident, literal
from warehouse.store import Store

_DOUBLED = "SELECT count(*) AS n FROM (SELECT 1 FROM $table GROUP BY $columns HAVING count(*) > 1)"
_STRANGERS = """
SELECT $name AS "key", count(*) AS n FROM $table AS f
WHERE NOT EXISTS (SELECT 1 FROM $dimension AS d WHERE d.$described = f.$key)
"""


def unique_columns(table: Table) -> tuple[str, ...]:
    """The columns of a fact of which no two rows share all values; of a dimension its key."""
    return grain_columns(table) if table in FACTS else (key_column(table).name,)


def count_duplicate_grains(store: Store, table: Table) -> int:
    """How many grains of a table have more than one row."""
    query = fill(_DOUBLED, table=ident(table.name), columns=", ".join(map(ident, unique_columns(table))))
    return int(store.read(query)["n"][0].as_py())


def count_keys_without_member(store: Store, fact: Table) -> dict[str, int]:
    """Rows of a fact whose key no row of the dimension has, by the key's column; without the columns that are right."""
    parts = [
        fill(
            _STRANGERS,
            name=literal(column.name),
            table=ident(fact.name),
            dimension=ident(dimension),
            described=ident(key_column(metadata.tables[dimension]).name),
            key=ident(column.name),
        )
        for column in fact.columns
        if (dimension := joined_dimension(column))
    ]
    rows = store.read(" UNION ALL ".join(parts)).to_pylist()
    return {row["key"]: row["n"] for row in rows if row["n"]}
