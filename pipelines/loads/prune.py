"""Deleting responses from the landing zone when their retention has ended. No dagster.

Always kept: the batches of loaded slices, the newest batch of each day that is not rejected, and all batches of an
account without a loaded slice.
"""

from datetime import timedelta

from extractors.landing.prune import PruneResult, list_landed_accounts, prune_account
from pipelines.loads.workspace import Workspace


def prune_landing(workspace: Workspace) -> PruneResult:
    """Delete batches that were replaced more than ``retention.landing_days`` days ago; none where that is not set.

    Raises WarehouseErrors: without the ledger of an account nothing of it is deleted.
    """
    pruned = PruneResult()
    days = workspace.config.settings.retention.landing_days
    if days is None:
        return pruned
    before = workspace.clock.now() - timedelta(days=days)
    for provider, account in list_landed_accounts(workspace.landing):
        needed = {batch for row in workspace.store.ledger(account) for batch in row.batches}
        if not needed:  # never loaded, or the warehouse was lost and is not rebuilt yet
            continue
        pruned.add(prune_account(workspace.landing, provider, account, needed, before))
    return pruned
