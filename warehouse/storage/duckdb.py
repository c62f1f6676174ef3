"""The DuckDB store: a private file that one writer at a time commits to, and a published copy for readers.

What must not come in: a provider, the shape of a fact. A process that has a DuckDB file open, even read-only,
makes every writer fail; so readers and the writer never share a file (see `publishing`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb

from warehouse.ddl.migrations import MIGRATIONS, Migration, read_schema_version, upgrade_schema
from warehouse.ddl.views import create_views, views_hash
from warehouse.engine import attach_warehouse, first_row, sql_transaction
from warehouse.errors import UnreadableWarehouse, WarehouseError
from warehouse.records import Scope, Transaction
from warehouse.sql import fill, ident
from warehouse.storage.files import StorePaths, copy_into_place, move_into_place
from warehouse.storage.lock import hold_writer_lock

_STATE = "CREATE TABLE store_state (commits BIGINT NOT NULL, views VARCHAR NOT NULL)"
_ABOUT_STATE = "COMMENT ON TABLE store_state IS 'How many commits the file has seen, and which views.'"


class DuckDBStorage:
    """One file for readers at `path`, and a private one beside it.

    Damaged or foreign files raise SetupErrors, a lock held for longer than `wait_seconds` WarehouseBusy.
    """

    def __init__(self, path: Path, wait_seconds: float = 600) -> None:
        self._places = StorePaths(path)
        self._wait_seconds = wait_seconds

    @property
    def location(self) -> Path:
        """The published file: what people and tools open, read-only."""
        return self._places.published

    @property
    def staging(self) -> Path:
        """A folder beside the file."""
        return self.location.parent / "_staging"

    def exists(self) -> bool:
        """Whether there is a private or a published file."""
        return self._places.private.exists() or self.is_published()

    def is_published(self) -> bool:
        """Whether there is a published file."""
        return self.location.exists()

    def size_bytes(self) -> int:
        """Bytes of the published file."""
        return self.location.stat().st_size if self.is_published() else 0

    def new_spill_path(self) -> Path:
        """A new folder beside the file."""
        return self._places.new_spill_path()

    @contextmanager
    def transaction(self, con: duckdb.DuckDBPyConnection, scope: Scope) -> Iterator[Transaction]:
        """The whole private file as `wh`, in one transaction under the lock."""
        pending = Transaction()
        with self._open(con), sql_transaction(con):
            yield pending
            if pending.changed:
                # The published copy carries this number too: where they differ, something is unpublished.
                con.execute("UPDATE wh.store_state SET commits = commits + 1")

    @contextmanager
    def committed(self, con: duckdb.DuckDBPyConnection, scope: Scope) -> Iterator[None]:
        """The whole private file as `wh`, under the lock for a short moment."""
        with self._open(con):
            yield

    @contextmanager
    def published(self, con: duckdb.DuckDBPyConnection, sql: str) -> Iterator[None]:
        """The published file as `wh`."""
        with attach_warehouse(con, self.location, read_only=True):
            read_schema_version(con, str(self.location))
            yield

    def publish(self, con: duckdb.DuckDBPyConnection) -> bool:
        """Copy the private file into the published one's place. A reader keeps what it has open.

        The cost is proportional to the file's size, or none where the file system shares blocks.
        """
        self.location.parent.mkdir(parents=True, exist_ok=True)
        with hold_writer_lock(self._places.lock, self._wait_seconds):
            with self._attach(con):
                commits = _commits(con)
                con.execute("CHECKPOINT wh")
            if commits == self._published_commits(con):
                return False
            copy_into_place(self._places.private, self._places.new_part_path(), self._places.published)
        return True

    @contextmanager
    def _open(self, con: duckdb.DuckDBPyConnection) -> Iterator[None]:
        self.location.parent.mkdir(parents=True, exist_ok=True)
        with hold_writer_lock(self._places.lock, self._wait_seconds), self._attach(con):
            yield

    @contextmanager
    def _attach(self, con: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """The private file as `wh`, at the present version; restored or created when it is not there."""
        self._places.remove_orphans()
        if not self._places.private.exists():
            self._provide_private(con)
        with attach_warehouse(con, self._places.private):
            bring_up_to_date(con, str(self.location))
            yield

    def _provide_private(self, con: duckdb.DuckDBPyConnection) -> None:
        part = self._places.new_part_path()
        if self.location.exists():
            with attach_warehouse(con, self.location, read_only=True):
                if not read_schema_version(con, str(self.location)):
                    raise UnreadableWarehouse(f"{self.location} is an empty database: remove it, then run again.")
            copy_into_place(self.location, part, self._places.private)
            return
        with attach_warehouse(con, part):
            bring_up_to_date(con, str(self.location))
        move_into_place(part, self._places.private)

    def _published_commits(self, con: duckdb.DuckDBPyConnection) -> int | None:
        """How many commits readers see; None when the published file is absent or cannot be read."""
        if not self.location.exists():
            return None
        try:
            with attach_warehouse(con, self.location, read_only=True):
                return _commits(con)
        except (WarehouseError, duckdb.Error):
            return None


def bring_up_to_date(
    con: duckdb.DuckDBPyConnection, where: str, migrations: tuple[Migration, ...] = MIGRATIONS
) -> None:
    """Bring the file attached as `wh` to the present version, with the present views.

    Costs two small queries when there is nothing to do. Raises NewerWarehouse when `where` was written by a
    newer release, UnreadableWarehouse when it holds other tables.
    """
    version = read_schema_version(con, where, migrations)
    if version == migrations[-1].version and _views(con) == views_hash():
        return
    con.execute("USE wh")
    with sql_transaction(con):
        upgrade_schema(con, version, migrations)
        if version == 0:
            con.execute(_STATE)
            con.execute(_ABOUT_STATE)
            con.execute("INSERT INTO store_state VALUES (0, '')")
        _drop_views(con)
        create_views(con)
        con.execute("UPDATE store_state SET commits = commits + 1, views = ?", [views_hash()])
    con.execute("USE memory")


def _drop_views(con: duckdb.DuckDBPyConnection) -> None:
    present = "SELECT view_name FROM duckdb_views() WHERE database_name = 'wh' AND NOT internal"
    for (name,) in con.execute(present).fetchall():
        con.execute(fill("DROP VIEW $view", view=ident(name)))


def _views(con: duckdb.DuckDBPyConnection) -> str:
    found = first_row(con, "SELECT views FROM wh.store_state")
    return str(found[0]) if found else ""


def _commits(con: duckdb.DuckDBPyConnection) -> int:
    row = first_row(con, "SELECT commits FROM wh.store_state")
    return int(row[0]) if row else 0
