"""Loaded days whose landed responses were lost: a back-fill requests them again. No request is made here."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime, timedelta

from extractors.account import Account
from extractors.landing.damage import find_lost_batches, has_damaged_files
from pipelines.loads.workspace import Workspace

LoadedDay = tuple[date, Collection[str], datetime | None]
"""A loaded local day, the ids of its batches, and the instant (UTC) at which the oldest of them was fetched."""


def list_damaged_accounts(workspace: Workspace, accounts: Sequence[Account]) -> list[Account]:
    """Return the accounts with damaged files in the landing zone: only they can have lost days. Raises OSError.

    Whoever looks for lost days reads the batches of these accounts only: a year of many accounts has millions.
    """
    return [account for account in accounts if has_damaged_files(workspace.landing, account.provider, account.name)]


def find_lost_days(workspace: Workspace, account: Account, loaded: Iterable[LoadedDay]) -> set[date]:
    """Return the days that rest on batches which are damaged, or gone with damaged files.

    Without their responses the warehouse cannot be rebuilt. Days with responses that are older than
    ``retention.response_days`` are left out: these are gone on purpose. Raises OSError.
    """
    landing, age = workspace.landing, workspace.config.settings.retention.response_days
    oldest = None if age is None else workspace.clock.now() - timedelta(days=age)
    batches = {
        day: batch_ids
        for day, batch_ids, fetched_at in loaded
        if oldest is None or fetched_at is None or fetched_at >= oldest
    }
    needed = {batch for batch_ids in batches.values() for batch in batch_ids}
    lost = find_lost_batches(landing, account.provider, account.name, needed)
    return {day for day, batch_ids in batches.items() if lost.intersection(batch_ids)}
