"""Measure a back-fill of the demo's seven accounts by the real command: time, requests, peak memory, truth, kills.

`python -m benchmarks.backfill` measures one back-fill. With `--kills 10`, ten more back-fills are killed (SIGKILL) at
a random moment, started again and compared with the truth. If the create request of an export was cut off, its job
cannot be looked up, and a new job may start only after `export_retry_minutes`: such an account takes a third run. The
sandbox runs in this process, the command in its own.
"""

import argparse
import os
import random
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from benchmarks.requests import SHAPES
from sandbox.accounts import DEMO_ACCOUNTS
from sandbox.recorder import RequestRecord
from sandbox.server import Sandbox
from sandbox.world import World
from tests.conformance.cases import get_cases
from tests.support.day_range import DayRange
from tests.support.installation import CHATMART, Installation, days_from

FIRST = date(2025, 1, 1)
EARLY_EXPORT_RETRIES = {
    account.name: {"export_retry_minutes": 0.05} for account in DEMO_ACCOUNTS if account.provider == "chatcaptain"
}


@dataclass(frozen=True)
class CommandUsage:
    """The exit code, wall and processor seconds and peak memory of one run of the command."""

    exit_code: int
    wall_seconds: float
    cpu_seconds: float
    peak_megabytes: float


def start_backfill(product: Installation, days: Sequence[date]) -> subprocess.Popen[bytes]:
    """Start the back-fill in a process of its own; its standard error goes to `stderr.txt`."""
    command = [CHATMART, "backfill", "--from", str(days[0]), "--to", str(days[-1])]
    with (product.folder / "stderr.txt").open("ab") as log:
        return subprocess.Popen(command, env=product.environment, cwd=product.folder, stderr=log)


def wait_for_exit(running: subprocess.Popen[bytes], started_at: float) -> CommandUsage:
    """Wait for a run to end and return its usage."""
    _, status, used = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    wall_seconds = time.perf_counter() - started_at
    return CommandUsage(running.returncode, wall_seconds, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def count_repeated_requests(requests: Sequence[RequestRecord]) -> int:
    """Count the requests whose response had been received before; repeated polls of a job do not count."""
    responses = Counter(
        (record.account, record.method, record.path, record.query, record.body)
        for record in requests
        if record.status in (200, 202)
    )
    return sum(count - 1 for (_, _, path, _, _), count in responses.items() if "/export" not in path)


def measure_backfill(sandbox: Sandbox, days: Sequence[date]) -> CommandUsage:
    """Run one back-fill into an empty folder and print its figures."""
    sandbox.request_log.clear()
    with tempfile.TemporaryDirectory() as folder:
        product = Installation(Path(folder), sandbox, DEMO_ACCOUNTS, EARLY_EXPORT_RETRIES)
        usage = wait_for_exit(start_backfill(product, days), time.perf_counter())
        by_account = Counter(record.account for record in sandbox.requests)
        compared, differences = product.compare_with_truth(days)
    print(
        f"{usage.wall_seconds:.1f} s, {usage.cpu_seconds:.1f} CPU s, "
        f"{usage.peak_megabytes:.0f} MB at most, exit {usage.exit_code}"
    )
    for account in DEMO_ACCOUNTS:
        needed = get_cases(account.provider).least_requests(sandbox.world, account, DayRange(days[0], days[-1]))
        print(f"{account.name}: {by_account[account.name]} requests, {needed} at least")
    repeated = count_repeated_requests(sandbox.requests)
    print(f"{compared} rows compared with the truth, {len(differences)} differ; {repeated} requests repeated")
    return usage


def measure_killed_backfill(sandbox: Sandbox, days: Sequence[date], after_seconds: float) -> None:
    """Kill a back-fill after some seconds, run it again until it succeeds, and print what the kill cost."""
    sandbox.request_log.clear()
    with tempfile.TemporaryDirectory() as folder:
        product = Installation(Path(folder), sandbox, DEMO_ACCOUNTS, EARLY_EXPORT_RETRIES)
        victim = start_backfill(product, days)
        try:
            victim.wait(after_seconds)
        except subprocess.TimeoutExpired:
            victim.send_signal(signal.SIGKILL)
            victim.wait()
        before = len(sandbox.requests)
        runs, code = 1, 1
        while code and runs < 4:
            runs, code = runs + 1, wait_for_exit(start_backfill(product, days), time.perf_counter()).exit_code
        repeated, total = count_repeated_requests(sandbox.requests), len(sandbox.requests)
        compared, differences = product.compare_with_truth(days)
    print(
        f"killed after {after_seconds:5.1f} s and {before:5} requests; "
        f"{repeated:3} of {total} repeated ({repeated / total:.2%}); "
        f"{runs} runs, exit {code}; {compared} rows, {len(differences)} differ",
        flush=True,
    )


def main() -> None:
    """Measure one back-fill and, with `--kills`, killed ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--kills", type=int, default=0)
    options = parser.parse_args()
    days = days_from(FIRST, options.days)
    moments = random.Random(1)
    with Sandbox(World(7, DEMO_ACCOUNTS), SHAPES) as sandbox:
        usage = measure_backfill(sandbox, days)
        for _ in range(options.kills):
            measure_killed_backfill(sandbox, days, moments.uniform(0, usage.wall_seconds))


if __name__ == "__main__":
    main()
