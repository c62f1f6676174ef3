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


def send_failure_alert(workspace: Workspace, jobs: Sequence[LoadJob], failed: FailedDays, day: date | None) -> None:
    """Send an alert that names the failed accounts; none without failures. ``day`` is the command's --date, if any."""
    if failed:
        settings = workspace.config.settings
        days = [day for reasons in failed.values() for day in reasons]
        advice = retry_advice(list(failed), days, settings.catch_up_days, day)
        summary = describe_failed_accounts(failed, len(jobs))
        _send(workspace, _build_alert(workspace, jobs, failed, summary, advice))


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
