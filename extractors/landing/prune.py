"""Pruning: removal of batches that newer ones have replaced. The caller names the batches that are still needed.

A day's newest batch is never removed, whatever its age, so the warehouse can be rebuilt from the remaining batches.
The history of a day's numbers is lost. Nothing is fetched here.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from extractors.instants import is_credible
from extractors.landing.batch import Batch
from extractors.landing.batch_files import BatchFiles, list_unreferenced_bodies
from extractors.landing.files import sync_folder
from extractors.landing.landed_files import measure_landed, remove_landed, settle_landed
from extractors.landing.lock import hold_lock_if_free
from extractors.landing.log_batches import LoggedBatch
from extractors.landing.merge import merge_segments
from extractors.landing.segments import list_segments
from extractors.landing.zone import LandingZone


@dataclass
class PruneResult:
    """The number of removed arrivals and bytes. ``busy_accounts`` were being fetched and were skipped.

    ``expired`` of the arrivals were removed for their age alone. ``conversations`` are rows of the warehouse.
    """

    arrivals: int = 0
    bytes: int = 0
    busy_accounts: int = 0
    expired: int = 0
    conversations: int = 0

    def add(self, other: "PruneResult") -> None:
        """Add the counts of another result."""
        self.arrivals += other.arrivals
        self.bytes += other.bytes
        self.busy_accounts += other.busy_accounts
        self.expired += other.expired
        self.conversations += other.conversations


def list_landed_accounts(landing: LandingZone) -> list[tuple[str, str]]:
    """Return provider and account of every account that ever landed a batch, configured or not."""
    return landing.list_accounts()


def prune_account(
    landing: LandingZone,
    provider: str,
    account: str,
    needed: Collection[str],
    before: datetime | None,
    now: datetime,
    *,
    expired: datetime | None = None,
) -> PruneResult:
    """Merge an account's old segments, and remove what was replaced ``before`` an instant and is not ``needed`` (ids).

    An arrival is replaced when each of its days has arrived again: complete, for the same id and zone, and not
    rejected. What was fetched before ``expired`` is removed too, needed or not. Without an instant nothing is removed,
    except files that a killed run left behind. The account's fetch
    lock is held meanwhile; an account whose lock is taken is counted as busy. Instants are in UTC; what is dated after
    ``now`` was landed under a clock that was ahead, so that its date says nothing. Raises OSError.
    """
    result = PruneResult()
    with hold_lock_if_free(landing, provider, account) as holder:
        if holder is not None:
            result.busy_accounts += 1
        else:
            landing.refresh([(provider, account)])
            folder = landing.account_folder(provider, account)
            for leftover in folder.rglob("*.part"):
                result.bytes += _remove_file(leftover)
            dropped = [] if before is None else list(_list_dropped(landing, provider, account, needed, before, now))
            if expired is not None:
                dropped_ids = {batch.batch_id for batch in dropped}
                old = _list_expired(landing, provider, account, expired)
                dropped += [batch for batch in old if batch.batch_id not in dropped_ids]
                result.expired = len(dropped) - len(dropped_ids)
            result.arrivals = len(dropped)
            numbers = [batch.number for batch in dropped if isinstance(batch.source, LoggedBatch)]
            segments = list_segments(folder)
            result.bytes += merge_segments(folder, numbers, now)
            for source in (batch.source for batch in dropped):
                result.bytes += _remove_file(source.rejection_path)
                if isinstance(source, BatchFiles):
                    result.bytes += _remove_file(source.manifest_path)
            settle_landed(folder)
            for stream_folder in folder.glob("stream=*"):
                sync_folder(stream_folder)  # no power cut may leave a manifest without its body
                result.bytes += sum(map(_remove_file, list_unreferenced_bodies(stream_folder)))
            settle_landed(folder)
            if list_segments(folder) != segments:
                landing.save_index(provider, account)
    return result


def _list_expired(landing: LandingZone, provider: str, account: str, before: datetime) -> Iterator[Batch]:
    for stream in landing.list_streams(provider, account):
        yield from (batch for batch in landing.list_batches(provider, account, stream) if batch.fetched_at < before)


def _list_dropped(
    landing: LandingZone, provider: str, account: str, needed: Collection[str], before: datetime, now: datetime
) -> Iterator[Batch]:
    for stream in landing.list_streams(provider, account):
        replaced = _select_replaced(landing.list_batches(provider, account, stream), before, now)
        yield from (batch for batch in replaced if batch.batch_id not in needed)


def _select_replaced(batches: Collection[Batch], before: datetime, now: datetime) -> list[Batch]:
    # by names alone first: only manifests of candidates, and of batches that may replace them, are opened
    # one that was fetched after that instant was replaced after it, whatever the date of a later arrival
    older = [batch for batch in batches if batch.fetched_at < before or not is_credible(batch.fetched_at, now)]
    candidates = set(_iter_replaced(batches, before, lambda _batch: (True, ()))).intersection(older)
    days = {day for batch in candidates for day in batch.window.days()}
    touching = [batch for batch in batches if any(day in days for day in batch.window.days())]
    return [batch for batch in _iter_replaced(touching, before, _read_identity) if batch in candidates]


def _iter_replaced(
    batches: Iterable[Batch], before: datetime, read_identity: Callable[[Batch], tuple[bool, Hashable] | None]
) -> Iterator[Batch]:
    """Yield the batches all of whose days have a later arrival that came ``before``; newest first.

    An arrival is dated no later than those that came after it: a clock that was ahead does not keep it for ever.
    ``read_identity`` returns whether a batch can replace others, and the id and zone that it shares with them.
    """
    next_arrival: dict[tuple[Hashable, date], datetime] = {}
    for batch in reversed(list(batches)):
        identity = read_identity(batch)
        if identity is None:
            continue
        can_replace, owner = identity
        owner_days = [(owner, day) for day in batch.window.days()]
        if all(owner_day in next_arrival and next_arrival[owner_day] < before for owner_day in owner_days):
            yield batch
        if can_replace:
            for owner_day in owner_days:
                next_arrival[owner_day] = min(batch.fetched_at, next_arrival.get(owner_day, batch.fetched_at))


def _read_identity(batch: Batch) -> tuple[bool, Hashable] | None:
    """Return whether the batch is complete and not rejected, with its id and zone; None if its manifest is damaged."""
    try:
        return batch.is_complete and not batch.is_rejected, (batch.manifest["external_id"], batch.manifest["zone"])
    except (ValueError, KeyError, OSError):
        return None


def _remove_file(path: Path) -> int:
    """Remove a file if it exists; return its size in bytes."""
    try:
        size = measure_landed(path)
        remove_landed(path)
    except FileNotFoundError:
        return 0
    return size
