"""Questions to a published warehouse that must have no answer: rows that share a grain, keys that nothing describes.

The commit refuses both; these ask whether it did. What must not come in: what is done about an answer.
"""

from warehouse.schema import fact, metadata
from warehouse.sql import fill, ident, literal
from warehouse.stores import Store

_DOUBLED = "SELECT count(*) AS n FROM (SELECT 1 FROM $table GROUP BY $columns HAVING count(*) > 1)"
_STRANGERS = """
SELECT $name AS "key", count(*) AS n FROM $table AS f
WHERE NOT EXISTS (SELECT 1 FROM $dimension AS d WHERE d.$described = f.$key)
"""


def grain_columns(name: str) -> list[str]:
    """The columns of the fact that the staged table `name` fills, of which no two rows may share all values."""
    return [column.name for column in fact(name).columns if column.info.get("grain")]


def doubled_grains(store: Store, name: str) -> int:
    """How many grains of a fact have more than one row."""
    query = fill(_DOUBLED, table=ident(fact(name).name), columns=", ".join(map(ident, grain_columns(name))))
    return int(store.read(query)["n"][0].as_py())


def keys_without_member(store: Store, name: str) -> dict[str, int]:
    """Rows of a fact whose key no row of the dimension has, by the key's column; without the columns that are right."""
    parts = []
    for column in fact(name).columns:
        dimension = "dim_date" if column.name == "date" else column.info.get("dimension")
        if dimension is not None:
            described = metadata.tables[dimension].columns.keys()[0]
            parts.append(
                fill(
                    _STRANGERS,
                    name=literal(column.name),
                    table=ident(fact(name).name),
                    dimension=ident(dimension),
                    described=ident(described),
                    key=ident(column.name),
                )
            )
    rows = store.read(" UNION ALL ".join(parts)).to_pylist()
    return {row["key"]: row["n"] for row in rows if row["n"]}
