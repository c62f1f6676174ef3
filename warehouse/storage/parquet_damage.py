"""Damage of a lake: files that cannot be read whole, and the manifest that it goes on with. Locks must not come in."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from pathlib import Path

import duckdb

from warehouse.engine import first_row
from warehouse.errors import UnreadableWarehouse
from warehouse.model.engine_paths import parquet_rows_sql
from warehouse.records import Damage
from warehouse.sql import fill
from warehouse.storage.files import set_file_aside
from warehouse.storage.parquet_manifest import DataFile, Manifest

_READ_ALL = "SELECT count(*), bit_xor(hash(t)) FROM $rows AS t"


def find_lake_damage(con: duckdb.DuckDBPyConnection, versions: Path, manifests: Iterable[Path]) -> list[Damage]:
    """Read all files of some manifests whole. Return those that are damaged, manifests among them."""
    damaged: dict[Path, Damage] = {}
    for path in manifests:
        try:
            manifest = Manifest.load(path) or Manifest()
        except UnreadableWarehouse as error:
            damaged[path] = Damage(path, f"no manifest of a lake: {type(error.__cause__).__name__}")
        else:
            damaged.update((damage.path, damage) for damage in find_damaged_files(con, versions, manifest))
    return list(damaged.values())


def find_damaged_files(
    con: duckdb.DuckDBPyConnection, versions: Path, manifest: Manifest, known: Collection[str] = ()
) -> list[Damage]:
    """Read the files of a manifest that are not `known` whole. Return those that are damaged."""
    by_table: dict[str, list[DataFile]] = defaultdict(list)
    for table, _, file in manifest.data_files():
        if file.file not in known:
            by_table[table].append(file)
    return [
        Damage(versions / file.file, problem)
        for files in by_table.values()
        if _find_problem(con, versions, files)  # one query is enough where all is well
        for file in files
        if (problem := _find_problem(con, versions, [file]))
    ]


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
