"""DuckDB connections: settings, a warehouse file attached for a moment, one transaction.

What must not come in: SQL that knows a table. Every connection is to an engine in memory of its own, which
attaches a file and lets go of it: so no file stays open, and threads share nothing.
"""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from warehouse.errors import UnreadableWarehouse, WarehouseBusy
from warehouse.sql import fill, literal

# The oldest format with all we use: tools built on DuckDB 1.4 and later open the file.
STORAGE_VERSION = "v1.4.0"


@dataclass(frozen=True)
class EngineLimits:
    """What one connection may use. None leaves the number of threads to the engine."""

    memory: str = "1GB"
    threads: int | None = None


@contextmanager
def open_engine(limits: EngineLimits, spill: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """An engine in memory, in UTC. What does not fit into memory goes to the folder `spill`."""
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": limits.memory,
        "preserve_insertion_order": False,
    }
    if limits.threads:
        settings["threads"] = limits.threads
    if spill:
        settings["temp_directory"] = str(spill)
    con = duckdb.connect(":memory:", config=settings)
    try:
        # Not a connect option: it needs the time zone extension, which is loaded later.
        con.execute("SET TimeZone = 'UTC'")
        # A name in a query is a table's, never a variable's of the program that asks.
        con.execute("SET python_enable_replacements = false")
        yield con
    finally:
        con.close()
        if spill:
            shutil.rmtree(spill, ignore_errors=True)


@contextmanager
def attach_warehouse(con: duckdb.DuckDBPyConnection, path: Path, *, read_only: bool = False) -> Iterator[None]:
    """The warehouse file `path` as `wh`, created when absent; closed with everything in its one file.

    Raises WarehouseBusy when a program outside the lock holds it, UnreadableWarehouse when it is none.
    """
    # The format is chosen once, at creation; asking for it again refuses files of another one.
    creating = fill("(STORAGE_VERSION $version)", version=literal(STORAGE_VERSION))
    options = "(READ_ONLY)" if read_only else "" if path.exists() else creating
    try:
        con.execute(fill("ATTACH $path AS wh $options", path=literal(str(path)), options=options))
    except duckdb.Error as error:
        if "Could not set lock" in str(error):
            raise WarehouseBusy(
                f"Another program holds {path}: close it, then run again. Open the published file, read-only, instead."
            ) from error
        raise UnreadableWarehouse(
            f"{path} cannot be opened as a warehouse ({_first_line(error)}). Move it away; the next load restores it, "
            "and a replay rebuilds everything from the landing zone."
        ) from error
    try:
        yield
    finally:
        con.execute("USE memory")
        con.execute("DETACH wh")


@contextmanager
def attach_empty_warehouse(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """An empty database `wh` beside the engine's own, forgotten afterwards; what does not fit into memory spills."""
    con.execute("ATTACH ':memory:' AS wh")
    try:
        yield
    finally:
        con.execute("USE memory")
        con.execute("DETACH wh")


@contextmanager
def sql_transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """All of it or nothing."""
    con.execute("BEGIN")
    try:
        yield
    except BaseException:
        con.execute("ROLLBACK")
        raise
    con.execute("COMMIT")


def first_row(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...] | None:
    """The first row of a short answer. The answer is read to its end: an unfinished one blocks the connection."""
    rows = con.execute(sql).fetchall()
    return rows[0] if rows else None


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
