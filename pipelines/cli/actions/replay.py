"""The work of ``chatmart replay``: load landed responses again, without a request.

How days are found and loaded is in ``pipelines.loads``.
"""

from collections.abc import Sequence
from datetime import date

from pipelines.cli.steps.open_workspace import open_workspace
from pipelines.cli.steps.run_with_progress import run_with_progress
from pipelines.loads.history import list_landed_days
from pipelines.loads.replay import replay_jobs
from pipelines.loads.run import LoadJob


def replay_days(config: str | None, days: tuple[date, date], accounts: Sequence[str], providers: Sequence[str]) -> int:
    """Load the landed days of a range again, both ends included. Returns the exit code."""
    start, end = days
    workspace = open_workspace(config, "replay")
    jobs = []
    for account in workspace.config.select_accounts(accounts, providers):
        landed_days = sorted(day for day in list_landed_days(account, workspace.landing) if start <= day <= end)
        jobs.append(LoadJob(account, tuple(landed_days)))
    return run_with_progress(workspace, lambda observer: replay_jobs(workspace, jobs, observer))
