"""Observers of a run in progress. Displays must not come in: they implement ``Observer`` elsewhere."""

from collections.abc import Collection
from datetime import date
from typing import Protocol

from extractors.account import Account
from extractors.landing.batch import Batch


class Observer(Protocol):
    """Receives the events of a run, for a progress bar or a log."""

    def on_planned(self, account: Account, slices: int, batches: int) -> None:
        """An account is planned: the run will load ``slices`` slices and fetch ``batches`` batches."""

    def on_batch_landed(self, batch: Batch) -> None:
        """A batch has been landed."""

    def on_days_loaded(self, account: Account, days: Collection[date]) -> None:
        """The slices of these local days are committed."""

    def on_days_failed(self, account: Account, days: Collection[date], error: str) -> None:
        """The slices of these local days could not be loaded; ``error`` is the reason, without secrets."""


class NullObserver:
    """An observer that does nothing."""

    def on_planned(self, account: Account, slices: int, batches: int) -> None:
        """Do nothing."""

    def on_batch_landed(self, batch: Batch) -> None:
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

    def on_batch_landed(self, batch: Batch) -> None:
        """Pass the event on."""
        self._other.on_batch_landed(batch)

    def on_days_loaded(self, account: Account, days: Collection[date]) -> None:
        """Pass the event on."""
        self._other.on_days_loaded(account, days)

    def on_days_failed(self, account: Account, days: Collection[date], error: str) -> None:
        """Record the reason for each day, and pass the event on."""
        self._failures.setdefault(account.name, {}).update(dict.fromkeys(days, error))
        self._other.on_days_failed(account, days, error)
