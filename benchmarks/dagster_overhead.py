"""Measure the CPU seconds that Dagster adds to a load: the same days by `chatmart backfill` and by `dg launch`.

`python -m benchmarks.dagster_overhead` prints a Markdown table with one line per provider of the demo, and the events
of a launch by type. Figures are medians of `--rounds` rounds, in each of which the commands take turns. The launch of
one day measures the start of Dagster; the rest of what Dagster adds is the cost of its events. The sandbox runs in this
process, each command in its own; the CPU time of its child processes is counted too. With
`DAGSTER_EVENT_BATCH_SIZE=0` in the environment, Dagster stores each event alone, as it does in SQLite by itself.
"""

import argparse
import os
import platform
import shutil
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path
from statistics import median

from benchmarks.backfill import CommandUsage, start_backfill, wait_for_exit
from extractors.registry import PROVIDERS
from pipelines.orchestration.instance.home import SETTINGS_PATH
from sandbox.account import SandboxAccount
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.installation import Installation, days_from

REPOSITORY = Path(__file__).parents[1]
BIN = Path(sys.executable).parent
FIRST = date(2025, 1, 1)

HEADER = """\
| provider | by dg launch, CPU s | by chatmart backfill | difference | of it Dagster's start | its events | events \
| ms an event | clock s | MB at most |
|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|"""
FORMS = ("{:.1f}", "{:.1f}", "{:.1f}", "{:.1f}", "{:.1f}", "{:,}", "{:.1f}", "{:.1f}", "{:.0f}")


@dataclass(frozen=True)
class Load:
    """The usage of one load, and its events in Dagster by type; log lines have the type ``LOG``."""

    usage: CommandUsage
    events: Counter[str]


@dataclass(frozen=True)
class Round:
    """One account's days, and its first day alone, by each of the two commands."""

    backfill_of_a_day: Load
    launch_of_a_day: Load
    backfill: Load
    launch: Load


def launch_with_dagster(product: Installation, days: Sequence[date], provider: str) -> subprocess.Popen[bytes]:
    """Start a run of the range by Dagster's own command, in a new Dagster home."""
    home = product.folder / "home"
    home.mkdir()
    shutil.copyfile(SETTINGS_PATH, home / "dagster.yaml")
    environment = {**product.environment, "DAGSTER_HOME": str(home), "PATH": f"{BIN}:{os.environ['PATH']}"}
    subprocess.run([BIN / "dagster", "instance", "migrate"], env=environment, check=True, capture_output=True)
    selection = f'key:"{provider}/landing" or key:"{provider}/slices"'
    command = [BIN / "dg", "launch", "--assets", selection, "--partition-range", f"{days[0]}...{days[-1]}"]
    with (product.folder / "output.txt").open("ab") as log:
        return subprocess.Popen(command, env=environment, cwd=REPOSITORY, stdout=log, stderr=log)


def count_events(home: Path) -> Counter[str]:
    """Count the events of all runs of a home by type; there are none without a home."""
    counts: Counter[str] = Counter()
    for path in (home / "history" / "runs").glob("*.db"):
        if path.stem != "index":  # it holds copies
            with closing(sqlite3.connect(path)) as con:
                rows = con.execute("SELECT coalesce(dagster_event_type, 'LOG'), count(*) FROM event_logs GROUP BY 1")
                counts.update(dict(rows.fetchall()))
    return counts


def measure_load(sandbox: Sandbox, account: SandboxAccount, days: Sequence[date], *, by_dagster: bool) -> Load:
    """Load these days into an empty folder and compare them with the truth; raises SystemExit when they differ."""
    with tempfile.TemporaryDirectory() as folder:
        product = Installation(Path(folder), sandbox, (account,))
        running = launch_with_dagster(product, days, account.provider) if by_dagster else start_backfill(product, days)
        usage = wait_for_exit(running, time.perf_counter())
        _, differences = product.compare_with_truth(days)
        if usage.exit_code or differences:
            output = (product.folder / ("output.txt" if by_dagster else "stderr.txt")).read_text()
            raise SystemExit(f"exit {usage.exit_code}, {len(differences)} rows differ:\n{output}")
        return Load(usage, count_events(product.folder / "home"))


def measure_round(sandbox: Sandbox, account: SandboxAccount, days: Sequence[date]) -> Round:
    """Measure one account once by both commands."""
    return Round(
        measure_load(sandbox, account, days[:1], by_dagster=False),
        measure_load(sandbox, account, days[:1], by_dagster=True),
        measure_load(sandbox, account, days, by_dagster=False),
        measure_load(sandbox, account, days, by_dagster=True),
    )


def format_row(provider: str, rounds: Sequence[Round]) -> str:
    """Return the table's line of a provider: medians of its rounds."""
    launched = median(measured.launch.usage.cpu_seconds for measured in rounds)
    load = median(measured.backfill.usage.cpu_seconds for measured in rounds)
    start = median(
        measured.launch_of_a_day.usage.cpu_seconds - measured.backfill_of_a_day.usage.cpu_seconds for measured in rounds
    )
    event_count = rounds[0].launch.events.total()
    events = launched - load - start
    cells = (
        launched,
        load,
        launched - load,
        start,
        events,
        event_count,
        events / event_count * 1000,
        median(measured.launch.usage.wall_seconds for measured in rounds),
        max(measured.launch.usage.peak_megabytes for measured in rounds),
    )
    return f"| {provider} | {' | '.join(form.format(cell) for form, cell in zip(FORMS, cells, strict=True))} |"


def main() -> None:
    """Measure each provider and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=365)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--provider", choices=PROVIDERS, action="append")
    options = parser.parse_args()
    days = days_from(FIRST, options.days)
    accounts = [
        next(account for account in SAMPLE_ACCOUNTS if account.provider == name)
        for name in options.provider or PROVIDERS
    ]
    print(HEADER)
    events_by_provider: dict[str, Counter[str]] = {}
    with Sandbox(World(7, accounts)) as sandbox:
        for account in accounts:
            rounds = [measure_round(sandbox, account, days) for _ in range(options.rounds)]
            events_by_provider[account.provider] = rounds[0].launch.events
            print(format_row(account.provider, rounds), flush=True)
    print("\nEvents of a launch by type:")
    for provider, events in events_by_provider.items():
        print(f"- {provider}: {', '.join(f'{count:,} {kind}' for kind, count in events.most_common())}")
    names = ("chatmart", "dagster", "duckdb")
    print(f"\nPython {platform.python_version()}, " + ", ".join(f"{name} {version(name)}" for name in names))


if __name__ == "__main__":
    main()
