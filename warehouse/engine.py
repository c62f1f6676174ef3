"""DuckDB connections: settings, attached warehouse files, transactions.

Every connection has an engine of its own in memory, which attaches a file and detaches it: no file stays open, and
threads share nothing. A run may use one engine again for all its commits, as opening one costs more than a small
commit. What must not come in: SQL that knows a table.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import Any

import duckdb

from warehouse.disk_failures import describe_os_error, find_disk_failure
from warehouse.errors import StorageFailed, UnreadableWarehouse, WarehouseBusy
from warehouse.model.engine_paths import engine_path, path_literal
from warehouse.model.schemas import SCHEMAS
from warehouse.private_umask import private_umask
from warehouse.sql import fill, literal

# The oldest format with every feature we use: tools built on DuckDB 1.4 and later open the file.
STORAGE_VERSION = "v1.4.0"

_MAX_ENGINE_SECONDS = 3600.0  # other writers remove the spill folder of an engine that is older than a day


@dataclass(frozen=True)
class EngineLimits:
    """The memory (in the spelling of DuckDB) and threads that one connection may use. None: the engine chooses."""

    memory: str = "1GB"
    threads: int | None = None


@contextmanager
def open_engine(limits: EngineLimits, spill: Path | None = None) -> Iterator[duckdb.DuckDBPyConnection]:
    """Open an engine in memory, in UTC. Data that does not fit into memory goes to the folder `spill`.

    All files that this process creates meanwhile are for their owner only: the engine's logs and spilled data are.
    """
    with private_umask():
        con = connect_engine(limits, spill)
        try:
            # A name in a query is a table, never a variable of the calling program.
            con.execute("SET python_enable_replacements = false")
            yield con
        finally:
            con.close()
            if spill:
                shutil.rmtree(spill, ignore_errors=True)


def connect_engine(limits: EngineLimits, spill: Path | None) -> duckdb.DuckDBPyConnection:
    """Return a connection to a new engine in memory, in UTC. Its files get the mask of this process."""
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": limits.memory,
        "preserve_insertion_order": False,
    }
    if limits.threads:
        settings["threads"] = limits.threads
    if spill:
        settings["temp_directory"] = engine_path(spill)
    con = duckdb.connect(":memory:", config=settings)
    use_utc(con)
    return con


def use_utc(con: duckdb.DuckDBPyConnection) -> None:
    """Let this connection show instants in UTC."""
    # Not an option of the engine: it needs the time zone extension, which is loaded later.
    con.execute("SET TimeZone = 'UTC'")


class EnginePool:
    """Opens engines; within `hold`, one that was opened is used again until then.

    `new_spill_path` gives each engine its own folder for data that does not fit into memory.
    """

    def __init__(self, limits: EngineLimits, new_spill_path: Callable[[], Path]) -> None:
        self._limits = limits
        self._new_spill_path = new_spill_path
        self._held = ExitStack()
        self._con: duckdb.DuckDBPyConnection | None = None
        self._opened_at = 0.0
        self._is_holding = False
        self._turn = Lock()

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Within the block, `open` gives the same engine again and again. Blocks may not be nested."""
        self._is_holding = True
        try:
            yield
        finally:
            self._is_holding = False
            with self._turn:
                self._close()

    @contextmanager
    def open(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """Open an engine for one block. It must leave nothing attached or staged, unless it raises."""
        if not self._is_holding or not self._turn.acquire(blocking=False):
            with open_engine(self._limits, self._new_spill_path()) as con:
                yield con
            return
        try:
            if self._con is None or time.monotonic() - self._opened_at > _MAX_ENGINE_SECONDS:
                self._close()
                self._con = self._held.enter_context(open_engine(self._limits, self._new_spill_path()))
                self._opened_at = time.monotonic()
            yield self._con
        except BaseException:
            self._close()  # nobody knows what is left in it
            raise
        finally:
            self._turn.release()

    def _close(self) -> None:
        self._con = None
        self._held.close()


@contextmanager
def attach_warehouse(con: duckdb.DuckDBPyConnection, path: Path, *, read_only: bool = False) -> Iterator[None]:
    """Attach the warehouse file `path` as `wh`; create it when absent. On exit everything is in this one file.

    Raises WarehouseBusy when a program that does not take the lock has it open, UnreadableWarehouse when it is no
    warehouse.
    """
    # Set at creation only: with this option the engine refuses a file of another format.
    create_options = fill("(STORAGE_VERSION $version)", version=literal(STORAGE_VERSION))
    options = "(READ_ONLY)" if read_only else "" if path.exists() else create_options
    try:
        con.execute(fill("ATTACH $path AS wh $options", path=path_literal(path), options=options))
    except duckdb.Error as error:
        if "Could not set lock" in str(error):
            raise WarehouseBusy(
                f"Another program holds {path}: close it, then run again. Open the published file, read-only, instead."
            ) from error
        failure = find_disk_failure(error)
        if failure is not None:
            raise StorageFailed(describe_os_error(failure, path)) from error
        raise UnreadableWarehouse(
            f"{path} cannot be opened as a warehouse ({_first_line(error)}). Move it away; the next load restores it, "
            "and a replay rebuilds everything from the landing zone."
        ) from error
    try:
        yield
    finally:
        # A reader's session may have left the database in any state; there is nothing to lose in it.
        with suppress(duckdb.Error) if read_only else nullcontext():
            con.execute("USE memory")
            con.execute("DETACH wh")


@contextmanager
def attach_empty_warehouse(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Attach an empty database in memory as `wh`, discarded on exit; it spills what does not fit into memory."""
    con.execute("ATTACH ':memory:' AS wh")
    try:
        yield
    finally:
        with suppress(duckdb.Error):
            con.execute("USE memory")
            con.execute("DETACH wh")


def create_schemas(con: duckdb.DuckDBPyConnection) -> None:
    """Create the schemas of the warehouse `wh`, which is in use from then on.

    An unqualified name is then a table of `main`, where an earlier release has its tables, else one of the schemas.
    """
    con.execute("USE wh")
    for schema in SCHEMAS:
        con.execute(fill("CREATE SCHEMA IF NOT EXISTS $schema", schema=schema))
    use_views(con)


def use_views(con: duckdb.DuckDBPyConnection) -> None:
    """Let an unqualified name be a view of the warehouse `wh`, else a table of one of its schemas."""
    con.execute(fill("SET search_path = $path", path=literal(_search_path("main", *SCHEMAS))))


def reach_tables(con: duckdb.DuckDBPyConnection) -> None:
    """Let `wh.x` be the table `x` of the attached warehouse, in whichever schema, and not the view of its old name."""
    path = f"memory.main,{_search_path(*SCHEMAS, 'main')}"
    con.execute(fill("SET search_path = $path", path=literal(path)))


def _search_path(*schemas: str) -> str:
    return ",".join(f"wh.{schema}" for schema in schemas)


@contextmanager
def sql_transaction(con: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Run the block in a transaction: commit at its end, roll back on any error."""
    con.execute("BEGIN")
    try:
        yield
    except BaseException:
        con.execute("ROLLBACK")
        raise
    con.execute("COMMIT")


def first_row(con: duckdb.DuckDBPyConnection, sql: str) -> tuple[Any, ...] | None:
    """Return the first row of a short result. All of it is read: an unfinished result blocks the connection."""
    rows = con.execute(sql).fetchall()
    return rows[0] if rows else None


def execute_and_count(con: duckdb.DuckDBPyConnection, statement: str) -> int:
    """Execute an INSERT, UPDATE, DELETE or MERGE. Return the number of changed rows."""
    row = first_row(con, statement)
    return int(row[0]) if row else 0


def _first_line(error: Exception) -> str:
    return str(error).splitlines()[0]
