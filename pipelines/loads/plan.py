"""Deciding what to fetch and in which order it is committed. No request is made and nothing is written here.

A slice is settled when its batches were fetched later than the look-back after its day ended; a back-fill leaves it.
What was landed and not yet loaded is loaded rather than asked for again.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from extractors.account import Account
from extractors.landing.batch import Batch, select_newest_by_day
from extractors.landing.zone import LandingZone
from extractors.registry import Provider, Stream
from extractors.windows import ONE_DAY, Window, day_start, group_into_windows, today
from pipelines.loads.status import GOOD_STATES, StateRange, day_states
from transforms.chunk import DayClaim
from warehouse.records import LedgerRow
from warehouse.store import Store

MAX_REUSE_AGE = timedelta(hours=6)
"""How long a landed batch that is not loaded yet is taken in place of a new request."""

PlannedFetch = tuple[str, Stream[Any], Window]
ReuseRule = Callable[[Batch, date], bool]
DayClaims = Mapping[str, tuple[DayClaim, ...]]
"""By stream the batches that count, each with its days."""


@dataclass(frozen=True)
class LoadStep:
    """One commit: a month's days of one account, and the windows that must be landed before it."""

    days: tuple[date, ...]
    fetches: tuple[PlannedFetch, ...]


@dataclass(frozen=True)
class DailyLoad:
    """What a daily load asks for of one account: ``days``, oldest first.

    ``older`` are days that are missing, failed or stale too, further back than a daily load reaches.
    """

    account: Account
    days: tuple[date, ...]
    older_windows: tuple[Window, ...] = ()


def plan_daily_loads(store: Store, accounts: Sequence[Account], now: datetime, catch_up_days: int) -> list[DailyLoad]:
    """What the daily load of each account is about that has begun, as the published warehouse stands.

    Yesterday and the look-back before it, always. Of the ``catch_up_days`` days that end with yesterday also those
    that nobody loaded, that failed or are stale, and those whose numbers may have moved since they were fetched: that
    is what days of downtime leave behind. Raises WarehouseErrors, though not before the first publication.
    """
    loads = (
        plan_daily_load(account, ranges, now, catch_up_days) for account, ranges in day_states(store, accounts, now)
    )
    return [load for load in loads if load is not None]


def plan_daily_load(
    account: Account, ranges: Collection[StateRange], now: datetime, catch_up_days: int
) -> DailyLoad | None:
    """The daily load of an account whose days stand as ``ranges`` say; None before it begins."""
    regular = daily_window(account, now)
    if regular is None:
        return None
    reach = min(regular.start, regular.end - timedelta(days=catch_up_days))
    begin = account.start_date or date.min
    standing_days = [(day, each.state) for each in ranges for day in each.window.days() if begin <= day < regular.start]
    caught_up = {day for day, state in standing_days if state != "settled" and day >= reach}
    gaps = [day for day, state in standing_days if state not in GOOD_STATES and day < reach]
    return DailyLoad(account, tuple(sorted(caught_up.union(regular.days()))), tuple(group_into_windows(gaps)))


def daily_window(account: Account, now: datetime, day: date | None = None) -> Window | None:
    """The daily load's days: ``day`` (default: the account's yesterday) and its look-back; None before its start."""
    last = day or today(account.zone, now) - ONE_DAY
    first = last - timedelta(days=account.lookback_days)
    if account.start_date is not None:
        first = max(first, account.start_date)
    return Window(first, last + ONE_DAY) if first <= last else None


def clip_window(account: Account, window: Window, now: datetime) -> Window | None:
    """The part of a window neither before the account's start nor in its future; None when nothing is left."""
    start = max(window.start, account.start_date or window.start)
    end = min(window.end, today(account.zone, now) + ONE_DAY)
    return Window(start, end) if start < end else None


