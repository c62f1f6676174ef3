"""Loading: landed batches of one account to one commit. No request is made; no rule of a provider or store is here."""

import shutil
import time
import uuid
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from extractors.account import Account
from extractors.errors import ShapeError
from pipelines.loads.plan import DayClaims, ReuseRule, loadable_days
from pipelines.loads.workspace import CODE_VERSION, Workspace, build_account_row
from transforms.chunk import Chunk, DayClaim
from transforms.facts import TransformResult
from transforms.registry import measure_definitions, transform_chunk
from warehouse.records import ChunkCommit, SliceInfo

_STAGING_KEPT_SECONDS = 86_400  # longer than any run takes from one publication to the next


@dataclass
class LoadResult:
    """What became of some days: those committed, and those whose landed answers are not understood, with the reason.

    ``rows`` are the fact rows of those committed.
    """

    days: list[date] = field(default_factory=list)
    rows: int = 0
    rejected: list[tuple[tuple[date, ...], ShapeError]] = field(default_factory=list)


def load_days(workspace: Workspace, account: Account, days: Collection[date], is_reusable: ReuseRule) -> LoadResult:
    """Transform and commit those of the days whose batches are all there, in one commit.

    A batch that is not understood holds up its own days only: they stay as they were. Raises WarehouseErrors; nothing
    is written then.
    """
    loaded = LoadResult()
    left = set(days)
    while True:
        complete, claims = loadable_days(account, workspace.landing, left, is_reusable)
        if not complete:
            return loaded
        try:
            with open_staging_folder(workspace) as folder:
                committed = workspace.store.commit(stage_chunk(workspace, account, claims, folder))
        except ShapeError as error:
            bad = claim_of_error(error, claims)
            if bad is not None:
                bad.batch.reject()  # so that the next run asks anew
            refused = tuple(sorted(bad.days)) if bad is not None else complete
            loaded.rejected.append((refused, error))
            left = set(complete).difference(refused)
        else:
            if loadable_days(account, workspace.landing, complete, is_reusable) == (complete, claims):
                loaded.days += complete
                loaded.rows = sum(committed.rows_by_table.values())
                return loaded
            left = set(complete)  # another run landed newer answers and may have loaded them before this commit


@contextmanager
def open_staging_folder(workspace: Workspace) -> Iterator[Path]:
    """A folder for the staged files of one commit: removed when that fails, else by ``publish``."""
    folder = workspace.staging / workspace.run_id / uuid.uuid4().hex
    folder.mkdir(mode=0o700, parents=True)
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def stage_chunk(
    workspace: Workspace, account: Account, claims: DayClaims, folder: Path, *, reset_history: bool = False
) -> ChunkCommit:
    """Transform the days that are claimed; the rows go into files in ``folder``, which is empty. Raises ShapeError."""
    days = tuple(sorted({day for stream in claims.values() for claim in stream for day in claim.days}))
    staged = transform_chunk(Chunk(account, days, claims, folder))
    return ChunkCommit(
        account=build_account_row(account),
        slices=tuple(_slice(day, claims, staged) for day in days),
        tables={name: _staged_file(folder, name, table) for name, table in staged.tables.items()},
        members=staged.members,
        reconciliations=staged.reconciliations,
        loaded_at=workspace.clock.now(),
        run_id=workspace.run_id,
        code_version=CODE_VERSION,
        drift=staged.drift,
        reset_history=reset_history,
    )


def claim_of_error(error: ShapeError, claims: DayClaims) -> DayClaim | None:
    """The batch that an error speaks of, and the days that rest on it."""
    asked = claims.get(error.where.stream or "", ())
    return next((claim for claim in asked if claim.batch.batch_id == error.where.batch), None)


def set_accounts_and_measures(workspace: Workspace) -> None:
    """Tell the warehouse which accounts are configured and what their providers mean by their measures."""
    accounts = [build_account_row(account) for account in workspace.config.accounts]
    workspace.store.set_accounts_and_measures(accounts, list(measure_definitions()))


def publish_warehouse(workspace: Workspace) -> bool:
    """Let readers see what was committed; staged files of this run, and of runs long dead, are not needed then."""
    published = workspace.store.publish()
    shutil.rmtree(workspace.staging / workspace.run_id, ignore_errors=True)
    remove_stale_staging(workspace)
    return published


def remove_stale_staging(workspace: Workspace) -> int:
    """Remove the staged files of runs long dead. Returns of how many runs."""
    swept = 0
    for folder in workspace.staging.glob("*"):
        with suppress(OSError):  # its run may have ended meanwhile; and no load fails for what is swept beside it
            if time.time() - folder.stat().st_mtime > _STAGING_KEPT_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
                swept += 1
    return swept


def _slice(day: date, claims: DayClaims, staged: TransformResult) -> SliceInfo:
    batches = [claim.batch for stream in claims.values() for claim in stream if day in claim.days]
    return SliceInfo(
        date=day,
        fetched_at=min(batch.fetched_at for batch in batches),
        landed_at=max(batch.landed_at for batch in batches),
        batches=tuple(sorted(batch.batch_id for batch in batches)),
        totals=staged.totals.get(day, {}),
    )


def _staged_file(folder: Path, name: str, table: pa.Table | Path) -> Path:
    if isinstance(table, Path):
        return table
    path = folder / f"{name}.parquet"
    pq.write_table(table, path)
    return path
