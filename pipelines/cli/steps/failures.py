"""What follows a load from the command line: an alert when accounts failed, a report to Dagster, days left behind."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date

from extractors.errors import ConfigError
from pipelines.cli.display.output import say
from pipelines.loads.alerts import Alert, ask_again, send
from pipelines.loads.failures import Failed, left_behind, reasons, summed_up
from pipelines.loads.plan import DailyLoad
from pipelines.loads.run import Job
from pipelines.loads.workspace import Workspace

_COMMAND = "chatmart load"
_LINES = 5


@contextmanager
def alerting(workspace: Workspace, jobs: Sequence[Job]) -> Iterator[None]:
    """Tells the configured webhook when the load inside ends as a whole, and lets it end.

    ``jobs`` may be filled inside. Wrong use is told to nobody but who sits before it.
    """
    try:
        yield
    except ConfigError:
        raise
    except Exception as error:
        advice = "What was committed stays, and the same command goes on from there."
        send(workspace.config.operating.alerts, _alert(workspace, jobs, {}, str(error), advice))
        raise


def alert(workspace: Workspace, jobs: Sequence[Job], failed: Failed, day: date | None) -> None:
    """Tell the configured webhook which accounts failed, if any did; ``day`` is the one that the command named."""
    if failed:
        operating = workspace.config.operating
        days = [day for each in failed.values() for day in each]
        advice = ask_again(list(failed), days, operating.catch_up_days, day)
        summary = summed_up(failed, len(jobs))
        send(operating.alerts, _alert(workspace, jobs, failed, summary, advice))


def _alert(workspace: Workspace, jobs: Sequence[Job], failed: Failed, summary: str, advice: str) -> Alert:
    days: list[date] = [day for job in jobs for day in job.days]
    providers = sorted({job.account.provider for job in jobs if not failed or job.account.name in failed})
    span = f"{min(days)} to {max(days)}" if days else None
    return Alert(_COMMAND, workspace.run_id, summary, advice, reasons(failed), providers, span)


def say_left_behind(loads: Sequence[DailyLoad], catch_up_days: int) -> None:
    """Name the days that a daily load will never come to, and the command that does."""
    behind = [load for load in loads if load.older]
    for load in behind[:_LINES]:
        text = left_behind(load.account.name, load.older, catch_up_days)
        say(text, style="yellow")
    if len(behind) > _LINES:
        say(f"{len(behind) - _LINES} more accounts lack older days; see chatmart status", style="yellow")
