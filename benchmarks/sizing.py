"""What a slice takes on disk and in time, by platform: one account each, loaded by the real command from the sandbox.

`python -m benchmarks.sizing` prints a Markdown table. A month is loaded first and left out of the figures: an empty
warehouse and the first blocks of its tables have a size of their own. The sandbox runs in this process, the command in
one of its own, whose processor time is counted.
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
from sandbox.accounts import DEMO_ACCOUNTS, SandboxAccount
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.installation import Installation, days_from

BEFORE, FIRST = date(2024, 12, 1), date(2025, 1, 1)


def load_days(product: Installation, days: Sequence[date]) -> float:
    """Load these days. Returns CPU seconds."""
    end = wait_for_exit(start_backfill(product, days), time.perf_counter())
    if end.exit_code:
        raise SystemExit(f"the load ended with {end.exit_code}")
    return end.cpu_seconds


def disk_bytes(folder: Path) -> int:
    """Bytes of all files below a folder, as the file system gives them out."""
    return sum(path.stat().st_blocks * 512 for path in folder.rglob("*") if path.is_file())


def row(sandbox: Sandbox, account: SandboxAccount, count: int) -> str:
    """One line of the table."""
    days = days_from(FIRST, count)
    with tempfile.TemporaryDirectory() as folder:
        product = Installation(Path(folder), sandbox, (account,))
        landing, warehouse = Path(folder) / "data/landing", Path(folder) / "data/warehouse.duckdb"
        load_days(product, days_from(BEFORE, 31))
        before = disk_bytes(landing), warehouse.stat().st_size
        cpu = load_days(product, days)
        landed, kept = disk_bytes(landing) - before[0], warehouse.stat().st_size - before[1]
        run = max(product.read_view("load_run", account.name), key=lambda each: each["started_at"])
    per_slice = (run["rows"] / count, run["bytes"] / count / 1000, landed / count / 1000, kept / count / 1000)
    cells = [f"{per_slice[0]:.0f}", *(f"{each:.1f}" for each in per_slice[1:]), f"{cpu / count * 1000:.0f}"]
    return f"| {account.provider} | {' | '.join(cells)} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    asked = parser.parse_args()
    accounts = [next(each for each in DEMO_ACCOUNTS if each.provider == provider) for provider in PROVIDERS]
    print("| platform | fact rows | received, kB | landing zone, kB | warehouse, kB | CPU s for 1000 slices |")
    print("|---|--:|--:|--:|--:|--:|")
    with Sandbox(World(7, accounts)) as sandbox:
        for account in accounts:
            print(row(sandbox, account, asked.days), flush=True)
    print(f"\nPython {platform.python_version()}, chatmart {version('chatmart')}, duckdb {version('duckdb')}")


if __name__ == "__main__":
    main()
