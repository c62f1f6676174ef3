"""The joins, keys and grains of the star, read from its declaration.

Documents, pictures and checks are built from them. What must not come in: their text, SQL, a connection.
"""

from sqlalchemy import Column, Table

from warehouse.ddl.create import sql_type
from warehouse.model.schema import STAGED_FACTS, fact_table, metadata

FACTS: tuple[Table, ...] = tuple(fact_table(name) for name in STAGED_FACTS)
DIMENSIONS: tuple[Table, ...] = tuple(table for name, table in metadata.tables.items() if name.startswith("dim_"))
BOOKKEEPING: tuple[Table, ...] = tuple(
    table for table in metadata.tables.values() if table not in {*FACTS, *DIMENSIONS}
)


def joined_dimension(column: Column[object]) -> str | None:
    """Return the dimension that the column joins; None when it joins none, such as a dimension's own key."""
    if column.info.get("role") == "date":
        return None if column.table in {*DIMENSIONS, *BOOKKEEPING} else "dim_date"
    return column.info.get("dimension")


def key_column(dimension: Table) -> Column[object]:
    """Return the column of a dimension that other tables join."""
    return next(column for column in dimension.columns if column.info["role"] in {"surrogate", "date"})


def grain_columns(table: Table) -> tuple[str, ...]:
    """Return the columns that are unique together: a fact's grain, a dimension's natural key; none for bookkeeping."""
    if table in DIMENSIONS:
        key = key_column(table)
        natural = str(key.info.get("natural", key.name)).split("|")
        return tuple(name if name in table.columns else f"{name}_key" for name in natural)
    return tuple(column.name for column in table.columns if column.info.get("grain")) if table in FACTS else ()


def duckdb_type(column: Column[object]) -> str:
    """Return the column's type in the spelling of DuckDB."""
    return sql_type(column).replace("NUMERIC", "DECIMAL").replace(", ", ",")
