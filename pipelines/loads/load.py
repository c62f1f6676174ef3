"""Loading: landed batches of several accounts become one commit, in which each account's months are whole.

No request is made; rules of a provider or a store must not come in.
"""

import os
import shutil
import uuid
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from extractors.account import Account
from extractors.errors import ShapeError
from extractors.landing.files import make_private_folder
from extractors.landing.forgotten import read_list_stamp
from pipelines.loads.claims import DayClaims, ReuseRule, loadable_days
from pipelines.loads.code_version import CODE_VERSION
from pipelines.loads.expire import drop_old_conversations
from pipelines.loads.failing_days import claim_of_error, find_failing_days, reject_batches
from pipelines.loads.identity import require_own_names
from pipelines.loads.workspace import Workspace, build_account_row
from transforms.chunk import Chunk
from transforms.facts import TransformResult
from transforms.registry import measure_definitions, transform_chunk
from warehouse.disk_failures import find_disk_failure
from warehouse.errors import StagedError, WarehouseError
from warehouse.records import ChunkCommit, CommitResult, History, SliceInfo
from warehouse.storage.files import is_older_than

_STAGING_MAX_AGE_SECONDS = 86_400  # longer than any run takes between two publications


@dataclass
class LoadResult:
    """The result of loading some local days.

    ``days`` are committed, with ``rows`` fact rows. ``rejected`` are days with responses that could not be transformed,
    each group with its error.
    """

    days: list[date] = field(default_factory=list)
    rows: int = 0
    rejected: list[tuple[tuple[date, ...], ShapeError]] = field(default_factory=list)


MAX_ROWS_IN_MEMORY = 50_000
"""A staged table with more rows goes through a Parquet file, which the engine reads in pieces."""

MAX_GROUP_ROWS = 200_000
"""The staged rows at which a group is committed, whatever else is waiting. It is exceeded by one chunk at most."""


class PendingLoad(ABC):
    """The load of some local days of one account. It is committed together with those of other accounts and months.

    ``result`` grows while it is prepared and committed; ``error`` is what ended it. One that is not ``is_begun`` was
    left to the next run. ``context`` is that of the account: log lines about the load carry its fields.
    """

    def __init__(self, account: Account, days: Collection[date]) -> None:
        self.account = account
        self.days = tuple(days)
        self.result = LoadResult()
        self.error: Exception | None = None
        self.is_begun = False
        self.context = copy_context()

    @abstractmethod
    def prepare(self, workspace: Workspace, folder: Path) -> Sequence[ChunkCommit]:
        """Transform landed batches. Return the successive chunks of one commit; none when there is nothing to commit.

        ``folder`` is an empty one for staged files.
        """

    @abstractmethod
    def confirm(self, workspace: Workspace, committed: CommitResult) -> bool:
        """Take the result of the commit. Return False when the load must be prepared and committed once more.

        That is so when another run landed newer responses meanwhile, and may have loaded them before this commit.
        """


class DaysLoad(PendingLoad):
    """The load of those of some days whose batches are all landed, from their newest batches.

    A batch that cannot be transformed is rejected: its own days stay as they were, the others are loaded.
    """

    def __init__(self, account: Account, days: Collection[date], is_reusable: ReuseRule) -> None:
        super().__init__(account, days)
        self._is_reusable = is_reusable
        self._remaining = set(days)
        self._claims: DayClaims = {}

    def prepare(self, workspace: Workspace, folder: Path) -> Sequence[ChunkCommit]:
        """Transform the complete days as one chunk."""
        while True:
            complete, claims = self._loadable_days(workspace, self._remaining)
            if not complete:
                return ()
            try:
                chunk = stage_chunk(workspace, self.account, claims, make_folder(folder))
            except ShapeError as error:
                claim = claim_of_error(error, claims)
                if claim is not None:
                    claim.batch.reject()  # so that the next run fetches it again
                    rejected = [(tuple(sorted(claim.days)), error)]
                else:
                    rejected = find_failing_days(self.account, claims, error, folder)
                    reject_batches(claims, [day for days, _ in rejected for day in days])
                self.result.rejected += rejected
                self._remaining = set(complete).difference(day for days, _ in rejected for day in days)
            else:
                self._remaining, self._claims = set(complete), claims
                return (chunk,)

    def confirm(self, workspace: Workspace, committed: CommitResult) -> bool:
        """Take the result, unless the days have newer batches by now."""
        complete = tuple(sorted(self._remaining))
        if self._loadable_days(workspace, complete) != (complete, self._claims):
            return False
        self.result.days += complete
        self.result.rows = sum(committed.rows_by_table.values())
        return True

    def _loadable_days(self, workspace: Workspace, days: Collection[date]) -> tuple[tuple[date, ...], DayClaims]:
        return loadable_days(self.account, workspace.landing, days, self._is_reusable)


