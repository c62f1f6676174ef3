"""Staging: the landed batches of some days of an account become one chunk, ready to be committed.

Nothing is committed here; rules of a provider or a store must not come in.
"""

import uuid
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from extractors.account import Account
from extractors.landing.files import make_private_folder
from pipelines.loads.claims import DayClaims
from pipelines.loads.code_version import CODE_VERSION
from pipelines.loads.expire import drop_old_conversations
from pipelines.loads.workspace import Workspace, build_account_row
from transforms.chunk import Chunk
from transforms.facts import TransformResult
from transforms.registry import transform_chunk
from warehouse.records import ChunkCommit, History, SliceInfo

MAX_ROWS_IN_MEMORY = 50_000
"""A staged table with more rows goes through a Parquet file, which the engine reads in pieces."""


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


def _build_slice(day: date, claims: DayClaims, staged: TransformResult) -> SliceInfo:
    batches = [claim.batch for stream in claims.values() for claim in stream if day in claim.days]
    return SliceInfo(
        date=day,
        fetched_at=min(batch.fetched_at for batch in batches),
        landed_at=max(batch.landed_at for batch in batches),
        batches=tuple(sorted(batch.batch_id for batch in batches)),
        totals=staged.totals.get(day, {}),
        arrival=max(batch.number for batch in batches) or None,
    )


def _stage_table(folder: Path, name: str, table: pa.Table | Path) -> pa.Table | Path:
    """Return a table, in memory or as the file that the transform wrote; a long one is written as Parquet."""
    if isinstance(table, Path) or table.num_rows <= MAX_ROWS_IN_MEMORY:
        return table
    path = folder / f"{name}.parquet"
    pq.write_table(table, path)
    return path
