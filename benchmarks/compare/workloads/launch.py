"""A year of one platform by `dg launch`, beside the same days by `chatmart backfill`."""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.backfill import start_backfill, wait_for_exit
from benchmarks.compare.contestants import find_own_chatmart
from benchmarks.compare.workload import Entry, Setting, Values
from benchmarks.compare.workloads.year import FIRST_DAY, MeasuredInstallation, require_truth
from benchmarks.dagster_overhead import launch_with_dagster
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.installation import days_from

PROVIDER = "chatdash"
BACKFILL = "chatmart backfill"


@contextmanager
def open_launch(setting: Setting) -> Iterator[Mapping[str, Entry]]:
    """Serve the year."""
    days = days_from(FIRST_DAY, setting.days)
    account = next(account for account in SAMPLE_ACCOUNTS if account.provider == PROVIDER)
    backfill_seconds: list[float] = []
    with Sandbox(World(7, (account,))) as sandbox:

        def load(folder: Path, *, by_dagster: bool) -> dict[str, float]:
            sandbox.request_log.clear()
            product = MeasuredInstallation(folder, sandbox, (account,), chatmart=find_own_chatmart())
            started_at = time.perf_counter()
            running = launch_with_dagster(product, days, PROVIDER) if by_dagster else start_backfill(product, days)
            usage = wait_for_exit(running, started_at)
            if usage.exit_code:
                raise RuntimeError(f"the load ended with {usage.exit_code}")
            requests = len(sandbox.requests)
            require_truth(product, days)
            return {"cpu_seconds": usage.cpu_seconds, "wall_seconds": usage.wall_seconds, "requests": requests}

        def back_fill(folder: Path) -> Values:
            values = load(folder, by_dagster=False)
            backfill_seconds.append(values["cpu_seconds"])
            return values

        def launch(folder: Path) -> Values:
            values = load(folder, by_dagster=True)
            if backfill_seconds:
                values["beyond_load_cpu_seconds"] = values["cpu_seconds"] - backfill_seconds[-1]
            return values

        yield {BACKFILL: back_fill, "dg launch": launch}
