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
from pipelines.loads.plan import Claims, Reusable, ready
from pipelines.loads.workspace import CODE_VERSION, Workspace, account_row
from transforms.chunk import Chunk, Claim
from transforms.facts import Staged
from transforms.registry import measure_definitions, transform
from warehouse.records import ChunkCommit, SliceInfo

_STAGING_KEPT_SECONDS = 86_400  # longer than any run takes from one publication to the next


@dataclass
class Loaded:
    """What became of some days: those committed, and those whose landed answers are not understood, with the reason.

    ``rows`` are the fact rows of those committed.
    """

    days: list[date] = field(default_factory=list)
    rows: int = 0
    refused: list[tuple[tuple[date, ...], ShapeError]] = field(default_factory=list)


def load_days(workspace: Workspace, account: Account, days: Collection[date], may_stand: Reusable) -> Loaded:
    """Transform and commit those of the days whose batches are all there, in one commit.

    A batch that is not understood holds up its own days only: they stay as they were. Raises WarehouseErrors; nothing
    is written then.
    """
    loaded = Loaded()
    left = set(days)
    while True:
        complete, claims = ready(account, workspace.landing, left, may_stand)
        if not complete:
            return loaded
        try:
            with staging_folder(workspace) as folder:
                committed = workspace.store.commit(staged_chunk(workspace, account, claims, folder))
        except ShapeError as error:
            bad = culprit(error, claims)
            if bad is not None:
                bad.batch.reject()  # so that the next run asks anew
            refused = tuple(sorted(bad.days)) if bad is not None else complete
            loaded.refused.append((refused, error))
            left = set(complete).difference(refused)
        else:
            if ready(account, workspace.landing, complete, may_stand) == (complete, claims):
                loaded.days += complete
                loaded.rows = sum(committed.rows.values())
                return loaded
            left = set(complete)  # another run landed newer answers and may have loaded them before this commit


@contextmanager
def staging_folder(workspace: Workspace) -> Iterator[Path]:
    """A folder for the staged files of one commit: removed when that fails, else by ``publish``."""
    folder = workspace.staging / workspace.run_id / uuid.uuid4().hex
    folder.mkdir(mode=0o700, parents=True)
    try:
        yield folder
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def staged_chunk(
    workspace: Workspace, account: Account, claims: Claims, folder: Path, *, afresh: bool = False
) -> ChunkCommit:
    """Transform the days that are claimed; the rows go into files in ``folder``, which is empty. Raises ShapeError."""
    days = tuple(sorted({day for stream in claims.values() for claim in stream for day in claim.days}))
    staged = transform(Chunk(account, days, claims, folder))
    return ChunkCommit(
        account=account_row(account),
        slices=tuple(_slice(day, claims, staged) for day in days),
        tables={name: _staged_file(folder, name, table) for name, table in staged.tables.items()},
        members=staged.members,
        reconciled=staged.reconciled,
        loaded_at=workspace.clock.now(),
        run_id=workspace.run_id,
        code_version=CODE_VERSION,
        drift=staged.drift,
        afresh=afresh,
    )


def culprit(error: ShapeError, claims: Claims) -> Claim | None:
    """The batch that an error speaks of, and the days that rest on it."""
    asked = claims.get(error.where.stream or "", ())
    return next((claim for claim in asked if claim.batch.batch_id == error.where.batch), None)


def describe(workspace: Workspace) -> None:
    """Tell the warehouse which accounts are configured and what their providers mean by their measures."""
    accounts = [account_row(account) for account in workspace.config.accounts]
    workspace.store.describe(accounts, list(measure_definitions()))


def publish(workspace: Workspace) -> bool:
    """Let readers see what was committed; staged files of this run, and of runs long dead, are not needed then."""
    published = workspace.store.publish()
    shutil.rmtree(workspace.staging / workspace.run_id, ignore_errors=True)
    sweep(workspace)
    return published


def sweep(workspace: Workspace) -> int:
    """Remove the staged files of runs long dead. Returns of how many runs."""
    swept = 0
    for folder in workspace.staging.glob("*"):
        with suppress(OSError):  # its run may have ended meanwhile; and no load fails for what is swept beside it
            if time.time() - folder.stat().st_mtime > _STAGING_KEPT_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
                swept += 1
    return swept


def _slice(day: date, claims: Claims, staged: Staged) -> SliceInfo:
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
