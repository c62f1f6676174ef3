"""The Parquet store: a lake of folders by table and month, commits by manifest, plain files for any other reader.

Layout below the lake's folder:

    fact_x/month=2025-03/data.parquet    for a glob of any tool: whole files, each replaced by rename when published
    dim_x/data.parquet
    fact_y/month=none/data.parquet       the columns of a table that had no row when it was published
    views.sql                            the views over these, for any DuckDB, by relative paths
    _manifest.json                       the files of the published commit, for our own readers
    _loader.json                         the files of the newest commit
    _versions/                           the files themselves; those above are links to them
    _lock  _staging/  _*.spill/          for the loader only

Every reader of hive folders skips names that begin with `_`. A file is never changed after it was written.
What must not come in: a provider, the shape of a fact.
"""

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path
from uuid import uuid4

import duckdb

from warehouse.ddl.migrations import MIGRATIONS, Migration, renamed_columns, require_known_version
from warehouse.ddl.views import referenced_relations
from warehouse.engine import attach_empty_warehouse, sql_transaction
from warehouse.errors import DamagedWarehouse, UnreadableWarehouse
from warehouse.model.engine_paths import parquet_rows_sql
from warehouse.records import Damage, Scope, Transaction
from warehouse.storage.changed_partitions import find_changed_partitions
from warehouse.storage.damage import RUN_AGAIN, log
from warehouse.storage.files import (
    PRIVATE_FILE,
    file_sha256,
    file_stamp,
    fsync_path,
    make_data_folder,
    make_folder,
    move_into_place,
    remove_old_spill,
    set_file_aside,
)
from warehouse.storage.lock import hold_writer_lock
from warehouse.storage.parquet_damage import (
    choose_whole_manifest,
    find_damaged_files,
    find_lake_damage,
    require_same_bytes,
)
from warehouse.storage.parquet_manifest import DataFile, Manifest
from warehouse.storage.parquet_publication import (
    find_plain_damage,
    link_files,
    remove_files_without_rows,
    remove_superseded,
    write_views,
)
from warehouse.storage.parquet_tables import (
    create_table_views,
    load_scope,
    partitions_of,
    raise_for_damage,
    require_whole,
    tables_of,
    write_partition,
)
from warehouse.storage.parquet_upgrade import list_partitions, load_upgraded

_EVERYTHING = Scope()


