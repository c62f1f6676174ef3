"""Observers of a run in progress. Displays must not come in: they implement ``Observer`` elsewhere."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from extractors.account import Account


class LandedBatch(Protocol):
    """What observers read of a landed batch; it may have been landed by another process."""

    @property
    def account(self) -> str:
        """The name of the account."""
        ...


@dataclass(frozen=True)
class TaskReport:
    """The end of a task on a worker: a range of days of a shard of accounts.

    ``range_number`` counts from 1. ``slices`` were to be loaded, ``loaded`` and ``failed`` are their outcome.
    """

    shard: str
    range_number: int
    ranges: int
    accounts: int
    slices: int
    loaded: int
    failed: int
    worker: str
    seconds: float

    def __str__(self) -> str:
        days = f", range {self.range_number} of {self.ranges}" if self.ranges > 1 else ""
        failed = f", {self.failed} failed" if self.failed else ""
        accounts = f"{self.accounts} account{'s' if self.accounts > 1 else ''}"
        return (
            f"shard {self.shard} ({accounts}{days}): {self.loaded} of {self.slices} slices loaded{failed}, "
            f"in {self.seconds:.1f} s on {self.worker}"
        )


class Observer(Protocol):
    """Receives the events of a run, for a progress bar or a log."""

    def on_planned(self, account: Account, slices: int, batches: int) -> None:
        """An account is planned: the run will load ``slices`` slices and fetch ``batches`` batches."""

    def on_task_ended(self, report: TaskReport) -> None:
        """A worker of a cluster has ended a task."""

    def on_batch_landed(self, batch: LandedBatch) -> None:
        """A batch has been landed."""

    def on_days_loaded(self, account: Account, days: Collection[date]) -> None:
        """The slices of these local days are committed."""

    def on_days_failed(self, account: Account, days: Collection[date], error: str) -> None:
        """The slices of these local days could not be loaded; ``error`` is the reason, without secrets."""


class NullObserver:
    """An observer that does nothing."""

    def on_planned(self, account: Account, slices: int, batches: int) -> None:
        """Do nothing."""

    def on_task_ended(self, report: TaskReport) -> None:
        """Do nothing."""

    def on_batch_landed(self, batch: LandedBatch) -> None:
        """Do nothing."""

    def on_days_loaded(self, account: Account, days: Collection[date]) -> None:
        """Do nothing."""

    def on_days_failed(self, account: Account, days: Collection[date], error: str) -> None:
        """Do nothing."""


class FailureCollector:
    """Collects the failed days, by account and local day with the reason, and passes all events to another observer."""

    def __init__(self, other: Observer, failures: dict[str, dict[date, str]]) -> None:
        self._failures = failures
        self._other = other

    def on_planned(self, account: Account, slices: int, batches: int) -> None:
        """Pass the event on."""
        self._other.on_planned(account, slices, batches)

    def on_task_ended(self, report: TaskReport) -> None:
        """Pass the event on."""
        self._other.on_task_ended(report)

    def on_batch_landed(self, batch: LandedBatch) -> None:
        """Pass the event on."""
        self._other.on_batch_landed(batch)

    def on_days_loaded(self, account: Account, days: Collection[date]) -> None:
        """Pass the event on."""
        self._other.on_days_loaded(account, days)

    def on_days_failed(self, account: Account, days: Collection[date], error: str) -> None:
        """Record the reason for each day, and pass the event on."""
        self._failures.setdefault(account.name, {}).update(dict.fromkeys(days, error))
        self._other.on_days_failed(account, days, error)
