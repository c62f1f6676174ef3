"""What stands in the warehouse of each configured account, as readers see it: states of days, errors, differences.

Asked of the published warehouse; nothing is written, and nothing is shown here. What is demanded of an account
is what the configuration says now, so a day may be missing before any run has heard of the account.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from extractors.account import Account
from extractors.windows import ONE_DAY, Window, today
from warehouse.errors import NothingPublished, QueryError
from warehouse.sql import fill, literal
from warehouse.store import Store

STATES = ("settled", "loaded", "stale", "failed", "missing")
GOOD_STATES = frozenset({"settled", "loaded"})
"""The states of a day that is as it should be."""

RESTATEMENT_PERIOD = timedelta(days=7)
"""How long a restatement is told of."""

# Days come as ranges of one state: years of an account are a few rows. What is stale is known from the configuration,
# which may have changed since a run told the warehouse of it.
_RANGES = """
WITH configured AS (
    SELECT * FROM (VALUES $configured) AS c(account, provider, zone, external_id)
),
states AS (
    SELECT
        account, c.date,
        CASE
            WHEN c.state IN ('loaded', 'settled')
                AND (l.provider, l.zone, l.external_id) IS DISTINCT FROM (g.provider, g.zone, g.external_id)
                THEN 'stale'
            ELSE c.state
        END AS state
    FROM coverage AS c
    JOIN configured AS g USING (account)
    LEFT JOIN load_ledger AS l USING (account, date)
    WHERE c.state <> 'missing'
),
ranges AS (
    SELECT account, state, min(date) AS first, max(date) AS last
    FROM (
        SELECT *, date - CAST(row_number() OVER (PARTITION BY account, state ORDER BY date) AS INTEGER) AS run
        FROM states
    )
    GROUP BY account, state, run
)
"""
_STANDING = """
SELECT account, list(r ORDER BY r.first) AS ranges FROM ranges AS r GROUP BY account
"""
_QUESTION = """,
loads AS (
    SELECT account, max(loaded_at) AS last_loaded, max(error_at) AS last_error_at, max_by(error, error_at) AS last_error
    FROM load_ledger GROUP BY account
),
differences AS (
    SELECT account, measure, against, count(*) AS days, min(date) AS first, max(date) AS last
    FROM reconciliation WHERE verdict = 'unexplained' GROUP BY ALL
),
restatements AS (
    SELECT account, "view", measure, count(*) AS numbers, count(DISTINCT date) AS days
    FROM restatement_log WHERE logged_at > CAST($since AS TIMESTAMPTZ) GROUP BY ALL
),
drifted AS (
    SELECT account, stream, kind, name, count(DISTINCT date) AS days, min(date) AS first, max(date) AS last
    FROM drift GROUP BY ALL
)
SELECT
    account, last_loaded, last_error, last_error_at,
    (SELECT list(r ORDER BY r.first) FROM ranges AS r WHERE r.account = l.account) AS ranges,
    (SELECT list(d ORDER BY d.measure, d.against) FROM differences AS d WHERE d.account = l.account) AS unexplained,
    (SELECT list(c ORDER BY c."view", c.measure) FROM restatements AS c WHERE c.account = l.account) AS restatements,
    (SELECT list(f ORDER BY f.stream, f.kind, f.name) FROM drifted AS f WHERE f.account = l.account) AS drift
