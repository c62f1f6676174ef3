"""Numbered changes of the schema, and the creation of a new warehouse.

A new warehouse is created as the star is declared today; an older one runs the steps that it lacks. Both happen under
the writers' lock, in a transaction. What must not come in: how a store keeps its files, the text of the views.
"""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import duckdb

from warehouse.engine import create_schemas, first_row
from warehouse.errors import NewerWarehouse, UnreadableWarehouse
from warehouse.sql import fill, ident


@dataclass(frozen=True)
class ColumnRename:
    """A column of a table that has a new name from this step on."""

    table: str
    old: str
    new: str


@dataclass(frozen=True)
class Migration:
    """One step from the version before. `statements`, then `renames`, run with the warehouse as the default database.

    `moves` are the schemas into which the tables of `main` go before that. All of it is written out and never derived
    from the declaration: that changes later, and the step must not.
    """

    version: int
    name: str
    statements: tuple[str, ...] = ()
    renames: tuple[ColumnRename, ...] = ()
    moves: Mapping[str, str] = field(default_factory=dict)


_CREATE_LOAD_RUN = """
CREATE TABLE load_run (
    "date" DATE NOT NULL, "provider" VARCHAR NOT NULL, "account" VARCHAR NOT NULL, "run_id" VARCHAR NOT NULL,
    "command" VARCHAR NOT NULL, "started_at" TIMESTAMP WITH TIME ZONE NOT NULL, "ended_at" TIMESTAMP WITH TIME ZONE,
    "planned" BIGINT NOT NULL, "loaded" BIGINT NOT NULL, "failed" BIGINT NOT NULL, "requests" BIGINT NOT NULL,
    "retries" BIGINT NOT NULL, "bytes" BIGINT NOT NULL, "rows" BIGINT NOT NULL,
    "waited_seconds" DECIMAL(18, 3) NOT NULL, "error" VARCHAR
)
"""
_CREATE_FORGOTTEN = """
CREATE TABLE forgotten (
    "date" DATE NOT NULL, "provider" VARCHAR NOT NULL, "account" VARCHAR NOT NULL, "request_id" VARCHAR NOT NULL,
    "forgotten_at" TIMESTAMP WITH TIME ZONE NOT NULL, "batches" VARCHAR[], "responses" BIGINT NOT NULL,
    "records" BIGINT NOT NULL, "rows" BIGINT NOT NULL
)
"""
_SCHEMAS_OF_7 = {
    **dict.fromkeys(
        (
            "dim_account",
            "dim_channel",
            "dim_country",
            "dim_date",
            "dim_intent",
            "dim_language",
            "dim_metric",
            "fact_channel_daily",
            "fact_conversation",
            "fact_conversation_daily",
            "fact_conversation_intent",
            "fact_country_daily",
            "fact_flow_transition",
            "fact_intent_daily",
            "fact_language_daily",
            "fact_metric_daily",
            "fact_team_daily",
        ),
        "star",
    ),
    **dict.fromkeys(
        (
            "drift",
            "forgotten",
            "load_ledger",
            "load_run",
            "measure_definition",
            "reconciliation",
            "restatement_log",
            "schema_version",
            "store_state",
        ),
        "books",
    ),
}
_TABLES_OF_MAIN = """
SELECT table_name, sql FROM duckdb_tables() WHERE database_name = 'wh' AND schema_name = 'main' ORDER BY table_name
"""
_MOVE = "$create; INSERT INTO $schema.$table SELECT * FROM main.$table; DROP TABLE main.$table"
_CREATE_INTENTS = """
CREATE TABLE star.dim_intent (
    "intent_key" BIGINT NOT NULL, "account_key" BIGINT NOT NULL, "intent" VARCHAR NOT NULL,
    "intent_folded" VARCHAR NOT NULL
)
"""
_FILL_CALENDAR = """
INSERT INTO star.dim_date
SELECT
    date, year(date), quarter(date), month(date), monthname(date), strftime(date, '%Y-%m'), day(date),
    isoyear(date), week(date), isodow(date), dayname(date), isodow(date) > 5
FROM (
    SELECT CAST(unnest(generate_series(min(date), max(date), INTERVAL 1 DAY)) AS DATE) AS date FROM star.dim_date
)
WHERE date NOT IN (SELECT date FROM star.dim_date)
"""
_RENAME_COLUMN = "ALTER TABLE $table RENAME COLUMN $old TO $new"

