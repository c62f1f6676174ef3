"""The history of runs in the published warehouse, from the table ``load_run``: totals of each run, rows of one run.

Nothing is written or displayed here.
"""

from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from pipelines.loads.failures import INTERRUPTED_MESSAGE
from warehouse.errors import NothingPublished
from warehouse.sql import fill, literal
from warehouse.store import Store

LOADED, PARTLY_FAILED, FAILED, INTERRUPTED, NOT_ENDED = "loaded", "partly failed", "failed", "interrupted", "not ended"
"""The results of a run for an account. One that has not ended is running, or was killed."""

_ROWS = """
WITH rows AS (
    SELECT
        * REPLACE (CAST(waited_seconds AS DOUBLE) AS waited_seconds),
        CASE
            WHEN ended_at IS NULL THEN $not_ended
            WHEN error IS NULL AND failed = 0 THEN $loaded
            WHEN error = $interrupted_message AND failed = 0 THEN $interrupted
            WHEN loaded > 0 THEN $partly_failed
            ELSE $failed
        END AS result
    FROM load_run WHERE $condition
)
"""
_RUNS = """
SELECT
    run_id, any_value(command) AS command, min(started_at) AS started_at,
    CASE WHEN count(ended_at) = count(*) THEN max(ended_at) END AS ended_at,
    count(*) AS accounts, histogram(result) AS accounts_by_result,
    CAST(sum(planned) AS BIGINT) AS planned, CAST(sum(loaded) AS BIGINT) AS loaded,
    CAST(sum(failed) AS BIGINT) AS failed, CAST(sum(requests) AS BIGINT) AS requests,
    CAST(sum(retries) AS BIGINT) AS retries, CAST(sum(bytes) AS BIGINT) AS bytes,
    CAST(sum(rows) AS BIGINT) AS rows, sum(waited_seconds) AS waited_seconds
FROM rows GROUP BY run_id ORDER BY started_at DESC, run_id LIMIT $limit
"""
_ACCOUNTS = "SELECT * EXCLUDE (date) FROM rows ORDER BY provider, account"
_MATCHING = """
SELECT run_id FROM load_run WHERE starts_with(run_id, $beginning) AND $condition
GROUP BY run_id ORDER BY run_id LIMIT 2
"""


@dataclass(frozen=True)
class _Work:
    """The work of a run: slices planned, loaded and failed; HTTP requests and retries; bytes received; fact rows.

    ``waited_seconds`` were spent waiting for providers' limits, summed over accounts that may wait at the same time.
    Instants are in UTC; ``ended_at`` is None for a run that is in progress or was killed.
    """

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
    waited_seconds: float

    @property
    def seconds(self) -> float | None:
        """The duration; None without an end."""
        return None if self.ended_at is None else max((self.ended_at - self.started_at).total_seconds(), 0.0)


@dataclass(frozen=True)
class RunTotals(_Work):
    """The work of a run for all its ``accounts``; ``accounts_by_result`` counts them."""

    accounts: int
    accounts_by_result: Mapping[str, int]

    @property
    def result(self) -> str:
        """The result of the whole run."""
        results = self.accounts_by_result
        for result in (NOT_ENDED, INTERRUPTED):
            if result in results:
                return result
        if set(results) == {LOADED}:
            return LOADED
        return FAILED if set(results) == {FAILED} else PARTLY_FAILED

    @property
    def failed_accounts(self) -> int:
        """The number of accounts for which something failed."""
        return self.accounts_by_result.get(FAILED, 0) + self.accounts_by_result.get(PARTLY_FAILED, 0)


@dataclass(frozen=True)
class AccountRun(_Work):
    """The work of a run for one account, its ``result``, and the first sentence of its error."""

    provider: str
    account: str
    result: str
    error: str | None


def read_runs(
    store: Store, *, limit: int, accounts: Collection[str] | None = None, run_id: str | None = None
) -> list[RunTotals]:
    """Return the totals of at most ``limit`` runs, newest first; none before the first publication.

    With ``accounts`` only their part of the runs counts; with ``run_id`` only that run. Raises WarehouseErrors.
    """
    query = _rows_query(_condition(accounts, run_id)) + fill(_RUNS, limit=str(limit))
    return [RunTotals(**{**row, "accounts_by_result": dict(row["accounts_by_result"])}) for row in _read(store, query)]


def read_account_runs(store: Store, run_id: str, accounts: Collection[str] | None = None) -> list[AccountRun]:
    """Return the rows of one run, ordered by provider and account. Raises WarehouseErrors."""
    names = [field.name for field in fields(AccountRun)]
    rows = _read(store, _rows_query(_condition(accounts, run_id)) + _ACCOUNTS)
    return [AccountRun(**{name: row[name] for name in names}) for row in rows]


def find_run_ids(store: Store, beginning: str, accounts: Collection[str] | None = None) -> list[str]:
    """Return the ids of the runs that begin with a text: at most two of them. Raises WarehouseErrors."""
    query = fill(_MATCHING, beginning=literal(beginning), condition=_condition(accounts, None))
    return [row["run_id"] for row in _read(store, query)]


def _condition(accounts: Collection[str] | None, run_id: str | None) -> str:
    conditions = [] if run_id is None else [f"run_id = {literal(run_id)}"]
    if accounts is not None:
        conditions.append(f"account IN ({', '.join(map(literal, accounts))})")
    return " AND ".join(conditions) or "true"


def _rows_query(condition: str) -> str:
    return fill(
        _ROWS,
        not_ended=literal(NOT_ENDED),
        loaded=literal(LOADED),
        interrupted_message=literal(INTERRUPTED_MESSAGE),
        interrupted=literal(INTERRUPTED),
        partly_failed=literal(PARTLY_FAILED),
        failed=literal(FAILED),
        condition=condition,
    )


def _read(store: Store, query: str) -> list[dict[str, Any]]:
    with suppress(NothingPublished):
        rows: list[dict[str, Any]] = store.read(query).to_pylist()
        return rows
    return []
