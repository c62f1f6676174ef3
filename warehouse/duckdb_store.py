"""The DuckDB store: a private file that one writer at a time commits to, and a published copy for readers.

What must not come in: a provider, the shape of a fact. A process that has a DuckDB file open, even read-only,
makes every writer fail; so readers and the writer never share a file (see `publishing`).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from pathlib import Path

import duckdb
import pyarrow as pa

from warehouse.commits import AccountRow, ChunkCommit, Committed, LedgerRow, MeasureDefinition, SliceFailure
from warehouse.dialect import spelled_out
from warehouse.engine import Limits, attached, engine, first_row, transaction
from warehouse.errors import (
    NothingPublished,
    OutsideSlices,
    QueryError,
    StagedMismatch,
    UnreadableWarehouse,
    WarehouseError,
)
from warehouse.locking import writer_lock
from warehouse.migrations import migrate, refuse_newer
from warehouse.publishing import Places, copy_into_place, move_into_place
from warehouse.replacing import account_upsert, add_dates, bind_books, changed_rows, replace, require_members
from warehouse.sql import fill, literal
from warehouse.staging import stage

_FAILED = """
MERGE INTO wh.load_ledger AS old
USING (SELECT date, account, max_by(f, error_at) AS f FROM failures AS f GROUP BY date, account) AS new
ON old.account = new.account AND old.date = new.date
WHEN MATCHED AND old.state = 'failed' THEN UPDATE SET
    provider = new.f.provider, zone = new.f.zone, external_id = new.f.external_id,
    error = new.f.error, error_at = new.f.error_at
WHEN MATCHED THEN UPDATE SET error = new.f.error, error_at = new.f.error_at
WHEN NOT MATCHED THEN INSERT (date, provider, account, state, zone, external_id, error, error_at)
VALUES (new.date, new.f.provider, new.account, 'failed', new.f.zone, new.f.external_id, new.f.error, new.f.error_at)
"""

_LEDGER = """
SELECT
    l.date, l.provider, l.account, coalesce(c.state, l.state) AS state, l.batches, l.fetched_at, l.loaded_at,
    l.rows, l.zone, l.external_id, l.error, l.error_at
