"""What follows a load from the command line: an alert when accounts failed, a report to Dagster, days left behind."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

from extractors.errors import ConfigError
from pipelines.cli.display.output import print_message
from pipelines.loads.alerts import Alert, retry_advice, send_alert
from pipelines.loads.failures import FailedDays, describe_failed_accounts, describe_older_days, format_reasons
from pipelines.loads.plan import DailyLoad
from pipelines.loads.run import LoadJob
from pipelines.loads.workspace import Workspace

_COMMAND = "chatmart load"
_LINES = 5


@contextmanager
def alert_on_error(workspace: Workspace, jobs: Sequence[LoadJob]) -> Iterator[None]:
    """Tells the configured webhook when the load inside ends as a whole, and lets it end.

    ``jobs`` may be filled inside. Wrong use is told to nobody but who sits before it.
    """
    try:
        yield
    except ConfigError:
        raise
    except Exception as error:
        advice = "What was committed stays, and the same command goes on from there."
        send_alert(workspace.config.settings.alerts, _alert(workspace, jobs, {}, str(error), advice))
        raise


def send_failure_alert(workspace: Workspace, jobs: Sequence[LoadJob], failed: FailedDays, day: date | None) -> None:
    """Tell the configured webhook which accounts failed, if any did; ``day`` is the one that the command named."""
    if failed:
        operating = workspace.config.settings
        days = [day for each in failed.values() for day in each]
        advice = retry_advice(list(failed), days, operating.catch_up_days, day)
        summary = describe_failed_accounts(failed, len(jobs))
        send_alert(operating.alerts, _alert(workspace, jobs, failed, summary, advice))


def _alert(workspace: Workspace, jobs: Sequence[LoadJob], failed: FailedDays, summary: str, advice: str) -> Alert:
    days: list[date] = [day for job in jobs for day in job.days]
    providers = sorted({job.account.provider for job in jobs if not failed or job.account.name in failed})
    span = f"{min(days)} to {max(days)}" if days else None
    return Alert(_COMMAND, workspace.run_id, summary, advice, format_reasons(failed), providers, span)


def warn_about_older_days(loads: Sequence[DailyLoad], catch_up_days: int) -> None:
    """Name the days that a daily load will never come to, and the command that does."""
    behind = [load for load in loads if load.older_windows]
    for load in behind[:_LINES]:
        text = describe_older_days(load.account.name, load.older_windows, catch_up_days)
        print_message(text, style="yellow")
    if len(behind) > _LINES:
        print_message(f"{len(behind) - _LINES} more accounts lack older days; see chatmart status", style="yellow")