@dataclass(frozen=True)
class _PreparedLoad:
    """A load with the chunks of its commit and the folder of their staged files."""

    load: PendingLoad
    chunks: Sequence[ChunkCommit]
    folder: Path

    @property
    def is_outdated(self) -> bool:
        """Whether the account has forgotten a person since this was prepared."""
        return not all(chunk.is_current() for chunk in self.chunks)


def load_days(workspace: Workspace, account: Account, days: Collection[date], is_reusable: ReuseRule) -> LoadResult:
    """Do the work of one ``DaysLoad``. Raises WarehouseErrors; nothing is written then."""
    load = DaysLoad(account, days, is_reusable)
    commit_loads(workspace, [load])
    if load.error is not None:
        raise load.error
    return load.result


def commit_loads(workspace: Workspace, loads: Iterable[PendingLoad]) -> None:
    """Prepare loads and commit them in as few transactions as memory allows. Results and errors are in the loads.

    Once a stop is requested no other load is begun; what is prepared then is committed. Raises WarehouseErrors of the
    warehouse as a whole.
    """
    waiting = deque(loads)
    while waiting:
        if workspace.stop.is_requested:
            waiting = deque(load for load in waiting if load.is_begun)  # those that must be committed once more
        group = _prepare_group(workspace, waiting)
        if group:
            waiting.extendleft(_commit_group(workspace, group))


def _prepare_group(workspace: Workspace, waiting: deque[PendingLoad]) -> list[_PreparedLoad]:
    """Prepare the first of the waiting loads, as many as may lie in memory."""
    group: list[_PreparedLoad] = []
    row_count = 0
    while waiting and row_count < MAX_GROUP_ROWS:
        if workspace.stop.is_requested and not waiting[0].is_begun:
            break
        load = waiting.popleft()
        load.is_begun = True
        folder = make_folder(workspace.staging / workspace.run_id)
        try:
            is_current = _watch_forgotten(workspace, load.account)
            prepared = load.context.run(load.prepare, workspace, folder)
            chunks = [replace(chunk, is_current=is_current) for chunk in prepared]
        except Exception as error:
            load.error = _name_staging_failure(error, folder)
            shutil.rmtree(folder, ignore_errors=True)
            continue
        if chunks:
            group.append(_PreparedLoad(load, chunks, folder))
            row_count += sum(map(_count_rows, chunks))
    return group


def _watch_forgotten(workspace: Workspace, account: Account) -> Callable[[], bool]:
    """Return a function that tells whether an account has forgotten nobody since now."""
    folder = workspace.landing.account_folder(account.provider, account.name)
    stamp = read_list_stamp(folder)
    return lambda: read_list_stamp(folder) == stamp


def _commit_group(workspace: Workspace, group: Sequence[_PreparedLoad]) -> list[PendingLoad]:
    """Commit prepared loads together. Return those that must be prepared and committed once more."""
    outcomes: Sequence[CommitResult | Exception]
    try:
        # what a commit rests on must not be lost in a power cut that the commit survives
        for provider, account in {(prepared.load.account.provider, prepared.load.account.name) for prepared in group}:
            workspace.landing.sync(provider, account)
        outcomes = workspace.store.commit_group([prepared.chunks for prepared in group])
    except Exception as error:
        outcomes = [error] * len(group)
    again = []
    for prepared, outcome in zip(group, outcomes, strict=True):
        load = prepared.load
        if isinstance(outcome, Exception):
            shutil.rmtree(prepared.folder, ignore_errors=True)
            if prepared.is_outdated:
                again.append(load)
            else:
                load.error = outcome
            continue
        try:
            if not load.context.run(load.confirm, workspace, outcome):
                again.append(load)
        except Exception as error:
            load.error = error
    for load in (prepared.load for prepared in group):
        if isinstance(load.error, WarehouseError) and not isinstance(load.error, StagedError):
            raise load.error
    return again


