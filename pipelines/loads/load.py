"""Loading: landed batches of several accounts become one commit, in which each account's months are whole.

No request is made; rules of a provider or a store must not come in.
"""

import os
import shutil
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from contextvars import copy_context
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path

import duckdb

from extractors.account import Account
from extractors.errors import ShapeError
from pipelines.loads.claims import DayClaims, ReuseRule, loadable_days
from pipelines.loads.failing_days import claim_of_error, find_failing_days, reject_batches
from pipelines.loads.forgotten_watch import ForgottenWatch
from pipelines.loads.stage import make_folder, stage_chunk
from pipelines.loads.workspace import Workspace
from warehouse.disk_failures import find_disk_failure
from warehouse.errors import StagedError, WarehouseError
from warehouse.records import ChunkCommit, CommitResult


@dataclass
class LoadResult:
    """The result of loading some local days.

    ``days`` are committed, with ``rows`` fact rows. ``rejected`` are days with responses that could not be transformed,
    each group with its error.
    """

    days: list[date] = field(default_factory=list)
    rows: int = 0
    rejected: list[tuple[tuple[date, ...], ShapeError]] = field(default_factory=list)


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
    watch, row_count = ForgottenWatch(workspace.landing), 0
    while waiting and row_count < MAX_GROUP_ROWS:
        if workspace.stop.is_requested and not waiting[0].is_begun:
            break
        load = waiting.popleft()
        load.is_begun = True
        folder = make_folder(workspace.run_staging)
        try:
            is_current = watch.watch(load.account)
            prepared = load.context.run(load.prepare, workspace, folder)
            chunks = [replace(chunk, is_current=is_current) for chunk in prepared]
        except Exception as error:
            load.error = _name_staging_failure(error, folder)
            shutil.rmtree(folder, ignore_errors=True)
            continue
        if chunks:
            group.append(_PreparedLoad(load, chunks, folder))
            row_count += sum(map(count_rows, chunks))
    return group


def _commit_group(workspace: Workspace, group: Sequence[_PreparedLoad]) -> list[PendingLoad]:
    """Commit prepared loads together. Return those that must be prepared and committed once more."""
    outcomes: Sequence[CommitResult | Exception]
    try:
        # what a commit rests on must not be lost in a power cut that the commit survives
        accounts = {(prepared.load.account.provider, prepared.load.account.name) for prepared in group}
        workspace.landing.sync(accounts)
        outcomes = workspace.store.commit_group([prepared.chunks for prepared in group])
        workspace.landing.refresh(accounts)  # what other machines have landed meanwhile may be newer
    except Exception as error:
        outcomes = [error] * len(group)
    again = []
    for prepared, outcome in zip(group, outcomes, strict=True):
        load = prepared.load
        if isinstance(outcome, Exception):
            shutil.rmtree(prepared.folder, ignore_errors=True)
            if prepared.is_outdated:
                workspace.landing.refresh_list(load.account.provider, load.account.name)
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


def count_rows(chunk: ChunkCommit) -> int:
    """Return the number of a chunk's rows; one in a file may be long, and closes its group."""
    return sum(
        MAX_GROUP_ROWS if isinstance(table, Path) else table.num_rows
        for table in (*chunk.tables.values(), *chunk.members.values())
    )


def _name_staging_failure(error: Exception, folder: Path) -> Exception:
    """Return the error of a full or refused disk with the folder of staged files, where it names none; or the error."""
    failure = find_disk_failure(error) if isinstance(error, duckdb.Error) else error
    if isinstance(failure, OSError) and failure.errno and failure.filename is None:
        return OSError(failure.errno, os.strerror(failure.errno), str(folder))
    return error
