"""Numbered changes of the schema, and the first creation of a warehouse.

What must not come in: moving of facts, the views' text. A new warehouse is made as the star is declared today;
an older one runs the migrations it has not seen. All of it happens under the writers' lock, in a transaction.
"""

from dataclasses import dataclass
from functools import cache

import duckdb
from sqlalchemy.engine import make_url
from sqlalchemy.schema import CreateTable, SetColumnComment, SetTableComment

from warehouse.engine import first_row, transaction
from warehouse.errors import NewerWarehouse, UnreadableWarehouse
from warehouse.schema import metadata
from warehouse.sql import UNKNOWN, fill, ident, literal
from warehouse.views_catalog import comment_columns, create_view, view_texts, views_hash


@dataclass(frozen=True)
class Migration:
    """One step from the version before; `statements` run with the warehouse as the default database."""

    version: int
    name: str
    statements: tuple[str, ...]


MIGRATIONS: tuple[Migration, ...] = (Migration(1, "the star", ()),)
CURRENT = MIGRATIONS[-1].version


@cache
def creation() -> tuple[str, ...]:
    """Statements that make an empty warehouse: tables, comments, the unknown members, the store's own state."""
    # The PostgreSQL dialect's DDL is understood by DuckDB as it is.
    dialect = make_url("postgresql://").get_dialect()()
    statements: list[str] = []
    for table in metadata.sorted_tables:
        statements.append(str(CreateTable(table).compile(dialect=dialect)))
        statements.append(str(SetTableComment(table).compile(dialect=dialect)))
        statements.extend(str(SetColumnComment(column).compile(dialect=dialect)) for column in table.columns)
    dimensions = [table.name for table in metadata.sorted_tables if table.name.startswith("dim_")]
    statements.extend(_unknown_row(name) for name in dimensions if name != "dim_date")
    statements.append("CREATE TABLE store_state (commits BIGINT NOT NULL, views VARCHAR NOT NULL)")
    statements.append("COMMENT ON TABLE store_state IS 'How many commits the file has seen, and which views.'")
    statements.append("INSERT INTO store_state VALUES (0, '')")
    return tuple(statements)


def _unknown_row(table: str) -> str:
    values: dict[str, str] = {}
    for column in metadata.tables[table].columns:
        if column.name.endswith("_key"):
            values[column.name] = "0"
        elif not column.nullable:
            is_flag = column.name.startswith("is_")
            values[column.name] = "false" if is_flag else literal(UNKNOWN)
    return fill(
        "INSERT INTO $table ($columns) VALUES ($values)",
        table=ident(table),
        columns=", ".join(map(ident, values)),
        values=", ".join(values.values()),
    )


def migrate(con: duckdb.DuckDBPyConnection, where: str, migrations: tuple[Migration, ...] = MIGRATIONS) -> None:
    """Bring the warehouse attached as `wh` to the present version, with the present views.

    Costs two small queries when there is nothing to do. Raises NewerWarehouse when `where` was written by a
    newer release, UnreadableWarehouse when it holds other tables.
    """
    version = refuse_newer(con, where, migrations)
    pending = [migration for migration in migrations if migration.version > version]
    if not pending and _views(con) == views_hash():
        return
    con.execute("USE wh")
    with transaction(con):
        _apply(con, version, pending)
        _recreate_views(con)
        con.execute("UPDATE store_state SET commits = commits + 1, views = ?", [views_hash()])
    con.execute("USE memory")


def refuse_newer(con: duckdb.DuckDBPyConnection, where: str, migrations: tuple[Migration, ...] = MIGRATIONS) -> int:
    """The version of the warehouse attached as `wh`, 0 for an empty file. Raises as `migrate` does."""
    try:
        found = first_row(con, "SELECT max(version) FROM wh.schema_version")
    except duckdb.CatalogException as error:
        if first_row(con, "SELECT 1 FROM duckdb_tables() WHERE database_name = 'wh'"):
            raise UnreadableWarehouse(
                f"{where} is a DuckDB file, but no warehouse of chatmart: give `warehouse:` another path."
            ) from error
        return 0
    version = int(found[0]) if found else 0
    if version > migrations[-1].version:
        raise NewerWarehouse(
            f"{where} has schema version {version}, this release knows {migrations[-1].version}: "
            "upgrade chatmart, or load into another warehouse."
        )
    return version


def _views(con: duckdb.DuckDBPyConnection) -> str:
    found = first_row(con, "SELECT views FROM wh.store_state")
    return str(found[0]) if found else ""


def _apply(con: duckdb.DuckDBPyConnection, version: int, pending: list[Migration]) -> None:
    if version == 0:
        for statement in creation():
            con.execute(statement)
    for migration in pending:
        for statement in migration.statements if version else ():
            con.execute(statement)
        con.execute("INSERT INTO schema_version VALUES (?, ?, now())", [migration.version, migration.name])


def _recreate_views(con: duckdb.DuckDBPyConnection) -> None:
    present = "SELECT view_name FROM duckdb_views() WHERE database_name = 'wh' AND NOT internal"
    for (name,) in con.execute(present).fetchall():
        con.execute(fill("DROP VIEW $view", view=ident(name)))
    for name in view_texts():
        for statement in create_view(name):
            con.execute(statement)
        described = con.execute(fill("SELECT * FROM $view LIMIT 0", view=ident(name))).description or []
        for statement in comment_columns(name, [str(column[0]) for column in described]):
            con.execute(statement)
