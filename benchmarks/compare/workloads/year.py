"""A year of the demo's seven accounts from the sandbox, compared with the sandbox's truth."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path

import pyarrow as pa

from benchmarks.compare.contestants import Chatmart
from benchmarks.compare.server import run_server
from benchmarks.compare.usage import Usage
from benchmarks.compare.workload import FLOOR, Entry, Setting, Values
from benchmarks.compare.workloads.fetches import fetch_as_floor
from benchmarks.requests import SHAPES
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.config import build_environment
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.installation import Installation, days_from

FIRST_DAY = date(2025, 1, 1)
REQUESTS = 8450
"""Of the year, for a floor that is measured alone; beside a chatmart it makes as many as that one."""


@dataclass
class _PublishedStore:
    """Reads a warehouse by `chatmart sql`: the format is the measured chatmart's own."""

    chatmart: Chatmart
    folder: Path
    secrets: Mapping[str, str]

    def read(self, query: str) -> pa.Table:
        return self.chatmart.query(self.folder, query, self.secrets)


@dataclass
class MeasuredInstallation(Installation):
    """The demo's accounts in a folder, for one chatmart."""

    chatmart: Chatmart = field(kw_only=True)

    @property
    def secrets(self) -> dict[str, str]:
        """The variables that the configuration refers to."""
        return build_environment(self.accounts)

    @property
    def store(self) -> _PublishedStore:  # type: ignore[override]
        """The published warehouse."""
        return _PublishedStore(self.chatmart, self.folder, self.secrets)

    def run_backfill(self, days: Sequence[date]) -> Usage:
        """Back-fill the days. Raises RuntimeError when it fails."""
        arguments = ("backfill", "--from", str(days[0]), "--to", str(days[-1]))
        return self.chatmart.run(self.folder, *arguments, secrets=self.secrets)


@contextmanager
def open_year(setting: Setting) -> Iterator[Mapping[str, Entry]]:
    """Serve the year."""
    days = days_from(FIRST_DAY, setting.days)
    with Sandbox(World(7, SAMPLE_ACCOUNTS), SHAPES) as sandbox, run_server() as server:
        request_counts = [REQUESTS]

        def back_fill(chatmart: Chatmart, folder: Path) -> Values:
            sandbox.request_log.clear()
            product = MeasuredInstallation(folder, sandbox, SAMPLE_ACCOUNTS, chatmart=chatmart)
            usage = product.run_backfill(days)
            request_counts.append(len(sandbox.requests))
            require_truth(product, days)
            return {**usage.as_values(), "requests": request_counts[-1], **measure_landing(folder / "data/landing")}

        yield {
            **{chatmart.name: partial(back_fill, chatmart) for chatmart in setting.chatmarts},
            FLOOR: lambda folder: fetch_as_floor(server, request_counts[-1], folder),
        }


def require_truth(product: Installation, days: Sequence[date]) -> None:
    """Raise RuntimeError when a row of a view differs from the sandbox's truth."""
    _, differences = product.compare_with_truth(days)
    if differences:
        raise RuntimeError(f"{len(differences)} rows differ from the truth, such as {differences[0]}")


def measure_landing(folder: Path) -> Values:
    """Return the number of files below a landing zone, their bytes, and the bytes of their blocks on disk."""
    sizes = [path.stat() for path in folder.rglob("*") if path.is_file()]
    return {
        "landing_files": len(sizes),
        "landing_megabytes": sum(size.st_size for size in sizes) / 1e6,
        "landing_disk_megabytes": sum(size.st_blocks for size in sizes) * 512 / 1e6,
    }
