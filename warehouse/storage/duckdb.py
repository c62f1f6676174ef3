"""The DuckDB store: a private file that one writer at a time commits to, and a published copy for readers.

A process that has a DuckDB file open, even read-only, makes every writer fail; so readers and the writer never share a
file (see `publish`). What must not come in: a provider, the shape of a fact.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from warehouse.ddl.migrations import CURRENT_VERSION, MIGRATIONS, Migration, read_schema_version, upgrade_schema
from warehouse.ddl.views import create_views, views_hash
from warehouse.engine import STORAGE_VERSION, attach_warehouse, first_row, sql_transaction
from warehouse.errors import UnreadableWarehouse, WarehouseError
from warehouse.model.engine_paths import is_misread, path_literal
from warehouse.records import Scope, Transaction
from warehouse.sql import fill, ident, literal
from warehouse.storage.files import StorePaths, copy_into_place, file_stamp, move_into_place, open_copy
from warehouse.storage.lock import hold_writer_lock

_CREATE_STATE = "CREATE TABLE store_state (commits BIGINT NOT NULL, views VARCHAR NOT NULL)"
_COMMENT_STATE = "COMMENT ON TABLE store_state IS 'Number of commits to this file, and the hash of its views.'"


class DuckDBStorage:
    """One file for readers at `path`, and a private file beside it.

    A damaged or foreign file raises a SetupError, a lock that is held for longer than `wait_seconds` WarehouseBusy.
    """

    def __init__(self, path: Path, wait_seconds: float = 600) -> None:
        self._paths = StorePaths(path)
        self._wait_seconds = wait_seconds

    @property
    def location(self) -> Path:
        """The published file, which people and tools open read-only."""
        return self._paths.published

    @property
    def staging_folder(self) -> Path:
        """The folder `_staging` beside the file."""
        return self.location.parent / "_staging"

    def exists(self) -> bool:
        """Return whether there is a private or a published file."""
        return self._paths.private.exists() or self.is_published()

    def is_published(self) -> bool:
        """Return whether there is a published file."""
        return self.location.exists()

    def publication(self) -> tuple[int, ...]:
        """Return the stamp of the published file."""
        return file_stamp(self.location)

    def size_bytes(self) -> int:
        """Return the size in bytes of the published file; 0 without one."""
        return self.location.stat().st_size if self.is_published() else 0

    def published_version(self, con: duckdb.DuckDBPyConnection) -> int:
        """Return the schema version of the published file. Raises NewerWarehouse and UnreadableWarehouse."""
        with attach_warehouse(con, self.location, read_only=True):
            return read_schema_version(con, str(self.location))

    def new_spill_path(self) -> Path:
        """Return a new folder beside the file."""
        return self._paths.new_spill_path()

    @contextmanager
    def transaction(self, con: duckdb.DuckDBPyConnection, scope: Scope) -> Iterator[Transaction]:
        """Attach the whole private file as `wh`, in one transaction under the lock."""
        transaction = Transaction()
        with self._open(con), sql_transaction(con):
            yield transaction
            if transaction.changed:
                # The published copy has this number too: where the two differ, a commit is unpublished.
                con.execute("UPDATE wh.store_state SET commits = commits + 1")

    @contextmanager
    def committed(self, con: duckdb.DuckDBPyConnection, scope: Scope) -> Iterator[None]:
        """Attach the whole private file as `wh`, under the lock."""
        with self._open(con):
            yield

    @contextmanager
    def published(self, con: duckdb.DuckDBPyConnection, sql: str) -> Iterator[None]:
        """Attach the published file as `wh`. Raises NewerWarehouse and UnreadableWarehouse.

        A file that an earlier release published is read from an upgraded temporary copy until the next publication.
        """
        with attach_warehouse(con, self.location, read_only=True):
            if read_schema_version(con, str(self.location)) in (0, CURRENT_VERSION):
                yield
                return
        with TemporaryDirectory(prefix="chatmart-") as folder:
            upgraded = Path(folder) / "upgraded.duckdb"
            shutil.copyfile(self.location, upgraded)
            with attach_warehouse(con, upgraded):
                bring_up_to_date(con, str(self.location))
                yield

    def publish(self, con: duckdb.DuckDBPyConnection) -> bool:
        """Copy the private file to the place of the published one. A reader keeps the file that it has open.

        The cost is proportional to the size of the file; it is none where the file system shares blocks. Return False
        when readers had all commits already.
        """
        self.location.parent.mkdir(parents=True, exist_ok=True)
        with hold_writer_lock(self._paths.lock, self._wait_seconds):
            with self._attach(con):
                commits = _count_commits(con)
                con.execute("CHECKPOINT wh")
            if commits == self._count_published_commits(con):
                return False
            copy_into_place(self._paths.private, self._paths.new_part_path(), self._paths.published)
        return True

    def purge(self, con: duckdb.DuckDBPyConnection) -> None:
        """Write the private file anew, and publish it: a changed file keeps the bytes of what was in it."""
        self.location.parent.mkdir(parents=True, exist_ok=True)
        with hold_writer_lock(self._paths.lock, self._wait_seconds):
            with self._attach(con):
                part = self._paths.new_part_path()
                con.execute("UPDATE wh.store_state SET commits = commits + 1")
                _copy_warehouse(con, part)
            move_into_place(part, self._paths.private)
            self._paths.wal.unlink(missing_ok=True)
            copy_into_place(self._paths.private, self._paths.new_part_path(), self._paths.published)

    @contextmanager
    def _open(self, con: duckdb.DuckDBPyConnection) -> Iterator[None]:
        self.location.parent.mkdir(parents=True, exist_ok=True)
        with hold_writer_lock(self._paths.lock, self._wait_seconds), self._attach(con):
            yield

    @contextmanager
    def _attach(self, con: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Attach the private file as `wh`, at the present version; restore or create it when it is missing."""
        self._paths.remove_orphans()
        if not self._paths.private.exists():
            self._make_private(con)
        with _attach_for_writing(con, self._paths.private):
            bring_up_to_date(con, str(self.location))
            yield

    def _make_private(self, con: duckdb.DuckDBPyConnection) -> None:
        part = self._paths.new_part_path()
        if self.location.exists():
            with attach_warehouse(con, self.location, read_only=True):
                if not read_schema_version(con, str(self.location)):
                    raise UnreadableWarehouse(f"{self.location} is an empty database: remove it, then run again.")
            copy_into_place(self.location, part, self._paths.private)
            return
        with _attach_for_writing(con, part):
            bring_up_to_date(con, str(self.location))
        move_into_place(part, self._paths.private)

    def _count_published_commits(self, con: duckdb.DuckDBPyConnection) -> int | None:
        """Return the number of commits that readers see; None when the published file is missing or unreadable."""
        if not self.location.exists():
            return None
        try:
            with attach_warehouse(con, self.location, read_only=True):
                return _count_commits(con)
        except (WarehouseError, duckdb.Error):
            return None


