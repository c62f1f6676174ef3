"""The days that are due, the windows to fetch for them, and the order of the commits.

No request is made and nothing is written here. A slice is settled when its batches were fetched later than the
look-back after its day ended: a back-fill skips it. Landed batches that are not loaded yet are loaded, not fetched
again (``pipelines.loads.claims``).
"""

from bisect import bisect_left
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from extractors.account import Account
from extractors.landing.zone import LandingZone
from extractors.provider import Provider, Stream
from extractors.windows import ONE_DAY, Window, group_into_windows, today
from pipelines.loads.claims import ReuseRule, newest_batches
from pipelines.loads.reach import daily_window, first_reached_day, list_unreached_windows
from pipelines.loads.status import StateRange, day_states, list_incomplete
from transforms.privacy import mark_privacy
from warehouse.records import SettledRange
from warehouse.store import Store

PlannedFetch = tuple[str, Stream[Any], Window]
"""Name of the stream, the stream, and the window to fetch."""


@dataclass(frozen=True)
class LoadJob:
    """The local days of one account that a run is to load."""

    account: Account
    days: tuple[date, ...]


@dataclass(frozen=True)
class LoadStep:
    """One commit: days of one month of one account, and the windows that must be landed before it."""

    days: tuple[date, ...]
    fetches: tuple[PlannedFetch, ...]


@dataclass(frozen=True)
class DailyLoad:
    """The daily load of one account: its local ``days``, oldest first.

    ``older_windows`` hold further missing, failed and stale days: those before the reach of a daily load.
    """

    account: Account
    days: tuple[date, ...]
    older_windows: tuple[Window, ...] = ()


def plan_daily_loads(
    store: Store, accounts: Sequence[Account], now: datetime, catch_up_days: int, *, with_older: bool = True
) -> list[DailyLoad]:
    """Return the daily load at ``now`` (UTC) of each account whose start date has passed, from the published warehouse.

    It always takes yesterday and the look-back before it. Of the ``catch_up_days`` days that end with yesterday it also
    takes the missing, failed and stale ones, and those that are not settled, whose numbers may have changed since they
    were fetched: so a load after a downtime catches up. Days are local days of the account's zone.

    Without ``with_older`` the days before these are not read, and there are no ``older_windows``: the cost does not
    grow with the history. Raises WarehouseErrors of a warehouse that cannot be read; one that was never published has
    no loaded day.
    """
    reaches = [
        first_reached_day(regular, catch_up_days) for account in accounts if (regular := daily_window(account, now))
    ]
    if not reaches:
        return []
    since = min(reaches)
    states = day_states(store, accounts, now, since)
    incomplete = list_incomplete(store, accounts, now, since) if with_older else []
    if incomplete:
        whole = {account.name: ranges for account, ranges in day_states(store, incomplete, now)}
        states = [(account, whole.get(account.name, ranges)) for account, ranges in states]
    loads = (plan_daily_load(account, ranges, now, catch_up_days, with_older=with_older) for account, ranges in states)
    return [load for load in loads if load is not None]


def plan_daily_load(
    account: Account, ranges: Collection[StateRange], now: datetime, catch_up_days: int, *, with_older: bool = True
) -> DailyLoad | None:
    """Return the daily load at ``now`` (UTC) of an account whose days have the states of ``ranges``.

    None before the account's start date.
    """
    regular = daily_window(account, now)
    if regular is None:
        return None
    reach = first_reached_day(regular, catch_up_days)
    start = account.start_date or date.min
    earlier = [
        (state_range.state, Window(max(state_range.first, start), min(state_range.window.end, regular.start)))
        for state_range in ranges
        if max(state_range.first, start) < min(state_range.window.end, regular.start)
    ]
    caught_up = {
        day
        for state, window in earlier
        if state != "settled" and window.end > reach
        for day in Window(max(window.start, reach), window.end).days()
    }
    older = list_unreached_windows(account, ranges, reach) if with_older else []
    return DailyLoad(account, tuple(sorted(caught_up.union(regular.days()))), tuple(older))


def clip_window(account: Account, window: Window, now: datetime) -> Window | None:
    """Return the part of a window from the account's start date to its yesterday at ``now`` (UTC); None when empty.

    A day that is not over in the account's zone has the numbers of a part of it, which look like a low day.
    """
    start = max(window.start, account.start_date or window.start)
    end = min(window.end, today(account.zone, now))
    return Window(start, end) if start < end else None


def list_unsettled_days(
    account: Account, window: Window, settled: Iterable[SettledRange], lost: Collection[date] = ()
) -> list[date]:
    """Return the local days of a window that are not settled, or whose landed responses are `lost`, oldest first.

    Slices of another provider, external id, zone or privacy than the account's present ones settle nothing.
    """
    identity = (account.provider, account.external_id, account.timezone, mark_privacy(account))
    settled_days: set[date] = set()
    for part in settled:
        if (part.provider, part.external_id, part.zone, part.privacy) == identity:
            settled_days.update(Window(part.first, part.last + ONE_DAY).days())
    settled_days.difference_update(lost)
    return [day for day in window.days() if day not in settled_days]


def plan_fetches(
    account: Account, provider: Provider[Any], landing: LandingZone, days: Collection[date], is_reusable: ReuseRule
) -> list[PlannedFetch]:
    """Return the windows still to be fetched for some local days, stream after stream, oldest first.

    They are cut over the whole range, as wide as one request of the provider allows.
    """
    fetches: list[PlannedFetch] = []
    for name in account.enabled_streams:
        stream = provider.streams[name]
        newest = newest_batches(landing, account, name, days)
        missing = [day for day in days if day not in newest or not is_reusable(newest[day], day)]
        for missing_window in group_into_windows(missing):
            fetches += [(name, stream, window) for window in stream.windows(account, missing_window)]
    return fetches


def plan_steps(
    account: Account, provider: Provider[Any], landing: LandingZone, days: Collection[date], is_reusable: ReuseRule
) -> list[LoadStep]:
    """Return the commits for some local days, newest month first, each with the windows still to be fetched for it.

    A window that spans two months is fetched once, before the newer of them.
    """
    months = [month for window in group_into_windows(days) for month in window.split_into_months()]
    starts = [month.start for month in months]
    due: list[list[PlannedFetch]] = [[] for _ in months]
    for fetch in plan_fetches(account, provider, landing, days, is_reusable):
        due[bisect_left(starts, fetch[2].end) - 1].append(fetch)
    steps = [LoadStep(month.days(), tuple(reversed(fetches))) for month, fetches in zip(months, due, strict=True)]
    return steps[::-1]
