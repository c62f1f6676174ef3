"""The creation of a Delta lake, and the steps of the schema that an older one lacks: one commit in each case.

What must not come in: the methods of a storage, the steps themselves.
"""

import json
from collections.abc import Sequence

import duckdb

from warehouse.ddl.migrations import Migration, upgrade_schema
from warehouse.engine import attach_empty_warehouse, create_schemas, reach_tables, sql_transaction
from warehouse.errors import UnreadableWarehouse
from warehouse.model.schema import metadata
from warehouse.records import Scope
from warehouse.sql import fill, ident
from warehouse.storage.delta.lake import Changes, Lake
from warehouse.storage.delta.lake_file import FileNames, LakeFile
from warehouse.storage.delta.layout import FIRST_SHARD, UNDATED
from warehouse.storage.delta.log import LogSnapshot
from warehouse.storage.delta.tables import group_by_table, rows_sql
from warehouse.storage.parquet_tables import is_partitioned

_EVERYTHING = Scope()


def create_lake(con: duckdb.DuckDBPyConnection, lake: Lake, migrations: Sequence[Migration]) -> None:
    """Create the table with the rows of an empty warehouse: its schema version, and the members `unknown`."""
    with (
        attach_empty_warehouse(con),
        Changes(lake, con, FileNames(lake.shards, migrations[-1].version)).discard_on_error() as changes,
    ):
        _upgrade(con, lake, 0, migrations)
        _write_all(con, changes, FIRST_SHARD, [])
        lake.create(changes.added)


def upgrade_lake(con: duckdb.DuckDBPyConnection, lake: Lake, migrations: Sequence[Migration]) -> None:
    """Write all files anew, shard by shard, with the steps that they lack, and commit them at once.

    Raises WarehouseBusy.
    """
    version = migrations[-1].version
    shards = range(lake.log.snapshot().shards)
    with lake.hold_shards(shards):
        lake.log.add_columns()
        seen = lake.log.snapshot()
        if seen.schema_version >= version:
            return
        with Changes(lake, con, FileNames(seen.shards, version)).discard_on_error() as changes:
            for shard in shards:
                with attach_empty_warehouse(con):
                    _load_old(con, lake, seen, shard)
                    _upgrade(con, lake, seen.schema_version, migrations)
                    _write_all(con, changes, shard, seen.of_shards([shard]))
        lake.commit(seen, shards, changes.added, changes.removed)


def initial_files(
    con: duckdb.DuckDBPyConnection, lake: Lake, migrations: Sequence[Migration], damaged: Sequence[LakeFile]
) -> Changes:
    """Write the rows of an empty warehouse in the place of damaged files of tables without a date."""
    changes = Changes(lake, con, FileNames(lake.log.snapshot().shards, migrations[-1].version))
    with attach_empty_warehouse(con), changes.discard_on_error():
        _upgrade(con, lake, 0, migrations)
        for file in damaged:
            changes.replace(file.table, UNDATED, file.shard, _EVERYTHING, None)
    return changes


def _load_old(con: duckdb.DuckDBPyConnection, lake: Lake, seen: LogSnapshot, shard: int) -> None:
    """Create the tables as the older release declared them, with the rows of a shard."""
    note = lake.files.read_note(_declaration_name(seen.schema_version))
    if note is None:
        raise UnreadableWarehouse(
            f"{lake.address} has schema version {seen.schema_version}, and the file "
            f"{_declaration_name(seen.schema_version)}, which says how its tables were declared, is missing. Load into "
            "another warehouse: a replay builds it from the landing zone."
        )
    create_schemas(con)
    for statement in json.loads(note).values():
        con.execute(statement)
    for table, files in group_by_table(seen.of_shards([shard])).items():
        rows = rows_sql(table, list(lake.paths_of(files).values()))
        con.execute(fill("INSERT INTO $table BY NAME SELECT * FROM $rows", table=ident(table), rows=rows))


def _upgrade(con: duckdb.DuckDBPyConnection, lake: Lake, version: int, migrations: Sequence[Migration]) -> None:
    """Run the missing steps on `wh`, and keep the declarations of its tables for later releases."""
    with sql_transaction(con):
        upgrade_schema(con, version, tuple(migrations))
    tables = con.execute("SELECT table_name, sql FROM duckdb_tables() WHERE database_name = 'wh'").fetchall()
    reach_tables(con)
    lake.files.write_note(_declaration_name(migrations[-1].version), json.dumps(dict(tables), indent=1).encode())


def _write_all(con: duckdb.DuckDBPyConnection, changes: Changes, shard: int, old: Sequence[LakeFile]) -> None:
    """Write all tables of a shard anew from `wh`, in the place of the `old` files."""
    for table in metadata.tables:
        months = [UNDATED]
        if is_partitioned(table):
            query = fill("SELECT DISTINCT strftime(date, '%Y-%m') FROM wh.$table", table=ident(table))
            months = sorted(month for (month,) in con.execute(query).fetchall())
        for month in months:
            changes.replace(table, month, shard, _EVERYTHING, None)
    changes.removed.extend(old)


def _declaration_name(version: int) -> str:
    return f"_schema-{version:05d}.json"
