"""The machine that a figure belongs to: processors, versions, and the work of other programs meanwhile."""

import os
import platform
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path

from benchmarks.compare.environments import REQUIREMENTS

_MEASURED_PACKAGES = ("chatmart", "duckdb", "httpx", "pyarrow", "dagster")


@dataclass
class OtherWork:
    """Other programs' work during a block: load averages of a minute at both ends, and their CPU seconds."""

    load_averages: list[float] = field(default_factory=list)
    cpu_seconds: float = 0.0
    wall_seconds: float = 0.0

    def describe(self) -> str:
        """Return one sentence."""
        start, end = self.load_averages
        busy = self.cpu_seconds / max(self.wall_seconds, 1)
        return (
            f"{self.wall_seconds:.0f} s; load average {start:.1f} at the start, {end:.1f} at the end; "
            f"other programs used {max(busy, 0):.2f} of {os.cpu_count()} processors"
        )


@contextmanager
def watch_other_work() -> Iterator[OtherWork]:
    """Yield a record that is complete after the block."""
    work = OtherWork([os.getloadavg()[0]])
    busy, own, uptime = _read_busy_seconds(), _read_own_seconds(), _read_uptime()
    yield work
    work.load_averages.append(os.getloadavg()[0])
    work.cpu_seconds = (_read_busy_seconds() - busy) - (_read_own_seconds() - own)
    work.wall_seconds = _read_uptime() - uptime


def describe_machine() -> dict[str, str]:
    """Return names and versions."""
    packages = {name: version(name) for name in _MEASURED_PACKAGES}
    others = [requirement for requirements in REQUIREMENTS.values() for requirement in requirements[:1]]
    pinned = dict(requirement.split("==") for requirement in others)
    return {"processors": str(os.cpu_count()), "Python": platform.python_version(), **packages, **pinned}


def _read_busy_seconds() -> float:
    """Return the seconds that the processors have worked since the start of the machine."""
    user, nice, system, _, _, interrupts, soft_interrupts = map(int, Path("/proc/stat").read_text().split()[1:8])
    return (user + nice + system + interrupts + soft_interrupts) / os.sysconf("SC_CLK_TCK")


def _read_own_seconds() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def _read_uptime() -> float:
    return float(Path("/proc/uptime").read_text().split()[0])
