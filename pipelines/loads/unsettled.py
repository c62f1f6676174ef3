"""The days that a back-fill has to load: all but the settled ones. No request is made here."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date

from extractors.account import Account
from extractors.windows import ONE_DAY, Window
from pipelines.loads.lost_days import LoadedDay, find_lost_days, list_damaged_accounts
from pipelines.loads.plan import LoadJob, list_unsettled_days
from pipelines.loads.workspace import Workspace
from warehouse.records import SettledRange


def plan_unsettled_days(workspace: Workspace, windows: Sequence[tuple[Account, Window]]) -> list[LoadJob]:
    """Return for each account those local days of its window that are not settled, or whose responses were lost.

    The settled days of all accounts are read at once, as ranges. Raises WarehouseErrors, OSError.
    """
    if not windows:
        return []
    days = (min(window.start for _, window in windows), max(window.end for _, window in windows) - ONE_DAY)
    settled: dict[str, list[SettledRange]] = defaultdict(list)
    for part in workspace.store.settled_ranges(*(account.name for account, _ in windows), days=days):
        settled[part.account].append(part)
    lost = _find_lost_days(workspace, [account for account, _ in windows if account.name in settled], days)
    return [
        LoadJob(
            account,
            tuple(list_unsettled_days(account, window, settled.get(account.name, ()), lost.get(account.name, ()))),
        )
        for account, window in windows
    ]


def _find_lost_days(
    workspace: Workspace, accounts: Sequence[Account], days: tuple[date, date]
) -> Mapping[str, set[date]]:
    damaged = list_damaged_accounts(workspace, accounts)
    if not damaged:
        return {}
    loaded: dict[str, list[LoadedDay]] = defaultdict(list)
    for row in workspace.store.ledger(*(account.name for account in damaged), days=days):
        loaded[row.account].append((row.date, row.batches, row.fetched_at))
    return {account.name: find_lost_days(workspace, account, loaded[account.name]) for account in damaged}
