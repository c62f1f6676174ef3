"""A year of the demo's seven accounts by the real command: time, requests, peak memory, truth; and what a kill costs.

`python -m benchmarks.backfill` measures one back-fill; with `--kills 10` ten more are killed (SIGKILL) at a random
moment each, started again, and compared with the truth. An export whose creation was cut off cannot be looked up and is
created anew only after a while: these accounts take a third run. The sandbox runs in this process, the command in one
of its own.
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

from benchmarks.requests import LEAST_REQUESTS, LONG_PAGES, DayRange
from sandbox.accounts import DEMO_ACCOUNTS
from sandbox.recorder import RequestRecord
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.installation import CHATMART, Installation, days_from

FIRST = date(2025, 1, 1)
SOON = {each.name: {"export_retry_minutes": 0.05} for each in DEMO_ACCOUNTS if each.provider == "chatcaptain"}


@dataclass(frozen=True)
class CommandUsage:
    """How a run of the command ended: seconds of the clock and of the processor, and the peak of its memory."""

    exit_code: int
    wall_seconds: float
    cpu_seconds: float
    peak_megabytes: float


def start_backfill(product: Installation, days: Sequence[date]) -> subprocess.Popen[bytes]:
    """The back-fill in a process of its own; what it says goes to a file."""
    command = [CHATMART, "backfill", "--from", str(days[0]), "--to", str(days[-1])]
    with (product.folder / "said.txt").open("ab") as said:
        return subprocess.Popen(command, env=product.environment, cwd=product.folder, stderr=said)


def wait_for_exit(running: subprocess.Popen[bytes], started_at: float) -> CommandUsage:
    """Wait for a run to end."""
    _, status, used = os.wait4(running.pid, 0)
    running.returncode = os.waitstatus_to_exitcode(status)
    clock = time.perf_counter() - started_at
    return CommandUsage(running.returncode, clock, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def count_repeated_requests(requests: Sequence[RequestRecord]) -> int:
    """Requests that had been answered before; looks at a job that is not done yet are none."""
    answered = Counter(
        (each.account, each.method, each.path, each.query, each.body) for each in requests if each.status in (200, 202)
    )
    return sum(count - 1 for (_, _, path, _, _), count in answered.items() if "/export" not in path)


def measure_backfill(sandbox: Sandbox, days: Sequence[date]) -> CommandUsage:
    """One back-fill from nothing to its end, and its figures."""
    sandbox.request_log.clear()
    with tempfile.TemporaryDirectory() as folder:
        product = Installation(Path(folder), sandbox, DEMO_ACCOUNTS, SOON)
        end = wait_for_exit(start_backfill(product, days), time.perf_counter())
        by_account = Counter(each.account for each in sandbox.requests)
        compared, differences = product.compare_with_truth(days)
    print(
        f"{end.wall_seconds:.1f} s, {end.cpu_seconds:.1f} CPU s, "
        f"{end.peak_megabytes:.0f} MB at most, exit {end.exit_code}"
    )
    for account in DEMO_ACCOUNTS:
        needed = LEAST_REQUESTS[account.provider](sandbox.world, account, DayRange(days[0], days[-1]))
        print(f"{account.name}: {by_account[account.name]} requests, {needed} at least")
    again = count_repeated_requests(sandbox.requests)
    print(f"{compared} rows compared with the truth, {len(differences)} differ; {again} asked again")
    return end


def measure_killed_backfill(sandbox: Sandbox, days: Sequence[date], after: float) -> None:
    """A back-fill that is killed and started again, and what that cost."""
    sandbox.request_log.clear()
    with tempfile.TemporaryDirectory() as folder:
        product = Installation(Path(folder), sandbox, DEMO_ACCOUNTS, SOON)
        victim = start_backfill(product, days)
        try:
            victim.wait(after)
        except subprocess.TimeoutExpired:
            victim.send_signal(signal.SIGKILL)
            victim.wait()
        before = len(sandbox.requests)
        runs, code = 1, 1
        while code and runs < 4:
            runs, code = runs + 1, wait_for_exit(start_backfill(product, days), time.perf_counter()).exit_code
        again, total = count_repeated_requests(sandbox.requests), len(sandbox.requests)
        compared, differences = product.compare_with_truth(days)
    print(
        f"killed after {after:5.1f} s and {before:5} requests; {again:3} of {total} asked again ({again / total:.2%}); "
        f"{runs} runs, exit {code}; {compared} rows, {len(differences)} differ",
        flush=True,
    )


def main() -> None:
    """Measure, and kill when asked to."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--kills", type=int, default=0)
    asked = parser.parse_args()
    days = days_from(FIRST, asked.days)
    chance = random.Random(1)
    with Sandbox(World(7, DEMO_ACCOUNTS), LONG_PAGES) as sandbox:
        end = measure_backfill(sandbox, days)
        for _ in range(asked.kills):
            measure_killed_backfill(sandbox, days, chance.uniform(0, end.wall_seconds))


if __name__ == "__main__":
    main()
