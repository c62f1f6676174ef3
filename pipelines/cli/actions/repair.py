"""The work of ``chatmart check --repair``: mend the warehouse from the landing zone, and print what was done.

What is damaged or missing, and the loading itself, are in ``pipelines.loads``.
"""

from collections.abc import Sequence

import click

from pipelines.cli.display.values import format_for_terminal
from pipelines.cli.steps.open_workspace import open_workspace
from pipelines.cli.steps.run_with_progress import run_with_progress
from pipelines.loads.failures import format_days
from pipelines.loads.repair import RepairPlan, plan_repair, set_damage_aside
from pipelines.loads.replay import replay_jobs
from pipelines.loads.run import LoadJob, run_jobs


def repair_accounts(config: str | None, accounts: Sequence[str], providers: Sequence[str]) -> int:
    """Find what is damaged or missing, and mend it. Returns the exit code: 1 when something could not be mended."""
    workspace = open_workspace(config, "repair")
    chosen = workspace.config.select_accounts(accounts, providers)
    sentences = set_damage_aside(workspace)
    for sentence in sentences:
        _print(sentence)
    plans = [plan_repair(workspace, account) for account in chosen]
    for plan in plans:
        for line in _describe_plan(plan):
            _print(line)
    replayed = [LoadJob(plan.account, plan.replayed) for plan in plans if plan.replayed]
    fetched = [LoadJob(plan.account, plan.fetched) for plan in plans if plan.fetched]
    codes = []
    if replayed:
        codes.append(run_with_progress(workspace, lambda observer: replay_jobs(workspace, replayed, observer)))
    if fetched and not workspace.stop.is_requested:
        codes.append(
            run_with_progress(workspace, lambda observer: run_jobs(workspace, fetched, refetch=True, observer=observer))
        )
    if workspace.store.publish():
        _print(f"published: {workspace.store.address}")
    elif not (sentences or replayed or fetched):
        _print("nothing to repair: the warehouse is whole, and has every day that was landed")
    return max(codes, default=0)


def _describe_plan(plan: RepairPlan) -> list[str]:
    lines = list(plan.problems)
    if plan.replayed:
        lines.append(f"{plan.account.name}: loading from the landing zone: {format_days(plan.replayed)}")
    if plan.fetched:
        lines.append(f"{plan.account.name}: fetching again: {format_days(plan.fetched)}")
    return lines


def _print(sentence: str) -> None:
    click.echo(format_for_terminal(sentence))