FROM wh.load_ledger AS l
LEFT JOIN wh.coverage AS c ON c.account = l.account AND c.date = l.date
WHERE $account
ORDER BY l.account, l.date
"""


class DuckDBStore:
    """The warehouse published at `path`. Threads and processes may use stores of one path at once.

    `wait_seconds` is how long a write waits for other writers. Damaged or foreign files raise SetupErrors,
    a lock held for too long WarehouseBusy.
    """

    def __init__(self, path: Path, *, limits: Limits | None = None, wait_seconds: float = 600) -> None:
        self._places = Places(path.expanduser().resolve())
        self._limits = limits or Limits()
        self._wait_seconds = wait_seconds

    @property
    def location(self) -> Path:
        """The published file: what people and tools open, read-only."""
        return self._places.published

    def commit(self, chunk: ChunkCommit) -> Committed:
        """Replace exactly the chunk's slices in all tables, in one transaction.

        Rows are staged and checked before the lock is taken. Raises the StagedErrors, having written nothing.
        """
        days = {info.date for info in chunk.slices}
        for what, lines in (("reconciliation", chunk.reconciled), ("drift", chunk.drift)):
            for line in lines:
                if line.date not in days:
                    raise OutsideSlices(
                        f"{chunk.account.account}: a line of {what} on {line.date} lies outside the days of its commit."
                    )
        self._places.published.parent.mkdir(parents=True, exist_ok=True)
        with engine(self._limits, self._places.spill()) as con:
            staged = stage(con, chunk)
            if not chunk.slices:
                return Committed(staged.rows(), 0)
            bind_books(con, chunk, staged)
            with self._open(con):
                require_members(con, chunk.account.account, staged)
                try:
                    with transaction(con):
                        restated = replace(con, chunk, staged)
                        _count_commit(con)
                except duckdb.ConstraintException as error:
                    raise StagedMismatch(
                        f"{chunk.account.account}: a staged row lacks a value that must be there ({error}). "
                        "Nothing was written; the transform must fill it."
                    ) from error
        return Committed(staged.rows(), restated)

    def record_failures(self, failures: Sequence[SliceFailure]) -> None:
        """Note failed attempts: on a loaded slice beside its load, else as a slice that failed."""
        rows = [
            {
                "date": day,
                "provider": failure.account.provider,
                "account": failure.account.account,
                "zone": failure.account.timezone,
                "external_id": failure.account.external_id,
                "error": failure.error,
                "error_at": failure.at,
            }
            for failure in failures
            for day in failure.dates
        ]
        if not rows:
            return
        accounts = {failure.account.account: failure.account for failure in failures}
        with self._session() as con:
            con.register("failures", pa.Table.from_pylist(rows))
            with transaction(con):
                con.execute(account_upsert(accounts.values(), keep_active=True))
                add_dates(con, "failures")
                con.execute(_FAILED)
                _count_commit(con)

    def describe(self, accounts: Sequence[AccountRow], measures: Sequence[MeasureDefinition]) -> None:
        """Make these the configured accounts and the definitions of measures; others become inactive."""
        named = ", ".join(literal(account.account) for account in accounts) or "''"
        gone = "UPDATE wh.dim_account SET is_active = false WHERE is_active AND account NOT IN ($named)"
        with self._session() as con, transaction(con):
            changed = changed_rows(con, fill(gone, named=named))
            if accounts:
                changed += changed_rows(con, account_upsert(accounts, keep_active=False))
            told = {astuple(definition) for definition in measures}
            if told != set(con.execute("SELECT * FROM wh.measure_definition").fetchall()):
                con.execute("DELETE FROM wh.measure_definition")
                if told:
                    con.executemany("INSERT INTO wh.measure_definition VALUES (?, ?, ?, ?, ?)", sorted(told))
                changed += 1
            if changed:
                _count_commit(con)

    def publish(self) -> bool:
        """Let readers see all commits. Returns False when they do already.

        Copies the whole file: the cost is proportional to its size. A reader keeps what it has open.
        """
        with engine(self._limits) as con, writer_lock(self._places.lock, self._wait_seconds):
            with self._attach(con):
                commits = _commits(con)
                con.execute("CHECKPOINT wh")
            if commits == self._published_commits(con):
                return False
            copy_into_place(self._places.private, self._places.part(), self._places.published)
        return True

    def ledger(self, account: str | None = None) -> list[LedgerRow]:
        """The slices of one account or of all, as committed (not as published), ordered by account and day."""
        if not self._places.private.exists() and not self.location.exists():
            return []  # nothing was ever loaded: asking leaves no trace
        condition = "l.account = " + literal(account) if account is not None else "true"
        with self._session() as con:
            rows = con.execute(fill(_LEDGER, account=condition)).fetchall()
        return [LedgerRow(*(*row[:4], tuple(row[4] or ()), *row[5:])) for row in rows]

    def read(self, sql: str) -> pa.Table:
        """Ask the published warehouse. Instants come in UTC.

        Raises NothingPublished before the first publication, QueryError for SQL that the engine refuses.
        """
        if not self.location.exists():
            raise NothingPublished(f"There is no warehouse at {self.location} yet: load something first.")
        with engine(self._limits, self._places.spill()) as con, attached(con, self.location, read_only=True):
            refuse_newer(con, str(self.location))
            con.execute("USE wh")
            try:
                return _ask(con, sql)
            except duckdb.ParserException as error:
                spelled = spelled_out(sql)
                if spelled is None:
                    raise QueryError(str(error)) from error
                try:
                    return _ask(con, spelled)
                except duckdb.Error:  # what the person wrote is what the message is about
                    raise QueryError(str(error)) from error
            except duckdb.Error as error:
                raise QueryError(str(error)) from error

    @contextmanager
    def _session(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """The private warehouse, opened under the lock for a short moment."""
        with engine(self._limits) as con, self._open(con):
            yield con

    @contextmanager
    def _open(self, con: duckdb.DuckDBPyConnection) -> Iterator[None]:
        self._places.published.parent.mkdir(parents=True, exist_ok=True)
        with writer_lock(self._places.lock, self._wait_seconds), self._attach(con):
            yield

    @contextmanager
    def _attach(self, con: duckdb.DuckDBPyConnection) -> Iterator[None]:
        """The private file as `wh`, at the present version; restored or created when it is not there."""
        self._places.remove_orphans()
        if not self._places.private.exists():
            self._provide_private(con)
        with attached(con, self._places.private):
            migrate(con, str(self.location))
            yield

    def _provide_private(self, con: duckdb.DuckDBPyConnection) -> None:
        part = self._places.part()
        if self.location.exists():
            with attached(con, self.location, read_only=True):
                if not refuse_newer(con, str(self.location)):
                    raise UnreadableWarehouse(f"{self.location} is an empty database: remove it, then run again.")
            copy_into_place(self.location, part, self._places.private)
            return
        with attached(con, part):
            migrate(con, str(self.location))
        move_into_place(part, self._places.private)

    def _published_commits(self, con: duckdb.DuckDBPyConnection) -> int | None:
        """How many commits readers see; None when the published file is absent or cannot be read."""
        if not self.location.exists():
            return None
        try:
            with attached(con, self.location, read_only=True):
                return _commits(con)
        except (WarehouseError, duckdb.Error):
            return None


def _ask(con: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    answer = con.sql(sql)
    return answer.to_arrow_table() if answer is not None else pa.table({})


def _commits(con: duckdb.DuckDBPyConnection) -> int:
    row = first_row(con, "SELECT commits FROM wh.store_state")
    return int(row[0]) if row else 0


def _count_commit(con: duckdb.DuckDBPyConnection) -> None:
    # The published copy carries this number too: where they differ, something is unpublished.
    con.execute("UPDATE wh.store_state SET commits = commits + 1")
