"""Tidying the landing zone: old segments are merged, and responses deleted when their retention has ended. No dagster.

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
    """Merge the segments of past months, and delete batches replaced more than ``retention.landing_days`` days ago.

    Without that setting nothing is deleted.

    The days are counted back from now, but from no later than ``LONGEST_PAUSE`` after the newest response of the zone:
    a clock that is far ahead must not delete the history.

    Raises WarehouseErrors: without the ledger of an account nothing of it is deleted.
    """
    pruned, landing = PruneResult(), workspace.landing
    days = workspace.config.settings.retention.landing_days
    now, accounts = workspace.clock.now(), list_landed_accounts(landing)
    before = None
    if days is not None:
        before = min(now, _last_arrival_at(landing, accounts, now) + LONGEST_PAUSE) - timedelta(days=days)
    for provider, account in accounts:
        needed = {batch for row in workspace.store.ledger(account) for batch in row.batches} if before else set()
        # nothing is deleted of an account that was never loaded, or whose warehouse was lost and is not rebuilt yet
        pruned.add(prune_account(landing, provider, account, needed, before if needed else None, now))
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
