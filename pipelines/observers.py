"""Who follows a run while it goes. What is shown, and how, is decided by those who implement it."""

from collections.abc import Collection
from datetime import date
from typing import Protocol

from extractors.accounts import Account
from extractors.batches import Batch


class Observer(Protocol):
    """Follows a run: a progress bar, a log."""

    def planned(self, account: Account, slices: int, requests: int) -> None:
        """The account's slices and batches that this run is about to load and fetch."""

    def landed(self, batch: Batch) -> None:
        """A batch has arrived."""

    def loaded(self, account: Account, days: Collection[date]) -> None:
        """Slices are committed."""

    def failed(self, account: Account, days: Collection[date], error: str) -> None:
        """Slices could not be loaded."""


class Quiet:
    """An observer that looks away."""

    def planned(self, account: Account, slices: int, requests: int) -> None:
        """Nothing."""

    def landed(self, batch: Batch) -> None:
        """Nothing."""

    def loaded(self, account: Account, days: Collection[date]) -> None:
        """Nothing."""

    def failed(self, account: Account, days: Collection[date], error: str) -> None:
        """Nothing."""