def _count_rows(chunk: ChunkCommit) -> int:
    """Return the number of a chunk's rows; one in a file may be long, and closes its group."""
    return sum(
        MAX_GROUP_ROWS if isinstance(table, Path) else table.num_rows
        for table in (*chunk.tables.values(), *chunk.members.values())
    )


def make_folder(parent: Path) -> Path:
    """Make a new folder for staged files, with a name of its own. ``publish_warehouse`` removes it."""
    folder = parent / uuid.uuid4().hex
    make_private_folder(folder.parents[1], folder)
    return folder


def stage_chunk(
    workspace: Workspace, account: Account, claims: DayClaims, folder: Path, *, history: History = "continue"
) -> ChunkCommit:
    """Transform the claimed days. Long tables are written as Parquet files into ``folder``, which must be empty.

    ``history`` tells the commit what to do with the restatements logged for these days (``ChunkCommit``). Raises
    ShapeError for a response that is not of the expected shape.
    """
    days = tuple(sorted({day for stream in claims.values() for claim in stream for day in claim.days}))
    staged = transform_chunk(Chunk(account, days, claims, folder))
    tables = drop_old_conversations(workspace, account, staged.tables, days)
    return ChunkCommit(
        account=build_account_row(account),
        slices=tuple(_build_slice(day, claims, staged) for day in days),
        tables={name: _stage_table(folder, name, table) for name, table in tables.items()},
        members=staged.members,
        reconciliations=staged.reconciliations,
        loaded_at=workspace.clock.now(),
        run_id=workspace.run_id,
        code_version=CODE_VERSION,
        drift=staged.drift,
        history=history,
    )


def set_accounts_and_measures(workspace: Workspace) -> None:
    """Write the configured accounts and all definitions of measures to the warehouse.

    Raises ConfigError when another configuration uses the name of an account, and WarehouseErrors.
    """
    accounts = [build_account_row(account) for account in workspace.config.accounts]
    measures = list(measure_definitions())
    others = workspace.store.set_accounts_and_measures(accounts, measures, replace_ids=False)
    if others:
        require_own_names(workspace, others)
        workspace.store.set_accounts_and_measures(accounts, measures)


def publish_warehouse(workspace: Workspace) -> bool:
    """Publish the commits for readers, then remove the staged files of this run and of dead runs.

    Returns False when readers see all commits already. Raises WarehouseErrors.
    """
    published = workspace.store.publish()
    shutil.rmtree(workspace.staging / workspace.run_id, ignore_errors=True)
    remove_stale_staging(workspace)
    return published


def remove_stale_staging(workspace: Workspace) -> int:
    """Remove staged files older than a day: those of dead runs. Return the number of runs."""
    removed = 0
    for folder in workspace.staging.glob("*"):
        with suppress(OSError):  # its run may just have ended; and no load fails because of this cleaning
            if is_older_than(folder, folder.stat().st_mtime, _STAGING_MAX_AGE_SECONDS):
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
    return removed


def _build_slice(day: date, claims: DayClaims, staged: TransformResult) -> SliceInfo:
    batches = [claim.batch for stream in claims.values() for claim in stream if day in claim.days]
    return SliceInfo(
        date=day,
        fetched_at=min(batch.fetched_at for batch in batches),
        landed_at=max(batch.landed_at for batch in batches),
        batches=tuple(sorted(batch.batch_id for batch in batches)),
        totals=staged.totals.get(day, {}),
    )


def _name_staging_failure(error: Exception, folder: Path) -> Exception:
    """Return the error of a full or refused disk with the folder of staged files, where it names none; or the error."""
    failure = find_disk_failure(error) if isinstance(error, duckdb.Error) else error
    if isinstance(failure, OSError) and failure.errno and failure.filename is None:
        return OSError(failure.errno, os.strerror(failure.errno), str(folder))
    return error


def _stage_table(folder: Path, name: str, table: pa.Table | Path) -> pa.Table | Path:
    """Return a table, in memory or as the file that the transform wrote; a long one is written as Parquet."""
    if isinstance(table, Path) or table.num_rows <= MAX_ROWS_IN_MEMORY:
        return table
    path = folder / f"{name}.parquet"
    pq.write_table(table, path)
    return path
