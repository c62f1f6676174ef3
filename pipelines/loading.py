"""Loading: landed batches of one account to one commit. No request is made; no rule of a provider or store is here."""

import shutil
import uuid
from collections.abc import Collection, Mapping
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from extractors.accounts import Account
from pipelines.plan import Reusable, ready
from pipelines.workspace import CODE_VERSION, Workspace, account_row
from transforms.chunk import Chunk, Claim
from transforms.facts import Staged
from transforms.registry import measure_definitions, transform
from warehouse.commits import ChunkCommit, SliceInfo


def load_days(workspace: Workspace, account: Account, days: Collection[date], may_stand: Reusable) -> tuple[date, ...]:
    """Transform and commit those of the days whose batches are all there; return which.

    Raises ShapeError for an answer that is not understood and WarehouseErrors; nothing is written then.
    """
    complete, claims = ready(account, workspace.landing, days, may_stand)
    if not complete:
        return ()
    folder = workspace.staging / workspace.run_id / uuid.uuid4().hex
    folder.mkdir(mode=0o700, parents=True)
    try:
        staged = transform(Chunk(account, complete, claims, folder))
        chunk = ChunkCommit(
            account=account_row(account),
            slices=tuple(_slice(day, claims, staged) for day in complete),
            tables={name: _staged_file(folder, name, table) for name, table in staged.tables.items()},
            members=staged.members,
            reconciled=staged.reconciled,
            loaded_at=workspace.clock.now(),
            run_id=workspace.run_id,
            code_version=CODE_VERSION,
        )
        workspace.store.commit(chunk)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise
    return complete


def describe(workspace: Workspace) -> None:
    """Tell the warehouse which accounts are configured and what their providers mean by their measures."""
    accounts = [account_row(account) for account in workspace.config.accounts]
    workspace.store.describe(accounts, list(measure_definitions()))


def publish(workspace: Workspace) -> bool:
    """Let readers see what was committed; staged files of this run are no longer needed then."""
    published = workspace.store.publish()
    shutil.rmtree(workspace.staging / workspace.run_id, ignore_errors=True)
    return published


def _slice(day: date, claims: Mapping[str, tuple[Claim, ...]], staged: Staged) -> SliceInfo:
    batches = [claim.batch for stream in claims.values() for claim in stream if day in claim.days]
    return SliceInfo(
        date=day,
        fetched_at=min(batch.fetched_at for batch in batches),
        batches=tuple(sorted(batch.batch_id for batch in batches)),
        totals=staged.totals.get(day, {}),
    )


def _staged_file(folder: Path, name: str, table: pa.Table | Path) -> Path:
    if isinstance(table, Path):
        return table
    path = folder / f"{name}.parquet"
    pq.write_table(table, path)
    return path
