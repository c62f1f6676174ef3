"""Statements that create the tables of the star as declared today, with comments and unknown members.

What must not come in: a connection, a step from an older version, a view.
"""

from functools import cache
from typing import Any

from sqlalchemy import Column, Table
from sqlalchemy.engine import make_url
from sqlalchemy.schema import CreateTable, DDLElement, SetColumnComment, SetTableComment

from warehouse.model.schema import metadata
from warehouse.model.schemas import name_with_schema, schema_of
from warehouse.sql import UNKNOWN, fill, ident, literal

# DuckDB understands the DDL of the PostgreSQL dialect as it is.
_DIALECT = make_url("postgresql://").get_dialect()()


@cache
def table_statements() -> dict[str, str]:
    """Return the statement that creates each table, by the table's name."""
    return {table.name: _compile(CreateTable(table), table) for table in metadata.sorted_tables}


def sql_type(column: Column[Any]) -> str:
    """Return the type of a column, in SQL."""
    return str(column.type.compile(dialect=_DIALECT))


@cache
def comment_statements() -> tuple[str, ...]:
    """Return the statements that set the comment of each table and column."""
    statements: list[str] = []
    for table in metadata.sorted_tables:
        statements.append(_compile(SetTableComment(table), table))
        statements.extend(_compile(SetColumnComment(column), table) for column in table.columns)
    return tuple(statements)


def _compile(element: DDLElement, table: Table) -> str:
    """Return a statement about a table, which it names with its schema."""
    schemas = {None: schema_of(table.name)}
    return str(element.compile(dialect=_DIALECT, schema_translate_map=schemas, render_schema_translate=True))


@cache
def unknown_member_statements() -> dict[str, str]:
    """Return the statement that inserts the row `unknown` with key 0, by the name of each dimension that has one."""
    dimensions = [table.name for table in metadata.sorted_tables if table.name.startswith("dim_")]
    return {name: _insert_unknown_sql(name) for name in dimensions if name != "dim_date"}


def _insert_unknown_sql(table: str) -> str:
    values: dict[str, str] = {}
    for column in metadata.tables[table].columns:
        if column.name.endswith("_key"):
            values[column.name] = "0"
        elif not column.nullable:
            is_flag = column.name.startswith("is_")
            values[column.name] = "false" if is_flag else literal(UNKNOWN)
    return fill(
        "INSERT INTO $table ($columns) VALUES ($values)",
        table=name_with_schema(table),
        columns=", ".join(map(ident, values)),
        values=", ".join(values.values()),
    )
