"""Show the progress of a run on standard error: a bar on a terminal, occasional lines elsewhere.

The figures come from ``estimate``; the events from the run, through an ``Observer``.
"""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import date

from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task
from rich.text import Text

from extractors.account import Account
from pipelines.cli.display.estimate import ProgressEstimate, format_duration
from pipelines.cli.display.output import console, print_message
from pipelines.cli.logs import is_json_log
from pipelines.loads.observer import LandedBatch, Observer, TaskReport

_MIN_SECONDS, _MAX_SECONDS = 10.0, 300.0  # between two lines
_ELAPSED_FRACTION = 0.05  # between two lines, of the time so far: a run of hours prints a hundred lines, not thousands


@contextmanager
def show_progress() -> Iterator[Observer]:
    """Yield an observer that shows progress: a bar when standard error is a terminal and no JSON log, else lines."""
    estimate = ProgressEstimate()
    if is_json_log() or not console.is_terminal:
        yield ProgressLines(estimate)
        return
    with Progress(
        SpinnerColumn(), BarColumn(15), _SummaryColumn(estimate), console=console, transient=True
    ) as progress:
        yield ProgressBar(estimate, progress)


class _SummaryColumn(ProgressColumn):
    """The estimate as text beside the bar. Rich renders it again by itself, so the time left counts down."""

    def __init__(self, estimate: ProgressEstimate) -> None:
        super().__init__()
        self._estimate = estimate

    def render(self, task: Task) -> Text:
        return Text(self._estimate.format_summary(), no_wrap=True, overflow="ellipsis")


class ProgressBar:
    """An observer that shows one bar over all accounts."""

    def __init__(self, estimate: ProgressEstimate, progress: Progress) -> None:
        self._estimate = estimate
        self._progress = progress
        self._task = progress.add_task("", total=1.0)

    def on_planned(self, account: Account, slices: int, batches: int) -> None:
        """Add the account's work to the bar."""
        self._estimate.add_work(account.name, slices, batches)
        self._update_bar()

    def on_task_ended(self, report: TaskReport) -> None:
        """Print the shard's figures above the bar."""
        print_message(str(report))

    def on_batch_landed(self, batch: LandedBatch) -> None:
        """Move the bar by one batch."""
        self._estimate.record_batch(batch.account)
        self._update_bar()

    def on_days_loaded(self, account: Account, days: Collection[date]) -> None:
        """Move the bar by these days."""
        self._estimate.record_slices(account.name, len(days))
        self._update_bar()

    def on_days_failed(self, account: Account, days: Collection[date], error: str) -> None:
        """Move the bar by these days: they are not loaded later in this run. The summary prints the error."""
        self._estimate.record_slices(account.name, len(days))
        self._update_bar()

    def _update_bar(self) -> None:
        self._progress.update(self._task, completed=self._estimate.done_fraction)


class ProgressLines:
    """An observer that prints a line when an account starts, for each new error, and occasionally for the whole run."""

    def __init__(self, estimate: ProgressEstimate) -> None:
        self._estimate = estimate
        self._printed_at_seconds = 0.0
        self._printed_errors: set[tuple[str, str]] = set()

    def on_planned(self, account: Account, slices: int, batches: int) -> None:
        """Print the account's days to load and batches to fetch; nothing of an account without such a day."""
        self._estimate.add_work(account.name, slices, batches)
        if not slices:
            return
        text = f"{account.name}: {slices} days to load, {batches} batches to fetch"
        print_message(text, account=account.name, provider=account.provider, slices=slices, batches=batches)

    def on_task_ended(self, report: TaskReport) -> None:
        """Print the shard's figures."""
        print_message(str(report), **asdict(report))

    def on_batch_landed(self, batch: LandedBatch) -> None:
        """Count the batch."""
        self._estimate.record_batch(batch.account)
        self._print_occasionally()

    def on_days_loaded(self, account: Account, days: Collection[date]) -> None:
        """Count the days."""
        self._estimate.record_slices(account.name, len(days))
        self._print_occasionally()

    def on_days_failed(self, account: Account, days: Collection[date], error: str) -> None:
        """Print each new error at once. The summary repeats it; a JSON log already has it from the run."""
        self._estimate.record_slices(account.name, len(days))
        if days and (account.name, error) not in self._printed_errors and not is_json_log():
            print_message(f"{account.name}: failed {min(days)} to {max(days)}: {error}")
        self._printed_errors.add((account.name, error))
        self._print_occasionally()

    def _print_occasionally(self) -> None:
        elapsed = self._estimate.elapsed_seconds
        if elapsed - self._printed_at_seconds < min(max(_MIN_SECONDS, elapsed * _ELAPSED_FRACTION), _MAX_SECONDS):
            return
        self._printed_at_seconds = elapsed
        (slices_done, slices), (landed, batches) = self._estimate.slice_counts, self._estimate.batch_counts
        remaining = self._estimate.remaining_seconds
        print_message(
            f"after {format_duration(elapsed)}: {self._estimate.format_summary()}",
            percent=round(self._estimate.done_fraction * 100, 1),
            slices_done=slices_done,
            slices=slices,
            batches_arrived=landed,
            batches=batches,
            seconds=round(elapsed),
            seconds_left=None if remaining is None else round(remaining),
        )
