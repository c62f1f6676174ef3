"""What a loader hands to a store and gets back: plain frozen values.

What must not come in: SQL, files, locks, a provider's rule. Instants are aware (UTC), days are local days of
the account's zone.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal

import pyarrow as pa

Verdict = Literal["ok", "explained", "unexplained"]
SliceState = Literal["loaded", "settled", "stale", "failed"]


@dataclass(frozen=True)
class AccountRow:
    """One configured account, as `dim_account` keeps it.

    `external_id` is the provider's id of it. Without a `start_date` what is demanded begins with the first slice.
    """

    account: str
    provider: str
    external_id: str
    timezone: str
    start_date: date | None
    lookback_days: int


@dataclass(frozen=True)
class MeasureDefinition:
    """What one provider means by one measure. `additivity` is `additive` or `not additive`."""

    provider: str
    measure: str
    meaning: str
    unit: str
    additivity: str


@dataclass(frozen=True)
class SliceInfo:
    """The books of one slice.

    `fetched_at` is the oldest fetch among the batches the slice rests on, `landed_at` when the last of them was whole
    on disk, `batches` their ids, `totals` what the provider told for the day.
    """

    date: date
    fetched_at: datetime
    landed_at: datetime
    batches: tuple[str, ...]
    totals: Mapping[str, Decimal | int | None]


@dataclass(frozen=True)
class ReconciliationEntry:
    """One comparison of a told total with what was loaded. `reason` belongs to the verdict `explained`."""

    date: date
    measure: str
    against: str
    told: Decimal
    loaded: Decimal
    verdict: Verdict
    reason: str | None


@dataclass(frozen=True)
class DriftEntry:
    """One name beyond what the program knows, in an answer that a slice rests on. `batch` is that answer's id."""

    date: date
    stream: str
    kind: str
    name: str
    batch: str


@dataclass(frozen=True)
class ChunkCommit:
    """All that replaces some days of one account.

    `slices` are exactly the days that are replaced, whatever rows came back. `tables` are staged facts by
    name (an absent name means no rows), `members` the staged dimension rows (channel, language, country,
    metric). A staged table is an Arrow table or the path of a Parquet file. `afresh` begins the slices'
    history anew: they are compared with nothing, and what was logged after their answers had landed is taken out.
    """

    account: AccountRow
    slices: tuple[SliceInfo, ...]
    tables: Mapping[str, pa.Table | Path]
    members: Mapping[str, pa.Table]
    reconciliations: tuple[ReconciliationEntry, ...]
    loaded_at: datetime
    run_id: str
    code_version: str
    drift: tuple[DriftEntry, ...] = ()
    reset_history: bool = False


@dataclass(frozen=True)
class CommitResult:
    """What a commit did: rows by staged table, those of all chunks added up, and how many restatements it logged."""

    rows_by_table: dict[str, int]
    restatement_count: int


@dataclass(frozen=True)
class Scope:
    """What a write may change: rows of these accounts and days in the tables that have a date, and all other tables.

    None stands for all. `days` are the first and the last. `tables` are those with a date that are needed at all.
    """

    accounts: tuple[str, ...] | None = None
    days: tuple[date, date] | None = None
    tables: frozenset[str] | None = None


@dataclass
class Transaction:
    """A commit in the making; one that has `changed` nothing is none."""

    changed: bool = True


@dataclass(frozen=True)
class RunRow:
    """What one run did for one account. `date` is the day (UTC) on which it started; instants are aware.

    `command` is what started it. Counts are slices, HTTP requests and fact rows; `bytes` were received, and
    `waited_seconds` were spent waiting for the provider's limits. `error` is the first sentence of what went wrong.
    """

    date: date
    provider: str
    account: str
    run_id: str
    command: str
    started_at: datetime
    ended_at: datetime | None
    planned: int
    loaded: int
    failed: int
    requests: int
    retries: int
    bytes: int
    rows: int
    waited_seconds: Decimal
    error: str | None


@dataclass(frozen=True)
class SliceFailure:
    """An attempt on some days of an account that came to nothing, at `at` (UTC)."""

    account: AccountRow
    dates: tuple[date, ...]
    error: str
    failed_at: datetime


@dataclass(frozen=True)
class LedgerRow:
    """One slice as the ledger knows it, with its present state (see the view `coverage`).

    `fetched_at`, `loaded_at` and `rows` are None for a slice that was never loaded. `error` and `error_at`
    tell of the last failed attempt since the slice was loaded.
    """

    date: date
    provider: str
    account: str
    state: SliceState
    batches: tuple[str, ...]
    fetched_at: datetime | None
    loaded_at: datetime | None
    rows: int | None
    zone: str
    external_id: str
    error: str | None
    error_at: datetime | None
