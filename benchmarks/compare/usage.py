"""The cost of a command: CPU seconds and peak memory of its whole process tree, and its wall seconds."""

import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path

_POLL_SECONDS = 0.02
_VALGRIND = ("valgrind", "--tool=cachegrind", "--cache-sim=no", "--cachegrind-out-file=/dev/null")
_PERF = ("perf", "stat", "--field-separator", ",", "--event", "instructions:u")


@dataclass(frozen=True)
class Usage:
    """``cpu_seconds`` are user and system time of the process and of all its children that have ended.

    ``peak_megabytes`` is the largest sum of resident memory of the tree, seen every 20 milliseconds. ``instructions``
    are those of the tree in user mode; None where the machine does not count them.
    """

    cpu_seconds: float
    wall_seconds: float
    peak_megabytes: float
    instructions: float | None = None

    def as_values(self) -> dict[str, float]:
        """Return the values that were measured, by name."""
        return {name: value for name, value in asdict(self).items() if value is not None}


def measure(command: Sequence[str | Path], environment: Mapping[str, str], folder: Path) -> Usage:
    """Run a command to its end in a folder and return its cost.

    ``environment`` is added to the present one without its `PYTHONPATH`. Raises RuntimeError with the end of the output
    when the command fails.
    """
    output, counts = folder / "output.txt", folder / "instructions.txt"
    prefix = [*_PERF, "--output", str(counts), "--"] if can_count_instructions() else []
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    with output.open("wb") as log:
        started_at = time.perf_counter()
        process = subprocess.Popen(
            [*prefix, *map(str, command)], env={**inherited, **environment}, cwd=folder, stdout=log, stderr=log
        )
        peak = _PeakMemory(process.pid)
        peak.start()
        _, status, used = os.wait4(process.pid, 0)
        wall_seconds = time.perf_counter() - started_at
        peak.stop()
        process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command} ended with {process.returncode}:\n{output.read_text(errors='replace')[-3000:]}")
    instructions = parse_instructions(counts.read_text()) if prefix else None
    return Usage(used.ru_utime + used.ru_stime, wall_seconds, peak.megabytes, instructions)


@cache
def can_count_instructions() -> bool:
    """Say whether `perf` is installed and the processor shows its counters, which most virtual machines do not."""
    if shutil.which("perf") is None:
        return False
    with tempfile.NamedTemporaryFile("r") as counts:
        subprocess.run([*_PERF, "--output", counts.name, "--", "true"], capture_output=True, check=False)
        return parse_instructions(counts.read()) is not None


def parse_instructions(text: str) -> float | None:
    """Return the number of instructions in the output of `perf stat`; None when it could not count them."""
    for line in text.splitlines():
        fields = line.split(",")
        if len(fields) > 2 and fields[2].startswith("instructions") and fields[0].isdigit():
            return float(fields[0])
    return None


def simulate_instructions(command: Sequence[str | Path], environment: Mapping[str, str], folder: Path) -> float | None:
    """Return the instructions of a command (not of its children), run by `valgrind`, some fifty times slower.

    None where it is not installed. Raises RuntimeError when the command fails.
    """
    if shutil.which("valgrind") is None:
        return None
    measure([*_VALGRIND, *command], environment, folder)
    return parse_simulated_instructions((folder / "output.txt").read_text(errors="replace"))


def parse_simulated_instructions(text: str) -> float | None:
    """Return the number of instructions in the output of `valgrind`; None when there is none."""
    counts = [line.rpartition("refs:")[2] for line in text.splitlines() if " I " in line and "refs:" in line]
    return float(counts[-1].replace(",", "")) if counts else None


class _PeakMemory(threading.Thread):
    """Watches the resident memory of a process and its descendants."""

    def __init__(self, pid: int) -> None:
        super().__init__(daemon=True)
        self.megabytes = 0.0
        self._pid = pid
        self._stopped = threading.Event()

    def run(self) -> None:
        while not self._stopped.wait(_POLL_SECONDS):
            self.megabytes = max(self.megabytes, sum(map(_read_resident_megabytes, list_tree(self._pid))))

    def stop(self) -> None:
        """End the watch and wait for it."""
        self._stopped.set()
        self.join()


def list_tree(pid: int) -> list[int]:
    """List a process and its descendants that live now. A child belongs to the thread that started it."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        children = [child for thread in threads for child in (thread / "children").read_text().split()]
    except OSError:
        return [pid]
    return [pid, *(descendant for child in children for descendant in list_tree(int(child)))]


def _read_resident_megabytes(pid: int) -> float:
    # not ru_maxrss: it begins with the memory of the process that started this one
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20
