"""The cost of a command: CPU seconds and peak memory of its whole process tree, and its wall seconds."""

import os
import subprocess
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Usage:
    """``cpu_seconds`` are user and system time of the process and of all its children that have ended.

    ``peak_megabytes`` is the largest sum of resident memory of the tree, seen every 20 milliseconds.
    """

    cpu_seconds: float
    wall_seconds: float
    peak_megabytes: float


def measure(command: Sequence[str | Path], environment: Mapping[str, str], folder: Path) -> Usage:
    """Run a command to its end and return its cost. Raises SystemExit with its output when it fails."""
    output = folder / "output.txt"
    with output.open("wb") as log:
        started_at = time.perf_counter()
        process = subprocess.Popen(
            list(map(str, command)), env={**os.environ, **environment}, cwd=folder, stdout=log, stderr=log
        )
        peak = _PeakMemory(process.pid)
        peak.start()
        _, status, used = os.wait4(process.pid, 0)
        wall_seconds = time.perf_counter() - started_at
        peak.stop()
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{command} ended with {process.returncode}:\n{output.read_text(errors='replace')[-3000:]}")
    return Usage(used.ru_utime + used.ru_stime, wall_seconds, max(peak.megabytes, used.ru_maxrss / 1024))


class _PeakMemory(threading.Thread):
    """Watches the resident memory of a process and its descendants."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.megabytes = 0.0
        self._pid = pid
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(_POLL_SECONDS):
            self.megabytes = max(self.megabytes, sum(map(_read_resident_megabytes, _list_tree(self._pid))))

    def stop(self) -> None:
        """End the watch and wait for it."""
        self._stopped.set()
        self.join()


def _list_tree(pid: int) -> list[int]:
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return [pid]
    return [pid, *(descendant for child in children for descendant in _list_tree(int(child)))]


def _read_resident_megabytes(pid: int) -> float:
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
