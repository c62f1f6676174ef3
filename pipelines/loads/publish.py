"""What a run writes to the warehouse before its first commit and after its last one: accounts, and the publication.

Slices are committed elsewhere (``pipelines.loads.load``).
"""

import shutil
from contextlib import suppress

from pipelines.loads.identity import require_own_names
from pipelines.loads.workspace import Workspace, build_account_row
from transforms.registry import measure_definitions
from warehouse.storage.files import is_older_than

_STAGING_MAX_AGE_SECONDS = 86_400  # longer than any run takes between two publications


def set_accounts_and_measures(workspace: Workspace) -> None:
    """Write the configured accounts and all definitions of measures to the warehouse.

    Raises ConfigError when another configuration uses the name of an account, and WarehouseErrors.
    """
    accounts = [build_account_row(account) for account in workspace.config.accounts]
    measures = list(measure_definitions())
    others = workspace.store.set_accounts_and_measures(accounts, measures, replace_ids=False)
    if others:
        require_own_names(workspace, others)
        workspace.store.set_accounts_and_measures(accounts, measures)


def publish_warehouse(workspace: Workspace) -> bool:
    """Publish the commits for readers, then remove the staged files of this run and of dead runs.

    Returns False when readers see all commits already. Raises WarehouseErrors.
    """
    published = workspace.store.publish()
    remove_staging(workspace)
    return published


def remove_staging(workspace: Workspace) -> None:
    """Remove the staged files of this run, or of this part of it, and of dead runs."""
    shutil.rmtree(workspace.run_staging, ignore_errors=True)
    remove_stale_staging(workspace)


def remove_stale_staging(workspace: Workspace) -> int:
    """Remove staged files older than a day: those of dead runs. Return the number of runs."""
    removed = 0
    for folder in workspace.staging.glob("*"):
        with suppress(OSError):  # its run may just have ended; and no load fails because of this cleaning
            if is_older_than(folder, folder.stat().st_mtime, _STAGING_MAX_AGE_SECONDS):
                shutil.rmtree(folder, ignore_errors=True)
                removed += 1
    return removed
