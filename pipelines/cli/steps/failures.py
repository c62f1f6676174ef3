"""Alerts and warnings after a load from the command line.

The texts about failed accounts and the sending of alerts are in ``pipelines.loads``.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

from extractors.account import Account
from extractors.errors import ConfigError
from pipelines.cli.display.output import print_message
from pipelines.loads.alerts import Alert, send_alert
from pipelines.loads.apprise_delivery import MISSING, is_installed
from pipelines.loads.failures import (
    FailedDays,
    describe_failed_accounts,
    describe_older_days,
    format_reasons,
    retry_advice,
)
from pipelines.loads.identity import describe_shared_projects
from pipelines.loads.plan import DailyLoad
from pipelines.loads.run import LoadJob
from pipelines.loads.run_watch import RunWatch, is_news
from pipelines.loads.workspace import Workspace

_COMMAND = "chatmart load"
_MAX_WARNINGS = 5


@contextmanager
def alert_on_error(workspace: Workspace, jobs: Sequence[LoadJob]) -> Iterator[None]:
    """Send an alert when the block raises an error, and let the error pass.

    The block may add to ``jobs``. A ConfigError sends no alert: it is wrong use, and the caller sees the message.
    """
    try:
        yield
    except ConfigError:
        raise
    except Exception as error:
        advice = "Committed days stay loaded. Run the same command again to continue."
        _send(workspace, _build_alert(workspace, jobs, {}, str(error), advice))
        raise


def watch_run(workspace: Workspace, jobs: Sequence[LoadJob]) -> RunWatch | None:
    """Return what the books say before a load, for ``send_run_alerts`` after it; None where nobody is told anything.

    Raises WarehouseErrors.
    """
    alerts = workspace.config.settings.alerts
    if not alerts.has_receiver:
        return None
    if alerts.apprise and not is_installed():
        print_message(f"alerts.apprise: no alert can be sent, as {MISSING}", style="yellow")
    return RunWatch(workspace, [job.account for job in jobs])


def send_run_alerts(
    workspace: Workspace, jobs: Sequence[LoadJob], failed: FailedDays, day: date | None, watch: RunWatch | None
) -> None:
    """Send an alert that names the accounts whose failure is news, and alerts about what else has changed.

    ``day`` is the command's --date, if any; ``watch`` was begun before the load.
    """
    if watch is None:
        return
    settings, now = workspace.config.settings, workspace.clock.now()
    news = {
        name: reasons
        for name, reasons in failed.items()
        if is_news(watch.streaks.get(name), now, settings.alerts.reminder_days)
    }
    if news:
        days = [day for reasons in news.values() for day in reasons]
        advice = retry_advice(list(news), days, settings.catch_up_days, day)
        summary = describe_failed_accounts(news, len(jobs), still_failing=len(failed) - len(news))
        _send(workspace, _build_alert(workspace, jobs, news, summary, advice))
    for alert in watch.list_news(_COMMAND):
        _send(workspace, alert)


def _send(workspace: Workspace, alert: Alert) -> None:
    send_alert(workspace.config.settings.alerts, alert, workspace.config.network)


def _build_alert(workspace: Workspace, jobs: Sequence[LoadJob], failed: FailedDays, summary: str, advice: str) -> Alert:
    days: list[date] = [day for job in jobs for day in job.days]
    providers = sorted({job.account.provider for job in jobs if not failed or job.account.name in failed})
    day_range = f"{min(days)} to {max(days)}" if days else None
    return Alert(_COMMAND, workspace.run_id, summary, advice, format_reasons(failed), providers, day_range)


def warn_about_older_days(loads: Sequence[DailyLoad], catch_up_days: int) -> None:
    """Warn about days that are too old for a daily load, with the command that loads them."""
    behind = [load for load in loads if load.older_windows]
    for load in behind[:_MAX_WARNINGS]:
        text = describe_older_days(load.account.name, load.older_windows, catch_up_days)
        print_message(text, style="yellow")
    if len(behind) > _MAX_WARNINGS:
        print_message(
            f"{len(behind) - _MAX_WARNINGS} more accounts lack older days; see chatmart status", style="yellow"
        )


def warn_about_shared_projects(accounts: Sequence[Account]) -> None:
    """Warn about bots that are configured under several names."""
    for text in describe_shared_projects(accounts):
        print_message(text, style="yellow")
