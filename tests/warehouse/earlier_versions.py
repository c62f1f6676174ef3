"""Warehouses as earlier releases left them, of every kind, from the dumps in `ddl/versions`."""

import json
from pathlib import Path

import duckdb

from tests.warehouse.sample import open_sample_store
from warehouse.storage.delta.lake import Lake
from warehouse.storage.delta.lake_file import FileNames, LakeFile, name_with_hash
from warehouse.storage.delta.layout import to_file_names
from warehouse.storage.delta.opening import open_folder
from warehouse.storage.files import file_sha256
from warehouse.storage.lake_settings import LakeSettings
from warehouse.storage.parquet_manifest import UNPARTITIONED, DataFile, Manifest
from warehouse.storage.parquet_tables import is_partitioned
from warehouse.store import Store

VERSIONS = sorted((Path(__file__).parent / "ddl" / "versions").glob("*.sql"), key=lambda path: int(path.stem))


_FIRST_WITH_SCHEMAS = 7


def open_earlier_store(version: Path, folder: Path, kind: str) -> Store:
    """Return a store whose published warehouse an earlier release wrote."""
    store = open_sample_store(folder, kind)
    path = store.location if kind == "duckdb" else folder / "source.duckdb"
    with duckdb.connect(str(path), config={"storage_compatibility_version": "v1.4.0"}) as con:
        fill_database(con, version)
        if kind == "parquet":
            _write_lake(con, store.location, int(version.stem))
        if kind == "delta":
            _write_delta(con, open_folder(store.location, 0, LakeSettings()).lake, int(version.stem))
    return store


def fill_database(con: duckdb.DuckDBPyConnection, version: Path) -> None:
    """Create the tables and rows of a dump; a table without a schema's name is found in any schema then."""
    con.execute(version.read_text())
    if int(version.stem) >= _FIRST_WITH_SCHEMAS:
        con.execute("SET search_path = 'main,star,books'")


def _write_delta(con: duckdb.DuckDBPyConnection, lake: Lake, version: int) -> None:
    """Write the tables of a warehouse as a Delta table whose first entry has that schema version."""
    query = "SELECT table_name, sql FROM duckdb_tables() WHERE table_name <> 'store_state'"
    create_statements = dict(con.execute(query).fetchall())
    lake.files.write_note(f"_schema-{version:05d}.json", json.dumps(create_statements).encode())
    files = []
    for table in create_statements:
        month = "strftime(date, '%Y-%m')" if is_partitioned(table) else "'all'"
        for value, rows in con.execute(f"SELECT {month}, count(*) FROM {table} GROUP BY 1").fetchall():
            name = FileNames(1, version).new_name(table, value, 0)
            path = lake.files.new_path(name)
            query = to_file_names(table, f"SELECT * FROM {table} WHERE {month} = '{value}'")
            con.execute(f"COPY ({query}) TO '{path}' (FORMAT parquet)")
            final = name_with_hash(name, file_sha256(path))
            path.replace(lake.files.new_path(final))
            size = lake.files.new_path(final).stat().st_size
            files.append(LakeFile(final, size, rows, json.dumps({"numRecords": rows})))
    lake.create(files)


def _write_lake(con: duckdb.DuckDBPyConnection, root: Path, version: int) -> None:
    """Write the tables of a warehouse as a lake with one published commit."""
    query = "SELECT table_name, sql FROM duckdb_tables() WHERE table_name <> 'store_state'"
    create_statements = dict(con.execute(query).fetchall())
    (root / "_versions").mkdir(parents=True)
    files: dict[tuple[str, str], DataFile] = {}
    for table in create_statements:
        month = "strftime(date, '%Y-%m')" if is_partitioned(table) else f"'{UNPARTITIONED}'"
        for value, rows in con.execute(f"SELECT {month}, count(*) FROM {table} GROUP BY 1").fetchall():
            path = root / "_versions" / f"{table}.{value}.parquet"
            con.execute(f"COPY (SELECT * FROM {table} WHERE {month} = '{value}') TO '{path}' (FORMAT parquet)")
            files[table, value] = DataFile(path.name, rows, path.stat().st_size)
    manifest = Manifest(version, create_statements=create_statements).with_data_files(files)
    for name in ("_loader.json", "_manifest.json"):
        manifest.save(root / name)
