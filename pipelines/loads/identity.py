"""Account names that two configurations give to different bots: refused, before one replaces the other's slices.

An id may change: then the slices of the former id are stale, and are loaded again. Its responses are in the landing
zone then, older than those of the present id. What another configuration has loaded is in another landing zone, or came
between two responses of the present id. No request is made here.
"""

import logging
from collections.abc import Sequence
from contextlib import suppress

from extractors.account import Account
from extractors.errors import ConfigError
from extractors.landing.batch import Batch
from pipelines.loads.workspace import Workspace
from warehouse.records import AccountRow, LedgerRow

log = logging.getLogger("chatmart.run")

_ADVICE = "give the account another name in one of the two configurations"


def require_own_names(workspace: Workspace, others: Sequence[AccountRow]) -> None:
    """Refuse configured accounts whose names belong to ``others`` of the warehouse.

    Raises ConfigError with a sentence for each such name, and WarehouseErrors.
    """
    accounts = {account.name: account for account in workspace.config.accounts}
    problems = [_find_problem(workspace, accounts[other.account], other) for other in others]
    if any(problems):
        raise ConfigError([problem for problem in problems if problem])


def _find_problem(workspace: Workspace, account: Account, other: AccountRow) -> str | None:
    former = (other.provider, other.external_id)
    ledger = workspace.store.ledger(other.account)
    if not any(row.loaded_at and (row.provider, row.external_id) == former for row in ledger):
        return None
    former_numbers = _landed_numbers(workspace, other.provider, other.account, other.external_id)
    subject = f"account {account.name}: in {workspace.store.address} this name is {' '.join(former)}"
    present = f"here it is {account.provider} {account.external_id}"
    if not former_numbers:
        landing = workspace.landing.address
        return f"{subject}, whose responses are not in {landing}, and {present}: {_ADVICE}"
    if other.provider == account.provider:
        numbers = _landed_numbers(workspace, account.provider, account.name, account.external_id)
        if any(0 < number < max(former_numbers) for number in numbers):
            return f"{subject} since the last load, {present}, and it was before: {_ADVICE}"
    return None


def _landed_numbers(workspace: Workspace, provider: str, account: str, external_id: str) -> list[int]:
    """Return the arrival numbers of the landed batches of an id."""
    landing = workspace.landing
    return [
        batch.number
        for stream in landing.list_streams(provider, account)
        for batch in landing.list_batches(provider, account, stream)
        if _read_id(batch) == external_id
    ]


def _read_id(batch: Batch) -> str | None:
    with suppress(ValueError, KeyError, OSError):  # a damaged batch says nothing
        return str(batch.manifest["external_id"])
    return None


def warn_about_foreign_slices(workspace: Workspace, account: Account, ledger: Sequence[LedgerRow]) -> None:
    """Log that the warehouse holds slices of an account of which nothing was ever landed here."""
    if any(row.loaded_at for row in ledger):
        log.error(
            "%s: the warehouse has days of this account, and %s has no response of it: another configuration may use "
            "its name, or the landing zone was moved",
            *(account.name, workspace.landing.address),
        )


def describe_shared_projects(accounts: Sequence[Account]) -> list[str]:
    """Return a sentence for each bot that is configured under several names: its numbers are counted once for each."""
    names: dict[tuple[str, str, str], list[str]] = {}
    for account in accounts:
        if not account.project_identity:  # a key whose variable is not set
            continue
        names.setdefault((account.provider, account.base_url, account.project_identity), []).append(account.name)
    return [
        f"{' and '.join(group)} are one bot of {provider}: sums over accounts count it {len(group)} times"
        for (provider, _, _), group in names.items()
        if len(group) > 1
    ]
