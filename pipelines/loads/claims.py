"""The landed batches that count for each day, and whether a batch may replace a new request.

No request is made, nothing is written, and nothing is planned here.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from extractors.account import Account
from extractors.instants import age_at, is_between
from extractors.landing.batch import Batch, select_newest_by_day
from extractors.landing.zone import LandingZone
from extractors.windows import ONE_DAY, Window, day_start
from transforms.chunk import DayClaim
from warehouse.records import LedgerRow

MAX_REUSE_AGE = timedelta(hours=6)
"""The age up to which a landed batch that is not loaded yet replaces a new request."""

ReuseRule = Callable[[Batch, date], bool]
"""Whether a landed batch replaces a new request for a local day."""

DayClaims = Mapping[str, tuple[DayClaim, ...]]
"""By stream, the batches that count, each with its local days."""


def build_reuse_rule(
    account: Account,
    ledger: Iterable[LedgerRow],
    is_new: Callable[[Batch], bool],
    *,
    now: datetime,
    run_started_at: datetime,
    refetch: bool,
    fresh_at: datetime | None = None,
) -> ReuseRule:
    """Return the rule by which a landed batch replaces a new request for a day. Instants are in UTC.

    A batch that ``is_new``, landed since this run started, always does: another run of the account was faster. An older
    batch does while it is fresh, not loaded before this run started, not rejected, fetched after the day had ended, and
    whole: a power cut may have left a part of it. Never with ``refetch``. Whether it is fresh is decided for
    ``fresh_at`` (default: ``now``).
    """
    whole: dict[str, bool] = {}  # an earlier run's batch is read once for this
    loaded = {
        row.date: frozenset(row.batches)
        for row in ledger
        # one of the future was loaded earlier, under a clock that was ahead
        if row.loaded_at and not is_between(run_started_at, row.loaded_at, now)
    }

    def is_reusable(batch: Batch, day: date) -> bool:
        if is_new(batch):
            return True
        fresh = is_fresh(batch, day, account.zone, fresh_at or now)
        is_loaded = batch.batch_id in loaded.get(day, frozenset())
        if refetch or not fresh or is_loaded or batch.is_rejected_on(day):
            return False
        if batch.batch_id not in whole:
            whole[batch.batch_id] = batch.is_whole()
        return whole[batch.batch_id]

    return is_reusable


def is_fresh(batch: Batch, day: date, zone: ZoneInfo, now: datetime) -> bool:
    """Whether a batch was fetched after the local day had ended, and less than ``MAX_REUSE_AGE`` before ``now``.

    One that is dated in the future is not fresh: its age is not known.
    """
    age = age_at(batch.fetched_at, now)
    return age is not None and age < MAX_REUSE_AGE and batch.fetched_at >= day_start(day + ONE_DAY, zone)


def loadable_days(
    account: Account, landing: LandingZone, days: Collection[date], is_reusable: ReuseRule
) -> tuple[tuple[date, ...], DayClaims]:
    """Return the days for which every enabled stream has a reusable batch, oldest first, and the claims of these days.

    Days are local days of the account's zone.
    """
    batches_by_stream = {name: newest_batches(landing, account, name, days) for name in account.enabled_streams}
    complete = tuple(
        day
        for day in sorted(days)
        if all(day in batches and is_reusable(batches[day], day) for batches in batches_by_stream.values())
    )
    return complete, build_day_claims(
        {day: {name: batches[day] for name, batches in batches_by_stream.items()} for day in complete}
    )


def build_day_claims(batches_by_day: Mapping[date, Mapping[str, Batch]]) -> DayClaims:
    """Return the claims of each stream, given the batches (by stream) from which each day is loaded."""
    days_by_stream: dict[str, dict[Batch, set[date]]] = {}
    for day, batches in batches_by_day.items():
        for stream, batch in batches.items():
            days_by_stream.setdefault(stream, {}).setdefault(batch, set()).add(day)
    return {
        stream: tuple(DayClaim(batch, frozenset(days)) for batch, days in days_by_batch.items())
        for stream, days_by_batch in days_by_stream.items()
    }


def newest_batches(landing: LandingZone, account: Account, stream: str, days: Collection[date]) -> Mapping[date, Batch]:
    """Return for each local day the batch of a stream that counts; days without one are left out."""
    if not days:
        return {}
    within = Window(min(days), max(days) + ONE_DAY)
    batches = landing.list_batches(account.provider, account.name, stream, within)
    return select_newest_by_day(batches, days, account.external_id, account.timezone)
