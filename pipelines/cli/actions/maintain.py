"""The work of ``chatmart maintain``, without Dagster: delete what retention does not keep, and tidy the warehouse.

What must not come in: the rules of retention, which are in ``pipelines.loads.prune``.
"""

from pipelines.cli.display.output import print_message
from pipelines.cli.steps.open_workspace import open_workspace
from pipelines.loads.prune import prune_landing
from pipelines.loads.publish import remove_stale_staging


def prune(config: str | None) -> int:
    """Delete what retention does not keep, and print how much it was. Returns the exit code."""
    workspace = open_workspace(config, "maintain")
    pruned = prune_landing(workspace)
    killed_runs = remove_stale_staging(workspace)
    files = workspace.store.tidy(workspace.clock.now().date())
    retention = workspace.config.settings.retention
    days = retention.landing_days
    responses = f"{pruned.arrivals} responses that were replaced more than {days} days ago ({pruned.bytes:,} bytes)"
    if pruned.expired:
        age = f"{pruned.expired} for being older than {retention.response_days} days"
        responses = f"{pruned.arrivals} responses, of which {age} ({pruned.bytes:,} bytes)"
    elif days is None:
        responses = "no response (retention.landing_days is not set, so all are kept)"
    conversations = f"; {pruned.conversations:,} rows of single conversations" if pruned.conversations else ""
    lake = f"; {files:,} files of the warehouse that no version of the last day has" if files else ""
    print_message(f"deleted: {responses}{conversations}{lake}; staged files of {killed_runs} killed runs")
    if pruned.busy_accounts:
        print_message(f"skipped {pruned.busy_accounts} accounts that are being fetched", style="yellow")
    return 0
