"""How far a run has got, how fast it goes and how long it will take. Nothing is shown here.

A batch to fetch and a slice to load are one piece of work each: fetching goes ahead of loading, and either may be all
that is left to do.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

_TOO_EARLY_SECONDS = 3.0


@dataclass
class _Account:
    slices: int = 0
    batches: int = 0
    done: int = 0
    arrived: int = 0

    @property
    def work(self) -> int:
        return self.slices + self.batches

    @property
    def worked(self) -> int:
        # an account that ended early never asks for the rest of its batches
        return self.work if self.done >= self.slices else self.done + min(self.arrived, self.batches)


class ProgressEstimate:
    """Fed by an observer; ``monotonic`` counts seconds."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._began = monotonic()
        self._accounts: dict[str, _Account] = {}

    def add_work(self, account: str, slices: int, batches: int) -> None:
        """What an account needs."""
        self._accounts[account] = _Account(slices, batches)

    def record_batch(self, account: str) -> None:
        """One batch has."""
        self._accounts[account].arrived += 1

    def record_slices(self, account: str, slices: int) -> None:
        """Slices were loaded, or nothing more will happen to them."""
        self._accounts.setdefault(account, _Account()).done += slices

    @property
    def elapsed_seconds(self) -> float:
        """Seconds since the beginning."""
        return self._monotonic() - self._began

    @property
    def slice_counts(self) -> tuple[int, int]:
        """Those done, and all."""
        return sum(each.done for each in self._accounts.values()), sum(each.slices for each in self._accounts.values())

    @property
    def batch_counts(self) -> tuple[int, int]:
        """Those that arrived, and all that are wanted."""
        known = self._accounts.values()
        return sum(each.arrived for each in known), sum(each.batches for each in known)

    @property
    def done_fraction(self) -> float:
        """How much of the work is done, 0.0 to 1.0."""
        work = sum(each.work for each in self._accounts.values())
        return sum(each.worked for each in self._accounts.values()) / work if work else 0.0

    @property
    def remaining_seconds(self) -> float | None:
        """Seconds until the end at the present pace; None while nobody can tell."""
        share, elapsed = self.done_fraction, self.elapsed_seconds
        return elapsed / share * (1 - share) if share and elapsed >= _TOO_EARLY_SECONDS else None

    def format_summary(self) -> str:
        """All of it in words."""
        (done, slices), (arrived, batches) = self.slice_counts, self.batch_counts
        parts = [f"{self.done_fraction:.0%}", f"{done}/{slices} slices", f"{arrived}/{batches} batches{self._rate()}"]
        if self.remaining_seconds is not None:
            parts.append(f"{format_duration(self.remaining_seconds)} left")
        return ", ".join(parts)

    def _rate(self) -> str:
        arrived, elapsed = self.batch_counts[0], self.elapsed_seconds
        if not arrived or elapsed < _TOO_EARLY_SECONDS:
            return ""
        rate = arrived / elapsed
        return f" at {rate:.1f}/s" if rate >= 1 else f" at {rate * 60:.1f}/min"


def format_duration(seconds: float) -> str:
    """Seconds as hours, minutes and seconds."""
    return str(timedelta(seconds=round(seconds)))
