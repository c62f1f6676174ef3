"""How a run is shown while it goes: a bar on a terminal, plain lines elsewhere. Always on standard error."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn, TimeRemainingColumn

from extractors.accounts import Account
from extractors.batches import Batch
from pipelines.observers import Observer

console = Console(stderr=True)


@contextmanager
def observing() -> Iterator[Observer]:
    """The observer that fits standard error."""
    if not console.is_terminal:
        yield Lines()
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("slices, {task.fields[batches]}/{task.fields[wanted]} batches"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, transient=True) as progress:
        yield Bar(progress)


class Bar:
    """One bar over all accounts; failures stand above it."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task = progress.add_task("loading", total=0, batches=0, wanted=0)
        self._slices = self._batches = self._wanted = 0

    def planned(self, account: Account, slices: int, requests: int) -> None:
        """The bar grows by what the account needs."""
        self._slices += slices
        self._wanted += requests
        self._progress.update(self._task, total=self._slices, wanted=self._wanted)

    def landed(self, batch: Batch) -> None:
        """Count it."""
        self._batches += 1
        self._progress.update(self._task, batches=self._batches)

    def loaded(self, account: Account, days: Collection[date]) -> None:
        """The bar moves."""
        self._progress.advance(self._task, len(days))

    def failed(self, account: Account, days: Collection[date], error: str) -> None:
        """The bar moves too: nothing more will happen to these days."""
        self._progress.advance(self._task, len(days))


class Lines:
    """One line for each commit."""

    def planned(self, account: Account, slices: int, requests: int) -> None:
        """Say what is about to happen."""
        self._say(f"{account.name}: {slices} days to load, {requests} batches to fetch")

    def landed(self, batch: Batch) -> None:
        """Too many to say."""

    def loaded(self, account: Account, days: Collection[date]) -> None:
        """Say which days are in."""
        self._say(f"{account.name}: loaded {min(days)} to {max(days)} ({len(days)} days)")

    def failed(self, account: Account, days: Collection[date], error: str) -> None:
        """Say it at once; the summary says it again."""
        if days:
            self._say(f"{account.name}: failed {min(days)} to {max(days)}: {error}")

    def _say(self, line: str) -> None:
        console.print(line, soft_wrap=True, markup=False, highlight=False)
