"""Measure the CPU seconds that Dagster adds to a load: the same days by `chatmart backfill` and by `dg launch`.

`python -m benchmarks.dagster_overhead` prints a Markdown table with one line per provider of the demo. The launch of
one day measures the start of Dagster. The rest of a year's cost, without the load itself, is Dagster's events: four per
day. The sandbox runs in this process, each command in its own; the CPU time of its child processes is counted too.
"""

import argparse
import os
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

from benchmarks.backfill import CommandUsage, start_backfill, wait_for_exit
from extractors.registry import PROVIDERS
from sandbox.account import SandboxAccount
from sandbox.accounts import DEMO_ACCOUNTS
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.installation import Installation, days_from

REPOSITORY = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
FIRST = date(2025, 1, 1)


def launch_with_dagster(product: Installation, days: Sequence[date], provider: str) -> subprocess.Popen[bytes]:
    """Start a run of the range by Dagster's own command, in a new Dagster home."""
    home = product.folder / "home"
    home.mkdir()
    shutil.copyfile(REPOSITORY / "dagster.yaml", home / "dagster.yaml")
    environment = {**product.environment, "DAGSTER_HOME": str(home), "PATH": f"{BIN}:{os.environ['PATH']}"}
    subprocess.run([BIN / "dagster", "instance", "migrate"], env=environment, check=True, capture_output=True)
    selection = f'key:"{provider}/landing" or key:"{provider}/slices"'
    command = [BIN / "dg", "launch", "--assets", selection, "--partition-range", f"{days[0]}...{days[-1]}"]
    with (product.folder / "output.txt").open("ab") as log:
        return subprocess.Popen(command, env=environment, cwd=REPOSITORY, stdout=log, stderr=log)


def measure_load(sandbox: Sandbox, account: SandboxAccount, days: Sequence[date], *, by_dagster: bool) -> CommandUsage:
    """Load these days into an empty folder and compare them with the truth; raises SystemExit when they differ."""
    with tempfile.TemporaryDirectory() as folder:
        product = Installation(Path(folder), sandbox, (account,))
        running = launch_with_dagster(product, days, account.provider) if by_dagster else start_backfill(product, days)
        usage = wait_for_exit(running, time.perf_counter())
        _, differences = product.compare_with_truth(days)
        if usage.exit_code or differences:
            output = (product.folder / "output.txt").read_text()
            raise SystemExit(f"exit {usage.exit_code}, {len(differences)} rows differ:\n{output}")
    return usage


def measure_row(sandbox: Sandbox, account: SandboxAccount, days: Sequence[date]) -> str:
    """Return the table's line of a provider, measured on one account."""
    load_of_a_day = measure_load(sandbox, account, days[:1], by_dagster=False)
    load = measure_load(sandbox, account, days, by_dagster=False)
    dagster_start = measure_load(sandbox, account, days[:1], by_dagster=True).cpu_seconds - load_of_a_day.cpu_seconds
    launched = measure_load(sandbox, account, days, by_dagster=True)
    events = launched.cpu_seconds - load.cpu_seconds - dagster_start
    cells = (
        launched.cpu_seconds,
        load.cpu_seconds,
        dagster_start,
        events,
        events / len(days) * 1000,
        launched.wall_seconds,
        launched.peak_megabytes,
    )
    forms = ("{:.1f}", "{:.1f}", "{:.1f}", "{:.1f}", "{:.0f}", "{:.1f}", "{:.0f}")
    return f"| {account.provider} | {' | '.join(form.format(cell) for form, cell in zip(forms, cells, strict=True))} |"


def main() -> None:
    """Measure each provider and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--provider", choices=PROVIDERS, action="append")
    options = parser.parse_args()
    days = days_from(FIRST, options.days)
    accounts = [
        next(account for account in DEMO_ACCOUNTS if account.provider == name) for name in options.provider or PROVIDERS
    ]
    print("| provider | CPU s | the load itself | Dagster's start | its events | ms a day | clock s | MB at most |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    with Sandbox(World(7, accounts)) as sandbox:
        for account in accounts:
            print(measure_row(sandbox, account, days), flush=True)
    names = ("chatmart", "dagster", "duckdb")
    print(f"\nPython {platform.python_version()}, " + ", ".join(f"{name} {version(name)}" for name in names))


if __name__ == "__main__":
    main()
