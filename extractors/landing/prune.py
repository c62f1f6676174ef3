"""Taking answers out of the landing zone that newer ones have replaced. Which are still needed is told by the caller.

A day's newest answer is never taken out, whatever its age: the warehouse can be built anew from what is left. What is
lost is the history of a day's numbers.
"""

from collections.abc import Callable, Collection, Hashable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from extractors.fetch import fetch_lock_path
from extractors.landing.batch import Batch
from extractors.landing.zone import LandingZone


@dataclass
class PruneResult:
    """What was taken out: arrivals, and bytes of files. ``busy`` accounts were being fetched and were left alone."""

    arrivals: int = 0
    bytes: int = 0
    busy_accounts: int = 0

    def add(self, other: "PruneResult") -> None:
        """Count what was taken out elsewhere too."""
        self.arrivals += other.arrivals
        self.bytes += other.bytes
        self.busy_accounts += other.busy_accounts


def list_landed_accounts(landing: LandingZone) -> list[tuple[str, str]]:
    """Provider and account of all that was ever landed, configured or not."""
    folders = sorted(landing.root.glob("provider=*/account=*"))
    return [(each.parent.name.partition("=")[2], each.name.partition("=")[2]) for each in folders]


def prune_account(
    landing: LandingZone, provider: str, account: str, needed: Collection[str], before: datetime
) -> PruneResult:
    """Take out an account's arrivals that were replaced ``before`` an instant and are not ``needed`` (batch ids).

    An arrival is replaced when each of its days has arrived again, whole, for the same id and zone, and not in a form
    that was not understood. The account's fetch
    lock is held; files that a killed run left behind go too.
    """
    pruned = PruneResult()
    place = fetch_lock_path(landing, provider, account)
    try:
        with FileLock(place, timeout=0, mode=0o600):
            for orphan in place.parent.rglob("*.part"):
                pruned.bytes += _remove(orphan)
            for folder in sorted(place.parent.glob("stream=*")):
                batches = landing.list_batches(provider, account, folder.name.partition("=")[2])
                for batch in _replaced(batches, before):
                    if batch.batch_id not in needed:
                        pruned.bytes += _remove(batch.manifest_path) + _remove(batch.rejection_path)
                        pruned.arrivals += 1
                pruned.bytes += _remove_unnamed(folder)
    except Timeout:
        pruned.busy_accounts += 1
    return pruned


def _replaced(batches: Collection[Batch], before: datetime) -> list[Batch]:
    # by names alone first: manifests are opened only for what may go, and for what may stand in its place
    likely = list(_replaced_by(batches, before, lambda _batch: (True, ())))
    days = {day for batch in likely for day in batch.window.days()}
    touching = [batch for batch in batches if any(day in days for day in batch.window.days())]
    return list(_replaced_by(touching, before, _identity))


def _replaced_by(
    batches: Iterable[Batch], before: datetime, identity: Callable[[Batch], tuple[bool, Hashable] | None]
) -> Iterator[Batch]:
    """Those whose days all have an arrival after them that came ``before``; the last one to come is looked at first."""
    next_arrival: dict[tuple[Hashable, date], datetime] = {}
    for batch in reversed(list(batches)):
        known = identity(batch)
        if known is None:
            continue
        whole, whose = known
        places = [(whose, day) for day in batch.window.days()]
        if all(place in next_arrival and next_arrival[place] < before for place in places):
            yield batch
        if whole:
            next_arrival.update(dict.fromkeys(places, batch.fetched_at))


def _identity(batch: Batch) -> tuple[bool, Hashable] | None:
    """Whether it is whole, and whose days it speaks of; None when its manifest cannot be read."""
    try:
        return batch.is_complete and not batch.is_rejected, (batch.manifest["external_id"], batch.manifest["zone"])
    except (ValueError, KeyError, OSError):
        return None


def _remove_unnamed(folder: Path) -> int:
    """Remove bodies that no manifest names any more."""
    named = {".".join((name[0], name[-2])) for each in folder.glob("*.json") if len(name := each.name.split(".")) == 4}
    return sum(_remove(body) for body in folder.glob("*.zst") if body.stem not in named)


def _remove(path: Path) -> int:
    try:
        size = path.stat().st_size
        path.unlink()
    except FileNotFoundError:
        return 0
    return size
