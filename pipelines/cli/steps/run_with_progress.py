"""Run a load for a command: show progress, print a summary, return an exit code.

Loading itself is in ``pipelines.loads.run``.
"""

import time
from collections.abc import Callable

from rich.filesize import decimal

from pipelines.cli.display.estimate import format_duration
from pipelines.cli.display.output import print_message, print_table
from pipelines.cli.display.progress import show_progress
from pipelines.cli.logs import is_json_log
from pipelines.cli.steps.interrupts import Interrupts
from pipelines.loads.observer import Observer
from pipelines.loads.result import Outcome, RunResult
from pipelines.loads.workspace import Workspace


def run_with_progress(workspace: Workspace, work: Callable[[Observer], RunResult]) -> int:
    """Run ``work`` with a progress display and print the summary.

    Returns the exit code: 0, 1 when an account failed, or 128 plus the number of the signal that stopped the run.
    """
    started = time.monotonic()
    with Interrupts(workspace.stop, print_message) as interrupts, show_progress() as observer:
        result = work(observer)
    _print_summary(result, time.monotonic() - started)
    if interrupts.exit_code is not None:
        print_message("interrupted; run the same command again to continue", style="yellow")
        return interrupts.exit_code
    return 0 if result.is_ok else 1


def _print_summary(result: RunResult, seconds: float) -> None:
    """Print the outcome of each account, the totals, and every error. A JSON log already has accounts and errors."""
    stats = result.stats
    if not is_json_log():
        rows = [_outcome_row(outcome) for outcome in result.outcomes]
        print_table(
            rows,
            left_columns=2,
            row_styles=[None if outcome.is_ok else "red" for outcome in result.outcomes],
            label="loaded",
        )
    print_message(
        f"{stats.requests} requests, {stats.retries} retries, {decimal(stats.bytes)} received, "
        f"{_format_wait(stats.waited_seconds)} waited for limits, {seconds:.1f} s in total",
        loaded=sum(outcome.loaded for outcome in result.outcomes),
        failed=sum(outcome.failed for outcome in result.outcomes),
        rows=sum(outcome.rows for outcome in result.outcomes),
        requests=stats.requests,
        retries=stats.retries,
        bytes=stats.bytes,
        waited_seconds=round(stats.waited_seconds, 3),
        seconds=round(seconds, 3),
    )
    for outcome in result.outcomes if not is_json_log() else ():
        for error in outcome.errors:
            print_message(f"failed: {error}", style="red")


def _outcome_row(outcome: Outcome) -> dict[str, str]:
    stats = outcome.stats
    return {
        "account": outcome.account.name,
        "provider": outcome.account.provider,
        "loaded": str(outcome.loaded),
        "failed": str(outcome.failed),
        "rows": str(outcome.rows),
        "requests": str(stats.requests),
        "received": decimal(stats.bytes),
        "waited": _format_wait(stats.waited_seconds),
    }


def _format_wait(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else format_duration(seconds)
