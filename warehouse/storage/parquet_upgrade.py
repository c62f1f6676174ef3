"""A lake of an older schema version inside the engine: loaded as its files have it, and upgraded.

What must not come in: files that are written, the manifest's next commit.
"""

from collections.abc import Iterator
from pathlib import Path

import duckdb

from warehouse.ddl.migrations import Migration, upgrade_schema
from warehouse.engine import create_schemas, reach_tables, sql_transaction
from warehouse.model.engine_paths import parquet_rows_sql
from warehouse.model.schema import metadata
from warehouse.sql import fill, ident
from warehouse.storage.parquet_damage import require_same_bytes
from warehouse.storage.parquet_manifest import UNPARTITIONED, Manifest
from warehouse.storage.parquet_tables import is_partitioned

_CREATE_STATEMENTS = "SELECT table_name, sql FROM duckdb_tables() WHERE database_name = 'wh'"


def load_upgraded(
    con: duckdb.DuckDBPyConnection, versions: Path, manifest: Manifest, migrations: tuple[Migration, ...]
) -> dict[str, str]:
    """Load all rows of a lake into the empty database `wh`, and run the missing steps.

    Return the statements that create the tables now, by table. Raises UnreadableWarehouse for a damaged file.
    """
    create_schemas(con)
    for statement in manifest.create_statements.values():
        con.execute(statement)
    require_same_bytes(versions, (file for _, _, file in manifest.data_files()))
    for table, months in manifest.tables.items():
        query = "INSERT INTO $table BY NAME SELECT * FROM $source"
        rows = parquet_rows_sql(versions / file.file for file in months.values())
        con.execute(fill(query, table=ident(table), source=rows))
    with sql_transaction(con):
        upgrade_schema(con, manifest.schema_version, migrations)
    statements = dict(con.execute(_CREATE_STATEMENTS).fetchall())
    reach_tables(con)
    return statements


def list_partitions(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, str]]:
    """Yield the tables of `wh`, each with the months that it has rows of."""
    for table in metadata.tables:
        if not is_partitioned(table):
            yield table, UNPARTITIONED
            continue
        query = "SELECT DISTINCT strftime(date, '%Y-%m') FROM wh.$table"
        for (month,) in con.execute(fill(query, table=ident(table))).fetchall():
            yield table, month
