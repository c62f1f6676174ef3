"""The part of a store that reads its ledger: the committed slices, with their present states.

What must not come in: writes, and what the states mean for a load.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from warehouse.personal_store import PersonalStore
from warehouse.records import LedgerRow, Scope, SettledRange
from warehouse.sql import day_literal, fill, literal

_LEDGER = """
SELECT
    l.date, l.provider, l.account, coalesce(c.state, l.state) AS state, l.batches, l.fetched_at, l.loaded_at,
    l.rows, l.zone, l.external_id, l.error, l.error_at, l.privacy
FROM wh.load_ledger AS l
LEFT JOIN wh.coverage AS c ON c.account = l.account AND c.date = l.date
WHERE $condition
ORDER BY l.account, l.date
"""

_SETTLED_RANGES = """
SELECT account, provider, external_id, zone, privacy, min(date) AS first, max(date) AS last
FROM (
    SELECT
        l.account, l.provider, l.external_id, l.zone, l.privacy, l.date,
        l.date - CAST(row_number() OVER (
            PARTITION BY l.account, l.provider, l.external_id, l.zone, l.privacy ORDER BY l.date
        ) AS INTEGER) AS run
    FROM wh.load_ledger AS l
    JOIN wh.coverage AS c ON c.account = l.account AND c.date = l.date
    WHERE c.state = 'settled' AND $condition
)
GROUP BY account, provider, external_id, zone, privacy, run
ORDER BY account, first
"""

_STREAKS = """
WITH runs AS (
    SELECT account, started_at, failed, error FROM wh.load_run
    WHERE command = $command AND account IN ($accounts) AND ended_at IS NOT NULL AND run_id NOT IN ($excluded)
        AND started_at < coalesce(
            (SELECT min(started_at) FROM wh.load_run WHERE run_id IN ($excluded)), CAST('infinity' AS TIMESTAMPTZ)
        )
),
successes AS (
    SELECT account, max(started_at) AS at FROM runs WHERE failed = 0 AND error IS NULL GROUP BY account
)
SELECT r.account, min(r.started_at) AS first, max(r.started_at) AS last
FROM runs AS r LEFT JOIN successes AS s ON s.account = r.account
WHERE r.failed > 0 AND (s.at IS NULL OR r.started_at > s.at)
GROUP BY r.account
"""


@dataclass(frozen=True)
class FailureStreak:
    """Successive runs that failed for an account, without a success between: the starts of the first and the last."""

    account: str
    first: datetime
    last: datetime


class LedgerStore(PersonalStore):
    """A store whose ledger can be read."""

    def ledger(self, *accounts: str, days: tuple[date, date] | None = None) -> list[LedgerRow]:
        """Return the committed (not the published) slices of some accounts or of all, ordered by account and day.

        `days` are the first and the last local day; without them all days are read.
        """
        rows = self._read_ledger(_LEDGER, accounts, days)
        return [LedgerRow(*(*row[:4], tuple(row[4] or ()), *row[5:])) for row in rows]

    def settled_ranges(self, *accounts: str, days: tuple[date, date] | None = None) -> list[SettledRange]:
        """Return the committed slices that are settled, as ranges of days, ordered by account and day.

        The arguments are those of `ledger`. Years of an account are a few ranges, which cost little to read.
        """
        return [SettledRange(*row) for row in self._read_ledger(_SETTLED_RANGES, accounts, days)]

    def failure_streaks(
        self, command: str, accounts: Collection[str], excluded_run_ids: Collection[str]
    ) -> dict[str, FailureStreak]:
        """Return by account the failures of a command's committed runs since its last success, if there are any.

        Runs that have not ended do not count, nor do those with the excluded ids and those that began after them.
        Instants are in UTC. Raises WarehouseBusy.
        """
        if not accounts or not self._storage.exists():
            return {}
        query = fill(
            _STREAKS,
            command=literal(command),
            accounts=", ".join(map(literal, accounts)),
            excluded=", ".join(map(literal, excluded_run_ids)) or "''",
        )
        scope = Scope(tuple(accounts), None, frozenset({"load_run"}))
        with self._open_engine() as con, self._storage.committed(con, scope):
            return {row[0]: FailureStreak(*row) for row in con.execute(query).fetchall()}

    def _read_ledger(
        self, query: str, accounts: Sequence[str], days: tuple[date, date] | None
    ) -> list[tuple[Any, ...]]:
        if not self._storage.exists():
            return []  # nothing was ever loaded: a read must not create files
        conditions = [f"l.account IN ({', '.join(map(literal, accounts))})"] if accounts else []
        if days is not None:
            conditions.append(f"l.date BETWEEN {day_literal(days[0])} AND {day_literal(days[1])}")
        scope = Scope(tuple(accounts) or None, days, frozenset({"load_ledger"}))
        with self._open_engine() as con, self._storage.committed(con, scope):
            return con.execute(fill(query, condition=" AND ".join(conditions) or "true")).fetchall()
