"""A year of one platform by `dg launch`, beside the same days by `chatmart backfill`."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.compare.workload import Entry, Setting, Values
from benchmarks.compare.workloads.year import FIRST_DAY
from benchmarks.dagster_overhead import measure_load
from sandbox.accounts import DEMO_ACCOUNTS
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.installation import days_from

PROVIDER = "chatdash"
BACKFILL = "chatmart backfill"


@contextmanager
def open_launch(setting: Setting) -> Iterator[Mapping[str, Entry]]:
    """Serve the year."""
    days = days_from(FIRST_DAY, setting.days)
    account = next(account for account in DEMO_ACCOUNTS if account.provider == PROVIDER)
    with Sandbox(World(7, (account,))) as sandbox:

        def load(*, by_dagster: bool) -> Values:
            sandbox.request_log.clear()
            usage = measure_load(sandbox, account, days, by_dagster=by_dagster)
            values = {"cpu_seconds": usage.cpu_seconds, "wall_seconds": usage.wall_seconds}
            return {**values, "requests": len(sandbox.requests)}

        def launch(_folder: Path) -> Values:
            return load(by_dagster=True)

        def back_fill(_folder: Path) -> Values:
            return load(by_dagster=False)

        yield {"dg launch": launch, BACKFILL: back_fill}
