"""What is damaged, and what of it the landing zone or a new request can mend. Nothing is loaded or requested here.

The steps: damaged files of the warehouse are set aside, so that it goes on with those that are whole; then the days
that the landing zone holds and the books lack are loaded again; last, the days whose responses cannot be read are
fetched again.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import date

from extractors.account import Account
from extractors.landing.batch import Batch
from extractors.landing.zone import LandingZone
from extractors.windows import ONE_DAY, Window, today
from pipelines.loads.claims import newest_batches
from pipelines.loads.history import list_landed_days
from pipelines.loads.workspace import Workspace


@dataclass(frozen=True)
class RepairPlan:
    """The local days of one account that are to be replayed, and those that are to be fetched again, oldest first.

    ``problems`` are sentences about responses that cannot be read.
    """

    account: Account
    replayed: tuple[date, ...]
    fetched: tuple[date, ...]
    problems: tuple[str, ...]


def set_damage_aside(workspace: Workspace) -> list[str]:
    """Set the damaged files of the warehouse aside. Return a sentence for each. Raises WarehouseErrors."""
    damaged = workspace.store.find_damage()
    if not damaged:
        return []
    is_empty = workspace.store.set_aside(damaged)
    source = "the landing zone" if is_empty else "what is whole of the warehouse, and the landing zone"
    mended = f"set aside, and built anew from {source}"
    return [f"{damage.path} is damaged ({damage.problem}): {mended}" for damage in damaged]


def plan_repair(workspace: Workspace, account: Account) -> RepairPlan:
    """Return what is to be mended for an account. All of its newest responses are read. Raises WarehouseErrors."""
    landing = workspace.landing
    landing.check_index(account.provider, account.name)
    days = {day for day in list_landed_days(account, landing) if day < today(account.zone, workspace.clock.now())}
    unreadable, problems = _find_unreadable_days(account, landing, days)
    batch_ids: dict[date, set[str]] = {day: set() for day in days - unreadable}
    complete = set(batch_ids)
    for stream in account.enabled_streams:
        newest = newest_batches(landing, account, stream, batch_ids.keys())
        complete &= newest.keys()
        for day, batch in newest.items():
            batch_ids[day].add(batch.batch_id)
    loaded = {row.date: set(row.batches) for row in workspace.store.ledger(account.name) if row.loaded_at}
    lacking = (day for day in complete if loaded.get(day) != batch_ids[day])
    replayed = [day for day in lacking if not _has_rejected(account, landing, day)]
    return RepairPlan(account, tuple(sorted(replayed)), tuple(sorted(unreadable)), tuple(problems))


def _has_rejected(account: Account, landing: LandingZone, day: date) -> bool:
    """Return whether a response of the day was refused by a transform: to load it again changes nothing."""
    return any(
        batch.is_rejected
        for stream in account.enabled_streams
        for batch in newest_batches(landing, account, stream, [day]).values()
    )


def _find_unreadable_days(
    account: Account, landing: LandingZone, days: Collection[date]
) -> tuple[set[date], list[str]]:
    """Return the days whose newest response cannot be read, and a sentence for each such batch."""
    unreadable: set[date] = set()
    problems = []
    for batch, batch_days in _iter_newest(account, landing, days):
        try:
            for _ in batch.iter_bytes():
                pass
        except (ValueError, KeyError, TypeError, OSError) as error:
            problems.append(f"{batch.where}: {batch.batch_id} cannot be read ({error})")
            unreadable |= batch_days
    return unreadable, problems


def _iter_newest(account: Account, landing: LandingZone, days: Collection[date]) -> Iterator[tuple[Batch, set[date]]]:
    """Yield the batches that arrived last for some day of an enabled stream, each with these days."""
    if not days:
        return
    within = Window(min(days), max(days) + ONE_DAY)
    for stream in account.enabled_streams:
        open_days = set(days)
        for batch in reversed(landing.list_batches(account.provider, account.name, stream, within)):
            batch_days = open_days.intersection(batch.window.days())
            open_days -= batch_days
            if batch_days:
                yield batch, batch_days
