"""Damage of a DuckDB file: errors that are damage, and a read of the whole file that finds it.

Every block of the file has a checksum, which the engine compares when it reads the block: what no query needs is never
compared. What must not come in: where the files are, and what is done about damage.
"""

import logging
from pathlib import Path

import duckdb

from warehouse.engine import attach_warehouse
from warehouse.errors import UnreadableWarehouse
from warehouse.sql import fill, ident

log = logging.getLogger("chatmart.warehouse")

RUN_AGAIN = (
    "run the same command once more. `chatmart check --repair` also loads what only the landing zone still holds."
)

_DAMAGE = (
    "Corrupt database file",
    "not a valid DuckDB database file",
    "Could not read enough bytes",
    "replaying WAL",
)

_TABLES = "SELECT schema_name, table_name FROM duckdb_tables() WHERE database_name = 'wh' ORDER BY ALL"
# the value of every column in every row: a count reads no more than which of them are NULL
_READ_ALL = "SELECT bit_xor(hash(t)) FROM wh.$schema.$table AS t"


def is_damage(error: BaseException) -> bool:
    """Return whether an error of the engine, or the cause of an UnreadableWarehouse, is damage of a file."""
    cause = error.__cause__ if isinstance(error, UnreadableWarehouse) else error
    return isinstance(cause, duckdb.Error) and any(text in str(cause) for text in _DAMAGE)


def describe_damage(error: BaseException) -> str:
    """Return the first line of the engine's own words for a damage."""
    cause = error.__cause__ if isinstance(error, UnreadableWarehouse) else error
    return str(cause).splitlines()[0]


def read_all_rows(con: duckdb.DuckDBPyConnection) -> None:
    """Read every value of the file attached as `wh`. Raises duckdb.Error at the first block that is damaged.

    Costs 5 processor seconds per GB, and 20 ms for a small file. The file must have been attached after it was written:
    the engine does not read again what it holds.
    """
    tables = con.execute(_TABLES).fetchall()
    queries = [fill(_READ_ALL, schema=ident(schema), table=ident(table)) for schema, table in tables]
    if queries:
        con.execute(" UNION ALL ".join(queries)).fetchall()


def find_file_damage(con: duckdb.DuckDBPyConnection, file: Path) -> str | None:
    """Read a file whole. Return the engine's words for its damage, None when it is whole.

    Raises WarehouseErrors and duckdb.Error of another kind.
    """
    try:
        with attach_warehouse(con, file, read_only=True):
            read_all_rows(con)
    except (UnreadableWarehouse, duckdb.Error) as error:
        if not is_damage(error):
            raise
        return describe_damage(error)
    return None