def bring_up_to_date(
    con: duckdb.DuckDBPyConnection, location: str, migrations: tuple[Migration, ...] = MIGRATIONS
) -> None:
    """Bring the file attached as `wh` to the present version and views. `location` is named in errors.

    Costs two small queries when nothing is to do. Raises NewerWarehouse when a newer release wrote the file,
    UnreadableWarehouse when it holds other tables.
    """
    version = read_schema_version(con, location, migrations)
    if version == migrations[-1].version and _read_views_hash(con) == views_hash():
        return
    con.execute("USE wh")
    with sql_transaction(con):
        upgrade_schema(con, version, migrations)
        if version == 0:
            con.execute(_CREATE_STATE)
            con.execute(_COMMENT_STATE)
            con.execute("INSERT INTO store_state VALUES (0, '')")
        _drop_views(con)
        create_views(con)
        con.execute("UPDATE store_state SET commits = commits + 1, views = ?", [views_hash()])
    con.execute("USE memory")


@contextmanager
def _attach_for_writing(con: duckdb.DuckDBPyConnection, path: Path) -> Iterator[None]:
    """Attach the file at `path` as `wh`; where DuckDB would misplace its write-ahead log, a copy that is put back.

    DuckDB puts the log's `.wal` before the first `?` of the whole path, even behind a link.
    """
    needs_copy = is_misread(path.name) or "?" in str(path)
    with open_copy(path) if needs_copy else nullcontext(path) as file, attach_warehouse(con, file):
        yield


def _copy_warehouse(con: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Copy the tables, views and comments of `wh` to a new file, which holds nothing else."""
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
    row = first_row(con, "SELECT views FROM wh.store_state")
    return str(row[0]) if row else ""


def _count_commits(con: duckdb.DuckDBPyConnection) -> int:
    row = first_row(con, "SELECT commits FROM wh.store_state")
    return int(row[0]) if row else 0
