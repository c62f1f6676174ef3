"""The queries behind the status: states of days, errors, differences and runs of configured accounts.

Days of years are read as ranges of days with one state, or only counted. What must not come in: a store, what a state
means for a load.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime

from extractors.account import Account
from extractors.instants import MAX_CLOCK_SKEW
from transforms.privacy import mark_privacy
from warehouse.sql import day_literal, fill, literal

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


def status_query(accounts: Sequence[Account], now: datetime, restated_since: datetime) -> str:
    """Return the query for a row of each account: ranges of days, last load and error, findings."""
    return _ranges_query(
        accounts,
        fill(
            _STATUS,
            accounts=_list_literals(account.name for account in accounts),
            since=literal(restated_since.isoformat()),
            loaded_order=_newest_credible("loaded_at", now),
            error_order=_newest_credible("error_at", now),
        ),
    )


def ranges_query(accounts: Sequence[Account], since: date | None) -> str:
    """Return the query for each account's ranges of days of one state, from ``since`` on."""
    return _ranges_query(accounts, _RANGES_BY_ACCOUNT, since)


def begun_query(accounts: Sequence[Account], since: date) -> str:
    """Return the query for the accounts that have a slice before ``since``."""
    return fill(_BEGUN, accounts=_list_literals(account.name for account in accounts), since=day_literal(since))


def good_days_query(accounts: Sequence[Account], good_states: Iterable[str], until: date) -> str:
    """Return the query for each account's first day, and its number of days in some states, before ``until``."""
    states = _states_query(accounts, f"c.date < {day_literal(until)}")
    return states + fill(_GOOD_DAYS, good_states=_list_literals(sorted(good_states)))


def last_runs_query(accounts: Sequence[Account], now: datetime) -> str:
    """Return the query for the newest row of `load_run` of each account."""
    names = _list_literals(account.name for account in accounts)
    return fill(_LAST_RUNS, accounts=names, order=_newest_credible("started_at", now))


def _ranges_query(accounts: Sequence[Account], sql: str, since: date | None = None) -> str:
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
