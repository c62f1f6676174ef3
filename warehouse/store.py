"""A warehouse's verbs, the same for every store, and its address. How a store keeps its files: one module each.

What must not come in: files, formats, a provider's rule. All rows pass through one engine's SQL, in which the
warehouse is attached as `wh`: a storage lends it for a moment, and makes one commit of what was changed.
"""

from collections import Counter
from collections.abc import Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import duckdb
import pyarrow as pa

from warehouse.commit.replace import bind_bookkeeping, replace_slices, require_members
from warehouse.commit.run_log import read_run_records, record_failures, record_run, set_accounts_and_measures
from warehouse.commit.stage import StagedTables, drop_staged_tables, stage_tables
from warehouse.engine import EngineLimits, open_engine
from warehouse.errors import NothingPublished, OutsideSlices, StagedMismatch, UnsupportedStore
from warehouse.query import run_query
from warehouse.records import (
    AccountRow,
    ChunkCommit,
    CommitResult,
    LedgerRow,
    MeasureDefinition,
    RunRow,
    Scope,
    SliceFailure,
    Transaction,
)
from warehouse.sql import fill, literal

_LEDGER = """
SELECT
    l.date, l.provider, l.account, coalesce(c.state, l.state) AS state, l.batches, l.fetched_at, l.loaded_at,
    l.rows, l.zone, l.external_id, l.error, l.error_at
FROM wh.load_ledger AS l
LEFT JOIN wh.coverage AS c ON c.account = l.account AND c.date = l.date
WHERE $account
ORDER BY l.account, l.date
"""


class Storage(Protocol):
    """How one kind of store keeps its tables. All methods raise WarehouseErrors and nothing else of their own."""

    @property
    def location(self) -> Path:
        """Where readers find the published warehouse."""
        ...

    @property
    def staging(self) -> Path:
        """A folder for files that wait for their commit."""
        ...

    def exists(self) -> bool:
        """Whether anything was ever committed here."""
        ...

    def is_published(self) -> bool:
        """Whether there is anything to read."""
        ...

    def size_bytes(self) -> int:
        """Bytes of what readers see."""
        ...

    def new_spill_path(self) -> Path:
        """A new folder for what does not fit into memory."""
        ...

    def transaction(self, con: duckdb.DuckDBPyConnection, scope: Scope) -> AbstractContextManager[Transaction]:
        """Lend the committed warehouse as `wh`, under the writers' lock; changes in the scope are one commit, or none.

        `wh` may lack what lies outside of the scope. An error inside the block takes everything back.
        """
        ...

    def committed(self, con: duckdb.DuckDBPyConnection, scope: Scope) -> AbstractContextManager[None]:
        """Lend what is committed, published or not, as `wh`; what is done to it is lost."""
        ...

    def published(self, con: duckdb.DuckDBPyConnection, sql: str) -> AbstractContextManager[None]:
        """Lend the published warehouse as `wh` for the query `sql`, of one commit and without any lock.

        Raises NewerWarehouse for one that this release cannot read.
        """
        ...

    def publish(self, con: duckdb.DuckDBPyConnection) -> bool:
        """Let readers see all commits. Returns False when they do already."""
        ...


