"""``chatmart load`` and ``chatmart backfill``: which days, and what is said of them. Loading: ``runs``."""

from collections.abc import Sequence
from datetime import date, timedelta

import click

from extractors.account import Account
from extractors.errors import ConfigError
from extractors.registry import get_provider
from extractors.windows import Window
from pipelines.cli.display.output import print_message, print_table
from pipelines.cli.options import DAY_TYPE, accounts_option, as_date, providers_option
from pipelines.cli.steps.failures import alert_on_error, send_failure_alert, warn_about_older_days
from pipelines.cli.steps.open_workspace import open_workspace
from pipelines.cli.steps.run_with_progress import run_with_progress
from pipelines.loads.claims import build_reuse_rule
from pipelines.loads.observer import FailureCollector, Observer
from pipelines.loads.plan import (
    clip_window,
    daily_window,
    list_unsettled_days,
    plan_daily_loads,
    plan_steps,
)
from pipelines.loads.result import RunResult
from pipelines.loads.run import LoadJob, run_jobs
from pipelines.loads.workspace import Workspace
from pipelines.orchestration.instance.materializations import record_materializations

_NO_DAYS = "no account has any of these days: see start_date, and mind that the future is not loaded"


@click.command()
@click.option("--date", "day", type=DAY_TYPE, metavar="D", help="Day to load (default: each account's own yesterday).")
@accounts_option
@providers_option
@click.pass_obj
def load(config: str | None, day: object, accounts: Sequence[str], providers: Sequence[str]) -> int:
    """Load a day and the look-back before it; without a day also what of the last weeks is missing or failed."""
    workspace = open_workspace(config, "load")
    chosen = workspace.config.select_accounts(accounts, providers)
    named = as_date(day)
    reach = workspace.config.settings.catch_up_days
    jobs: list[LoadJob] = []
    with alert_on_error(workspace, jobs):
        if named is not None:
            jobs += _look_back(workspace, chosen, named)
            return _run(workspace, jobs, is_daily=True, named=named)
        loads = plan_daily_loads(workspace.store, chosen, workspace.clock.now(), reach)
        jobs += [LoadJob(each.account, each.days) for each in loads]
        code = _run(workspace, jobs, is_daily=True)
        warn_about_older_days(loads, reach)
    return code


@click.command()
@click.option("--from", "first", type=DAY_TYPE, required=True, metavar="D", help="First day.")
@click.option("--to", "last", type=DAY_TYPE, required=True, metavar="D", help="Last day, included.")
@accounts_option
@providers_option
@click.option("--refetch", is_flag=True, help="Ask anew for settled days and for what was landed before.")
@click.option("--dry-run", is_flag=True, help="Only say which days and requests it would take.")
@click.pass_obj
def backfill(
    config: str | None,
    first: object,
    last: object,
    accounts: Sequence[str],
    providers: Sequence[str],
    refetch: bool,
    dry_run: bool,
) -> int:
    """Load a range of days, newest month first; run it again to go on where it stopped."""
    start, end = as_date(first), as_date(last)
    if start is None or end is None or start > end:
        raise click.UsageError("--from must not be later than --to")
    workspace = open_workspace(config, "backfill")
    asked = Window(start, end + timedelta(days=1))
    jobs = []
    for account in workspace.config.select_accounts(accounts, providers):
        window = clip_window(account, asked, workspace.clock.now())
        if window != asked:
            print_message(f"{account.name}: {_left_out(account, asked, window)}", style="yellow", account=account.name)
        if window is None:
            continue
        ledger = [] if refetch else workspace.store.ledger(account.name)
        jobs.append(LoadJob(account, tuple(list_unsettled_days(account, window, ledger))))
    if not jobs:
        raise ConfigError([_NO_DAYS])
    if dry_run:
        return _say_what(workspace, jobs, refetch)
    return _run(workspace, jobs, refetch=refetch, asked=asked)


def _look_back(workspace: Workspace, accounts: Sequence[Account], day: date) -> list[LoadJob]:
    now = workspace.clock.now()
    jobs = []
    for account in accounts:
        window = daily_window(account, now, day)
        possible = clip_window(account, window, now) if window is not None else None
        if possible is None or day not in possible.days():
            why = _left_out(account, Window(day, day + timedelta(days=1)), possible)
            print_message(f"{account.name}: {why}", style="yellow", account=account.name)
        if possible is not None:
            jobs.append(LoadJob(account, tuple(possible.days())))
    if not jobs:
        raise ConfigError([_NO_DAYS])
    return jobs


def _left_out(account: Account, asked: Window, window: Window | None) -> str:
    begins_later = account.start_date is not None and asked.start < account.start_date
    why = f"begins on {account.start_date}" if begins_later else "later days are still to come"
    part = f"only {window.start} to {window.end - timedelta(days=1)}" if window else "nothing"
    return f"{why}, so {part} is loaded"


def _run(
    workspace: Workspace,
    jobs: Sequence[LoadJob],
    *,
    refetch: bool = False,
    is_daily: bool = False,
    asked: Window | None = None,
    named: date | None = None,
) -> int:
    failures: dict[str, dict[date, str]] = {}

    def work(shown: Observer) -> RunResult:
        return run_jobs(workspace, jobs, refetch=refetch, observer=FailureCollector(shown, failures))

    code = run_with_progress(workspace, work)
    if is_daily:
        send_failure_alert(workspace, jobs, failures, named)
    record_materializations(workspace, jobs, failures, asked)
    return code


def _say_what(workspace: Workspace, jobs: Sequence[LoadJob], refetch: bool) -> int:
    """Say days, batches and the least time that the providers' limits allow; nothing is asked."""
    now = workspace.clock.now()
    rows = []
    for job in jobs:
        account, known = job.account, get_provider(job.account.provider)
        may_stand = build_reuse_rule(
            account, workspace.store.ledger(account.name), now=now, run_started_at=now, refetch=refetch
        )
        planned = plan_steps(account, known, workspace.landing, job.days, may_stand)
        batches = sum(len(step.fetches) for step in planned)
        requests = account.rate_limit.requests or known.limits.requests
        period = account.rate_limit.period_seconds or known.limits.period_seconds
        waits = (batches - 1) // requests * period if requests and batches else 0
        least = f"{timedelta(seconds=round(waits))}" if waits else "seconds"
        cells = (account.name, account.provider, str(len(job.days)), str(batches), least)
        rows.append(dict(zip(("account", "provider", "days", "batches to fetch", "at least"), cells, strict=True)))
    print_table(rows, left_columns=2, label="planned")
    print_message(
        "A batch is one request or a few (pages, channels, an export job). Nothing was asked, nothing was written."
    )
    return 0
