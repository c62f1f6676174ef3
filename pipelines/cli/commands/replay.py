"""``chatmart replay``: load what was landed again, without one request."""

from collections.abc import Sequence
from datetime import date

import click

from pipelines.cli.options import DAY_TYPE, accounts_option, as_date, providers_option
from pipelines.cli.steps.open_workspace import open_workspace
from pipelines.cli.steps.run_with_progress import run_with_progress
from pipelines.loads.history import list_landed_days
from pipelines.loads.replay import replay_jobs as load_again
from pipelines.loads.run import LoadJob


@click.command()
@click.option("--from", "first", type=DAY_TYPE, metavar="D", help="First day (default: the first that was landed).")
@click.option("--to", "last", type=DAY_TYPE, metavar="D", help="Last day, included.")
@accounts_option
@providers_option
@click.pass_obj
def replay(config: str | None, first: object, last: object, accounts: Sequence[str], providers: Sequence[str]) -> int:
    """Load all landed answers again: after a change of a conforming map or a parser, or when the warehouse is lost.

    What the books say of restatements is made anew from the answers, too.
    """
    start, end = as_date(first) or date.min, as_date(last) or date.max
    if start > end:
        raise click.UsageError("--from must not be later than --to")
    workspace = open_workspace(config, "replay")
    jobs = []
    for account in workspace.config.select_accounts(accounts, providers):
        days = sorted(day for day in list_landed_days(account, workspace.landing) if start <= day <= end)
        jobs.append(LoadJob(account, tuple(days)))
    return run_with_progress(workspace, lambda observer: load_again(workspace, jobs, observer))
