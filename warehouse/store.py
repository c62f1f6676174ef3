"""The public face of the warehouse: the store's methods, the same for every kind of store, and how to open one.

Every row passes through the SQL of one engine, in which a storage attaches the warehouse as `wh`. What must not come
in: files and formats (one module each in `storage`), a provider's rule.

>>> from pathlib import Path
>>> from tempfile import TemporaryDirectory
>>> with TemporaryDirectory() as folder:
...     store = open_store("duckdb://warehouse.duckdb", Path(folder))
...     others = store.set_accounts_and_measures([AccountRow("acme", "cognigy", "p-1", "Europe/Berlin", None, 3)], [])
...     was_published = store.publish()
...     store.read("SELECT account, timezone FROM dim_account WHERE is_active").to_pylist()
[{'account': 'acme', 'timezone': 'Europe/Berlin'}]
"""

import logging
from collections.abc import Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa

from warehouse.connection import connect_published
from warehouse.disk_failures import name_disk_failures
from warehouse.engine import EngineLimits, open_engine
from warehouse.errors import NothingPublished, StagedError, StorageFailed, UnreadableWarehouse
from warehouse.preview_store import PreviewStore
from warehouse.query import ReadSession, run_query
from warehouse.records import (
    AccountRow,
    ChunkCommit,
    CommitResult,
    Damage,
    EraseText,
    MeasureDefinition,
    RunRow,
    Scope,
    SliceFailure,
)
from warehouse.storage.lake_settings import LakeSettings
from warehouse.storage.locks import LockOwner, SharedLocks
from warehouse.storage.opening import find_storage

log = logging.getLogger("chatmart.warehouse")

__all__ = ["LakeSettings", "ReadSession", "Store", "open_store"]


def _keep_text(_provider: str, _account: str, text: str) -> str:
    return text


