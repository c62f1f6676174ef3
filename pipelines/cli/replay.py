"""``chatmart replay``: load what was landed again, without one request."""

import time
from collections.abc import Sequence
from datetime import date

import click

from pipelines.cli.loads import open_workspace, summarise
from pipelines.cli.options import DAY, accounts_option, as_date, providers_option
from pipelines.cli.progress import observing
from pipelines.plan import landed_days
from pipelines.runs import Job
from pipelines.runs import replay as load_again


@click.command()
@click.option("--from", "first", type=DAY, metavar="D", help="First day (default: the first that was landed).")
@click.option("--to", "last", type=DAY, metavar="D", help="Last day, included.")
@accounts_option
@providers_option
@click.pass_obj
def replay(config: str | None, first: object, last: object, accounts: Sequence[str], providers: Sequence[str]) -> int:
    """Load the newest landed answers again: after a change of a conforming map or a parser, or of a lost warehouse."""
    workspace = open_workspace(config)
    start, end = as_date(first) or date.min, as_date(last) or date.max
    jobs = []
    for account in workspace.config.select(accounts, providers):
        days = sorted(day for day in landed_days(account, workspace.landing) if start <= day <= end)
        jobs.append(Job(account, tuple(days)))
    began = time.monotonic()
    with observing() as observer:
        result = load_again(workspace, jobs, observer)
    summarise(result, time.monotonic() - began)
    return 0 if result.ok else 1
