"""What joins what in the star, read from its declaration, for documents and pictures. No text of either.

What must not come in: SQL, a connection.
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
    """The dimension that the column joins; None for one that joins nothing, such as a dimension's own key."""
    if column.info.get("role") == "date":
        return None if column.table in {*DIMENSIONS, *BOOKKEEPING} else "dim_date"
    return column.info.get("dimension")


def key_column(dimension: Table) -> Column[object]:
    """The column of a dimension that others join."""
    return next(column for column in dimension.columns if column.info["role"] in {"surrogate", "date"})


def grain_columns(table: Table) -> tuple[str, ...]:
    """Columns of which no two rows are alike; of a dimension the natural key. Empty for a book."""
    if table in DIMENSIONS:
        key = key_column(table)
        natural = str(key.info.get("natural", key.name)).split("|")
        return tuple(name if name in table.columns else f"{name}_key" for name in natural)
    return tuple(column.name for column in table.columns if column.info.get("grain")) if table in FACTS else ()


def duckdb_type(column: Column[object]) -> str:
    """The column's type as DuckDB spells it."""
    return sql_type(column).replace("NUMERIC", "DECIMAL").replace(", ", ",")
