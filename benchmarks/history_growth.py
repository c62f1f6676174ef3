"""What planning and status cost with the years that a warehouse holds: CPU seconds and peak memory.

`python -m benchmarks.history_growth` prints a Markdown table. The ledger has a row for each account and day, written in
transactions of the store, without facts. Each figure is of a new process, whose start and configuration are not
counted as seconds. `tick` is what a schedule evaluates every night, `plan` the planning of `chatmart load`, which also
looks for older gaps, `status` what `chatmart status` reads.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import perf_counter, process_time

from benchmarks.compare.contestants import write_config
from benchmarks.compare.workloads.fetches import build_daily_account
from benchmarks.synthetic_slices import build_measures
from extractors.account import Account
from pipelines.configuration.config import Config, load_config
from pipelines.loads.plan import plan_daily_loads
from pipelines.loads.status import day_states, read_account_statuses
from pipelines.loads.workspace import build_account_row, build_lake_settings
from warehouse.engine import EngineLimits, open_engine
from warehouse.records import Scope
from warehouse.sql import day_literal, fill
from warehouse.storage.opening import find_storage
from warehouse.store import Store

NOW = datetime(2026, 1, 1, 5, tzinfo=UTC)
LAST = date(2025, 12, 30)
CATCH_UP_DAYS = 14
ACCOUNTS_IN_A_SHARD = 150
KINDS = {"duckdb": "duckdb://warehouse.duckdb", "delta": "delta://lake"}

# a slice is fetched again until it is settled, as a nightly load with a look-back of three days does
_LEDGER = """
INSERT INTO wh.load_ledger BY NAME
SELECT
    CAST(d.day AS DATE) AS date, a.provider, a.account, 'loaded' AS state,
    ['0000/' || strftime(d.day, '%Y-%m-%d') || '/0123456789abcdef'] AS batches,
    least(timezone('UTC', d.day + INTERVAL '4 days 5 hours'), TIMESTAMPTZ '2025-12-31 05:00:00Z') AS fetched_at,
    fetched_at AS loaded_at, 52 AS rows, '{"conversations": 100}' AS totals, a.timezone AS zone, a.external_id,
    'run' AS run_id, 1 AS schema_version, 'benchmark' AS code_version, fetched_at AS landed_at, a.privacy
FROM (SELECT unnest(generate_series($first, $last, INTERVAL 1 DAY)) AS day) AS d
CROSS JOIN wh.dim_account AS a
WHERE a.account_key <> 0
"""

Work = Callable[[Store, Sequence[Account]], object]
WORKS: dict[str, Work] = {
    "tick": lambda store, accounts: plan_daily_loads(store, accounts, NOW, CATCH_UP_DAYS, with_older=False),
    "plan": lambda store, accounts: plan_daily_loads(store, accounts, NOW, CATCH_UP_DAYS),
    "status": lambda store, accounts: read_account_statuses(store, accounts, NOW),
}


def write_accounts(folder: Path, kind: str, count: int, years: int) -> Config:
    """Write and read the configuration of some accounts that began so many years ago."""
    accounts = [build_daily_account(f"p{number}", "http://127.0.0.1:9") for number in range(count)]
    shards = max(1, count // ACCOUNTS_IN_A_SHARD)
    first = LAST - timedelta(days=365 * years - 1)
    write_config(folder, accounts, defaults={"start_date": str(first)}, warehouse=KINDS[kind], delta={"shards": shards})
    return load_config(folder / "chatmart.yaml", allow_unset_secrets=True)


def open_whole(config: Config) -> Store:
    """Open the store of a configuration."""
    storage = find_storage(config.warehouse, config.folder, 600, build_lake_settings(config.settings))
    return Store(storage)


def fill_ledger(config: Config, years: int) -> None:
    """Write a row for each account and day, a year at a time, and publish."""
    storage = find_storage(config.warehouse, config.folder, 600, build_lake_settings(config.settings))
    store = Store(storage)
    store.set_accounts_and_measures([build_account_row(account) for account in config.accounts], build_measures())
    with open_engine(EngineLimits(), storage.new_spill_path()) as con:
        for year in range(years):
            last = LAST - timedelta(days=365 * year)
            days = (last - timedelta(days=364), last)
            with storage.transaction(con, Scope(days=days, tables=frozenset({"load_ledger"}))):
                con.execute(fill(_LEDGER, first=day_literal(days[0]), last=day_literal(days[1])))
    store.publish()


def do_work(work: str, folder: Path) -> None:
    """Do one of `WORKS` and print CPU seconds, seconds and peak megabytes of this process as JSON."""
    config = load_config(folder / "chatmart.yaml", allow_unset_secrets=True)
    store = open_whole(config)
    before = _peak_megabytes()
    cpu, wall = process_time(), perf_counter()
    WORKS[work](store, config.accounts)
    figures = [process_time() - cpu, perf_counter() - wall]
    print(json.dumps([*figures, _peak_megabytes(), _peak_megabytes() - before]))


def _peak_megabytes() -> float:
    # not getrusage, which counts the process that started this one too
    status = Path("/proc/self/status").read_text()
    return int(status.partition("VmHWM:")[2].split()[0]) / 1024


def measure(kind: str, count: int, years: int, works: Sequence[str]) -> list[str]:
    """Fill a store and do all works. Return the lines of the table."""
    lines = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        config = write_accounts(folder, kind, count, years)
        fill_ledger(config, years)
        assert len(day_states(open_whole(config), config.accounts, NOW)) == count
        for work in works:
            command = [sys.executable, "-m", "benchmarks.history_growth", f"--work={work}", f"--folder={folder}"]
            output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
            cpu, wall, peak, growth = json.loads(output.splitlines()[-1])
            lines.append(
                f"| `{kind}://` | {count:,} | {work} | {years} | {cpu:.2f} | {wall:.2f} | {peak:.0f} | {growth:.0f} |"
            )
    return lines


def main() -> None:
    """Measure all stores and years, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="*", default=[*KINDS])
    parser.add_argument("--accounts", nargs="*", type=int, default=[1_000])
    parser.add_argument("--years", nargs="*", type=int, default=[1, 3, 5])
    parser.add_argument("--works", nargs="*", default=[*WORKS])
    parser.add_argument("--work", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.work:
        do_work(options.work, options.folder)
        return
    print("| store | accounts | work | years | CPU s | s | peak MB | of which the work's |")
    print("|---|--:|---|--:|--:|--:|--:|--:|")
    for kind in options.kinds:
        for count in options.accounts:
            for years in options.years:
                print("\n".join(measure(kind, count, years, options.works)), flush=True)


if __name__ == "__main__":
    main()