FROM loads AS l WHERE account IN ($accounts)
"""

_LAST_RUNS = """
SELECT * EXCLUDE (date, provider) REPLACE (CAST(waited_seconds AS DOUBLE) AS waited_seconds)
FROM load_run WHERE account IN ($accounts)
QUALIFY row_number() OVER (PARTITION BY account ORDER BY started_at DESC) = 1
"""


@dataclass(frozen=True)
class StateRange:
    """Consecutive days of one state, both ends included."""

    state: str
    first: date
    last: date

    @property
    def day_count(self) -> int:
        """How many days these are."""
        return len(self.window)

    @property
    def window(self) -> Window:
        """The same days, half-open."""
        return Window(self.first, self.last + ONE_DAY)


@dataclass(frozen=True)
class AccountStatus:
    """One account: ``ranges`` cover all days that are demanded or known, oldest first.

    ``last_loaded`` and ``last_error_at`` are instants in UTC. ``unexplained`` differences (measure, against),
    ``restatements`` of late (view, measure, numbers) and ``drift`` (stream, kind, name) say on how many days they are.
    ``last_run`` is the newest row of ``load_run``.
    """

    account: Account
    ranges: tuple[StateRange, ...]
    last_loaded_at: datetime | None = None
    last_error: str | None = None
    last_error_at: datetime | None = None
    unexplained: Sequence[Mapping[str, Any]] = field(default=())
    restatements: Sequence[Mapping[str, Any]] = field(default=())
    drift: Sequence[Mapping[str, Any]] = field(default=())
    last_run: Mapping[str, Any] | None = None

    @property
    def days_by_state(self) -> Counter[str]:
        """Days by state."""
        counted: Counter[str] = Counter()
        for each in self.ranges:
            counted[each.state] += each.day_count
        return counted


def read_account_statuses(store: Store, accounts: Sequence[Account], now: datetime) -> list[AccountStatus]:
    """The status of each account, in their order; without a warehouse every demanded day is missing."""
    known = {row["account"]: row for row in _rows(store, accounts, now)}
    runs = _last_runs(store, accounts) if known else {}
    return [_status(account, known.get(account.name, {}), runs.get(account.name), now) for account in accounts]


def day_states(
    store: Store, accounts: Sequence[Account], now: datetime
) -> list[tuple[Account, tuple[StateRange, ...]]]:
    """The ranges of each account and nothing else, in their order."""
    known = {row["account"]: row for row in _asked(store, accounts, _STANDING)}
    return [(account, _ranges(account, known.get(account.name, {}), now)) for account in accounts]


def _rows(store: Store, accounts: Sequence[Account], now: datetime) -> list[dict[str, Any]]:
    names = ", ".join(literal(account.name) for account in accounts)
    return _asked(
        store, accounts, fill(_QUESTION, accounts=names, since=literal((now - RESTATEMENT_PERIOD).isoformat()))
    )


def _asked(store: Store, accounts: Sequence[Account], question: str) -> list[dict[str, Any]]:
    told = [(each.name, each.provider, each.timezone, each.external_id) for each in accounts]
    configured = ", ".join(f"({', '.join(map(literal, each))})" for each in told)
    try:
        rows: list[dict[str, Any]] = store.read(fill(_RANGES, configured=configured) + question).to_pylist()
    except NothingPublished:
        return []
    return rows


def _last_runs(store: Store, accounts: Sequence[Account]) -> dict[str, dict[str, Any]]:
    names = ", ".join(literal(account.name) for account in accounts)
    try:
        rows = store.read(fill(_LAST_RUNS, accounts=names)).to_pylist()
    except QueryError:  # published last by a release that did not keep these books
        return {}
    return {row.pop("account"): row for row in rows}


def _status(account: Account, row: Mapping[str, Any], run: Mapping[str, Any] | None, now: datetime) -> AccountStatus:
    return AccountStatus(
        account,
        _ranges(account, row, now),
        row.get("last_loaded"),
        row.get("last_error"),
        row.get("last_error_at"),
        _listed(row, "unexplained"),
        _listed(row, "restatements"),
        _listed(row, "drift"),
        run,
    )


def _ranges(account: Account, row: Mapping[str, Any], now: datetime) -> tuple[StateRange, ...]:
    return tuple(_with_missing(account, [StateRange(**each) for each in _listed(row, "ranges")], now))


def _listed(row: Mapping[str, Any], name: str) -> list[dict[str, Any]]:
    return [{key: value for key, value in each.items() if key != "account"} for each in row.get(name) or ()]


def _with_missing(account: Account, known: Sequence[StateRange], now: datetime) -> Iterator[StateRange]:
    """The known ranges, and those between them that are demanded: from the account's start to its own yesterday."""
    end = today(account.zone, now)
    day = account.start_date or (known[0].first if known else end)
    for each in known:
        if day < min(each.first, end):
            yield StateRange("missing", day, min(each.first, end) - ONE_DAY)
        yield each
        day = max(day, each.last + ONE_DAY)
    if day < end:
        yield StateRange("missing", day, end - ONE_DAY)