class Store(PreviewStore):
    """A warehouse with many readers and writers. Writers commit one after the other; readers see whole commits.

    Threads and processes may use stores of one address at once. Raises WarehouseErrors and nothing else of its own.
    """

    @property
    def staging_folder(self) -> Path:
        """The folder where staged Parquet lies between transform and commit."""
        return self._storage.staging_folder

    def size_bytes(self) -> int:
        """Return the size in bytes of the published warehouse; 0 before the first publication."""
        return self._storage.size_bytes()

    def shards_of(self, accounts: Collection[str]) -> dict[str, int]:
        """Return the number of the part of the warehouse in which each account is. Writers of two parts do not meet."""
        return self._storage.shards_of(accounts)

    @contextmanager
    def hold_engine(self) -> Iterator[None]:
        """Within the block, commits and reads of bookkeeping use one engine again, which is opened when it is needed.

        No file stays open in it between two of them. Threads take turns; one that finds it in use opens its own.
        """
        with self._engines.hold():
            yield

    def commit(self, *history: ChunkCommit) -> CommitResult:
        """Replace exactly the chunk's slices in all tables, with dimensions and bookkeeping, or change nothing.

        Several chunks of one account are successive states: they are replaced in that order, in one commit. The rows
        of the first chunk are staged and checked before the lock is taken. Raises StagedErrors; nothing was written
        then.
        """
        [result] = self.commit_group([history])
        if isinstance(result, Exception):
            raise result
        return result

    def commit_group(
        self, histories: Sequence[Sequence[ChunkCommit]]
    ) -> list[CommitResult | StagedError | duckdb.Error]:
        """Do the work of `commit` for several histories in one transaction. Return the result of each.

        The outcome is that of one commit after the other. A history that is refused, or that the engine fails at, has
        its error in the place of a result; the others are then committed in smaller groups, each in one transaction.
        Raises WarehouseErrors of the warehouse as a whole, such as WarehouseBusy.
        """
        if not histories:
            return []
        try:
            return list(self._commit_once(histories))
        except (StagedError, duckdb.Error) as error:
            if len(histories) == 1:
                return [error]
        half = len(histories) // 2
        return [*self.commit_group(histories[:half]), *self.commit_group(histories[half:])]

    def _commit_once(self, histories: Sequence[Sequence[ChunkCommit]]) -> list[CommitResult]:
        # imported late: readers of the warehouse need no commits, and these import the declared star
        from warehouse.commit.group import ChunkGroup

        group = ChunkGroup(histories)
        is_replaced = False
        try:
            with self._open_engine() as con:
                group.stage(con)
                if group.slices:
                    with self._storage.transaction(con, _scope_of(group.slices)):
                        group.replace(con)
                        is_replaced = True
        except (StorageFailed, duckdb.Error) as error:
            # the disk may fail after the commit, while the engine tidies up
            if not is_replaced or not self._is_committed(histories):
                raise
            log.error("%s; all the same, the books have the commit", error)  # noqa: TRY400 -- a sentence for people
        return group.results()

    def _is_committed(self, histories: Sequence[Sequence[ChunkCommit]]) -> bool:
        """Return whether the ledger has the newest state of every slice. Raises WarehouseErrors."""
        chunks = [chunk for history in histories for chunk in history]
        newest = {(chunk.account.account, info.date): chunk for chunk in chunks for info in chunk.slices}
        days = [day for _, day in newest]
        accounts = sorted({account for account, _ in newest})
        rows = {(row.account, row.date): row for row in self.ledger(*accounts, days=(min(days), max(days)))}
        return all(key in rows and rows[key].loaded_at == chunk.loaded_at for key, chunk in newest.items())

    def record_failures(self, failures: Sequence[SliceFailure], erase: EraseText = _keep_text) -> None:
        """Record failed attempts in the ledger: beside the load of a loaded slice, else as a failed slice.

        `erase` is called under the lock: who is forgotten later is forgotten here too. Raises WarehouseBusy.
        """
        from warehouse.commit import run_log

        slices = [(failure.account.account, day) for failure in failures for day in failure.dates]
        if not slices:
            return
        scope = replace(_scope_of(slices), tables=frozenset({"load_ledger"}))
        with self._open_engine() as con, self._storage.transaction(con, scope):
            run_log.record_failures(con, [_erase_failure(failure, erase) for failure in failures])

    def set_accounts_and_measures(
        self, accounts: Sequence[AccountRow], measures: Sequence[MeasureDefinition], *, replace_ids: bool = True
    ) -> list[AccountRow]:
        """Replace the configured accounts and the definitions of measures; other accounts become inactive.

        Return the accounts as they were before that had another provider or external id under the same name. Without
        `replace_ids` nothing is written when there are any. Raises WarehouseBusy.
        """
        from warehouse.commit import run_log

        scope = Scope(tables=frozenset())
        with self._open_engine() as con, self._storage.transaction(con, scope) as transaction:
            others = run_log.find_other_identities(con, accounts)
            is_allowed = replace_ids or not others
            transaction.changed = is_allowed and run_log.set_accounts_and_measures(con, accounts, measures)
        return others

    def record_run(self, rows: Sequence[RunRow], erase: EraseText = _keep_text) -> None:
        """Record the work of a run for each of its accounts, in place of earlier records of the same run.

        `erase` is called under the lock, as in `record_failures`. Raises WarehouseBusy.
        """
        from warehouse.commit import run_log

        if not rows:
            return
        days = [row.date for row in rows]
        names = tuple(sorted({row.account for row in rows}))
        scope = Scope(names, (min(days), max(days)), frozenset({"load_run"}))
        with self._open_engine() as con, self._storage.transaction(con, scope):
            run_log.record_run(con, [_erase_run(row, erase) for row in rows])

    def run_records(self, run_id: str) -> list[RunRow]:
        """Return the committed (not the published) records of a run, ordered by account."""
        from warehouse.commit import run_log

        if not self._storage.exists():
            return []
        with self._open_engine() as con, self._storage.committed(con, Scope(tables=frozenset({"load_run"}))):
            return run_log.read_run_records(con, run_id)

    def publish(self) -> bool:
        """Make all commits visible to readers. Return False when they were visible already. Raises WarehouseBusy."""
        with self._open_engine() as con:
            return self._storage.publish(con)

    def tidy(self, today: date) -> int:
        """Merge small files of long ago, and remove those that no reader needs. Return the number of removed files.

        Raises WarehouseBusy.
        """
        if not self._storage.exists():
            return 0
        with self._open_engine() as con:
            return self._storage.tidy(con, today)

    def find_damage(self) -> list[Damage]:
        """Read the whole warehouse, published and not. Return the files that are damaged. Raises WarehouseBusy."""
        with self._open_engine() as con:
            return self._storage.find_damage(con)

    def set_aside(self, damaged: Sequence[Damage]) -> bool:
        """Move damaged files away, so that the warehouse goes on with those that are whole, or with none.

        Return whether it is empty now. Commits since the last publication may be gone, too. Raises WarehouseBusy.
        """
        with name_disk_failures(self.location):
            return self._storage.set_aside(damaged)

    def take_over(self) -> bool:
        """Guard the warehouse with the locks of this process, in the place of those of another machine.

        Return False where no other machine can guard it. Raises StorageFailed.
        """
        return self._storage.take_over()

    def published_version(self) -> int:
        """Return the schema version of the published warehouse, which an earlier release may have written.

        Raises NothingPublished before the first publication, NewerWarehouse and UnreadableWarehouse.
        """
        self._require_published()
        with name_disk_failures(self.location), open_engine(self._limits) as con:
            return self._storage.published_version(con)

    def read(self, sql: str) -> pa.Table:
        """Run a query, in DuckDB's SQL, on the published warehouse. Return the query's columns; instants are in UTC.

        Raises NothingPublished before the first publication, QueryError for SQL that the engine refuses.
        """
        self._require_published()
        try:
            return self._read_published(sql)
        except UnreadableWarehouse:  # or the files that it was about to open are superseded, and were removed
            return self._read_published(sql)

    def _read_published(self, sql: str) -> pa.Table:
        with self._open_published(sql) as con, name_disk_failures(self.location):
            return run_query(con, sql)

    @contextmanager
    def open_session(self, sql: str = "") -> Iterator[ReadSession]:
        """Open a session on what is published now. It keeps that state, and blocks no writer.

        `sql` are the statements that will be run, when they are known: a lake then prepares only what they need. Raises
        NothingPublished before the first publication, NewerWarehouse and UnreadableWarehouse.
        """
        self._require_published()
        publication = self._storage.publication()
        with self._open_published(sql) as con:
            yield ReadSession(con, lambda: self._storage.publication() != publication)

    def connect(self) -> duckdb.DuckDBPyConnection:
        """Return a connection whose default database is what is published now, read-only, in UTC.

        It keeps that state, and blocks no writer, until it is closed or nobody refers to it. Raises NothingPublished
        before the first publication, NewerWarehouse and UnreadableWarehouse.
        """
        self._require_published()
        return connect_published(self._limits, lambda engine: self._storage.published(engine, ""))

    @contextmanager
    def _open_published(self, sql: str) -> Iterator[duckdb.DuckDBPyConnection]:
        with ExitStack() as opened:
            with name_disk_failures(self.location):
                con = opened.enter_context(open_engine(self._limits, self._storage.new_spill_path()))
                opened.enter_context(self._storage.published(con, sql))
            yield con  # what fails from here on may be the caller's own output

    def _require_published(self) -> None:
        if not self._storage.is_published():
            raise NothingPublished(f"There is no warehouse at {self.address} yet: load something first.")


