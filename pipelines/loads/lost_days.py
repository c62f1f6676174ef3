"""Loaded days whose landed responses were lost: a back-fill requests them again. No request is made here."""

from collections.abc import Collection, Mapping
from datetime import date

from extractors.account import Account
from extractors.landing.damage import find_lost_batches
from extractors.landing.zone import LandingZone


def find_lost_days(landing: LandingZone, account: Account, batches: Mapping[date, Collection[str]]) -> set[date]:
    """Return the days that rest on batches which are damaged, or gone with damaged files.

    ``batches`` are the ids of the batches of each loaded local day of the account. Without their responses the
    warehouse cannot be rebuilt. Raises OSError.
    """
    needed = {batch for batch_ids in batches.values() for batch in batch_ids}
    lost = find_lost_batches(landing, account.provider, account.name, needed)
    return {day for day, batch_ids in batches.items() if lost.intersection(batch_ids)}
