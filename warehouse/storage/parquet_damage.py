"""Damage of a lake: files that cannot be read whole, and the manifest that it goes on with. Locks must not come in."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

import duckdb

from warehouse.engine import first_row
from warehouse.errors import UnreadableWarehouse
from warehouse.model.engine_paths import parquet_rows_sql
from warehouse.records import Damage
from warehouse.sql import fill
from warehouse.storage.files import file_sha256, set_file_aside
from warehouse.storage.parquet_manifest import DataFile, Manifest
from warehouse.storage.parquet_tables import damage_error

_READ_ALL = "SELECT count(*), bit_xor(hash(t)) FROM $rows AS t"


def find_lake_damage(con: duckdb.DuckDBPyConnection, versions: Path, loader: Path, published: Path) -> list[Damage]:
    """Compare the bytes of all files of both manifests. Return those that differ, manifests among them.

    Files without a checksum, and those that were never published, are read whole by the engine too.
    """
    damaged: dict[Path, Damage] = {}
    manifests = []
    for path in (published, loader):
        try:
            manifests.append(Manifest.load(path) or Manifest())
        except UnreadableWarehouse as error:
            damaged[path] = Damage(path, f"no manifest of a lake: {type(error.__cause__).__name__}")
            manifests.append(Manifest())
    # the engine has read these when they were published, and the same bytes give the same rows
    proven = [file for _, _, file in manifests[0].data_files() if file.sha256]
    problems = list(_find_changed_files(versions, proven))
    for manifest in manifests:
        problems += find_damaged_files(con, versions, manifest, {file.file for file in proven})
    damaged.update((damage.path, damage) for damage in problems)
    return list(damaged.values())


def find_damaged_files(
    con: duckdb.DuckDBPyConnection, versions: Path, manifest: Manifest, known: Collection[str] = ()
) -> list[Damage]:
    """Compare and read the files of a manifest that are not `known` whole. Return those that are damaged."""
    by_table: dict[str, list[DataFile]] = defaultdict(list)
    for table, _, file in manifest.data_files():
        if file.file not in known:
            by_table[table].append(file)
    changed = list(_find_changed_files(versions, (file for files in by_table.values() for file in files)))
    changed_names = {damage.path.name for damage in changed}
    readable = [[file for file in files if file.file not in changed_names] for files in by_table.values()]
    return changed + [
        Damage(versions / file.file, problem)
        for files in readable
        if files and _find_problem(con, versions, files)  # one query is enough where all is well
        for file in files
        if (problem := _find_problem(con, versions, [file]))
    ]


def require_same_bytes(versions: Path, files: Iterable[DataFile]) -> None:
    """Raise UnreadableWarehouse when a file is missing, or its bytes are not those that were written."""
    for damage in _find_changed_files(versions, files):
        raise damage_error(f"{damage.path}: {damage.problem}")


def _find_changed_files(versions: Path, files: Iterable[DataFile]) -> Iterator[Damage]:
    for file in files:
        problem = _compare_bytes(versions, file)
        if problem:
            yield Damage(versions / file.file, problem)


def _compare_bytes(versions: Path, file: DataFile) -> str | None:
    """Return the difference between a file and its manifest; None without one, and for a file without a checksum."""
    if file.sha256 is None:
        return None
    try:
        is_same = file_sha256(versions / file.file) == file.sha256
    except FileNotFoundError:
        return "it is missing"
    return None if is_same else "its checksum differs"


def _find_problem(con: duckdb.DuckDBPyConnection, versions: Path, files: Sequence[DataFile]) -> str | None:
    rows = sum(file.rows for file in files)
    try:
        row = first_row(con, fill(_READ_ALL, rows=parquet_rows_sql([versions / file.file for file in files])))
    except duckdb.Error as error:
        return str(error).splitlines()[0]
    return None if row and row[0] == rows else f"it has {row and row[0]} rows, not {rows}"


def choose_whole_manifest(versions: Path, loader: Path, published: Path, damaged: Collection[Path]) -> bool:
    """Leave the loader's manifest when its files are whole, else the published one, else that of an empty lake.

    A damaged manifest is moved away. Readers keep what is published until the next publication. Return whether the lake
    is empty now.
    """
    for path in {loader, published}.intersection(damaged):
        set_file_aside(path)
    manifests = [(path, manifest) for path in (loader, published) if (manifest := Manifest.load(path))]
    for path, manifest in manifests:
        if not damaged or all(versions / name not in damaged for name in manifest.file_names()):
            if path == published:
                loader.unlink(missing_ok=True)
            return False
    # with a number that no publication has, so that the lake is published when it is filled again
    Manifest(commits=max((manifest.commits for _, manifest in manifests), default=0)).save(loader)
    return True