def open_store(
    url: str,
    base: Path,
    *,
    limits: EngineLimits | None = None,
    wait_seconds: float = 600,
    lake: LakeSettings | None = None,
    shared_locks: SharedLocks | None = None,
    lock_owner: LockOwner | None = None,
) -> Store:
    """Return the store at `url`. A path after `://` that is relative is resolved against the folder `base`.

    `wait_seconds` is the longest time that a write waits for other writers; `lake` is for Delta lakes, and so
    are `shared_locks`, which replace the files that are the locks of one machine, and `lock_owner`. Touches no file.
    Raises UnsupportedStore for an address without a path, or of an unknown kind.
    """
    return Store(find_storage(url, base, wait_seconds, lake or LakeSettings(), shared_locks, lock_owner), limits)


def _erase_failure(failure: SliceFailure, erase: EraseText) -> SliceFailure:
    account = failure.account
    return replace(failure, error=erase(account.provider, account.account, failure.error))


def _erase_run(row: RunRow, erase: EraseText) -> RunRow:
    return replace(row, error=erase(row.provider, row.account, row.error)) if row.error else row


def _scope_of(slices: Sequence[tuple[str, date]]) -> Scope:
    """Return the rows that a commit of some slices (account, day) may change."""
    days = [day for _, day in slices]
    return Scope(tuple(sorted({account for account, _ in slices})), (min(days), max(days)))
