"""Loaded days whose landed responses were lost: a back-fill requests them again. No request is made here."""

from collections.abc import Iterable
from datetime import date

from extractors.account import Account
from extractors.landing.damage import find_lost_batches
from extractors.landing.zone import LandingZone
from warehouse.records import LedgerRow


def find_lost_days(landing: LandingZone, account: Account, ledger: Iterable[LedgerRow]) -> set[date]:
    """Return the local days of an account's ledger that rest on batches which are damaged, or gone with damaged files.

    Without these responses the warehouse cannot be rebuilt. Raises OSError.
    """
    rows = list(ledger)
    lost = find_lost_batches(landing, account.provider, account.name, {batch for row in rows for batch in row.batches})
    return {row.date for row in rows if lost.intersection(row.batches)}
