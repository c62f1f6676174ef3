"""``chatmart maintain``: delete landed responses that retention does not keep, without Dagster.

What must not come in: the rules of retention, which are in ``pipelines.loads.prune``.
"""

import click

from pipelines.cli.common_options import command
from pipelines.cli.display.output import print_message
from pipelines.cli.steps.open_workspace import open_workspace
from pipelines.loads.load import remove_stale_staging
from pipelines.loads.prune import prune_landing


@command()
@click.pass_obj
def maintain(config: str | None) -> int:
    """Merge what was landed in past months, delete what retention does not keep, and staged files of killed runs."""
    workspace = open_workspace(config, "maintain")
    pruned = prune_landing(workspace)
    killed_runs = remove_stale_staging(workspace)
    days = workspace.config.settings.retention.landing_days
    responses = f"{pruned.arrivals} responses that were replaced more than {days} days ago ({pruned.bytes:,} bytes)"
    if days is None:
        responses = "no response (retention.landing_days is not set, so all are kept)"
    print_message(f"deleted: {responses}; staged files of {killed_runs} killed runs")
    if pruned.busy_accounts:
        print_message(f"skipped {pruned.busy_accounts} accounts that are being fetched", style="yellow")
    return 0
