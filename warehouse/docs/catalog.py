"""All tables and views with their columns, as pages and other tools show them.

They come from the declaration and from the catalog of an empty warehouse. What must not come in: the text of a page,
the files of one tool, a number of the configured warehouse.
"""

from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import Column as DeclaredColumn
from sqlalchemy import Table

from warehouse.docs.relations import DIMENSIONS, grain_columns, joined_dimension, key_column
from warehouse.model.columns import ADDITIVE
from warehouse.model.schema import metadata
from warehouse.store import open_store

_COLUMNS = """
WITH relations AS (
    SELECT schema_name, table_name AS name, comment, false AS is_view FROM duckdb_tables() WHERE NOT internal
    UNION ALL
    SELECT schema_name, view_name, comment, true FROM duckdb_views() WHERE NOT internal
)
SELECT r.schema_name, r.name, r.is_view, r.comment AS about, c.column_name, c.data_type, c.comment
FROM relations AS r
JOIN duckdb_columns() AS c ON c.database_name = current_database() AND c.schema_name = r.schema_name
    AND c.table_name = r.name
ORDER BY r.name, r.schema_name, c.column_index
"""
_ADDITIVE_ENDING = f"; {ADDITIVE}."


@dataclass(frozen=True)
class Column:
    """A column of a table or view. ``type`` is DuckDB's; ``comment`` is one or more sentences, or empty.

    ``is_additive``: its sum over the rows of the relation means something. ``joins``: the table and column that it
    points at; only columns of tables have it.
    """

    name: str
    type: str
    comment: str
    is_required: bool = False
    is_unique: bool = False
    is_additive: bool = False
    joins: tuple[str, str] | None = None


@dataclass(frozen=True)
class Relation:
    """A table or view. ``grain`` names the columns that are unique together; it is empty where none are declared."""

    schema: str
    name: str
    comment: str
    columns: tuple[Column, ...]
    grain: tuple[str, ...] = ()
    is_view: bool = False

    def column(self, name: str) -> Column:
        """Return the column of this name. Raises KeyError for another name."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name}")

    def has(self, *names: str) -> bool:
        """Return whether the relation has all these columns."""
        return {column.name for column in self.columns}.issuperset(names)


def read_catalog() -> dict[str, Relation]:
    """Return all tables and views by name, in the order of their names. Makes an empty warehouse in a temporary folder.

    A view that only lets a table answer under an older name is left out, and so is what the loader keeps for itself.
    """
    with TemporaryDirectory() as folder:
        store = open_store("duckdb://empty.duckdb", Path(folder))
        store.set_accounts_and_measures([], [])
        store.publish()
        rows = store.read(_COLUMNS).to_pylist()
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for row in rows:
        grouped.setdefault((row["name"], row["schema_name"]), []).append(row)
    relations: dict[str, Relation] = {}
    for (name, schema), columns in grouped.items():
        is_view, is_declared = columns[0]["is_view"], name in metadata.tables
        if is_view and not is_declared:
            relations[name] = _describe_view(schema, name, columns)
        elif is_declared and not is_view:
            relations[name] = _describe_table(schema, metadata.tables[name], columns)
    return relations


def _describe_table(schema: str, table: Table, rows: list[dict[str, Any]]) -> Relation:
    columns = tuple(_describe_column(table.columns[row["column_name"]], row) for row in rows)
    return Relation(schema, str(table.name), str(table.comment), columns, tuple(map(str, grain_columns(table))))


def _describe_column(declared: DeclaredColumn[object], row: dict[str, Any]) -> Column:
    joined = joined_dimension(declared)
    target = metadata.tables[joined] if joined else None
    return Column(
        str(declared.name),
        row["data_type"],
        str(declared.comment or ""),
        is_required=not declared.nullable,
        is_unique=declared.table in DIMENSIONS and declared is key_column(declared.table),
        is_additive=declared.info.get("additivity") == ADDITIVE,
        joins=None if target is None else (str(target.name), str(key_column(target).name)),
    )


def _describe_view(schema: str, name: str, rows: list[dict[str, Any]]) -> Relation:
    columns = tuple(
        Column(
            row["column_name"],
            row["data_type"],
            row["comment"] or "",
            is_required=row["column_name"] in _REQUIRED_IN_VIEWS,
            is_additive=_may_be_summed(row["column_name"], row["comment"] or ""),
        )
        for row in rows
    )
    return Relation(schema, name, rows[0]["about"] or "", columns, is_view=True)


def _may_be_summed(name: str, comment: str) -> bool:
    """Return whether a view's column adds up: its comment says so, or it is its own sum of a measure that does."""
    if comment.endswith(_ADDITIVE_ENDING):
        return True
    is_own_comment = "Unit: " not in comment
    return is_own_comment and name in _ADDITIVE_MEASURES and "ever add" not in comment


_REQUIRED_IN_VIEWS = frozenset({"date", "week", "month", "provider", "account"})
"""Columns that say which account and time a row of a view speaks of."""

_ADDITIVE_MEASURES = frozenset(
    column.name
    for table in metadata.tables.values()
    for column in table.columns
    if column.info.get("additivity") == ADDITIVE
)
