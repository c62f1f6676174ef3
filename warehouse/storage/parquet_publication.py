"""The plain files of a published commit, which any tool reads: links to the data files, and the script of the views.

They follow the published manifest: a killed publication is completed by the next one. What must not come in: locks, the
choice of the manifest.
"""

import re
from collections.abc import Collection, Iterator
from hashlib import sha256
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.model.schema import metadata
from warehouse.records import Damage
from warehouse.storage.files import (
    file_sha256,
    fsync_path,
    is_older_than,
    link_into_place,
    make_data_folder,
    move_into_place,
    write_into_place,
)
from warehouse.storage.parquet_manifest import Manifest
from warehouse.storage.parquet_tables import NO_MONTH, build_views_script, copy_no_rows_sql, is_partitioned

RETENTION_SECONDS = 3600
"""A superseded file is kept this long after the publication: a reader with the older manifest may still open it."""

_HEAD = re.compile(rb"-- sha256 of what follows: ([0-9a-f]{64})\n")


def link_files(root: Path, versions: Path, manifest: Manifest) -> None:
    """Link each file of a manifest to its place in the folder of its table and month."""
    changed = []
    for table, month, file in manifest.data_files():
        plain = _plain_path(root, table, month)
        if link_into_place(versions / file.file, versions / "link.part", plain):
            changed.append(plain.parent)
    for folder in changed:  # after all links: the first of these syncs does the work of most of the others
        fsync_path(folder)


def write_views(con: duckdb.DuckDBPyConnection, root: Path, manifest: Manifest, mode: int) -> None:
    """Write the script of the tables and views, as a file of this mode, when it is another one than before.

    Before it, tables without rows get a file without rows: a reader finds their columns, and needs no new script later.
    """
    script = build_views_script().encode()
    content = f"-- sha256 of what follows: {sha256(script).hexdigest()}\n".encode() + script
    path = _views_path(root)
    is_new = not path.exists() or path.read_bytes() != content
    for table in metadata.tables:
        empty = _empty_path(root, table)
        has_columns = empty.exists() and not (is_new and is_partitioned(table))
        if not has_columns and (empty.exists() or not manifest.tables.get(table)):
            _write_no_rows(con, table, empty, mode)
    if is_new:
        write_into_place(path, content, mode)


def _write_no_rows(con: duckdb.DuckDBPyConnection, table: str, path: Path, mode: int) -> None:
    make_data_folder(path.parent, mode)
    part = path.with_suffix(".part")
    con.execute(copy_no_rows_sql(table, part))
    part.chmod(mode)
    move_into_place(part, path)


def remove_files_without_rows(root: Path, damaged: Collection[Path]) -> None:
    """Remove damaged files of tables without rows: the next publication writes them anew."""
    for table in metadata.tables:
        path = _empty_path(root, table)
        if path in damaged:
            path.unlink(missing_ok=True)


def remove_superseded(versions: Path, current: set[str], *, at_once: bool = False) -> None:
    """Remove files beyond the retention that are not in `current`: superseded ones, and those of failed commits."""
    for path in versions.iterdir():
        # the status of a file changes for the last time when its link is removed
        if path.name in current:
            continue
        if at_once or is_older_than(path, path.stat().st_ctime, RETENTION_SECONDS):
            path.unlink()


def find_plain_damage(root: Path, versions: Path, published: Manifest) -> list[Damage]:
    """Return the plain files that are not those of the published manifest. The next publication mends them."""
    damaged = []
    for table, month, file in published.data_files():
        plain, version = _plain_path(root, table, month), versions / file.file
        if not plain.exists():
            damaged.append(Damage(plain, "it is missing"))
        # a file system without links has copies
        elif version.exists() and not plain.samefile(version) and file_sha256(plain) != file.sha256:
            damaged.append(Damage(plain, "it is not the published file"))
    damaged += _find_damage_without_rows(root, published)
    views = _views_path(root)
    if views.exists() and not _is_whole_script(views.read_bytes()):
        damaged.append(Damage(views, "its checksum differs"))
    return damaged


def _find_damage_without_rows(root: Path, published: Manifest) -> Iterator[Damage]:
    """Yield the files of tables without rows that cannot be read or have other columns: no manifest has their hash."""
    for table, declared in metadata.tables.items():
        path = _empty_path(root, table)
        if path.exists() and (is_partitioned(table) or not published.tables.get(table)):
            try:
                content = pq.read_table(path)
            except (pa.ArrowException, OSError, UnicodeDecodeError) as error:
                yield Damage(path, str(error).splitlines()[0])
                continue
            if content.num_rows or content.column_names != list(declared.columns.keys()):
                yield Damage(path, "it is not the file of a table without rows")


def _empty_path(root: Path, table: str) -> Path:
    return _plain_path(root, table, NO_MONTH if is_partitioned(table) else "")


def _plain_path(root: Path, table: str, month: str) -> Path:
    return (root / table / f"month={month}" if month else root / table) / "data.parquet"


def _views_path(root: Path) -> Path:
    return root / "views.sql"


def _is_whole_script(content: bytes) -> bool:
    head = _HEAD.match(content)
    return head is not None and sha256(content[head.end() :]).hexdigest().encode() == head[1]
