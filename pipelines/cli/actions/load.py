"""The work of ``chatmart load`` and ``chatmart backfill``: plan load jobs, run them, report left-out days.

What must not come in: which days are due (``loads.plan``) and how they are loaded (``loads.run``).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from extractors.account import Account
from extractors.errors import ConfigError
from extractors.windows import ONE_DAY, Window, today
from pipelines.cli.display.output import print_message
from pipelines.cli.display.progress import show_progress
from pipelines.cli.steps.failures import (
    alert_on_error,
    send_run_alerts,
    warn_about_older_days,
    warn_about_shared_projects,
    watch_run,
)
from pipelines.cli.steps.open_workspace import open_workspace
from pipelines.cli.steps.plan_output import print_plan
from pipelines.cli.steps.preview_output import print_preview
from pipelines.cli.steps.run_with_progress import run_with_progress
from pipelines.cli.steps.stopped_sandbox import warn_about_stopped_sandbox
from pipelines.loads.observer import FailureCollector, Observer
from pipelines.loads.plan import (
    clip_window,
    plan_daily_loads,
)
from pipelines.loads.preview_fetch import preview_load
from pipelines.loads.reach import daily_window
from pipelines.loads.result import RunResult
from pipelines.loads.run import LoadJob, run_jobs
from pipelines.loads.unsettled import plan_unsettled_days
from pipelines.loads.workspace import Workspace
from pipelines.orchestration.instance.materializations import record_materializations

_NO_DAYS = "no account has any of these days: check start_date; the future is not loaded, a day only when it is over"


@dataclass(frozen=True)
class DryRun:
    """What to print in place of a load: the plan, or with ``fetch`` the numbers that would change."""

    fetch: bool = False
    as_json: bool = False


def load_daily(
    config: str | None,
    named_day: date | None,
    accounts: Sequence[str],
    providers: Sequence[str],
    *,
    dry_run: DryRun | None = None,
) -> int:
    """Load a day and its look-back; without ``named_day``, the days that a daily load is due. Returns the exit code.

    With ``dry_run`` nothing is written.
    """
    workspace = open_workspace(config, "load", allow_unset_credentials=True)
    chosen = workspace.config.select_accounts(accounts, providers)
    warn_about_shared_projects(chosen)
    warn_about_stopped_sandbox(workspace.config)
    catch_up_days = workspace.config.settings.catch_up_days
    jobs: list[LoadJob] = []
    if dry_run is not None:
        if named_day is not None:
            return _preview(workspace, _plan_named_day(workspace, chosen, named_day), dry_run)
        loads = plan_daily_loads(workspace.store, chosen, workspace.clock.now(), catch_up_days)
        return _preview(workspace, [LoadJob(daily_load.account, daily_load.days) for daily_load in loads], dry_run)
    with alert_on_error(workspace, jobs):
        if named_day is not None:
            jobs += _plan_named_day(workspace, chosen, named_day)
            return _run(workspace, jobs, is_daily=True, named_day=named_day)
        loads = plan_daily_loads(workspace.store, chosen, workspace.clock.now(), catch_up_days)
        jobs += [LoadJob(daily_load.account, daily_load.days) for daily_load in loads]
        code = _run(workspace, jobs, is_daily=True)
        warn_about_older_days(loads, catch_up_days)
    return code


def load_range(
    config: str | None,
    days: tuple[date, date],
    accounts: Sequence[str],
    providers: Sequence[str],
    *,
    refetch: bool,
    dry_run: DryRun | None = None,
) -> int:
    """Load a range of days, both ends included; with ``dry_run`` nothing is written. Returns the exit code."""
    start, end = days
    workspace = open_workspace(config, "backfill", allow_unset_credentials=True)
    requested = Window(start, end + ONE_DAY)
    now = workspace.clock.now()
    chosen = workspace.config.select_accounts(accounts, providers)
    warn_about_shared_projects(chosen)
    if not dry_run:
        warn_about_stopped_sandbox(workspace.config)
    windows = []
    for account in chosen:
        window = clip_window(account, requested, now)
        if window != requested:
            _warn_about_left_out_days(account, requested, window, now)
        if window is not None:
            windows.append((account, window))
    if refetch:
        jobs = [LoadJob(account, window.days()) for account, window in windows]
    else:
        jobs = plan_unsettled_days(workspace, windows)
    _require_jobs(jobs)
    _name_settled_accounts(jobs)
    if dry_run is not None:
        return _preview(workspace, jobs, dry_run, refetch=refetch)
    return _run(workspace, jobs, refetch=refetch, requested=requested)


def _plan_named_day(workspace: Workspace, accounts: Sequence[Account], day: date) -> list[LoadJob]:
    """Plan a day and its look-back for each account that has days in it.

    Raises ConfigError when no account has, and when the day is over for none.
    """
    now = workspace.clock.now()
    if all(day >= today(account.zone, now) for account in accounts):
        zones = ", ".join(sorted({account.timezone for account in accounts}))
        advice = "later days are not over yet and are not loaded; without --date, chatmart load takes yesterday"
        raise ConfigError([f"--date {day} is not over in any account's time zone ({zones}): {advice}"])
    jobs = []
    for account in accounts:
        window = daily_window(account, now, day)
        available = clip_window(account, window, now) if window is not None else None
        if available is None or day not in available.days():
            _warn_about_left_out_days(account, Window.of_day(day), available, now)
        if available is not None:
            jobs.append(LoadJob(account, available.days()))
    _require_jobs(jobs)
    return jobs


def _require_jobs(jobs: Sequence[LoadJob]) -> None:
    if not jobs:
        raise ConfigError([_NO_DAYS])


def _name_settled_accounts(jobs: Sequence[LoadJob]) -> None:
    for name in (job.account.name for job in jobs if not job.days):
        print_message(f"{name}: already loaded and settled; --refetch loads these days again", account=name)


def _warn_about_left_out_days(account: Account, requested: Window, available: Window | None, now: datetime) -> None:
    reasons = []
    if account.start_date is not None and requested.start < account.start_date:
        reasons.append(f"begins on {account.start_date}")
    first_open_day = max(requested.start, today(account.zone, now))
    if first_open_day in requested:
        reasons.append(f"{first_open_day} is not over in {account.timezone}")
    days = f"only {available.start} to {available.end - ONE_DAY}" if available else "nothing"
    text = f"{account.name}: {' and '.join(reasons)}, so {days} is loaded"
    print_message(text, style="yellow", account=account.name)


def _run(
    workspace: Workspace,
    jobs: Sequence[LoadJob],
    *,
    refetch: bool = False,
    is_daily: bool = False,
    requested: Window | None = None,
    named_day: date | None = None,
) -> int:
    failures: dict[str, dict[date, str]] = {}

    def load_jobs(progress: Observer) -> RunResult:
        return run_jobs(workspace, jobs, refetch=refetch, observer=FailureCollector(progress, failures))

    watch = watch_run(workspace, jobs) if is_daily else None
    code = run_with_progress(workspace, load_jobs)
    send_run_alerts(workspace, jobs, failures, named_day, watch)
    record_materializations(workspace, jobs, failures, requested)
    return code


def _preview(workspace: Workspace, jobs: Sequence[LoadJob], dry_run: DryRun, *, refetch: bool = False) -> int:
    """Print the plan of a load, or with ``fetch`` the numbers that it would change. Returns the exit code."""
    if not dry_run.fetch:
        return print_plan(workspace, jobs, refetch)
    with show_progress() as observer:
        preview = preview_load(workspace, jobs, observer)
    return print_preview(preview, dry_run.as_json)
