"""An observer of a run that writes to the log of its Dagster step. Nothing is decided here."""

from collections.abc import Collection
from datetime import date

import dagster as dg

from extractors.account import Account
from extractors.foreign_text import clean_line
from pipelines.loads.observer import NullObserver, TaskReport


class TaskLogObserver(NullObserver):
    """An observer that writes the tasks that workers of a cluster have ended to the run's log in Dagster."""

    def __init__(self, log: dg.DagsterLogManager) -> None:
        self._log = log

    def on_task_ended(self, report: TaskReport) -> None:
        """Log the figures of a task."""
        self._log.info(str(report))


class LogObserver(TaskLogObserver):
    """An observer that also writes plans and failures of accounts."""

    def on_planned(self, account: Account, slices: int, batches: int) -> None:
        """Log the slices and batches that an account is about to fetch."""
        self._log.info(f"{account.name}: {slices} slices, {batches} batches to fetch")

    def on_days_failed(self, account: Account, days: Collection[date], error: str) -> None:
        """Log the failure as soon as it happens, without secrets."""
        self._log.error(clean_line(f"{account.name}: {len(days)} slices failed: {error}"))
