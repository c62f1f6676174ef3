"""The DuckDB store: a private file that one writer at a time commits to, and a published copy for readers.

A process that has a DuckDB file open, even read-only, makes every writer fail; so readers and the writer never share a
file (see `publish`). What must not come in: a provider, the shape of a fact.
"""

import shutil
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb

from warehouse.ddl.migrations import CURRENT_VERSION, read_schema_version
from warehouse.engine import attach_warehouse, sql_transaction
from warehouse.errors import DamagedWarehouse, QueryError, UnreadableWarehouse, WarehouseError
from warehouse.records import Damage, Scope, Transaction
from warehouse.storage.damage import RUN_AGAIN, describe_damage, find_file_damage, is_damage, log, read_all_rows
from warehouse.storage.duckdb_file import attach_for_writing, bring_up_to_date, copy_warehouse, count_commits
from warehouse.storage.files import (
    StorePaths,
    copy_to_part,
    file_stamp,
    make_folder,
    make_private,
    move_copy_into_place,
    move_into_place,
)
from warehouse.storage.lock import hold_writer_lock

_RESTORED = (
    f"The published warehouse takes its place, and what was loaded since it was published is loaded again: {RUN_AGAIN}"
)
_NOTHING_LEFT = (
    "Nothing is published that could take its place: run `chatmart check --repair`, which builds the warehouse anew "
    "from the landing zone."
)


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
    def address(self) -> str:
        """The path of the published file."""
        return str(self.location)

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

    def shards_of(self, accounts: Collection[str]) -> dict[str, int]:
        """Return 0 for each account: all writers meet."""
        return dict.fromkeys(accounts, 0)

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
                con.execute("UPDATE wh.books.store_state SET commits = commits + 1")

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
                con.execute("USE wh")
                with self._name_damage():
                    yield
                return
        with TemporaryDirectory(prefix="chatmart-") as folder:
            upgraded = Path(folder) / "upgraded.duckdb"
            shutil.copyfile(self.location, upgraded)
            with attach_warehouse(con, upgraded):
                bring_up_to_date(con, str(self.location))
                con.execute("USE wh")
                yield

    @contextmanager
    def _name_damage(self) -> Iterator[None]:
        """Raise UnreadableWarehouse when a query inside the block fails because of a damaged block of the file."""
        try:
            yield
        except QueryError as error:
            if error.__cause__ is None or not is_damage(error.__cause__):
                raise
            raise UnreadableWarehouse(
                f"{self.location} is damaged ({describe_damage(error.__cause__)}). Run `chatmart check --repair`: it "
                "publishes anew what the loader's own file holds."
            ) from error

    def publish(self, con: duckdb.DuckDBPyConnection) -> bool:
        """Copy the private file to the place of the published one. A reader keeps the file that it has open.

        The cost is proportional to the size of the file; it is none where the file system shares blocks. Return False
        when readers had all commits already.
        """
        make_folder(self.location.parent)
        with hold_writer_lock(self._paths.lock, self._wait_seconds):
            with self._attach(con):
                commits = count_commits(con)
                con.execute("CHECKPOINT wh")
            if commits == self._count_published_commits(con):
                return False
            self._copy_whole(con, self._paths.private, self.location)
        return True

    def purge(self, con: duckdb.DuckDBPyConnection) -> None:
        """Write the private file anew, and publish it: a changed file keeps the bytes of what was in it.

        Both are replaced only by what reads back whole. Files that were set aside are removed. Raises DamagedWarehouse.
        """
        self.location.parent.mkdir(parents=True, exist_ok=True)
        with hold_writer_lock(self._paths.lock, self._wait_seconds):
            part = self._paths.new_part_path()
            try:
                with self._attach(con):
                    con.execute("UPDATE wh.books.store_state SET commits = commits + 1")
                    copy_warehouse(con, part)
                damage = find_file_damage(con, part)
                if damage:
                    raise DamagedWarehouse(
                        f"{part} does not read back as it was written ({damage}), so nothing was replaced. Check the "
                        "disk, then run the same command again."
                    )
                move_into_place(part, self._paths.private)
            finally:
                part.unlink(missing_ok=True)
            self._paths.wal.unlink(missing_ok=True)
            self._paths.remove_set_aside()
            self._copy_whole(con, self._paths.private, self.location)

    def tidy(self, con: duckdb.DuckDBPyConnection, today: date) -> int:
        """Return 0: there is nothing to tidy, as all is in one file."""
        return 0

    def find_damage(self, con: duckdb.DuckDBPyConnection) -> list[Damage]:
        """Read both files whole. Return those that are damaged."""
        with hold_writer_lock(self._paths.lock, self._wait_seconds):
            return [
                Damage(file, damage)
                for file in (self._paths.private, self.location)
                if file.exists() and (damage := find_file_damage(con, file))
            ]

    def set_aside(self, damaged: Collection[Damage]) -> bool:
        """Move damaged files away; what is whole takes the place of the other. Return whether nothing is left."""
        with hold_writer_lock(self._paths.lock, self._wait_seconds):
            for damage in damaged:
                self._paths.set_aside(damage.path)
            return not self.exists()

    def take_over(self) -> bool:
        """Return False: only this machine writes here."""
        return False

    @contextmanager
    def _open(self, con: duckdb.DuckDBPyConnection) -> Iterator[None]:
        make_folder(self.location.parent)
        with hold_writer_lock(self._paths.lock, self._wait_seconds), self._attach(con):
            yield

    @contextmanager
    def _attach(self, con: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """Attach the private file as `wh`, at the present version; restore or create it when it is missing or damaged.

        Raises DamagedWarehouse when damage is found later than that: the file is set aside, and restored the next time.
        """
        self._paths.remove_orphans()
        try:
            with ExitStack() as attached:
                self._attach_private(con, attached)
                yield
        except duckdb.Error as error:
            # an error about another file may read alike: a good file must never be set aside
            if not is_damage(error) or find_file_damage(con, self._paths.private) is None:
                raise
            raise self._set_aside(error) from error

    def _attach_private(self, con: duckdb.DuckDBPyConnection, attached: ExitStack) -> None:
        if not self._paths.private.exists():
            self._make_private(con)
        make_private(self._paths.private)
        try:
            attached.enter_context(attach_for_writing(con, self._paths.private))
        except UnreadableWarehouse as error:
            if not is_damage(error):
                raise
            damage = self._set_aside(error)
            if not self.location.exists():
                raise damage from error
            log.error("%s", damage)
            self._make_private(con)
            attached.enter_context(attach_for_writing(con, self._paths.private))
        bring_up_to_date(con, str(self.location))

    def _set_aside(self, error: Exception) -> DamagedWarehouse:
        """Move the damaged private file away. Return the error that says so."""
        aside = self._paths.set_aside(self._paths.private)
        rest = _RESTORED if self.location.exists() else _NOTHING_LEFT
        return DamagedWarehouse(
            f"{self._paths.private} is damaged ({describe_damage(error)}) and was moved to {aside}. {rest}"
        )

    def _make_private(self, con: duckdb.DuckDBPyConnection) -> None:
        part = self._paths.new_part_path()
        if self.location.exists():
            self._copy_whole(con, self.location, self._paths.private)
            return
        with attach_for_writing(con, part):
            bring_up_to_date(con, str(self.location))
        move_into_place(part, self._paths.private)

    def _copy_whole(self, con: duckdb.DuckDBPyConnection, source: Path, target: Path) -> None:
        """Copy one of the files to the place of the other, when the copy reads back whole. Else `target` stays.

        Raises DamagedWarehouse and UnreadableWarehouse.
        """
        part = self._paths.new_part_path()
        try:
            copy_to_part(source, part)
            with attach_warehouse(con, part, read_only=True):
                _require_warehouse(con, source)
                read_all_rows(con)
            move_copy_into_place(part, target)
        except (UnreadableWarehouse, duckdb.Error) as error:
            if not is_damage(error):
                raise
            if source == self._paths.private:
                raise self._set_aside(error) from error
            raise UnreadableWarehouse(
                f"{source} is damaged ({describe_damage(error)}), and there is no other copy of it. Run "
                "`chatmart check --repair`: it builds the warehouse anew from the landing zone."
            ) from error
        finally:
            part.unlink(missing_ok=True)

    def _count_published_commits(self, con: duckdb.DuckDBPyConnection) -> int | None:
        """Return the number of commits that readers see; None when the published file is missing or unreadable."""
        if not self.location.exists():
            return None
        try:
            with attach_warehouse(con, self.location, read_only=True):
                return count_commits(con)
        except (WarehouseError, duckdb.Error):
            return None


def _require_warehouse(con: duckdb.DuckDBPyConnection, source: Path) -> None:
    if not read_schema_version(con, str(source)):
        raise UnreadableWarehouse(f"{source} is an empty database: remove it, then run again.")
