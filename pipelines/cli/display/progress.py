"""How a run is shown while it goes: a bar on a terminal, lines now and then elsewhere. Always on standard error."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date

from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task
from rich.text import Text

from extractors.account import Account
from extractors.landing.batch import Batch
from pipelines.cli.display.estimate import Pace, clock
from pipelines.cli.display.output import console, say
from pipelines.cli.logs import is_json
from pipelines.loads.observer import Observer

_SOONEST, _LATEST = 10.0, 300.0  # seconds between two lines
_GROWTH = 0.05  # of the time that the run has taken so far: hours make a hundred lines, not thousands


@contextmanager
def observing() -> Iterator[Observer]:
    """The observer that fits standard error."""
    pace = Pace()
    if is_json() or not console.is_terminal:
        yield Lines(pace)
        return
    with Progress(SpinnerColumn(), BarColumn(15), _Words(pace), console=console, transient=True) as progress:
        yield Bar(pace, progress)


class _Words(ProgressColumn):
    """The pace in words, beside the bar; what is left counts down by itself."""

    def __init__(self, pace: Pace) -> None:
        super().__init__()
        self._pace = pace

    def render(self, task: Task) -> Text:
        return Text(self._pace.sentence(), no_wrap=True, overflow="ellipsis")


class Bar:
    """One bar over all accounts."""

    def __init__(self, pace: Pace, progress: Progress) -> None:
        self._pace = pace
        self._progress = progress
        self._task = progress.add_task("", total=1.0)

    def planned(self, account: Account, slices: int, requests: int) -> None:
        """The bar is for more work now."""
        self._pace.planned(account.name, slices, requests)
        self._move()

    def landed(self, batch: Batch) -> None:
        """The bar moves."""
        self._pace.arrived(batch.account)
        self._move()

    def loaded(self, account: Account, days: Collection[date]) -> None:
        """The bar moves."""
        self._pace.done(account.name, len(days))
        self._move()

    def failed(self, account: Account, days: Collection[date], error: str) -> None:
        """The bar moves too: nothing more will happen to these days. The summary says why."""
        self._pace.done(account.name, len(days))
        self._move()

    def _move(self) -> None:
        self._progress.update(self._task, completed=self._pace.share)


class Lines:
    """A line for each account as it begins, for each kind of failure, and now and then one of how far the run is."""

    def __init__(self, pace: Pace) -> None:
        self._pace = pace
        self._said_at = 0.0
        self._failures: set[tuple[str, str]] = set()

    def planned(self, account: Account, slices: int, requests: int) -> None:
        """Say what is about to happen."""
        self._pace.planned(account.name, slices, requests)
        text = f"{account.name}: {slices} days to load, {requests} batches to fetch"
        say(text, account=account.name, provider=account.provider, slices=slices, batches=requests)

    def landed(self, batch: Batch) -> None:
        """Count it."""
        self._pace.arrived(batch.account)
        self._now_and_then()

    def loaded(self, account: Account, days: Collection[date]) -> None:
        """Count them."""
        self._pace.done(account.name, len(days))
        self._now_and_then()

    def failed(self, account: Account, days: Collection[date], error: str) -> None:
        """Say it at once, each sentence once; the summary says it again, and a log as JSON has it already."""
        self._pace.done(account.name, len(days))
        if days and (account.name, error) not in self._failures and not is_json():
            say(f"{account.name}: failed {min(days)} to {max(days)}: {error}")
        self._failures.add((account.name, error))
        self._now_and_then()

    def _now_and_then(self) -> None:
        elapsed = self._pace.elapsed
        if elapsed - self._said_at < min(max(_SOONEST, elapsed * _GROWTH), _LATEST):
            return
        self._said_at = elapsed
        (done, slices), (arrived, batches), left = self._pace.slices, self._pace.batches, self._pace.left
        say(
            f"after {clock(elapsed)}: {self._pace.sentence()}",
            percent=round(self._pace.share * 100, 1),
            slices_done=done,
            slices=slices,
            batches_arrived=arrived,
            batches=batches,
            seconds=round(elapsed),
            seconds_left=None if left is None else round(left),
        )
