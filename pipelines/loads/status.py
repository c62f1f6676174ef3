"""The status of each configured account in the published warehouse: states of its days, errors, differences.

Nothing is written or displayed here. The configuration decides which days are required, so a day can be missing before
the first run of its account.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from extractors.account import Account
from extractors.windows import ONE_DAY, Window, today
from pipelines.loads.status_queries import (
    begun_query,
    good_days_query,
    last_runs_query,
    ranges_query,
    status_query,
)
from warehouse.errors import NothingPublished, QueryError
from warehouse.store import Store

STATES = ("settled", "loaded", "stale", "failed", "missing")
GOOD_STATES = frozenset({"settled", "loaded"})
"""The states of a day that needs no attention."""

RESTATEMENT_PERIOD = timedelta(days=7)
"""The age up to which a restatement is part of the status."""


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
    states_query = status_query(accounts, now, now - RESTATEMENT_PERIOD)
    runs_query = last_runs_query(accounts, now)
    known: dict[str, dict[str, Any]] = {}
    runs: dict[str, dict[str, Any]] = {}
    with suppress(NothingPublished), store.open_session(f"{states_query};\n{runs_query}") as session:
        known = {row["account"]: row for row in session.run(states_query).to_pylist()}
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
    query = ranges_query(accounts, since)
    # an account without a start date is expected from its first slice on
    undated = [account for account in accounts if account.start_date is None]
    earlier_query = begun_query(undated, since) if since and undated else ""
    known: dict[str, dict[str, Any]] = {}
    begun: set[str] = set()
    with suppress(NothingPublished), store.open_session(f"{query};\n{earlier_query}") as session:
        known = {row["account"]: row for row in session.run(query).to_pylist()}
        begun = {row["account"] for row in session.run(earlier_query).to_pylist()} if earlier_query else begun
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
    query = good_days_query(accounts, GOOD_STATES, until)
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
