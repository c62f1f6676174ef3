"""The check of what is landed: the responses that loaded days rest on. Called by ``steps.connection_check``."""

from collections.abc import Sequence

from extractors.account import Account
from extractors.windows import group_into_windows
from pipelines.cli.steps.check_result import CheckResult
from pipelines.loads.lost_days import find_lost_days
from pipelines.loads.workspace import Workspace
from warehouse.errors import WarehouseError


def check_landed_responses(workspace: Workspace, accounts: Sequence[Account]) -> list[CheckResult]:
    """Return a failed result for each account whose landed files are empty, short or gone beside damaged ones."""
    results = []
    for account in accounts:
        try:
            lost = find_lost_days(workspace.landing, account, workspace.store.ledger(account.name))
        except (WarehouseError, OSError):
            continue  # told by the checks of the warehouse and of the folder
        if lost:
            days = ", ".join(str(window) for window in group_into_windows(sorted(lost)))
            message = f"{workspace.landing.root}: the responses of {len(lost)} loaded days are damaged or gone ({days})"
            advice = (
                f"run `chatmart backfill --from {min(lost)} --to {max(lost)} --account {account.name}`, which requests "
                "these days again"
            )
            results.append(CheckResult("landing", False, message, advice, account))
    return results
