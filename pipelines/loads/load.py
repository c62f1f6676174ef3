"""Loading: landed batches of one account become one commit.

No request is made; rules of a provider or a store must not come in.
"""

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
from pipelines.loads.claims import DayClaims, ReuseRule, loadable_days
from pipelines.loads.code_version import CODE_VERSION
from pipelines.loads.workspace import Workspace, build_account_row
from transforms.chunk import Chunk, DayClaim
from transforms.facts import TransformResult
from transforms.registry import measure_definitions, transform_chunk
from warehouse.records import ChunkCommit, History, SliceInfo

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


def load_days(workspace: Workspace, account: Account, days: Collection[date], is_reusable: ReuseRule) -> LoadResult:
    """Transform and commit, in one commit, those of the local days whose batches are all landed.

    A batch that cannot be transformed is rejected: its own days stay as they were, the others are loaded. Raises
    WarehouseErrors; nothing is written then.
    """
    loaded = LoadResult()
    remaining = set(days)
    while True:
        complete, claims = loadable_days(account, workspace.landing, remaining, is_reusable)
        if not complete:
            return loaded
        try:
            with open_staging_folder(workspace) as folder:
                committed = workspace.store.commit(stage_chunk(workspace, account, claims, folder))
        except ShapeError as error:
            claim = claim_of_error(error, claims)
            if claim is not None:
                claim.batch.reject()  # so that the next run fetches it again
            rejected_days = tuple(sorted(claim.days)) if claim is not None else complete
            loaded.rejected.append((rejected_days, error))
            remaining = set(complete).difference(rejected_days)
        else:
            if loadable_days(account, workspace.landing, complete, is_reusable) == (complete, claims):
                loaded.days += complete
                loaded.rows = sum(committed.rows_by_table.values())
                return loaded
            remaining = set(complete)  # another run landed newer responses, and may have loaded them before this commit


@contextmanager
def open_staging_folder(workspace: Workspace) -> Iterator[Path]:
    """Create a folder for the staged files of one commit: removed when that fails, else by ``publish_warehouse``."""
    folder = workspace.staging / workspace.run_id / uuid.uuid4().hex
    folder.mkdir(mode=0o700, parents=True)
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def stage_chunk(
    workspace: Workspace, account: Account, claims: DayClaims, folder: Path, *, history: History = "continue"
) -> ChunkCommit:
    """Transform the claimed days and write their rows as Parquet files into ``folder``, which must be empty.

    ``history`` tells the commit what to do with the restatements logged for these days (``ChunkCommit``). Raises
    ShapeError for a response that is not of the expected shape.
    """
    days = tuple(sorted({day for stream in claims.values() for claim in stream for day in claim.days}))
    staged = transform_chunk(Chunk(account, days, claims, folder))
    return ChunkCommit(
        account=build_account_row(account),
        slices=tuple(_build_slice(day, claims, staged) for day in days),
        tables={name: _write_table(folder, name, table) for name, table in staged.tables.items()},
        members=staged.members,
        reconciliations=staged.reconciliations,
        loaded_at=workspace.clock.now(),
        run_id=workspace.run_id,
        code_version=CODE_VERSION,
        drift=staged.drift,
        history=history,
    )


def claim_of_error(error: ShapeError, claims: DayClaims) -> DayClaim | None:
    """Return the claim (batch and days) of the batch that an error names; None when it names none of them."""
    stream_claims = claims.get(error.where.stream or "", ())
    return next((claim for claim in stream_claims if claim.batch.batch_id == error.where.batch), None)


def set_accounts_and_measures(workspace: Workspace) -> None:
    """Write the configured accounts and all definitions of measures to the warehouse. Raises WarehouseErrors."""
    accounts = [build_account_row(account) for account in workspace.config.accounts]
    workspace.store.set_accounts_and_measures(accounts, list(measure_definitions()))


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
            if time.time() - folder.stat().st_mtime > _STAGING_MAX_AGE_SECONDS:
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


def _write_table(folder: Path, name: str, table: pa.Table | Path) -> Path:
    """Write a table as Parquet, unless the transform has written it already. Return the path."""
    if isinstance(table, Path):
        return table
    path = folder / f"{name}.parquet"
    pq.write_table(table, path)
    return path
