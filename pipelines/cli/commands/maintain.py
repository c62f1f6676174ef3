"""``chatmart maintain``: delete what retention does not keep, without Dagster. What that is: ``pruning``."""

import click

from pipelines.cli.display.output import print_message
from pipelines.cli.steps.open_workspace import open_workspace
from pipelines.loads.load import remove_stale_staging
from pipelines.loads.prune import prune_landing


@click.command()
@click.pass_obj
def maintain(config: str | None) -> int:
    """Delete replaced answers that retention does not keep, and what killed runs left behind."""
    workspace = open_workspace(config, "maintain")
    pruned = prune_landing(workspace)
    runs = remove_stale_staging(workspace)
    days = workspace.config.settings.retention.landing_days
    what = f"{pruned.arrivals} answers that were replaced more than {days} days ago ({pruned.bytes:,} bytes)"
    if days is None:
        what = "no answer (retention.landing_days is not set, so all are kept)"
    print_message(f"deleted: {what}; staged files of {runs} killed runs")
    if pruned.busy_accounts:
        print_message(f"{pruned.busy_accounts} accounts are being fetched and were left alone", style="yellow")
    return 0
