"""What Dagster adds to a load: the same days by `chatmart backfill` and by `dg launch`, in CPU seconds.

`python -m benchmarks.dagster_overhead` prints a Markdown table, a line for each platform of the demo. A launch of one
day tells what it costs to start Dagster; what a year costs beyond that and beyond the load itself are its events,
four for each day. The sandbox runs in this process, each command in one of its own, whose processor time is counted
with that of the processes it starts.
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
from sandbox.accounts import DEMO_ACCOUNTS, SandboxAccount
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.installation import Installation, days_from

REPOSITORY = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
FIRST = date(2025, 1, 1)


def launch_with_dagster(product: Installation, days: Sequence[date], provider: str) -> subprocess.Popen[bytes]:
    """The range by Dagster's own command, in a home where nothing has run yet."""
    home = product.folder / "home"
    home.mkdir()
    shutil.copyfile(REPOSITORY / "dagster.yaml", home / "dagster.yaml")
    environment = {**product.environment, "DAGSTER_HOME": str(home), "PATH": f"{BIN}:{os.environ['PATH']}"}
    subprocess.run([BIN / "dagster", "instance", "migrate"], env=environment, check=True, capture_output=True)
    selection = f'key:"{provider}/landing" or key:"{provider}/slices"'
    command = [BIN / "dg", "launch", "--assets", selection, "--partition-range", f"{days[0]}...{days[-1]}"]
    with (product.folder / "said.txt").open("ab") as said:
        return subprocess.Popen(command, env=environment, cwd=REPOSITORY, stdout=said, stderr=said)


def measure_load(sandbox: Sandbox, account: SandboxAccount, days: Sequence[date], *, by_dagster: bool) -> CommandUsage:
    """Load these days from nothing, and compare them with the truth."""
    with tempfile.TemporaryDirectory() as folder:
        product = Installation(Path(folder), sandbox, (account,))
        running = launch_with_dagster(product, days, account.provider) if by_dagster else start_backfill(product, days)
        end = wait_for_exit(running, time.perf_counter())
        _, differences = product.compare_with_truth(days)
        if end.exit_code or differences:
            raise SystemExit(
                f"exit {end.exit_code}, {len(differences)} rows differ:\n{(product.folder / 'said.txt').read_text()}"
            )
    return end


def row(sandbox: Sandbox, account: SandboxAccount, days: Sequence[date]) -> str:
    """One line of the table."""
    own_day = measure_load(sandbox, account, days[:1], by_dagster=False)
    own = measure_load(sandbox, account, days, by_dagster=False)
    started_up = measure_load(sandbox, account, days[:1], by_dagster=True).cpu_seconds - own_day.cpu_seconds
    whole = measure_load(sandbox, account, days, by_dagster=True)
    events = whole.cpu_seconds - own.cpu_seconds - started_up
    cells = (
        whole.cpu_seconds,
        own.cpu_seconds,
        started_up,
        events,
        events / len(days) * 1000,
        whole.wall_seconds,
        whole.peak_megabytes,
    )
    forms = ("{:.1f}", "{:.1f}", "{:.1f}", "{:.1f}", "{:.0f}", "{:.1f}", "{:.0f}")
    return f"| {account.provider} | {' | '.join(form.format(cell) for form, cell in zip(forms, cells, strict=True))} |"


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--provider", choices=PROVIDERS, action="append")
    asked = parser.parse_args()
    days = days_from(FIRST, asked.days)
    accounts = [next(each for each in DEMO_ACCOUNTS if each.provider == name) for name in asked.provider or PROVIDERS]
    print("| platform | CPU s | the load itself | Dagster's start | its events | ms a day | clock s | MB at most |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    with Sandbox(World(7, accounts)) as sandbox:
        for account in accounts:
            print(row(sandbox, account, days), flush=True)
    names = ("chatmart", "dagster", "duckdb")
    print(f"\nPython {platform.python_version()}, " + ", ".join(f"{name} {version(name)}" for name in names))


if __name__ == "__main__":
    main()
