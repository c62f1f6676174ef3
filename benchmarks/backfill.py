"""One back-fill by the real command in a process of its own, and what it used: for the other benchmarks."""

import os
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from tests.support.installation import CHATMART, Installation


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
