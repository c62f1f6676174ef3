"""The check of what is landed: the responses that loaded days rest on. Called by ``steps.connection_check``."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date

from extractors.account import Account
from extractors.windows import ONE_DAY, group_into_windows
from pipelines.cli.steps.check_result import CheckResult
from pipelines.loads.lost_days import LoadedDay, find_lost_days, list_damaged_accounts
from pipelines.loads.workspace import Workspace
from warehouse.errors import WarehouseError
from warehouse.sql import fill, literal

_BATCHES = """
SELECT account, date, batches, fetched_at FROM load_ledger WHERE batches IS NOT NULL AND account IN ($accounts)
"""


def check_landed_responses(workspace: Workspace, accounts: Sequence[Account]) -> list[CheckResult]:
    """Return a failed result for each account whose landed files are empty or short, or gone beside such files."""
    loaded: dict[str, list[LoadedDay]] = defaultdict(list)
    try:
        damaged = list_damaged_accounts(workspace, accounts)
        names = ", ".join(literal(account.name) for account in damaged)
        for row in workspace.store.read(fill(_BATCHES, accounts=names)).to_pylist() if damaged else ():
            loaded[row["account"]].append((row["date"], row["batches"], row["fetched_at"]))
        lost_days = {account.name: find_lost_days(workspace, account, loaded[account.name]) for account in damaged}
    except (WarehouseError, OSError):
        return []  # the checks of the warehouse and of the folder tell of it
    return [_build_result(workspace, account, lost) for account in damaged if (lost := sorted(lost_days[account.name]))]


def _build_result(workspace: Workspace, account: Account, lost: Sequence[date]) -> CheckResult:
    windows = [(window.start, window.end - ONE_DAY) for window in group_into_windows(lost)]
    days = ", ".join(str(first) if first == last else f"{first} to {last}" for first, last in windows)
    message = f"{workspace.landing.address}: the responses of {len(lost)} loaded days are damaged or gone ({days})"
    command = f"chatmart backfill --from {lost[0]} --to {lost[-1]} --account {account.name}"
    return CheckResult("landing", False, message, f"run `{command}`, which requests these days again", account)
