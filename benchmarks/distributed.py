"""Measure CPU seconds of a slice on one machine and on a Dask cluster: driver, scheduler and workers together.

`python -m benchmarks.distributed` prints a Markdown table. Both load the same accounts into a Delta lake in a folder,
the cluster with two workers of one thread each. A first month is not part of the figures: it makes the lake, and the
workers import the program. The sandbox runs in this process. Rounds take turns; the table has their medians.
"""

import argparse
import os
import platform
import statistics
import tempfile
from collections.abc import Callable, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path

import psutil

from benchmarks.backfill import start_backfill, wait_for_exit
from extractors.registry import PROVIDERS
from pipelines.configuration.config import load_config
from pipelines.loads.workspace import Workspace
from sandbox.account import SandboxAccount
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.dask_processes import DaskCluster, run_cluster
from tests.support.installation import Installation, days_from

BEFORE, FIRST = date(2024, 12, 1), date(2025, 1, 1)
CpuSeconds = dict[str, float]
"""By process: the command, the scheduler, the workers."""

WITH_LIMITS = {"cognigy", "chatdash"}
"""Providers with limits, which are lifted: no figure is one of waiting."""


def build_accounts(count: int) -> list[SandboxAccount]:
    """Return so many accounts of each provider."""
    return [
        SandboxAccount(f"bench-{provider}-{number}", provider, "Europe/Berlin")
        for provider in PROVIDERS
        for number in range(count)
    ]


def read_cpu_seconds(cluster: DaskCluster) -> dict[str, float]:
    """Return the CPU seconds so far of the scheduler and of the workers."""
    processes = {"scheduler": [cluster.scheduler], "workers": cluster.workers}
    return {
        name: sum(sum(psutil.Process(process.pid).cpu_times()[:2]) for process in group if process is not None)
        for name, group in processes.items()
    }


def load(product: Installation, days: Sequence[date]) -> float:
    """Load these days and return the CPU seconds of the command; raises SystemExit when it fails."""
    usage = wait_for_exit(start_backfill(product, days), 0.0)
    if usage.exit_code:
        raise SystemExit(f"the load ended with {usage.exit_code}")
    return usage.cpu_seconds


def configure(folder: Path, sandbox: Sandbox, accounts: Sequence[SandboxAccount], url: str) -> Installation:
    """Return an installation whose rate limits do not hold anything up, and do not keep accounts together."""
    folder.mkdir(parents=True)
    lifted = {"rate_limit": {"requests": 100_000, "period_seconds": 1}}
    overrides = {account.name: lifted for account in accounts if account.provider in WITH_LIMITS}
    return Installation(folder, sandbox, accounts, overrides, url, rate_limit={})


def measure_local(
    folder: Path, sandbox: Sandbox, accounts: Sequence[SandboxAccount], days: int, url: str
) -> CpuSeconds:
    """Load on one machine."""
    product = configure(folder, sandbox, accounts, url)
    load(product, days_from(BEFORE, 31))
    return {"command": load(product, days_from(FIRST, days))}


def measure_cluster(folder: Path, sandbox: Sandbox, accounts: Sequence[SandboxAccount], days: int) -> CpuSeconds:
    """Load on a cluster of two workers."""
    product = configure(folder, sandbox, accounts, "delta://data/lake")
    with run_cluster(folder / "cluster", 2, **product.environment) as cluster:
        product.configure(executor=cluster.executor, delta={"shards": 2})
        load(product, days_from(BEFORE, 31))
        before = read_cpu_seconds(cluster)
        command = load(product, days_from(FIRST, days))
        after = read_cpu_seconds(cluster)
    return {"command": command, **{name: after[name] - before[name] for name in after}}


def count_rows(folder: Path) -> int:
    """Return the fact rows that the last load of a folder's configuration has brought."""
    runs = Workspace.open(load_config(folder / "chatmart.yaml", allow_unset_secrets=True)).store.read(
        "SELECT sum(rows) AS rows FROM load_run WHERE run_id = (SELECT max_by(run_id, started_at) FROM load_run)"
    )
    return int(runs.to_pylist()[0]["rows"])


def main() -> None:
    """Measure in turn and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=4, help="accounts of each provider")
    parser.add_argument("--days", type=int, default=90)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    accounts = build_accounts(options.accounts)
    slices = len(accounts) * options.days
    measures: dict[str, Callable[[Path, Sandbox], CpuSeconds]] = {
        "one machine, `duckdb://`": lambda folder, sandbox: measure_local(
            folder, sandbox, accounts, options.days, "duckdb://data/warehouse.duckdb"
        ),
        "one machine, `delta://`": lambda folder, sandbox: measure_local(
            folder, sandbox, accounts, options.days, "delta://data/lake"
        ),
        "two workers, `delta://`": lambda folder, sandbox: measure_cluster(folder, sandbox, accounts, options.days),
    }
    results: dict[str, list[CpuSeconds]] = {name: [] for name in measures}
    with tempfile.TemporaryDirectory() as place, Sandbox(World(accounts=accounts)) as sandbox:
        for number in range(options.rounds):
            for kind, (name, measure) in enumerate(measures.items()):
                folder = Path(place) / f"{kind}-{number}"
                results[name].append(measure(folder, sandbox))
                rows = count_rows(folder)
    print(
        f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}, distributed ", end=""
    )
    print(
        f"{version('distributed')}; {len(accounts)} accounts, {options.days} days, {slices} slices, {rows} fact rows;"
    )
    print(f"medians of {options.rounds} rounds; load average at the end {os.getloadavg()[0]:.1f}\n")
    print("| load | command | scheduler | workers | CPU s in all | CPU ms a slice | rows a core and day |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for name, rounds in results.items():
        total = statistics.median(sum(row.values()) for row in rounds)
        parts = [
            statistics.median(row.get(part, 0.0) for row in rounds) for part in ("command", "scheduler", "workers")
        ]
        cells = [f"{seconds:.1f}" for seconds in (*parts, total)]
        cells += [f"{total / slices * 1000:.1f}", f"{rows / total * 86_400 / 1e6:.0f} million"]
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
