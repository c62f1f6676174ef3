"""One file of the DuckDB store, attached as `wh`: its version, its views, its number of commits.

What must not come in: which of the two files it is, locks, copies.
"""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import duckdb

from warehouse.ddl.migrations import MIGRATIONS, Migration, read_schema_version, upgrade_schema
from warehouse.ddl.views import create_views, views_hash
from warehouse.engine import STORAGE_VERSION, attach_warehouse, first_row, reach_tables, sql_transaction
from warehouse.model.engine_paths import is_misread, path_literal
from warehouse.sql import fill, ident, literal
from warehouse.storage.files import open_copy

_CREATE_STATE = "CREATE TABLE books.store_state (commits BIGINT NOT NULL, views VARCHAR NOT NULL)"
_COMMENT_STATE = "COMMENT ON TABLE books.store_state IS 'Number of commits to this file, and the hash of its views.'"


def bring_up_to_date(
    con: duckdb.DuckDBPyConnection, location: str, migrations: tuple[Migration, ...] = MIGRATIONS
) -> None:
    """Bring the file attached as `wh` to the present version and views, its tables within reach as `wh.x`.

    `location` is named in errors.

    Costs two small queries when nothing is to do. Raises NewerWarehouse when a newer release wrote the file,
    UnreadableWarehouse when it holds other tables.
    """
    version = read_schema_version(con, location, migrations)
    if version == migrations[-1].version and _read_views_hash(con) == views_hash():
        reach_tables(con)
        return
    con.execute("USE wh")
    with sql_transaction(con):
        _drop_views(con)
        upgrade_schema(con, version, migrations)
        if version == 0:
            con.execute(_CREATE_STATE)
            con.execute(_COMMENT_STATE)
            con.execute("INSERT INTO store_state VALUES (0, '')")
        create_views(con)
        con.execute("UPDATE books.store_state SET commits = commits + 1, views = ?", [views_hash()])
    reach_tables(con)


@contextmanager
def attach_for_writing(con: duckdb.DuckDBPyConnection, path: Path) -> Iterator[None]:
    """Attach the file at `path` as `wh`; where DuckDB would misplace its write-ahead log, a copy that is put back.

    DuckDB puts the log's `.wal` before the first `?` of the whole path, even behind a link.
    """
    needs_copy = is_misread(path.name) or "?" in str(path)
    with open_copy(path) if needs_copy else nullcontext(path) as file, attach_warehouse(con, file):
        yield


def copy_warehouse(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Copy the tables, views and comments of `wh` to the new file at `path`, which holds nothing else."""
    needs_copy = is_misread(path.name) or "?" in str(path)
    attach = "ATTACH $path AS fresh (STORAGE_VERSION $version)"
    with open_copy(path) if needs_copy else nullcontext(path) as file:
        con.execute(fill(attach, path=path_literal(file), version=literal(STORAGE_VERSION)))
        try:
            con.execute("COPY FROM DATABASE wh TO fresh")
        finally:
            con.execute("DETACH fresh")


def _drop_views(con: duckdb.DuckDBPyConnection) -> None:
    query = "SELECT view_name FROM duckdb_views() WHERE database_name = 'wh' AND NOT internal"
    for (name,) in con.execute(query).fetchall():
        con.execute(fill("DROP VIEW $view", view=ident(name)))


def _read_views_hash(con: duckdb.DuckDBPyConnection) -> str:
    row = first_row(con, "SELECT views FROM wh.books.store_state")
    return str(row[0]) if row else ""


def count_commits(con: duckdb.DuckDBPyConnection) -> int:
    """Return the number of commits to the file attached as `wh`."""
    row = first_row(con, "SELECT commits FROM wh.books.store_state")
    return int(row[0]) if row else 0
