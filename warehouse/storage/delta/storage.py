"""The Delta store: one Delta table holds the star, an entry of its log is a commit, and readers see each at once.

A commit reads the files of its shards into the engine, writes new ones beside them, and names both in one entry. What
must not come in: a kind of file system, the form of the log, a provider.
"""

from collections.abc import Collection, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from uuid import uuid4

import duckdb

from warehouse.ddl.migrations import MIGRATIONS, Migration, renamed_columns, require_known_version
from warehouse.ddl.views import referenced_relations
from warehouse.engine import EngineLimits, attach_empty_warehouse, open_engine, sql_transaction
from warehouse.errors import UnreadableWarehouse
from warehouse.records import Damage, Scope, Transaction
from warehouse.storage.changed_partitions import find_changed_partitions
from warehouse.storage.delta.damage import find_damaged_files
from warehouse.storage.delta.lake import Changes, Lake
from warehouse.storage.delta.lake_file import FileNames, LakeFile
from warehouse.storage.delta.layout import UNDATED, shard_of
from warehouse.storage.delta.log import LogSnapshot
from warehouse.storage.delta.merge import merge_old_months
from warehouse.storage.delta.superseded import open_newest, raise_if_moved_on
from warehouse.storage.delta.tables import files_of_scope, group_by_table, load_shards, rows_sql
from warehouse.storage.delta.upgrade import create_lake, initial_files, upgrade_lake
from warehouse.storage.files import remove_old_spill
from warehouse.storage.parquet_tables import (
    create_table_views,
    raise_for_damage,
    require_whole,
)

_VACUUM_HOURS = 24
"""Readers may use a superseded version, and a writer may work at a commit, for so long."""

_PUBLISHED = "_published"
"""The note with the version of the log at the last publication."""


