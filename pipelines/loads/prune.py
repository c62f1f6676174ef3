"""Deleting responses from the landing zone when their retention has ended. No dagster.

Always kept: the batches of loaded slices, the newest batch of each day that is not rejected, and all batches of an
account without a loaded slice.
"""

from collections.abc import Iterable
from datetime import datetime, timedelta

from extractors.landing.prune import PruneResult, list_landed_accounts, prune_account
from extractors.landing.zone import LandingZone
from pipelines.loads.workspace import Workspace

LONGEST_PAUSE = timedelta(days=35)
"""How long after its newest response a zone is still pruned. Later, the clock may be wrong."""


def prune_landing(workspace: Workspace) -> PruneResult:
    """Delete batches that were replaced more than ``retention.landing_days`` days ago; none where that is not set.

    The days are counted back from now, but from no later than ``LONGEST_PAUSE`` after the newest response of the zone:
    a clock that is far ahead must not delete the history.

    Raises WarehouseErrors: without the ledger of an account nothing of it is deleted.
    """
    pruned = PruneResult()
    days = workspace.config.settings.retention.landing_days
    if days is None:
        return pruned
    now, accounts = workspace.clock.now(), list_landed_accounts(workspace.landing)
    before = min(now, _last_arrival_at(workspace.landing, accounts, now) + LONGEST_PAUSE) - timedelta(days=days)
    for provider, account in accounts:
        needed = {batch for row in workspace.store.ledger(account) for batch in row.batches}
        if not needed:  # never loaded, or the warehouse was lost and is not rebuilt yet
            continue
        pruned.add(prune_account(workspace.landing, provider, account, needed, before, now))
    return pruned


def _last_arrival_at(landing: LandingZone, accounts: Iterable[tuple[str, str]], default: datetime) -> datetime:
    """Return the newest instant (UTC) at which the last batch of any stream was fetched; ``default`` without any."""
    stamps = [
        batch.fetched_at
        for provider, account in accounts
        for stream in landing.list_streams(provider, account)
        for batch in landing.list_batches(provider, account, stream)[-1:]
    ]
    return max(stamps, default=default)
