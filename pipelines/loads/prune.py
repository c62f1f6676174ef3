"""Tidying the landing zone: old segments are merged, and responses deleted when their retention has ended. No dagster.

Always kept: the batches of loaded slices, the newest batch of each day that is not rejected, and all batches of an
account without a loaded slice.
"""

from datetime import timedelta

from extractors.landing.prune import PruneResult, list_landed_accounts, prune_account
from pipelines.loads.expire import LONGEST_PAUSE, delete_old_conversations, limit_now
from pipelines.loads.workspace import Workspace

__all__ = ["LONGEST_PAUSE", "prune_landing"]


def prune_landing(workspace: Workspace) -> PruneResult:
    """Merge the segments of past months, and delete what ``retention`` does not keep.

    These are batches replaced more than ``landing_days`` ago, all batches older than ``response_days``, and rows of
    single conversations older than ``conversation_days``. Without these settings nothing is deleted.

    The days are counted back from now, but from no later than ``LONGEST_PAUSE`` after the newest response of the zone:
    a clock that is far ahead must not delete the history.

    Raises WarehouseErrors: without the ledger of an account nothing of it is deleted.
    """
    pruned, landing, retention = PruneResult(), workspace.landing, workspace.config.settings.retention
    now, accounts = workspace.clock.now(), list_landed_accounts(landing)
    limits = (retention.landing_days, retention.response_days, retention.conversation_days)
    counted_to = now if limits == (None, None, None) else limit_now(landing, accounts, now)
    before, expired = (None if days is None else counted_to - timedelta(days=days) for days in limits[:2])
    with workspace.store.hold_engine():
        for provider, account in accounts:
            needed = {batch for row in workspace.store.ledger(account) for batch in row.batches} if before else set()
            # nothing is deleted of an account that was never loaded, or whose warehouse was lost and is not rebuilt yet
            kept = before if needed else None
            pruned.add(prune_account(landing, provider, account, needed, kept, now, expired=expired))
    pruned.conversations = delete_old_conversations(workspace, counted_to)
    return pruned
