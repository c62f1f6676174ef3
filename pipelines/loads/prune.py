"""Deleting what the configuration's retention does not keep of the landing zone. No dagster.

What a loaded slice rests on is kept, and so is the newest answer of each day that is understood. Of an account of which
nothing is loaded everything is kept.
"""

from datetime import timedelta

from extractors.landing.prune import PruneResult, list_landed_accounts, prune_account
from pipelines.loads.workspace import Workspace


def prune_landing(workspace: Workspace) -> PruneResult:
    """Take out answers that were replaced longer ago than ``retention.landing_days``; nothing where none is set.

    Raises WarehouseErrors: nothing is deleted that the ledger could not be asked about.
    """
    pruned = PruneResult()
    days = workspace.config.settings.retention.landing_days
    if days is None:
        return pruned
    before = workspace.clock.now() - timedelta(days=days)
    for provider, account in list_landed_accounts(workspace.landing):
        needed = {batch for row in workspace.store.ledger(account) for batch in row.batches}
        if not needed:  # never loaded, or the warehouse was lost and not built anew yet
            continue
        pruned.add(prune_account(workspace.landing, provider, account, needed, before))
    return pruned
