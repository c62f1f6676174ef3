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


class Pace:
    """Fed by an observer; ``monotonic`` counts seconds."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._began = monotonic()
        self._accounts: dict[str, _Account] = {}

    def planned(self, account: str, slices: int, batches: int) -> None:
        """What an account needs."""
        self._accounts[account] = _Account(slices, batches)

    def arrived(self, account: str) -> None:
        """One batch has."""
        self._accounts[account].arrived += 1

    def done(self, account: str, slices: int) -> None:
        """Slices were loaded, or nothing more will happen to them."""
        self._accounts.setdefault(account, _Account()).done += slices

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return self._monotonic() - self._began

    @property
    def slices(self) -> tuple[int, int]:
        """Those done, and all."""
        return sum(each.done for each in self._accounts.values()), sum(each.slices for each in self._accounts.values())

    @property
    def batches(self) -> tuple[int, int]:
        """Those that arrived, and all that are wanted."""
        known = self._accounts.values()
        return sum(each.arrived for each in known), sum(each.batches for each in known)

    @property
    def share(self) -> float:
        """How much of the work is done, 0.0 to 1.0."""
        work = sum(each.work for each in self._accounts.values())
        return sum(each.worked for each in self._accounts.values()) / work if work else 0.0

    @property
    def left(self) -> float | None:
        """Seconds until the end at the present pace; None while nobody can tell."""
        share, elapsed = self.share, self.elapsed
        return elapsed / share * (1 - share) if share and elapsed >= _TOO_EARLY_SECONDS else None

    def sentence(self) -> str:
        """All of it in words."""
        (done, slices), (arrived, batches) = self.slices, self.batches
        parts = [f"{self.share:.0%}", f"{done}/{slices} slices", f"{arrived}/{batches} batches{self._rate()}"]
        if self.left is not None:
            parts.append(f"{clock(self.left)} left")
        return ", ".join(parts)

    def _rate(self) -> str:
        arrived, elapsed = self.batches[0], self.elapsed
        if not arrived or elapsed < _TOO_EARLY_SECONDS:
            return ""
        rate = arrived / elapsed
        return f" at {rate:.1f}/s" if rate >= 1 else f" at {rate * 60:.1f}/min"


def clock(seconds: float) -> str:
    """Seconds as hours, minutes and seconds."""
    return str(timedelta(seconds=round(seconds)))
