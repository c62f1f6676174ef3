"""How the tables of the star stand in one table that holds them all, as a Delta lake does.

What must not come in: a kind of store, the SQL of an engine.
"""

from collections.abc import Mapping

TABLE_COLUMN = "_table"
"""The column with the name of the table to which a row belongs."""

RENAMED_COLUMNS: Mapping[str, Mapping[str, str]] = {"load_run": {"loaded": "loaded_slices"}}
"""By table and column, another name in the one table: there, columns of one name have one type."""


def renamed_column(table: str, column: str) -> str:
    """Return the name that a column of a table has in the one table."""
    return RENAMED_COLUMNS.get(table, {}).get(column, column)
