"""The Parquet store: a lake of folders by table and month, commits by manifest, plain files for any other reader.

What must not come in: a provider, the shape of a fact. Layout below the lake's folder:

    fact_x/month=2025-03/data.parquet    what any tool globs: whole files, each replaced by rename when published
    dim_x/data.parquet
    views.sql                            the views over these, for any DuckDB
    _manifest.json                       the files of the published commit: what our own readers take
    _loader.json                         the files of the newest commit
    _versions/                           the files themselves; those above are links to them
    _lock  _staging/  _*.spill/          the loader's own

Names that begin with `_` are skipped by every reader of hive folders. A file is never changed once it is written.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import duckdb

from warehouse.ddl.migrations import MIGRATIONS, Migration, require_known_version, upgrade_schema
from warehouse.ddl.views import referenced_relations
from warehouse.engine import attach_empty_warehouse, sql_transaction
from warehouse.model.schema import metadata
from warehouse.records import Scope, Transaction
from warehouse.sql import fill, ident
from warehouse.storage.files import fsync_path, link_into_place, move_into_place, remove_old_spill, write_into_place
from warehouse.storage.lock import hold_writer_lock
from warehouse.storage.parquet_manifest import UNPARTITIONED, DataFile, Manifest
from warehouse.storage.parquet_tables import (
    build_views_script,
    changed_partitions,
    create_table_views,
    fingerprints,
    is_partitioned,
    load_scope,
    read_parquet_sql,
    write_partition,
)

RETENTION_SECONDS = 3600
"""How long a file outlives the publication that superseded it: a reader with the older manifest may still open it."""

_EVERYTHING = Scope()


class ParquetStorage:
    """A lake in the folder `root`. A lock held for longer than `wait_seconds` raises WarehouseBusy."""

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
    def staging(self) -> Path:
        """A folder inside the lake that readers skip."""
        return self._root / "_staging"

    def exists(self) -> bool:
        """Whether there is a manifest."""
        return self._loader.exists() or self._published.exists()

    def is_published(self) -> bool:
        """Whether there is a published manifest."""
        return self._published.exists()

    def size_bytes(self) -> int:
        """Bytes of the published files."""
        published = Manifest.load(self._published)
        return sum(part.bytes for _, _, part in published.data_files()) if published else 0

    def new_spill_path(self) -> Path:
        """A new folder inside the lake that readers skip."""
        return self._root / f"_{uuid4().hex}.spill"

    @contextmanager
    def transaction(self, con: duckdb.DuckDBPyConnection, scope: Scope) -> Iterator[Transaction]:
        """The scope's rows as `wh`; what was changed is written to new files, and the manifest commits them."""
        pending = Transaction()
        with self._locked():
            manifest = self._current(con)
            with attach_empty_warehouse(con):
                load_scope(con, scope, self._paths(manifest))
                before = fingerprints(con, scope)
                with sql_transaction(con):
                    yield pending
                if not pending.changed:
                    return
                parts = changed_partitions(before, fingerprints(con, scope))
                written = {part: self._write(con, *part, scope, manifest) for part in parts}
            self._commit(manifest, written)

    @contextmanager
    def committed(self, con: duckdb.DuckDBPyConnection, scope: Scope) -> Iterator[None]:
        """The scope's committed rows as `wh`."""
        with self._locked():
            manifest = self._current(con)
            with attach_empty_warehouse(con):
                load_scope(con, scope, self._paths(manifest), views=("coverage",))
                yield

    @contextmanager
    def published(self, con: duckdb.DuckDBPyConnection, sql: str) -> Iterator[None]:
        """The published tables and views as `wh`: views over the files of one manifest, those that `sql` needs."""
        manifest = Manifest.load(self._published) or Manifest()
        require_known_version(manifest.schema_version, str(self._root), self._migrations)
        with attach_empty_warehouse(con):
            con.execute("USE wh")
            files = {table: list(parts.values()) for table, parts in self._paths(manifest).items()}
            create_table_views(con, files, referenced_relations(sql))
            yield

    def publish(self, con: duckdb.DuckDBPyConnection) -> bool:
        """Let readers of the manifest, and then those of the plain files, see the newest commit."""
        with self._locked():
            manifest = self._current(con)
            published = Manifest.load(self._published)
            is_news = published is None or published.commits != manifest.commits
            if is_news:
                manifest.save(self._published)
            self._link(manifest)  # also what a killed publication left undone
            self._write_views(manifest)
            self._sweep(manifest.file_names())
        return is_news

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._root.mkdir(parents=True, exist_ok=True)
        with hold_writer_lock(self._root / "_lock", self._wait_seconds):
            self._versions.mkdir(exist_ok=True)
            for orphan in (*self._versions.glob("*.part"), *self._root.glob("*.part")):
                orphan.unlink()
            remove_old_spill(self._root.glob("_*.spill"))
            yield

    def _current(self, con: duckdb.DuckDBPyConnection) -> Manifest:
        """The newest commit, in the present schema; a new lake's first."""
        manifest = Manifest.load(self._loader) or Manifest.load(self._published) or Manifest()
        require_known_version(manifest.schema_version, str(self._root), self._migrations)
        return manifest if manifest.schema_version == self._migrations[-1].version else self._upgraded(con, manifest)

    def _upgraded(self, con: duckdb.DuckDBPyConnection, manifest: Manifest) -> Manifest:
        """All tables as the files have them, taken through the missing steps and written anew."""
        with attach_empty_warehouse(con):
            con.execute("USE wh")
            for statement in manifest.create_statements.values():
                con.execute(statement)
            for table, parts in self._paths(manifest).items():
                query = "INSERT INTO $table BY NAME SELECT * FROM $source"
                con.execute(fill(query, table=ident(table), source=read_parquet_sql(parts.values())))
            with sql_transaction(con):
                upgrade_schema(con, manifest.schema_version, self._migrations)
            tables = con.execute("SELECT table_name, sql FROM duckdb_tables() WHERE database_name = 'wh'").fetchall()
            con.execute("USE memory")
            written = {}
            for table in metadata.tables:
                months = [UNPARTITIONED]
                if is_partitioned(table):
                    query = "SELECT DISTINCT strftime(date, '%Y-%m') FROM wh.$table"
                    months = [month for (month,) in con.execute(fill(query, table=ident(table))).fetchall()]
                for month in months:
                    written[table, month] = self._write(con, table, month, _EVERYTHING, manifest)
        present = replace(manifest, schema_version=self._migrations[-1].version, create_statements=dict(tables))
        return self._commit(present, written)

    def _write(
        self, con: duckdb.DuckDBPyConnection, table: str, month: str, scope: Scope, manifest: Manifest
    ) -> DataFile:
        old = manifest.data_file(table, month)
        name = f"{table}{'.' if month else ''}{month}.{uuid4().hex}.parquet"
        part = self._versions / f"{name}.part"
        rows = write_partition(con, table, month, scope, self._versions / old.file if old else None, part)
        size = part.stat().st_size
        move_into_place(part, self._versions / name, sync_folder=False)
        return DataFile(name, rows, size)

    def _commit(self, manifest: Manifest, written: Mapping[tuple[str, str], DataFile]) -> Manifest:
        fsync_path(self._versions)
        new = manifest.with_data_files(written)
        new.save(self._loader)
        published = Manifest.load(self._published)
        seen = published.file_names() if published else set()
        for file in manifest.file_names() - new.file_names() - seen:  # nobody but the loader has ever known them
            (self._versions / file).unlink(missing_ok=True)
        return new

    def _link(self, manifest: Manifest) -> None:
        for table, month, part in manifest.data_files():
            folder = self._root / table / f"month={month}" if month else self._root / table
            link_into_place(self._versions / part.file, self._versions / "link.part", folder / "data.parquet")

    def _write_views(self, manifest: Manifest) -> None:
        place, script = self._root / "views.sql", build_views_script(self._root, manifest.tables).encode()
        if not place.exists() or place.read_bytes() != script:
            write_into_place(place, script)

    def _sweep(self, current: set[str]) -> None:
        """Remove files that were superseded, or written by a commit that never was, long enough ago."""
        for path in self._versions.iterdir():
            # a file's status changes last when its link is taken away
            if path.name not in current and time.time() - path.stat().st_ctime > RETENTION_SECONDS:
                path.unlink()

    def _paths(self, manifest: Manifest) -> dict[str, dict[str, Path]]:
        return {
            table: {month: self._versions / part.file for month, part in months.items()}
            for table, months in manifest.tables.items()
        }