class ParquetStorage:
    """A lake in the folder `root`. A lock that is held for longer than `wait_seconds` raises WarehouseBusy."""

    def __init__(
        self, root: Path, wait_seconds: float = 600, *, migrations: tuple[Migration, ...] = MIGRATIONS
    ) -> None:
        self._root = root
        self._versions = root / "_versions"
        self._loader = root / "_loader.json"
        self._published = root / "_manifest.json"
        self._wait_seconds = wait_seconds
        self._migrations = migrations

    @property
    def location(self) -> Path:
        """The lake's folder."""
        return self._root

    @property
    def address(self) -> str:
        """The path of the lake's folder."""
        return str(self.location)

    @property
    def staging_folder(self) -> Path:
        """The folder `_staging` inside the lake, which readers skip."""
        return self._root / "_staging"

    def exists(self) -> bool:
        """Return whether there is a manifest."""
        return self._loader.exists() or self._published.exists()

    def is_published(self) -> bool:
        """Return whether there is a published manifest."""
        return self._published.exists()

    def publication(self) -> tuple[int, ...]:
        """Return the stamp of the published manifest."""
        return file_stamp(self._published)

    def size_bytes(self) -> int:
        """Return the size in bytes of the published files; 0 without any."""
        published = Manifest.load(self._published)
        return sum(file.bytes for _, _, file in published.data_files()) if published else 0

    def published_version(self, con: duckdb.DuckDBPyConnection) -> int:
        """Return the schema version in the published manifest. Raises NewerWarehouse and UnreadableWarehouse."""
        manifest = Manifest.load(self._published) or Manifest()
        require_known_version(manifest.schema_version, str(self._root), self._migrations)
        return manifest.schema_version

    def shards_of(self, accounts: Collection[str]) -> dict[str, int]:
        """Return 0 for each account: all writers meet."""
        return dict.fromkeys(accounts, 0)

    def new_spill_path(self) -> Path:
        """Return a new folder inside the lake, which readers skip."""
        return self._root / f"_{uuid4().hex}.spill"

    @contextmanager
    def transaction(self, con: duckdb.DuckDBPyConnection, scope: Scope) -> Iterator[Transaction]:
        """Load the scope's rows as `wh`. Changed months are written to new files, and the manifest commits them."""
        transaction = Transaction()
        with self._hold_lock():
            manifest = self._read_current(con)
            with attach_empty_warehouse(con):
                self._load_scope(con, scope, manifest)
                with sql_transaction(con):
                    yield transaction
                    changed = find_changed_partitions(con, scope) if transaction.changed else []
                if not transaction.changed:
                    return
                written = {
                    (table, month): self._write_file(con, table, month, scope, manifest.data_file(table, month))
                    for table, month in changed
                }
            self._commit(manifest, written)

    @contextmanager
    def committed(self, con: duckdb.DuckDBPyConnection, scope: Scope) -> Iterator[None]:
        """Load the scope's committed rows as `wh`."""
        with self._hold_lock():
            manifest = self._read_current(con)
            with attach_empty_warehouse(con):
                self._load_scope(con, scope, manifest, views=("coverage",))
                yield

    @contextmanager
    def published(self, con: duckdb.DuckDBPyConnection, sql: str) -> Iterator[None]:
        """Create the published tables and views that `sql` needs as `wh`: views over the files of one manifest.

        A lake that an older release published is read under the present names of its columns.
        """
        manifest = Manifest.load(self._published) or Manifest()
        require_known_version(manifest.schema_version, str(self._root), self._migrations)
        needed = referenced_relations(sql)
        with attach_empty_warehouse(con), raise_for_damage(manifest.file_names()):
            require_whole(
                {
                    self._versions / file.file: file.bytes
                    for table, _, file in manifest.data_files()
                    if needed is None or table in needed
                }
            )
            rows = {
                table: parquet_rows_sql(by_month.values())
                for table, by_month in manifest.paths(self._versions).items()
                if by_month and (needed is None or table in needed)
            }
            is_present = manifest.schema_version == self._migrations[-1].version
            renames = None if is_present else renamed_columns(manifest.schema_version, self._migrations)
            create_table_views(con, rows, renames, needed)
            yield

    def publish(self, con: duckdb.DuckDBPyConnection) -> bool:
        """Publish the newest commit: first for readers of the manifest, then for readers of the plain files."""
        with self._hold_lock():
            manifest = self._read_current(con)
            published = self._load_published()
            is_new = published is None or published.commits != manifest.commits
            self._require_whole(con, manifest, published.file_names() if published else set())
            if is_new:
                manifest.save(self._published, self._file_mode())
            link_files(self._root, self._versions, manifest)  # also completes a killed publication
            write_views(con, self._root, manifest, self._file_mode())
            remove_superseded(self._versions, manifest.file_names())
        return is_new

    def purge(self, con: duckdb.DuckDBPyConnection) -> None:
        """Publish, and remove superseded files at once. A reader with the older manifest has to open the lake again."""
        self.publish(con)
        with self._hold_lock():
            published = self._load_published()
            kept = published.file_names() if published else set()  # another writer may have committed meanwhile
            remove_superseded(self._versions, kept | self._read_current(con).file_names(), at_once=True)

    def tidy(self, con: duckdb.DuckDBPyConnection, today: date) -> int:
        """Return 0: there is nothing to tidy, as each publication does it."""
        return 0

    def find_damage(self, con: duckdb.DuckDBPyConnection) -> list[Damage]:
        """Compare the bytes of all files with the manifests. Return those that differ, manifests among them."""
        with self._hold_lock():
            damaged = find_lake_damage(con, self._versions, self._loader, self._published)
            published = self._load_published()
            return damaged + (find_plain_damage(self._root, self._versions, published) if published else [])

    def set_aside(self, damaged: Collection[Damage]) -> bool:
        """Go on from the published manifest when its files are whole, else from an empty lake.

        Readers keep what is published until the next publication. Return whether nothing is left.
        """
        with self._hold_lock():
            paths = {damage.path for damage in damaged}
            remove_files_without_rows(self._root, paths)
            return choose_whole_manifest(self._versions, self._loader, self._published, paths)

    def take_over(self) -> bool:
        """Return False: only this machine writes here."""
        return False

    def _load_scope(
        self, con: duckdb.DuckDBPyConnection, scope: Scope, manifest: Manifest, views: Collection[str] = ()
    ) -> None:
        """Load a scope's rows. Damage of their files is found before: in new files it would have a right checksum."""
        paths = manifest.paths(self._versions)
        parts = {
            (table, month) for table in tables_of(scope) for month in partitions_of(scope, table, paths.get(table, ()))
        }
        require_same_bytes(self._versions, (file for *part, file in manifest.data_files() if tuple(part) in parts))
        load_scope(con, scope, paths, views)

    def _load_published(self) -> Manifest | None:
        """Return the published manifest; None without one, and for one that cannot be read: it is written anew."""
        try:
            return Manifest.load(self._published)
        except UnreadableWarehouse as error:
            log.error("%s", error)
            return None

    def _require_whole(self, con: duckdb.DuckDBPyConnection, manifest: Manifest, known: set[str]) -> None:
        """Raise DamagedWarehouse when a file that is not `known` to readers cannot be read whole."""
        damaged = find_damaged_files(con, self._versions, manifest, known)
        if damaged:
            aside = set_file_aside(self._loader)
            raise DamagedWarehouse(
                f"{damaged[0].path} is damaged ({damaged[0].problem}), so the newest commits are set aside as {aside}. "
                f"What is published stays, and what was loaded since then is loaded again: {RUN_AGAIN}"
            )

    @contextmanager
    def _hold_lock(self) -> Iterator[None]:
        make_folder(self._root)
        with hold_writer_lock(self._root / "_lock", self._wait_seconds):
            make_data_folder(self._versions, self._file_mode())
            for orphan in (*self._versions.glob("*.part"), *self._root.glob("*.part")):
                orphan.unlink()
            remove_old_spill(self._root.glob("_*.spill"))
            yield

    def _file_mode(self) -> int:
        """Return the mode of new files: that of the published manifest, whose owner may have let others read it."""
        return self._published.stat().st_mode & 0o666 if self._published.exists() else PRIVATE_FILE

    def _read_current(self, con: duckdb.DuckDBPyConnection) -> Manifest:
        """Return the manifest of the newest commit, in the present schema; a new lake gets its first commit."""
        try:
            manifest = Manifest.load(self._loader)
        except UnreadableWarehouse as error:
            if not self._published.exists():
                raise
            aside = set_file_aside(self._loader)
            problem = type(error.__cause__).__name__
            sentence = "%s is damaged (%s) and was moved to %s. The published manifest takes its place."
            log.error(sentence, self._loader, problem, aside)
            manifest = None
        manifest = manifest or Manifest.load(self._published) or Manifest()
        require_known_version(manifest.schema_version, str(self._root), self._migrations)
        return manifest if manifest.schema_version == self._migrations[-1].version else self._upgrade(con, manifest)

    def _upgrade(self, con: duckdb.DuckDBPyConnection, manifest: Manifest) -> Manifest:
        """Load all tables as the files have them, run the missing steps, and commit all of them as new files."""
        with attach_empty_warehouse(con):
            statements = load_upgraded(con, self._versions, manifest, self._migrations)
            written = {
                (table, month): self._write_file(con, table, month, _EVERYTHING, None)
                for table, month in list_partitions(con)
            }
        upgraded = replace(manifest, schema_version=self._migrations[-1].version, create_statements=statements)
        return self._commit(upgraded, written)

    def _write_file(
        self, con: duckdb.DuckDBPyConnection, table: str, month: str, scope: Scope, old: DataFile | None
    ) -> DataFile:
        """Write one month of a table as a new file, with the rows of `old` that lie outside the scope."""
        name = f"{table}{'.' if month else ''}{month}.{uuid4().hex}.parquet"
        part = self._versions / f"{name}.part"
        rows = write_partition(con, table, month, scope, self._versions / old.file if old else None, part)
        size, checksum = part.stat().st_size, file_sha256(part)
        part.chmod(self._file_mode())
        move_into_place(part, self._versions / name, sync_folder=False)
        return DataFile(name, rows, size, checksum)

    def _commit(self, manifest: Manifest, written: Mapping[tuple[str, str], DataFile]) -> Manifest:
        fsync_path(self._versions)
        new = manifest.with_data_files(written)
        new.save(self._loader)
        published = Manifest.load(self._published)
        seen = published.file_names() if published else set()
        for name in manifest.file_names() - new.file_names() - seen:  # they were never published: no reader has them
            (self._versions / name).unlink(missing_ok=True)
        return new
