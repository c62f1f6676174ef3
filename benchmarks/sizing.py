"""Measure disk space and CPU time of a slice by provider: one account of each, loaded by the real command.

`python -m benchmarks.sizing` prints a Markdown table. A month is loaded first and is not part of the figures, because
an empty warehouse and the first blocks of its tables take space too. The sandbox runs in this process, the command in
its own, whose CPU time is counted.
"""

import argparse
import platform
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

from benchmarks.backfill import start_backfill, wait_for_exit
from extractors.registry import PROVIDERS
from sandbox.account import SandboxAccount
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.installation import Installation, days_from

BEFORE, FIRST = date(2024, 12, 1), date(2025, 1, 1)


def load_days(product: Installation, days: Sequence[date]) -> float:
    """Load these days and return the CPU seconds; raises SystemExit when the load fails."""
    usage = wait_for_exit(start_backfill(product, days), time.perf_counter())
    if usage.exit_code:
        raise SystemExit(f"the load ended with {usage.exit_code}")
    return usage.cpu_seconds


def measure_disk_bytes(folder: Path) -> int:
    """Return the bytes that the file system has allocated for all files below a folder."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def measure_row(sandbox: Sandbox, account: SandboxAccount, count: int) -> str:
    """Return the table's line of a provider, measured on one account."""
    days = days_from(FIRST, count)
    with tempfile.TemporaryDirectory() as folder:
        product = Installation(Path(folder), sandbox, (account,))
        landing, warehouse = Path(folder) / "data/landing", Path(folder) / "data/warehouse.duckdb"
        load_days(product, days_from(BEFORE, 31))
        before = measure_disk_bytes(landing), warehouse.stat().st_size
        cpu = load_days(product, days)
        landed, stored = measure_disk_bytes(landing) - before[0], warehouse.stat().st_size - before[1]
        run = max(product.read_view("load_run", account.name), key=lambda run: run["started_at"])
    per_slice = (run["rows"] / count, run["bytes"] / count / 1000, landed / count / 1000, stored / count / 1000)
    cells = [f"{per_slice[0]:.0f}", *(f"{kilobytes:.1f}" for kilobytes in per_slice[1:]), f"{cpu / count * 1000:.0f}"]
    return f"| {account.provider} | {' | '.join(cells)} |"


def main() -> None:
    """Measure each provider and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    options = parser.parse_args()
    accounts = [next(account for account in SAMPLE_ACCOUNTS if account.provider == provider) for provider in PROVIDERS]
    print("| provider | fact rows | received, kB | landing zone, kB | warehouse, kB | CPU s for 1000 slices |")
    print("|---|--:|--:|--:|--:|--:|")
    with Sandbox(World(7, accounts)) as sandbox:
        for account in accounts:
            print(measure_row(sandbox, account, options.days), flush=True)
    print(f"\nPython {platform.python_version()}, chatmart {version('chatmart')}, duckdb {version('duckdb')}")


if __name__ == "__main__":
    main()
