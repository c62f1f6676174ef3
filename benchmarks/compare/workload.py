"""The form of a workload: its entries are measured in turn, some rounds, and compared with one of them."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.compare.contestants import Chatmart

FLOOR = "floor"

Values = Mapping[str, float]
"""The values of one run, by name; ``benchmarks.compare.table`` has the names."""

Entry = Callable[[Path], Values]
"""Runs once in an empty folder. Raises RuntimeError when a command fails or has loaded something else."""


@dataclass(frozen=True)
class Setting:
    """The choices of the command line.

    ``only`` are the entries to measure, empty for all; ``days`` are those of the workloads of a year; ``years``
    and ``accounts`` are the size of the lake; ``simulate`` counts the instructions of start-up by simulation.
    """

    chatmarts: Sequence[Chatmart]
    only: frozenset[str] = field(default_factory=frozenset)
    days: int = 365
    years: int = 5
    accounts: int = 100
    busy: bool = False
    simulate: bool = False

    def choose(self, entries: Mapping[str, Entry]) -> dict[str, Entry]:
        """Return the entries to measure."""
        return {name: entry for name, entry in entries.items() if not self.only or name in self.only}

    def fill_title(self, title: str) -> str:
        """Return a workload's title with the sizes of this run in the places of `{year}`, `{years}`, `{accounts}`."""
        year = "A year" if self.days == 365 else _count(self.days, "day")
        return title.format(year=year, years=_count(self.years, "year"), accounts=_count(self.accounts, "account"))


@dataclass(frozen=True)
class Workload:
    """A workload.

    ``title`` has places for the sizes of a run, see ``Setting.fill_title``. ``open_entries`` prepares it, and cleans up
    after the block; ``reference`` is the entry that ratios are to. ``reading`` tells a reader how to read the table.
    """

    title: str
    rounds: int
    reference: str
    open_entries: Callable[[Setting], AbstractContextManager[Mapping[str, Entry]]]
    reading: str = ""


def require_equal(loaded: int, expected: int) -> None:
    """Raise RuntimeError when a contestant has loaded something else."""
    if loaded != expected:
        raise RuntimeError(f"loaded {loaded} conversations of {expected}")


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'s' * (number != 1)}"