MIGRATIONS: tuple[Migration, ...] = (
    Migration(1, "the star"),
    Migration(
        2,
        "runs, and when a slice's answers had landed",
        (
            _CREATE_LOAD_RUN,
            "ALTER TABLE load_ledger ADD COLUMN landed_at TIMESTAMP WITH TIME ZONE",
            "UPDATE load_ledger SET landed_at = loaded_at",
        ),
    ),
    Migration(3, "reconciliation.reported", renames=(ColumnRename("reconciliation", "told", "reported"),)),
    Migration(4, "monthly views with the days of the month"),  # views alone: readers of older files get the new ones
    Migration(
        5,
        "privacy settings of slices, and people who were forgotten",
        (
            _CREATE_FORGOTTEN,
            "ALTER TABLE dim_account ADD COLUMN privacy VARCHAR",
            "ALTER TABLE load_ledger ADD COLUMN privacy VARCHAR",
        ),
    ),
    Migration(
        6, "the order of restatements, without a clock", ("ALTER TABLE restatement_log ADD COLUMN arrival BIGINT",)
    ),
    Migration(7, "schemas of the star and the books", moves=_SCHEMAS_OF_7),
    Migration(
        8,
        "labels of accounts, folded intents, a calendar without holes",
        (
            "ALTER TABLE star.dim_account ADD COLUMN labels VARCHAR",
            # the engine makes no column NOT NULL in the transaction that fills it
            "ALTER TABLE star.dim_intent RENAME TO dim_intent_of_7",
            _CREATE_INTENTS,
            "INSERT INTO star.dim_intent SELECT *, lower(strip_accents(intent)) FROM star.dim_intent_of_7",
            "DROP TABLE star.dim_intent_of_7",
            _FILL_CALENDAR,
        ),
    ),
)
CURRENT_VERSION = MIGRATIONS[-1].version


def upgrade_schema(
    con: duckdb.DuckDBPyConnection, version: int, migrations: tuple[Migration, ...] = MIGRATIONS
) -> bool:
    """Bring the warehouse in use from `version` (0: it is empty) to the newest, with the comments of today.

    Runs in the caller's transaction. Return whether any step was missing.
    """
    from warehouse.ddl.create import comment_statements, table_statements, unknown_member_statements  # slow to import

    create_schemas(con)
    missing = [migration for migration in migrations if migration.version > version]
    if version == 0:
        for statement in (*table_statements().values(), *unknown_member_statements().values()):
            con.execute(statement)
    for migration in missing:
        if version:
            _move_tables(con, migration.moves)
            for statement in _step_statements(migration):
                con.execute(statement)
        con.execute("INSERT INTO schema_version VALUES (?, ?, now())", [migration.version, migration.name])
    for statement in comment_statements() if missing else ():
        con.execute(statement)
    return bool(missing)


def _move_tables(con: duckdb.DuckDBPyConnection, moves: Mapping[str, str]) -> None:
    """Move tables from `main` into schemas, with their rows and constraints: the engine has no statement for it."""
    for table, create in con.execute(_TABLES_OF_MAIN).fetchall() if moves else ():
        schema = moves.get(table)
        if schema:
            columns = create[create.index("(") :].removesuffix(";")
            create = fill("CREATE TABLE $schema.$table$columns", schema=schema, table=ident(table), columns=columns)
            con.execute(fill(_MOVE, create=create, schema=schema, table=ident(table)))


def renamed_columns(version: int, migrations: tuple[Migration, ...] = MIGRATIONS) -> Mapping[str, Mapping[str, str]]:
    """Return the present names of the columns that were renamed after `version`: by table, by the old name."""
    names: defaultdict[str, dict[str, str]] = defaultdict(dict)
    for migration in migrations:
        for rename in migration.renames if migration.version > version else ():
            names[rename.table][rename.old] = rename.new
    return names


def read_schema_version(
    con: duckdb.DuckDBPyConnection, location: str, migrations: tuple[Migration, ...] = MIGRATIONS
) -> int:
    """Return the version of the warehouse attached as `wh`, 0 for an empty one. `location` is named in errors.

    Raises NewerWarehouse when a newer release wrote it, UnreadableWarehouse when it holds other tables.
    """
    try:
        row = _read_version(con)
    except duckdb.CatalogException as error:
        if first_row(con, "SELECT 1 FROM duckdb_tables() WHERE database_name = 'wh'"):
            raise UnreadableWarehouse(
                f"{location} is a DuckDB file, but no warehouse of chatmart: give `warehouse:` another path."
            ) from error
        return 0
    version = int(row[0]) if row else 0
    require_known_version(version, location, migrations)
    return version


def _read_version(con: duckdb.DuckDBPyConnection) -> tuple[int, ...] | None:
    try:
        return first_row(con, "SELECT max(version) FROM wh.books.schema_version")
    except duckdb.CatalogException:  # before version 7
        return first_row(con, "SELECT max(version) FROM wh.main.schema_version")


def require_known_version(version: int, location: str, migrations: tuple[Migration, ...] = MIGRATIONS) -> None:
    """Raise NewerWarehouse for a version that this release does not know."""
    if version > migrations[-1].version:
        raise NewerWarehouse(
            f"{location} has schema version {version}, this release knows {migrations[-1].version}: "
            "upgrade chatmart, or load into another warehouse."
        )


def _step_statements(migration: Migration) -> tuple[str, ...]:
    renames = (
        fill(_RENAME_COLUMN, table=ident(rename.table), old=ident(rename.old), new=ident(rename.new))
        for rename in migration.renames
    )
    return (*migration.statements, *renames)
