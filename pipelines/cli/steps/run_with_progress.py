"""A run as a command shows it: progress while it goes, a summary at its end, an exit code. Loading itself: ``runs``."""

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
    """Do the work in the sight of who started it. Returns 0, 1 when something failed, or 128 and a signal's number."""
    began = time.monotonic()
    with Interrupts(workspace.stop, print_message) as interrupts, show_progress() as observer:
        result = work(observer)
    _summarise(result, time.monotonic() - began)
    if interrupts.exit_code is not None:
        print_message("interrupted: run the same command to go on", style="yellow")
        return interrupts.exit_code
    return 0 if result.is_ok else 1


def _summarise(result: RunResult, seconds: float) -> None:
    """The outcome of each account, the wire, and every error once; a log as JSON has the accounts already."""
    counts = result.stats
    if not is_json_log():
        rows = [_row(outcome) for outcome in result.outcomes]
        print_table(
            rows,
            left_columns=2,
            row_styles=[None if outcome.is_ok else "red" for outcome in result.outcomes],
            label="loaded",
        )
    print_message(
        f"{counts.requests} requests, {counts.retries} repeated, {decimal(counts.bytes)} received, "
        f"{_seconds(counts.waited_seconds)} waited for limits, {seconds:.1f} s in all",
        loaded=sum(outcome.loaded for outcome in result.outcomes),
        failed=sum(outcome.failed for outcome in result.outcomes),
        rows=sum(outcome.rows for outcome in result.outcomes),
        requests=counts.requests,
        retries=counts.retries,
        bytes=counts.bytes,
        waited_seconds=round(counts.waited_seconds, 3),
        seconds=round(seconds, 3),
    )
    for outcome in result.outcomes if not is_json_log() else ():
        for error in outcome.errors:
            print_message(f"failed: {error}", style="red")


def _row(outcome: Outcome) -> dict[str, str]:
    counts = outcome.stats
    return {
        "account": outcome.account.name,
        "provider": outcome.account.provider,
        "loaded": str(outcome.loaded),
        "failed": str(outcome.failed),
        "rows": str(outcome.rows),
        "requests": str(counts.requests),
        "received": decimal(counts.bytes),
        "waited": _seconds(counts.waited_seconds),
    }


def _seconds(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds < 60 else format_duration(seconds)