class Store:
    """A warehouse that many may write to, one commit at a time, and that readers see whole.

    Threads and processes may use stores of one address at once. Raises WarehouseErrors and nothing else of its own.
    """

    def __init__(self, storage: Storage, limits: EngineLimits | None = None) -> None:
        self._storage = storage
        self._limits = limits or EngineLimits()

    @property
    def location(self) -> Path:
        """Where readers find the published warehouse: a file, or a folder."""
        return self._storage.location

    @property
    def staging(self) -> Path:
        """Where staged Parquet lies between transform and commit."""
        return self._storage.staging

    def size_bytes(self) -> int:
        """Bytes of what readers see; 0 before the first publication."""
        return self._storage.size_bytes()

    def commit(self, *history: ChunkCommit) -> CommitResult:
        """Replace exactly the chunk's slices in all tables, with dimensions and books, or nothing.

        Several chunks of one account are states that followed each other: they are replaced in that order, and are
        one commit. Rows of a single chunk are staged and checked before the lock is taken. Raises the StagedErrors,
        having written nothing.
        """
        for chunk in history:
            _refuse_lines_outside(chunk)
        slices = [chunk for chunk in history if chunk.slices]
        with open_engine(self._limits, self._storage.new_spill_path()) as con:
            staged = stage_tables(con, history[0]) if len(history) == 1 else None
            if not slices:
                return CommitResult(staged.rows_by_table() if staged else {}, 0)
            rows: Counter[str] = Counter()
            restated = 0
            with self._storage.transaction(con, _scope_of(slices)):
                for chunk in slices:
                    made = staged or stage_tables(con, chunk)
                    restated += _replace(con, chunk, made)
                    rows.update(made.rows_by_table())
                    drop_staged_tables(con, made)
        return CommitResult(dict(rows), restated)

    def record_failures(self, failures: Sequence[SliceFailure]) -> None:
        """Note attempts that came to nothing: on a loaded slice beside its load, else as a slice that failed."""
        days = [day for failure in failures for day in failure.dates]
        if not days:
            return
        names = tuple(sorted({failure.account.account for failure in failures}))
        scope = Scope(names, (min(days), max(days)), frozenset({"load_ledger"}))
        with open_engine(self._limits) as con, self._storage.transaction(con, scope):
            record_failures(con, failures)

    def set_accounts_and_measures(self, accounts: Sequence[AccountRow], measures: Sequence[MeasureDefinition]) -> None:
        """Make these the configured accounts and the definitions of measures; others become inactive."""
        with open_engine(self._limits) as con, self._storage.transaction(con, Scope(tables=frozenset())) as pending:
            pending.changed = set_accounts_and_measures(con, accounts, measures)

    def record_run(self, rows: Sequence[RunRow]) -> None:
        """Note what a run did for each of its accounts, in place of what was noted of the same run before."""
        if not rows:
            return
        days = [row.date for row in rows]
        names = tuple(sorted({row.account for row in rows}))
        scope = Scope(names, (min(days), max(days)), frozenset({"load_run"}))
        with open_engine(self._limits) as con, self._storage.transaction(con, scope):
            record_run(con, rows)

    def run_records(self, run_id: str) -> list[RunRow]:
        """What was noted of a run, as committed (not as published), ordered by account."""
        if not self._storage.exists():
            return []
        with open_engine(self._limits) as con, self._storage.committed(con, Scope(tables=frozenset({"load_run"}))):
            return read_run_records(con, run_id)

    def publish(self) -> bool:
        """Let readers see all commits. Returns False when they do already."""
        with open_engine(self._limits) as con:
            return self._storage.publish(con)

    def ledger(self, account: str | None = None) -> list[LedgerRow]:
        """The slices of one account or of all, as committed (not as published), ordered by account and day."""
        if not self._storage.exists():
            return []  # nothing was ever loaded: asking leaves no trace
        condition = "l.account = " + literal(account) if account is not None else "true"
        scope = Scope((account,) if account is not None else None, tables=frozenset({"load_ledger"}))
        with open_engine(self._limits) as con, self._storage.committed(con, scope):
            rows = con.execute(fill(_LEDGER, account=condition)).fetchall()
        return [LedgerRow(*(*row[:4], tuple(row[4] or ()), *row[5:])) for row in rows]

    def read(self, sql: str) -> pa.Table:
        """Ask the published warehouse, in the SQL of DuckDB; instants come in UTC.

        Raises NothingPublished before the first publication, QueryError for SQL that the engine refuses.
        """
        if not self._storage.is_published():
            raise NothingPublished(f"There is no warehouse at {self.location} yet: load something first.")
        with open_engine(self._limits, self._storage.new_spill_path()) as con, self._storage.published(con, sql):
            con.execute("USE wh")
            return run_query(con, sql)


def open_store(url: str, base: Path, *, limits: EngineLimits | None = None, wait_seconds: float = 600) -> Store:
    """The store at `url`; a relative path after `://` is relative to the folder `base`.

    `wait_seconds` is how long a write waits for other writers. Touches no file. Raises UnsupportedStore for an
    address that no store answers to.
    """
    scheme, separator, path = url.partition("://")
    place = (base / path).expanduser().resolve()
    if scheme == "duckdb" and path:
        from warehouse.storage.duckdb import DuckDBStorage

        return Store(DuckDBStorage(place, wait_seconds), limits)
    if scheme == "parquet" and path:
        from warehouse.storage.parquet import ParquetStorage

        return Store(ParquetStorage(place, wait_seconds), limits)
    if scheme in ("duckdb", "parquet") or not separator or not path:
        raise UnsupportedStore(
            f"The warehouse's address {url!r} has no path after '://': write duckdb://data/warehouse.duckdb or "
            "parquet://data/lake."
        )
    raise UnsupportedStore(
        f"No store answers to {url!r}: this release writes duckdb:// (as in duckdb://data/warehouse.duckdb) and "
        "parquet:// (as in parquet://data/lake)."
    )


def _replace(con: duckdb.DuckDBPyConnection, chunk: ChunkCommit, staged: StagedTables) -> int:
    bind_bookkeeping(con, chunk, staged)
    require_members(con, chunk.account.account, staged)
    try:
        return replace_slices(con, chunk, staged)
    except duckdb.ConstraintException as error:
        raise StagedMismatch(
            f"{chunk.account.account}: a staged row lacks a value that must be there ({error}). "
            "Nothing was written; the transform must fill it."
        ) from error


def _refuse_lines_outside(chunk: ChunkCommit) -> None:
    days = {info.date for info in chunk.slices}
    for what, lines in (("reconciliation", chunk.reconciliations), ("drift", chunk.drift)):
        for line in lines:
            if line.date not in days:
                raise OutsideSlices(
                    f"{chunk.account.account}: a line of {what} on {line.date} lies outside the days of its commit."
                )


def _scope_of(chunks: Sequence[ChunkCommit]) -> Scope:
    days = [info.date for chunk in chunks for info in chunk.slices]
    return Scope(tuple(sorted({chunk.account.account for chunk in chunks})), (min(days), max(days)))
