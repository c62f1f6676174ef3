"""The values that a loader gives to a store and gets back: frozen dataclasses of plain values.

Instants are aware (UTC); days are local days of the account's zone. What must not come in: SQL, files, locks, a
provider's rule.

>>> from datetime import date
>>> account = AccountRow("acme", "cognigy", "project-1", "Europe/Berlin", start_date=None, lookback_days=3)
>>> scope = Scope(accounts=(account.account,), days=(date(2025, 3, 1), date(2025, 3, 31)))
>>> scope.tables is None  # all tables
True
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal

import pyarrow as pa

__all__ = [
    "AccountRow",
    "ChunkCommit",
    "CommitResult",
    "Damage",
    "DriftEntry",
    "ForgottenRow",
    "HeldRows",
    "History",
    "LedgerRow",
    "MeasureDefinition",
    "PersonInAccount",
    "ReconciliationEntry",
    "RunRow",
    "Scope",
    "SettledRange",
    "SliceFailure",
    "SliceInfo",
    "SliceState",
    "Transaction",
    "Verdict",
]

Verdict = Literal["ok", "explained", "unexplained"]
SliceState = Literal["loaded", "settled", "stale", "failed"]
History = Literal["continue", "reset", "replay"]


@dataclass(frozen=True)
class AccountRow:
    """One configured account, as `dim_account` holds it.

    `external_id` is the id that the provider gave the account. `start_date` is the first local day that must be
    loaded; None stands for the day of the first loaded slice. `privacy` is another text for other privacy settings.
    `labels` are a JSON object of texts.
    """

    account: str
    provider: str
    external_id: str
    timezone: str
    start_date: date | None
    lookback_days: int
    privacy: str | None = None
    labels: str | None = None


@dataclass(frozen=True)
class MeasureDefinition:
    """The meaning of one measure at one provider. `additivity` is `additive` or `not additive`."""

    provider: str
    measure: str
    meaning: str
    unit: str
    additivity: str


@dataclass(frozen=True)
class SliceInfo:
    """The origin of one slice, as the ledger records it.

    `batches` are the ids of the batches the slice rests on. `fetched_at` is the oldest fetch among them, `landed_at`
    the instant when the last of them was complete on disk. `totals` are the totals the provider reported for the day.
    `arrival` is the highest arrival number among the batches; None when none of them has a number.
    """

    date: date
    fetched_at: datetime
    landed_at: datetime
    batches: tuple[str, ...]
    totals: Mapping[str, Decimal | int | None]
    arrival: int | None = None


@dataclass(frozen=True)
class ReconciliationEntry:
    """One comparison of a reported total with the loaded one. Only the verdict `explained` has a `reason`.

    The fields are columns of the table `reconciliation`.
    """

    date: date
    measure: str
    against: str
    reported: Decimal
    loaded: Decimal
    verdict: Verdict
    reason: str | None


@dataclass(frozen=True)
class DriftEntry:
    """One name that the program does not know, in a response that a slice rests on.

    `batch` is the id of the batch with that response. The fields are columns of the table `drift`.
    """

    date: date
    stream: str
    kind: str
    name: str
    batch: str


@dataclass(frozen=True)
class ChunkCommit:
    """Everything that replaces some days of one account.

    `slices` are exactly the days that are replaced, whatever rows came back. `tables` are the staged facts by name; a
    missing name means no rows. `members` are the staged dimension rows (channel, language, country, metric). A staged
    table is an Arrow table or the path of a Parquet file.

    `history` is `continue` for a load: its changes are logged as restatements. A replay commits the versions of a slice
    one after the other. The first is a `reset`: it is compared with nothing, and restatements by responses that arrived
    after its own are removed. The others are a `replay`: their changes take the place of those that were logged for the
    same responses. Both go by the order of arrival, since a clock may have been set between two responses.

    `is_current` is called under the writers' lock. Where it returns False nothing is written.
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
    history: History = "continue"
    is_current: Callable[[], bool] = lambda: True


@dataclass(frozen=True)
class CommitResult:
    """The outcome of a commit: rows by staged table, summed over all chunks, and the number of logged restatements."""

    rows_by_table: dict[str, int]
    restatement_count: int


@dataclass(frozen=True)
class Scope:
    """The rows that a transaction may change: those of some accounts and days, in some tables.

    `days` are the first and the last day, both included. None stands for all. Tables without a date are always in the
    scope, as a whole; `tables` names the tables with a date that are needed.
    """

    accounts: tuple[str, ...] | None = None
    days: tuple[date, date] | None = None
    tables: frozenset[str] | None = None


@dataclass
class Transaction:
    """An open transaction. Set `changed = False` to discard it."""

    changed: bool = True


EraseText = Callable[[str, str, str], str]
"""Returns a text about a provider's account (provider, account, text) without the people whom it has forgotten."""


@dataclass(frozen=True)
class Damage:
    """A file of the warehouse that cannot be read whole, and the words of the engine for it."""

    path: Path
    problem: str


@dataclass(frozen=True)
class RunRow:
    """The work of one run for one account. `date` is the day (UTC) on which the run started; instants are aware.

    `command` started the run. `planned`, `loaded` and `failed` count slices, `requests` and `retries` HTTP requests,
    `rows` fact rows; `bytes` were received. `waited_seconds` were spent waiting for the provider's limits. `error` is
    the first sentence of the error that ended the account's load.
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
class PersonInAccount:
    """A person as a warehouse may know them in one account.

    `pseudonyms` are the stored user ids, `conversations` the stored ids of conversations that are known to be theirs.
    `text` is the plain id, to be looked for inside of texts; None for one too short for that. `secret` makes the
    tokens that take the place of ids of conversations.
    """

    account: str
    pseudonyms: tuple[str, ...]
    conversations: frozenset[str]
    text: str | None
    secret: str


@dataclass(frozen=True)
class HeldRows:
    """The rows of a table that are held of a person: their number, and the first and the last day."""

    table: str
    columns: tuple[str, ...]
    rows: int
    first: date | None
    last: date | None


@dataclass(frozen=True)
class ForgottenRow:
    """The proof that a person was forgotten, without the person. `forgotten_at` is in UTC.

    `batches` (ids), `responses` and `records` are what was rewritten in the landing zone, `rows` in the warehouse.
    """

    provider: str
    account: str
    request_id: str
    forgotten_at: datetime
    batches: tuple[str, ...]
    responses: int
    records: int
    rows: int


@dataclass(frozen=True)
class SliceFailure:
    """A failed attempt to load some days of an account, at `failed_at` (UTC)."""

    account: AccountRow
    dates: tuple[date, ...]
    error: str
    failed_at: datetime


@dataclass(frozen=True)
class LedgerRow:
    """One slice in the ledger, with its present state (see the view `coverage`).

    `fetched_at`, `loaded_at` and `rows` are None for a slice that was never loaded. `error` and `error_at` describe
    the last attempt that failed since the slice was loaded.
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
    privacy: str | None = None


@dataclass(frozen=True)
class SettledRange:
    """Consecutive settled slices of an account, loaded as one bot, in one zone, under one `privacy`.

    `first` and `last` are local days, both included.
    """

    account: str
    provider: str
    external_id: str
    zone: str
    privacy: str | None
    first: date
    last: date
