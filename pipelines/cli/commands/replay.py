"""``chatmart replay``: load landed responses again, without a request. Choosing and loading: ``pipelines.loads``."""

from collections.abc import Sequence

import click

from pipelines.cli.common_options import command
from pipelines.cli.options import DAY_TYPE, accounts_option, as_date_range, providers_option
from pipelines.cli.steps.open_workspace import open_workspace
from pipelines.cli.steps.run_with_progress import run_with_progress
from pipelines.loads.history import list_landed_days
from pipelines.loads.replay import replay_jobs
from pipelines.loads.run import LoadJob


@command()
@click.option("--from", "first", type=DAY_TYPE, metavar="D", help="First day (default: the first landed day).")
@click.option("--to", "last", type=DAY_TYPE, metavar="D", help="Last day, included (default: the last landed day).")
@accounts_option
@providers_option
@click.pass_obj
def replay(config: str | None, first: object, last: object, accounts: Sequence[str], providers: Sequence[str]) -> int:
    """Load all landed responses again: after a change of a conforming map or a parser, or when the warehouse is lost.

    Sends no request. Rebuilds the log of restatements from the responses too.
    """
    start, end = as_date_range(first, last)
    workspace = open_workspace(config, "replay")
    jobs = []
    for account in workspace.config.select_accounts(accounts, providers):
        days = sorted(day for day in list_landed_days(account, workspace.landing) if start <= day <= end)
        jobs.append(LoadJob(account, tuple(days)))
    return run_with_progress(workspace, lambda observer: replay_jobs(workspace, jobs, observer))