def list_unsettled_days(account: Account, window: Window, ledger: Iterable[LedgerRow]) -> list[date]:
    """The days of a window that are not settled under the account's present id and zone, oldest first."""
    own = (account.provider, account.external_id, account.timezone)
    settled = {
        row.date for row in ledger if row.state == "settled" and (row.provider, row.external_id, row.zone) == own
    }
    return [day for day in window.days() if day not in settled]


def build_reuse_rule(
    account: Account, ledger: Iterable[LedgerRow], *, now: datetime, run_started_at: datetime, refetch: bool
) -> ReuseRule:
    """Whether a landed batch may stand for a new request of a day.

    Always when it was landed since this run started (another run of the account was faster). Otherwise while it is
    fresh, not loaded before this run started, understood, and fetched after the day had ended; never with ``refetch``.
    """
    loaded = {row.date: frozenset(row.batches) for row in ledger if row.loaded_at and row.loaded_at < run_started_at}

    def may_stand(batch: Batch, day: date) -> bool:
        if batch.landed_at >= run_started_at:
            return True
        fresh = is_fresh(batch, day, account.zone, now)
        return not refetch and fresh and batch.batch_id not in loaded.get(day, frozenset()) and not batch.is_rejected

    return may_stand


def is_fresh(batch: Batch, day: date, zone: ZoneInfo, now: datetime) -> bool:
    """Whether it was fetched after the day had ended in its zone, and not long before now."""
    return batch.fetched_at >= day_start(day + ONE_DAY, zone) and now - batch.fetched_at < MAX_REUSE_AGE


def plan_steps(
    account: Account, provider: Provider[Any], landing: LandingZone, days: Collection[date], is_reusable: ReuseRule
) -> list[LoadStep]:
    """The commits for some days, newest month first, each with what it still needs from the provider.

    Windows are cut over the whole range, as wide as a provider answers; one that reaches over two months is asked for
    once, before the newer of them.
    """
    wanted: list[PlannedFetch] = []
    for name in account.enabled_streams:
        stream = provider.streams[name]
        newest = _newest(landing, account, name, days)
        missing = [day for day in days if day not in newest or not is_reusable(newest[day], day)]
        wanted += [
            (name, stream, window) for whole in group_into_windows(missing) for window in stream.windows(account, whole)
        ]
    months = [month for whole in group_into_windows(days) for month in whole.split_into_months()]
    planned = []
    for month in sorted(months, reverse=True):
        needed = [each for each in wanted if each[2].end > month.start]
        wanted = [each for each in wanted if each[2].end <= month.start]
        planned.append(LoadStep(tuple(month.days()), tuple(reversed(needed))))
    return planned


def loadable_days(
    account: Account, landing: LandingZone, days: Collection[date], is_reusable: ReuseRule
) -> tuple[tuple[date, ...], DayClaims]:
    """The days of which every pulled stream has a batch that may stand, and the batches that count for each of them."""
    newest = {name: _newest(landing, account, name, days) for name in account.enabled_streams}
    complete = tuple(
        day
        for day in sorted(days)
        if all(day in batches and is_reusable(batches[day], day) for batches in newest.values())
    )
    return complete, build_day_claims(
        {day: {name: batches[day] for name, batches in newest.items()} for day in complete}
    )


def build_day_claims(rounds: Mapping[date, Mapping[str, Batch]]) -> DayClaims:
    """What each stream's batches count for, of the batches by stream that each day rests on."""
    by_stream: dict[str, dict[Batch, set[date]]] = {}
    for day, batches in rounds.items():
        for name, batch in batches.items():
            by_stream.setdefault(name, {}).setdefault(batch, set()).add(day)
    return {
        name: tuple(DayClaim(batch, frozenset(days)) for batch, days in by_batch.items())
        for name, by_batch in by_stream.items()
    }


def _newest(landing: LandingZone, account: Account, stream: str, days: Collection[date]) -> Mapping[date, Batch]:
    if not days:
        return {}
    within = Window(min(days), max(days) + ONE_DAY)
    batches = landing.list_batches(account.provider, account.name, stream, within)
    return select_newest_by_day(batches, days, account.external_id, account.timezone)
