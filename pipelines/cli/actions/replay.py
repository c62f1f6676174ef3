"""The work of ``chatmart replay``: load landed responses again, without a request.

How days are found and loaded is in ``pipelines.loads``.
"""

from collections.abc import Sequence
from datetime import date

from pipelines.cli.display.progress import show_progress
from pipelines.cli.steps.open_workspace import open_workspace
from pipelines.cli.steps.preview_output import print_preview
from pipelines.cli.steps.run_with_progress import run_with_progress
from pipelines.loads.history import list_landed_days
from pipelines.loads.preview import preview_replay
from pipelines.loads.replay import replay_jobs
from pipelines.loads.run import LoadJob
from pipelines.loads.workspace import Workspace


def replay_days(config: str | None, days: tuple[date, date], accounts: Sequence[str], providers: Sequence[str]) -> int:
    """Load the landed days of a range again, both ends included. Returns the exit code."""
    workspace = open_workspace(config, "replay")
    jobs = _plan_jobs(workspace, days, accounts, providers)
    return run_with_progress(workspace, lambda observer: replay_jobs(workspace, jobs, observer))


def preview_days(
    config: str | None, days: tuple[date, date], accounts: Sequence[str], providers: Sequence[str], *, as_json: bool
) -> int:
    """Print the numbers that a replay of a range would change; nothing is written. Returns the exit code."""
    workspace = open_workspace(config, "replay")
    jobs = _plan_jobs(workspace, days, accounts, providers)
    with show_progress() as observer:
        preview = preview_replay(workspace, jobs, observer)
    return print_preview(preview, as_json)


def _plan_jobs(
    workspace: Workspace, days: tuple[date, date], accounts: Sequence[str], providers: Sequence[str]
) -> list[LoadJob]:
    start, end = days
    jobs = []
    for account in workspace.config.select_accounts(accounts, providers):
        landed_days = sorted(day for day in list_landed_days(account, workspace.landing) if start <= day <= end)
        jobs.append(LoadJob(account, tuple(landed_days)))
    return jobs
