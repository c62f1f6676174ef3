"""Estimate the progress of a run: the share of work done, the rate, the time left. No output here.

A batch to fetch and a slice to load count as one piece of work each, because fetching runs ahead of loading and either
may be all that is left to do.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

_TOO_EARLY_SECONDS = 3.0


@dataclass
class _AccountProgress:
    slices: int = 0
    batches: int = 0
    slices_done: int = 0
    batches_landed: int = 0

    @property
    def work(self) -> int:
        return self.slices + self.batches

    @property
    def work_done(self) -> int:
        # an account that ended early does not fetch the rest of its batches
        if self.slices_done >= self.slices:
            return self.work
        return self.slices_done + min(self.batches_landed, self.batches)


class ProgressEstimate:
    """The progress of a run, from the events of an observer. ``monotonic`` returns seconds.

    >>> estimate = ProgressEstimate(lambda: 0.0)
    >>> estimate.add_work("acme", slices=31, batches=1)
    >>> estimate.record_batch("acme")
    >>> estimate.format_summary()
    '3%, 0/31 slices, 1/1 batches'
    """

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._started = monotonic()
        self._accounts: dict[str, _AccountProgress] = {}

    def add_work(self, account: str, slices: int, batches: int) -> None:
        """Add the slices and batches that an account needs."""
        self._accounts[account] = _AccountProgress(slices, batches)

    def record_batch(self, account: str) -> None:
        """Count one landed batch."""
        self._accounts[account].batches_landed += 1

    def record_slices(self, account: str, slices: int) -> None:
        """Count slices that were loaded, or that failed and will not be loaded."""
        self._accounts.setdefault(account, _AccountProgress()).slices_done += slices

    @property
    def elapsed_seconds(self) -> float:
        """Return the seconds since the start."""
        return self._monotonic() - self._started

    @property
    def slice_counts(self) -> tuple[int, int]:
        """Return the number of slices done, and of all slices."""
        accounts = self._accounts.values()
        return sum(account.slices_done for account in accounts), sum(account.slices for account in accounts)

    @property
    def batch_counts(self) -> tuple[int, int]:
        """Return the number of landed batches, and of all batches to fetch."""
        accounts = self._accounts.values()
        return sum(account.batches_landed for account in accounts), sum(account.batches for account in accounts)

    @property
    def done_fraction(self) -> float:
        """Return the fraction of the work that is done, 0.0 to 1.0."""
        accounts = self._accounts.values()
        work = sum(account.work for account in accounts)
        return sum(account.work_done for account in accounts) / work if work else 0.0

    @property
    def remaining_seconds(self) -> float | None:
        """Return the seconds left at the present rate; None while it is too early for an estimate."""
        fraction, elapsed = self.done_fraction, self.elapsed_seconds
        return elapsed / fraction * (1 - fraction) if fraction and elapsed >= _TOO_EARLY_SECONDS else None

    def format_summary(self) -> str:
        """Return share, slices, batches, rate and time left in one line."""
        (slices_done, slices), (landed, batches) = self.slice_counts, self.batch_counts
        parts = [
            f"{self.done_fraction:.0%}",
            f"{slices_done}/{slices} slices",
            f"{landed}/{batches} batches{self._format_rate()}",
        ]
        if self.remaining_seconds is not None:
            parts.append(f"{format_duration(self.remaining_seconds)} left")
        return ", ".join(parts)

    def _format_rate(self) -> str:
        landed, elapsed = self.batch_counts[0], self.elapsed_seconds
        if not landed or elapsed < _TOO_EARLY_SECONDS:
            return ""
        rate = landed / elapsed
        return f" at {rate:.1f}/s" if rate >= 1 else f" at {rate * 60:.1f}/min"


def format_duration(seconds: float) -> str:
    """Format seconds as hours, minutes and seconds.

    >>> format_duration(3661)
    '1:01:01'
    """
    return str(timedelta(seconds=round(seconds)))