class DeltaStorage:
    """A lake whose commits are visible as soon as they are in the log: to publish is to say so."""

    def __init__(self, lake: Lake, *, migrations: tuple[Migration, ...] = MIGRATIONS) -> None:
        self._lake = lake
        self._migrations = migrations

    @property
    def lake(self) -> Lake:
        """The log, the files and the locks of the table."""
        return self._lake

    @property
    def address(self) -> str:
        """The address of the table, for people and for other engines."""
        return self._lake.address

    @property
    def location(self) -> Path:
        """The folder of the table, or this machine's folder for a table that is in no folder."""
        return self._lake.private

    @property
    def staging_folder(self) -> Path:
        """The folder `_staging` on this machine."""
        return self._lake.private / "_staging"

    def exists(self) -> bool:
        """Return whether there is a table."""
        return self._lake.log.snapshot().version >= 0

    def is_published(self) -> bool:
        """Return whether there is a table: every commit is visible to readers."""
        return self.exists()

    def publication(self) -> tuple[int, ...]:
        """Return the version of the log."""
        version = self._lake.log.snapshot().version
        return (version,) if version >= 0 else ()

    def size_bytes(self) -> int:
        """Return the size in bytes of the data files of the newest version."""
        return sum(file.bytes for file in self._lake.log.snapshot().files)

    def published_version(self, con: duckdb.DuckDBPyConnection) -> int:
        """Return the schema version in the log. Raises NewerWarehouse and UnreadableWarehouse."""
        return self._read_known().schema_version

    def shards_of(self, accounts: Collection[str]) -> dict[str, int]:
        """Return the shard of each account; those of a table that does not exist yet are as in the settings."""
        seen = self._lake.log.snapshot()
        shards = seen.shards if seen.version >= 0 else self._lake.shards
        return {account: shard_of(account, shards) for account in accounts}

    def new_spill_path(self) -> Path:
        """Return a new folder on this machine, which readers of the table skip."""
        return self._lake.private / f"_{uuid4().hex}.spill"

    @contextmanager
    def transaction(self, con: duckdb.DuckDBPyConnection, scope: Scope) -> Iterator[Transaction]:
        """Load the scope's rows as `wh`. Changed months are written to new files, and one entry of the log has them."""
        transaction = Transaction()
        shards = self._shards_of(scope, self._bring_up_to_date(con))
        with self._lake.hold_shards(shards):
            remove_old_spill(self._lake.private.glob("_*.spill"))
            seen = self._read_known()
            names = FileNames(seen.shards, seen.schema_version)
            with attach_empty_warehouse(con), Changes(self._lake, con, names).discard_on_error() as changes:
                self._load(con, scope, seen, shards)
                with sql_transaction(con):
                    yield transaction
                    changed = find_changed_partitions(con, scope) if transaction.changed else []
                old = {(file.table, file.period, file.shard): file for file in seen.of_shards(shards)}
                for table, period, shard in _periods_of(changed, shards, old):
                    changes.replace(table, period, shard, scope, old.get((table, period, shard)))
            if changes.added or changes.removed:
                self._lake.commit(seen, shards, changes.added, changes.removed)

    @contextmanager
    def committed(self, con: duckdb.DuckDBPyConnection, scope: Scope) -> Iterator[None]:
        """Load the scope's rows of the newest version as `wh`. No lock is needed: a version never changes."""
        self._bring_up_to_date(con)
        with open_newest(lambda: self._open_committed(con, scope)):
            yield

    @contextmanager
    def published(self, con: duckdb.DuckDBPyConnection, sql: str) -> Iterator[None]:
        """Create the tables and views that `sql` needs as `wh`: views over the files of the newest version.

        A lake that an older release wrote is read under the present names of its columns.
        """
        with open_newest(lambda: self._open_views(con, sql)):
            yield

    @contextmanager
    def _open_committed(self, con: duckdb.DuckDBPyConnection, scope: Scope) -> Iterator[None]:
        seen = self._read_known()
        with attach_empty_warehouse(con):
            self._load(con, scope, seen, self._shards_of(scope, seen), views=("coverage",))
            yield

    @contextmanager
    def _open_views(self, con: duckdb.DuckDBPyConnection, sql: str) -> Iterator[None]:
        seen = self._read_known()
        needed = referenced_relations(sql)
        files = [file for file in seen.files if needed is None or file.table in needed]
        names = [file.name.rsplit("/", 1)[1] for file in files]
        with attach_empty_warehouse(con), raise_if_moved_on(self._lake, seen), raise_for_damage(names):
            paths = self._lake.paths_of(files)
            require_whole({paths[file.name]: file.bytes for file in files})
            rows = {
                table: rows_sql(table, [paths[file.name] for file in chosen])
                for table, chosen in group_by_table(files).items()
            }
            is_present = seen.schema_version == self._migrations[-1].version
            renames = None if is_present else renamed_columns(seen.schema_version, self._migrations)
            create_table_views(con, rows, renames, needed)
            yield

    def publish(self, con: duckdb.DuckDBPyConnection) -> bool:
        """Note the version of the log. Return False when it was noted before: readers see every commit at once."""
        version = str(self._bring_up_to_date(con).version).encode()
        if self._lake.files.read_note(_PUBLISHED) == version:
            return False
        self._lake.files.write_note(_PUBLISHED, version)
        return True

    def purge(self, con: duckdb.DuckDBPyConnection) -> None:
        """Remove all data files but those of the newest version, under the locks of all shards.

        Who reads an earlier version opens the table again.
        """
        self.publish(con)
        with self._lake.hold_shards(range(self._lake.log.snapshot().shards)):
            self._lake.remove_superseded(age_seconds=0)

    def tidy(self, con: duckdb.DuckDBPyConnection, today: date) -> int:
        """Merge the months of years that are long over, and remove files that no version of the last day has."""
        if self.exists():
            seen = self._bring_up_to_date(con)
            for shard in range(seen.shards):
                merge_old_months(con, self._lake, shard, today)
        self._lake.files.forget_copies([file.name for file in self._lake.log.snapshot().files])
        return self._lake.log.vacuum(_VACUUM_HOURS)

    def find_damage(self, con: duckdb.DuckDBPyConnection) -> list[Damage]:
        """Read all files of the newest version whole. Return those that are damaged, or else its entry in the log."""
        try:
            seen = self._lake.log.snapshot()
        except UnreadableWarehouse as error:
            entry = self._lake.files.newest_log_entry()
            if entry is None:
                raise
            return [Damage(entry, str(error.__cause__ or error).splitlines()[0])]
        damaged = self._find_damaged(seen)
        paths = self._lake.paths_of(file for file, _ in damaged)
        return [Damage(paths[file.name], problem) for file, problem in damaged]

    def set_aside(self, damaged: Collection[Damage]) -> bool:
        """Go on without the slices of every shard that has a damaged file. Return whether no slice is left.

        What the shard's other tables hold stays. The rows that an empty warehouse has replace damaged ones. A damaged
        entry of the log is moved away first, so that the version before it is the newest, which is then read whole.
        """
        if self._lake.files.newest_log_entry() in _paths(damaged):
            self._lake.files.set_log_aside()
        if not self.exists():
            return True
        shards = range(self._lake.log.snapshot().shards)
        with self._lake.hold_shards(shards), open_engine(EngineLimits(), self.new_spill_path()) as con:
            seen = self._read_known()
            names = {file.name for file, _ in self._find_damaged(seen)}
            hit = {file.shard for file in seen.files if file.name in names}
            removed = [file for file in seen.of_shards(hit) if file.period != UNDATED or file.name in names]
            if removed:
                undated = [file for file in removed if file.period == UNDATED]
                changes = initial_files(con, self._lake, self._migrations, undated)
                self._lake.commit(seen, shards, changes.added, removed)
            return all(file.period == UNDATED for file in self._lake.log.snapshot().files)

    def take_over(self) -> bool:
        """Guard the lake with the locks of this process. Return False for a lake in a folder."""
        return self._lake.locks.take_over()

    def _find_damaged(self, seen: LogSnapshot) -> list[tuple[LakeFile, str]]:
        self._lake.files.forget_copies([])
        return find_damaged_files(seen.files, self._lake.paths_of(seen.files))

    def _load(
        self,
        con: duckdb.DuckDBPyConnection,
        scope: Scope,
        seen: LogSnapshot,
        shards: Collection[int],
        views: Collection[str] = (),
    ) -> None:
        files = files_of_scope(scope, seen.of_shards(shards))
        paths = self._lake.paths_of(file for chosen in files.values() for file in chosen)
        load_shards(con, scope, files, paths, views)

    def _shards_of(self, scope: Scope, seen: LogSnapshot) -> list[int]:
        """Return the shards of a scope's accounts."""
        if scope.accounts is None:
            return list(range(seen.shards))
        return sorted({shard_of(account, seen.shards) for account in scope.accounts})

    def _read_known(self) -> LogSnapshot:
        """Return the newest version. Raises NewerWarehouse."""
        seen = self._lake.log.snapshot()
        require_known_version(seen.schema_version, self.address, self._migrations)
        return seen

    def _bring_up_to_date(self, con: duckdb.DuckDBPyConnection) -> LogSnapshot:
        """Return the newest version, in the present schema; a new address gets its table."""
        seen = self._read_known()
        if seen.version < 0:
            create_lake(con, self._lake, self._migrations)
        elif seen.schema_version < self._migrations[-1].version:
            upgrade_lake(con, self._lake, self._migrations)
        else:
            return seen
        return self._read_known()


def _periods_of(
    changed: Iterable[tuple[str, str]], shards: Sequence[int], old: Container[tuple[str, str, int]]
) -> set[tuple[str, str, int]]:
    """Return tables, periods and shards with the changed months: the year of a month that was merged."""
    return {
        (table, month[:4] if (table, month[:4], shard) in old else month or UNDATED, shard)
        for table, month in changed
        for shard in shards
    }


def _paths(damaged: Collection[Damage]) -> set[Path]:
    return {damage.path for damage in damaged}
