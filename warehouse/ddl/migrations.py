"""Numbered changes of the schema, and the first creation of a warehouse.

What must not come in: how a store keeps its files, the views' text. A new warehouse is made as the star is declared
today; an older one runs the steps it has not seen. All of it happens under the writers' lock, in a transaction.
"""

from dataclasses import dataclass

import duckdb

from warehouse.ddl.create import comment_statements, table_statements, unknown_member_statements
from warehouse.engine import first_row
from warehouse.errors import NewerWarehouse, UnreadableWarehouse


@dataclass(frozen=True)
class Migration:
    """One step from the version before; `statements` run with the warehouse as the default database.

    They are written out and never derived from the declaration: that goes on, and the step stays what it was.
    """

    version: int
    name: str
    statements: tuple[str, ...]


_RUNS = """
CREATE TABLE load_run (
    "date" DATE NOT NULL, "provider" VARCHAR NOT NULL, "account" VARCHAR NOT NULL, "run_id" VARCHAR NOT NULL,
    "command" VARCHAR NOT NULL, "started_at" TIMESTAMP WITH TIME ZONE NOT NULL, "ended_at" TIMESTAMP WITH TIME ZONE,
    "planned" BIGINT NOT NULL, "loaded" BIGINT NOT NULL, "failed" BIGINT NOT NULL, "requests" BIGINT NOT NULL,
    "retries" BIGINT NOT NULL, "bytes" BIGINT NOT NULL, "rows" BIGINT NOT NULL,
    "waited_seconds" DECIMAL(18, 3) NOT NULL, "error" VARCHAR
)
"""

MIGRATIONS: tuple[Migration, ...] = (
    Migration(1, "the star", ()),
    Migration(
        2,
        "runs, and when a slice's answers had landed",
        (
            _RUNS,
            "ALTER TABLE load_ledger ADD COLUMN landed_at TIMESTAMP WITH TIME ZONE",
            "UPDATE load_ledger SET landed_at = loaded_at",
        ),
    ),
)
CURRENT_VERSION = MIGRATIONS[-1].version


def upgrade_schema(
    con: duckdb.DuckDBPyConnection, version: int, migrations: tuple[Migration, ...] = MIGRATIONS
) -> bool:
    """Bring the warehouse in use from `version` (0: it is empty) to the newest; comments are said anew.

    Runs in the caller's transaction. Returns whether there was anything to do.
    """
    pending = [migration for migration in migrations if migration.version > version]
    if version == 0:
        for statement in (*table_statements().values(), *unknown_member_statements()):
            con.execute(statement)
    for migration in pending:
        for statement in migration.statements if version else ():
            con.execute(statement)
        con.execute("INSERT INTO schema_version VALUES (?, ?, now())", [migration.version, migration.name])
    for statement in comment_statements() if pending else ():
        con.execute(statement)
    return bool(pending)


def read_schema_version(
    con: duckdb.DuckDBPyConnection, where: str, migrations: tuple[Migration, ...] = MIGRATIONS
) -> int:
    """The version of the warehouse attached as `wh`, 0 for an empty one.

    Raises NewerWarehouse when `where` was written by a newer release, UnreadableWarehouse when it holds other tables.
    """
    try:
        found = first_row(con, "SELECT max(version) FROM wh.schema_version")
    except duckdb.CatalogException as error:
        if first_row(con, "SELECT 1 FROM duckdb_tables() WHERE database_name = 'wh'"):
            raise UnreadableWarehouse(
                f"{where} is a DuckDB file, but no warehouse of chatmart: give `warehouse:` another path."
            ) from error
        return 0
    version = int(found[0]) if found else 0
    require_known_version(version, where, migrations)
    return version


def require_known_version(version: int, where: str, migrations: tuple[Migration, ...] = MIGRATIONS) -> None:
    """Raise NewerWarehouse for a version that this release does not know."""
    if version > migrations[-1].version:
        raise NewerWarehouse(
            f"{where} has schema version {version}, this release knows {migrations[-1].version}: "
            "upgrade chatmart, or load into another warehouse."
        )
