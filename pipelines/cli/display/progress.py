"""How a run is shown while it goes: a bar on a terminal, lines now and then elsewhere. Always on standard error."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from datetime import date

from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task
from rich.text import Text

from extractors.account import Account
from extractors.landing.batch import Batch
from pipelines.cli.display.estimate import ProgressEstimate, format_duration
from pipelines.cli.display.output import console, print_message
from pipelines.cli.logs import is_json_log
from pipelines.loads.observer import Observer

_SOONEST, _LATEST = 10.0, 300.0  # seconds between two lines
_GROWTH = 0.05  # of the time that the run has taken so far: hours make a hundred lines, not thousands


@contextmanager
def show_progress() -> Iterator[Observer]:
    """The observer that fits standard error."""
    pace = ProgressEstimate()
    if is_json_log() or not console.is_terminal:
        yield ProgressLines(pace)
        return
    with Progress(SpinnerColumn(), BarColumn(15), _Words(pace), console=console, transient=True) as progress:
        yield ProgressBar(pace, progress)


class _Words(ProgressColumn):
    """The pace in words, beside the bar; what is left counts down by itself."""

    def __init__(self, pace: ProgressEstimate) -> None:
        super().__init__()
        self._pace = pace

    def render(self, task: Task) -> Text:
        return Text(self._pace.format_summary(), no_wrap=True, overflow="ellipsis")


class ProgressBar:
    """One bar over all accounts."""

    def __init__(self, pace: ProgressEstimate, progress: Progress) -> None:
        self._pace = pace
        self._progress = progress
        self._task = progress.add_task("", total=1.0)

    def on_planned(self, account: Account, slices: int, requests: int) -> None:
        """The bar is for more work now."""
        self._pace.add_work(account.name, slices, requests)
        self._move()

    def on_batch_landed(self, batch: Batch) -> None:
        """The bar moves."""
        self._pace.record_batch(batch.account)
        self._move()

    def on_days_loaded(self, account: Account, days: Collection[date]) -> None:
        """The bar moves."""
        self._pace.record_slices(account.name, len(days))
        self._move()

    def on_days_failed(self, account: Account, days: Collection[date], error: str) -> None:
        """The bar moves too: nothing more will happen to these days. The summary says why."""
        self._pace.record_slices(account.name, len(days))
        self._move()

    def _move(self) -> None:
        self._progress.update(self._task, completed=self._pace.done_fraction)


class ProgressLines:
    """A line for each account as it begins, for each kind of failure, and now and then one of how far the run is."""

    def __init__(self, pace: ProgressEstimate) -> None:
        self._pace = pace
        self._said_at = 0.0
        self._failures: set[tuple[str, str]] = set()

    def on_planned(self, account: Account, slices: int, requests: int) -> None:
        """Say what is about to happen."""
        self._pace.add_work(account.name, slices, requests)
        text = f"{account.name}: {slices} days to load, {requests} batches to fetch"
        print_message(text, account=account.name, provider=account.provider, slices=slices, batches=requests)

    def on_batch_landed(self, batch: Batch) -> None:
        """Count it."""
        self._pace.record_batch(batch.account)
        self._now_and_then()

    def on_days_loaded(self, account: Account, days: Collection[date]) -> None:
        """Count them."""
        self._pace.record_slices(account.name, len(days))
        self._now_and_then()

    def on_days_failed(self, account: Account, days: Collection[date], error: str) -> None:
        """Say it at once, each sentence once; the summary says it again, and a log as JSON has it already."""
        self._pace.record_slices(account.name, len(days))
        if days and (account.name, error) not in self._failures and not is_json_log():
            print_message(f"{account.name}: failed {min(days)} to {max(days)}: {error}")
        self._failures.add((account.name, error))
        self._now_and_then()

    def _now_and_then(self) -> None:
        elapsed = self._pace.elapsed_seconds
        if elapsed - self._said_at < min(max(_SOONEST, elapsed * _GROWTH), _LATEST):
            return
        self._said_at = elapsed
        (done, slices), (arrived, batches), left = (
            self._pace.slice_counts,
            self._pace.batch_counts,
            self._pace.remaining_seconds,
        )
        print_message(
            f"after {format_duration(elapsed)}: {self._pace.format_summary()}",
            percent=round(self._pace.done_fraction * 100, 1),
            slices_done=done,
            slices=slices,
            batches_arrived=arrived,
            batches=batches,
            seconds=round(elapsed),
            seconds_left=None if left is None else round(left),
        )
