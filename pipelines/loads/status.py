"""The status of each configured account in the published warehouse: states of its days, errors, differences.

Nothing is written or displayed here. The configuration decides which days are required, so a day can be missing before
the first run of its account.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from extractors.account import Account
from extractors.instants import MAX_CLOCK_SKEW
from extractors.windows import ONE_DAY, Window, today
from transforms.privacy import mark_privacy
from warehouse.errors import NothingPublished, QueryError
from warehouse.sql import day_literal, fill, literal
from warehouse.store import Store

STATES = ("settled", "loaded", "stale", "failed", "missing")
GOOD_STATES = frozenset({"settled", "loaded"})
"""The states of a day that needs no attention."""

RESTATEMENT_PERIOD = timedelta(days=7)
"""The age up to which a restatement is part of the status."""

# Ranges of days with one state: years of an account are a few rows. Stale days are found with the present
# configuration, which may have changed since a run last wrote it to the warehouse: `coverage` does not know that yet.
_STATES = """
WITH configured AS (
    SELECT * FROM (VALUES $configured) AS c(account, provider, zone, external_id, privacy, start_date)
),
changed AS (
    SELECT g.*
    FROM configured AS g
    JOIN dim_account AS a USING (account)
    WHERE (a.provider, a.timezone, a.external_id, a.privacy)
        IS DISTINCT FROM (g.provider, g.zone, g.external_id, g.privacy)
),
outdated AS (
    SELECT l.account, l.date, true AS is_outdated
    FROM load_ledger AS l
    JOIN changed AS g USING (account)
    WHERE (l.provider, l.zone, l.external_id, l.privacy)
        IS DISTINCT FROM (g.provider, g.zone, g.external_id, g.privacy)
),
states AS (
    SELECT
        account, c.date, g.start_date,
        CASE WHEN c.state IN ('loaded', 'settled') AND o.is_outdated THEN 'stale' ELSE c.state END AS state
    FROM coverage AS c
    JOIN configured AS g USING (account)
    LEFT JOIN outdated AS o USING (account, date)
    WHERE c.state <> 'missing' AND $is_wanted
)
"""
_RANGES = """,
ranges AS (
    SELECT account, state, min(date) AS first, max(date) AS last
    FROM (
        SELECT *, date - CAST(row_number() OVER (PARTITION BY account, state ORDER BY date) AS INTEGER) AS run
        FROM states
    )
    GROUP BY account, state, run
)
"""
_RANGES_BY_ACCOUNT = """
SELECT account, list(r ORDER BY r.first) AS ranges FROM ranges AS r GROUP BY account
"""
_GOOD_DAYS = """
SELECT account, count(*) FILTER (WHERE state IN ($good_states)) AS days, min(date) AS first
FROM states WHERE start_date IS NULL OR date >= start_date
GROUP BY account
"""
_BEGUN = "SELECT DISTINCT account FROM load_ledger WHERE account IN ($accounts) AND date < $since"
_STATUS = """,
loads AS (
    SELECT
        account,
        max_by(loaded_at, $loaded_order) AS last_loaded,
        max_by(error_at, $error_order) AS last_error_at,
        max_by(error, $error_order) AS last_error
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
QUALIFY row_number() OVER (PARTITION BY account ORDER BY $order DESC) = 1
"""


@dataclass(frozen=True)
class StateRange:
    """Consecutive local days of one state, both ends included."""

    state: str
    first: date
    last: date

    @property
    def day_count(self) -> int:
        """The number of days."""
        return len(self.window)

    @property
    def window(self) -> Window:
        """The same days as a half-open window."""
        return Window(self.first, self.last + ONE_DAY)


@dataclass(frozen=True)
class AccountStatus:
    """The status of one account. ``ranges`` cover all local days that are required or known, oldest first.

    ``last_loaded_at`` and ``last_error_at`` are instants in UTC. The items of ``unexplained`` (differences: measure,
    against), ``restatements`` (of the last seven days: view, measure, numbers) and ``drift`` (stream, kind, name) each
    have their number of ``days``. ``last_run`` is the newest row of ``load_run``.
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
        """The number of days in each state."""
        counter: Counter[str] = Counter()
        for state_range in self.ranges:
            counter[state_range.state] += state_range.day_count
        return counter


def read_account_statuses(store: Store, accounts: Sequence[Account], now: datetime) -> list[AccountStatus]:
    """Return the status of each account at ``now`` (UTC), in the given order.

    Without a published warehouse every required day is missing. Raises WarehouseErrors of one that cannot be read.
    """
    status_query, runs_query = _status_query(accounts, now), _last_runs_query(accounts, now)
    known: dict[str, dict[str, Any]] = {}
    runs: dict[str, dict[str, Any]] = {}
    with suppress(NothingPublished), store.open_session(f"{status_query};\n{runs_query}") as session:
        known = {row["account"]: row for row in session.run(status_query).to_pylist()}
        with suppress(QueryError):  # last published by a release that had no `load_run`
            runs = {row.pop("account"): row for row in session.run(runs_query).to_pylist()}
    return [_build_status(account, known.get(account.name, {}), runs.get(account.name), now) for account in accounts]


def day_states(
    store: Store, accounts: Sequence[Account], now: datetime, since: date | None = None
) -> list[tuple[Account, tuple[StateRange, ...]]]:
    """Return each account with its ranges of local days at ``now`` (UTC) only, in the given order.

    With ``since`` earlier days are left out, and their states are not read. Raises WarehouseErrors of a warehouse that
    cannot be read.
    """
    query = _ranges_query(accounts, _RANGES_BY_ACCOUNT, since)
    # an account without a start date is expected from its first slice on
    undated = [account.name for account in accounts if account.start_date is None] if since else []
    begun_query = fill(_BEGUN, accounts=_list_literals(undated), since=day_literal(since)) if since and undated else ""
    known: dict[str, dict[str, Any]] = {}
    begun: set[str] = set()
    with suppress(NothingPublished), store.open_session(f"{query};\n{begun_query}") as session:
        known = {row["account"]: row for row in session.run(query).to_pylist()}
        begun = {row["account"] for row in session.run(begun_query).to_pylist()} if begun_query else begun
    return [
        (
            account,
            _build_ranges(account, known.get(account.name, {}), now, since, is_begun=account.name in begun),
        )
        for account in accounts
    ]


def list_incomplete(store: Store, accounts: Sequence[Account], now: datetime, until: date) -> list[Account]:
    """Return the accounts of which not every local day from its start to the day before ``until`` is in a good state.

    An account without a start date begins with its first slice. Days are counted, not read, so that years cost little.
    Raises WarehouseErrors of a warehouse that cannot be read.
    """
    good_states = _list_literals(sorted(GOOD_STATES))
    query = _states_query(accounts, f"c.date < {day_literal(until)}") + fill(_GOOD_DAYS, good_states=good_states)
    known: dict[str, dict[str, Any]] = {}
    with suppress(NothingPublished), store.open_session(query) as session:
        known = {row["account"]: row for row in session.run(query).to_pylist()}
    incomplete = []
    for account in accounts:
        row = known.get(account.name, {"days": 0, "first": until})
        begin, end = account.start_date or row["first"], min(until, today(account.zone, now))
        if row["days"] < (end - begin).days:
            incomplete.append(account)
    return incomplete


def _status_query(accounts: Sequence[Account], now: datetime) -> str:
    return _ranges_query(
        accounts,
        fill(
            _STATUS,
            accounts=_list_literals(account.name for account in accounts),
            since=literal((now - RESTATEMENT_PERIOD).isoformat()),
            loaded_order=_newest_credible("loaded_at", now),
            error_order=_newest_credible("error_at", now),
        ),
    )


def _ranges_query(accounts: Sequence[Account], sql: str, since: date | None = None) -> str:
    """Return a query that reads ``_RANGES``."""
    return _states_query(accounts, "true" if since is None else f"c.date >= {day_literal(since)}") + _RANGES + sql


def _states_query(accounts: Sequence[Account], is_wanted: str) -> str:
    """Return the beginning of a query that reads `states`, those of the days for which a condition on `c` is true."""
    return fill(_STATES, configured=", ".join(map(_identity_row, accounts)), is_wanted=is_wanted)


def _list_literals(texts: Iterable[str]) -> str:
    return ", ".join(map(literal, texts))


def _identity_row(account: Account) -> str:
    mark = mark_privacy(account)
    texts = (account.name, account.provider, account.timezone, account.external_id)
    start = "CAST(NULL AS DATE)" if account.start_date is None else day_literal(account.start_date)
    return f"({', '.join(map(literal, texts))}, {'CAST(NULL AS VARCHAR)' if mark is None else literal(mark)}, {start})"


def _newest_credible(column: str, now: datetime) -> str:
    """Return the SQL order by which an instant of the future, written by a clock that was ahead, is older than others.

    It is NULL where the column is.
    """
    limit = literal((now + MAX_CLOCK_SKEW).isoformat())
    return fill(
        "CASE WHEN $column IS NOT NULL THEN ROW($column <= CAST($limit AS TIMESTAMPTZ), $column) END",
        column=column,
        limit=limit,
    )


def _last_runs_query(accounts: Sequence[Account], now: datetime) -> str:
    names = _list_literals(account.name for account in accounts)
    return fill(_LAST_RUNS, accounts=names, order=_newest_credible("started_at", now))


def _build_status(
    account: Account, row: Mapping[str, Any], run: Mapping[str, Any] | None, now: datetime
) -> AccountStatus:
    return AccountStatus(
        account,
        _build_ranges(account, row, now),
        row.get("last_loaded"),
        row.get("last_error"),
        row.get("last_error_at"),
        _read_items(row, "unexplained"),
        _read_items(row, "restatements"),
        _read_items(row, "drift"),
        run,
    )


def _build_ranges(
    account: Account, row: Mapping[str, Any], now: datetime, since: date | None = None, *, is_begun: bool = False
) -> tuple[StateRange, ...]:
    known = [StateRange(**item) for item in _read_items(row, "ranges")]
    return tuple(_add_missing_ranges(account, known, now, since, is_begun=is_begun))


def _read_items(row: Mapping[str, Any], column: str) -> list[dict[str, Any]]:
    """Return the structs of a list column without their ``account``."""
    return [{key: value for key, value in item.items() if key != "account"} for item in row.get(column) or ()]


def _add_missing_ranges(
    account: Account,
    known: Sequence[StateRange],
    now: datetime,
    since: date | None = None,
    *,
    is_begun: bool = False,
) -> Iterator[StateRange]:
    """Yield the known ranges and the missing ones between them, from the account's start date to its yesterday.

    None begins before ``since``. ``is_begun`` says that there are slices before it.
    """
    end = today(account.zone, now)
    day = account.start_date or (known[0].first if known else end)
    if since is not None:
        day = since if is_begun else max(day, since)
    for state_range in known:
        if day < min(state_range.first, end):
            yield StateRange("missing", day, min(state_range.first, end) - ONE_DAY)
        yield state_range
        day = max(day, state_range.last + ONE_DAY)
    if day < end:
        yield StateRange("missing", day, end - ONE_DAY)
