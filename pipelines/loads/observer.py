"""Who follows a run while it goes. What is shown, and how, is decided by those who implement it."""

from collections.abc import Collection
from datetime import date
from typing import Protocol

from extractors.account import Account
from extractors.landing.batch import Batch


class Observer(Protocol):
    """Follows a run: a progress bar, a log."""

    def on_planned(self, account: Account, slices: int, batches: int) -> None:
        """The account's slices and batches that this run is about to load and fetch."""

    def on_batch_landed(self, batch: Batch) -> None:
        """A batch has arrived."""

    def on_days_loaded(self, account: Account, days: Collection[date]) -> None:
        """Slices are committed."""

    def on_days_failed(self, account: Account, days: Collection[date], error: str) -> None:
        """Slices could not be loaded."""


class NullObserver:
    """An observer that looks away."""

    def on_planned(self, account: Account, slices: int, batches: int) -> None:
        """Nothing."""

    def on_batch_landed(self, batch: Batch) -> None:
        """Nothing."""

    def on_days_loaded(self, account: Account, days: Collection[date]) -> None:
        """Nothing."""

    def on_days_failed(self, account: Account, days: Collection[date], error: str) -> None:
        """Nothing."""


class FailureCollector:
    """Hands on to another observer what happens, and remembers the days that failed: by account and day, the reason."""

    def __init__(self, other: Observer, failures: dict[str, dict[date, str]]) -> None:
        self._failures = failures
        self._other = other

    def on_planned(self, account: Account, slices: int, batches: int) -> None:
        """Hand it on."""
        self._other.on_planned(account, slices, batches)

    def on_batch_landed(self, batch: Batch) -> None:
        """Hand it on."""
        self._other.on_batch_landed(batch)

    def on_days_loaded(self, account: Account, days: Collection[date]) -> None:
        """Hand it on."""
        self._other.on_days_loaded(account, days)

    def on_days_failed(self, account: Account, days: Collection[date], error: str) -> None:
        """Remember the reason of each day."""
        self._failures.setdefault(account.name, {}).update(dict.fromkeys(days, error))
        self._other.on_days_failed(account, days, error)
