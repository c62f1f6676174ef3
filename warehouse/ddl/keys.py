"""The keys of the star and the joins between its tables, as a view and as DBML, which tools draw.

No store declares them: an index for each makes loading several times slower. What must not come in: a connection.
"""

import re
from collections.abc import Iterator
from dataclasses import astuple, dataclass

from sqlalchemy import Table

from warehouse.docs.relations import DIMENSIONS, FACTS, duckdb_type, grain_columns, joined_dimension, key_column
from warehouse.model.schema import metadata
from warehouse.model.schemas import schema_of
from warehouse.sql import fill, literal

DBML_NAME = "star.dbml"
KEYS_VIEW = "table_key"

_QUERY = """\
-- Keys of the tables and their joins, for tools that draw them. No store declares them: indexes slow loading.
--   table_schema: Schema of the table.
--   table_name: Table with the key.
--   column_name: Column of the key.
--   key_type: primary key: with the other columns of its table unique; foreign key: joins the referenced column.
--   position: Place of the column in the primary key, from 1; 1 for a foreign key.
--   referenced_schema: Schema of the table that a foreign key joins; NULL for a primary key.
--   referenced_table: Table that a foreign key joins; NULL for a primary key.
--   referenced_column: Column that a foreign key joins; NULL for a primary key.
SELECT
    k.table_schema, k.table_name, k.column_name, k.key_type, k."position",
    k.referenced_schema, k.referenced_table, k.referenced_column
FROM (VALUES
    $rows
) AS k(
    table_schema, table_name, column_name, key_type, "position",
    referenced_schema, referenced_table, referenced_column
)
"""


@dataclass(frozen=True)
class _KeyColumn:
    schema: str
    table: str
    column: str
    type: str
    position: int
    referenced_schema: str | None = None
    referenced_table: str | None = None
    referenced_column: str | None = None


def keys_query() -> str:
    """Return the query of the view of all keys."""
    rows = ",\n    ".join(f"({', '.join(map(_literal, astuple(key)))})" for key in _list_keys())
    return fill(_QUERY, rows=rows)


def render_dbml() -> str:
    """Return the star in the language DBML: tables, types, comments, keys and joins."""
    tables = [*FACTS, *DIMENSIONS]
    keys = [key for key in _list_keys() if key.referenced_table]
    joins = [
        f"Ref: {key.schema}.{key.table}.{key.column} > "
        f"{key.referenced_schema}.{key.referenced_table}.{key.referenced_column}"
        for key in keys
    ]
    head = "// The star, for tools that draw it. Made from its declaration by `make docs`."
    return "\n\n".join([head, *map(_render_table, tables), "\n".join(joins)]) + "\n"


def _list_keys() -> Iterator[_KeyColumn]:
    for table in (*FACTS, *DIMENSIONS):
        schema = schema_of(table.name)
        for position, name in enumerate(_primary_key(table), 1):
            yield _KeyColumn(schema, table.name, name, "primary key", position)
        for column in table.columns:
            dimension = joined_dimension(column)
            if dimension:
                joined = key_column(metadata.tables[dimension]).name
                yield _KeyColumn(
                    schema, table.name, column.name, "foreign key", 1, schema_of(dimension), dimension, joined
                )


def _primary_key(table: Table) -> tuple[str, ...]:
    return (key_column(table).name,) if table in DIMENSIONS else grain_columns(table)


def _render_table(table: Table) -> str:
    key = _primary_key(table)
    lines = [f"Table {schema_of(table.name)}.{table.name} {{"]
    for column in table.columns:
        settings = ["pk"] if key == (column.name,) else []
        settings += [] if column.nullable else ["not null"]
        settings.append(f"note: {_quote(str(column.comment))}")
        kind = duckdb_type(column).lower().replace(" ", "_")
        lines.append(f'  "{column.name}" {kind} [{", ".join(settings)}]')
    if len(key) > 1:
        lines.append(f"  indexes {{ ({', '.join(key)}) [pk] }}")
    return "\n".join([*lines, f"  Note: {_quote(str(table.comment))}", "}"])


def _quote(text: str) -> str:
    """Return a text as DBML has it."""
    escaped = re.sub(r"(['\\])", r"\\\1", text)
    return f"'{escaped}'"


def _literal(value: object) -> str:
    return "NULL" if value is None else str(value) if isinstance(value, int) else literal(f"{value}")
