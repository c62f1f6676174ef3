"""Run the installed command many times, with several writers on one warehouse at once, and count how it ended.

Run from the checkout: ``python -m benchmarks.exit_codes --runs 200``. Each writer loads another day of its own account,
so that all runs succeed: any exit code but 0 is printed, and ends this program with 1.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import yaml

from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.server import Sandbox
from tests.support.installation import CHATMART, Installation, days_from

STORES = {"duckdb": "duckdb://data/warehouse.duckdb", "parquet": "parquet://data/lake"}
ACCOUNTS = tuple({account.provider: account for account in SAMPLE_ACCOUNTS}.values())


def count_exit_codes(folder: Path, sandbox: Sandbox, store: str, runs: int, writers: int) -> Counter[int]:
    """Run the command `runs` times on a store, `writers` at once, and return the number of runs by exit code."""
    accounts = ACCOUNTS[:writers]
    product = Installation(folder, sandbox, accounts, warehouse_url=STORES[store])
    document = yaml.safe_load((folder / "chatmart.yaml").read_text())
    for account in document["accounts"]:
        (folder / f"{account['name']}.yaml").write_text(yaml.safe_dump({**document, "accounts": [account]}))
    rounds = -(-runs // writers)
    codes: Counter[int] = Counter()
    for day in days_from(min(account.start_date for account in accounts), rounds):
        processes = [
            subprocess.Popen(
                [CHATMART, "backfill", "--from", str(day), "--to", str(day)],
                env={**product.environment, "CHATMART_CONFIG": str(folder / f"{account.name}.yaml")},
                cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            )
            for account in accounts[: runs - codes.total()]
        ]  # fmt: skip
        for process in processes:
            output, _ = process.communicate()
            codes[process.returncode] += 1
            if process.returncode:
                print(f"{store}, {day}: exit {process.returncode}\n{output}", flush=True)
    return codes


def main() -> int:
    """Run the command on each store and print the exit codes. Returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.exit_codes")
    parser.add_argument("--runs", type=int, default=200, help="runs of the command, half of them on each store")
    parser.add_argument("--writers", type=int, default=len(ACCOUNTS), help="runs at once")
    options = parser.parse_args()
    all_codes: Counter[int] = Counter()
    with tempfile.TemporaryDirectory() as folder, Sandbox() as sandbox:
        for store in STORES:
            Path(folder, store).mkdir()
            began = time.monotonic()
            codes = count_exit_codes(Path(folder, store), sandbox, store, options.runs // len(STORES), options.writers)
            print(f"{store}: {dict(codes)} by exit code, {time.monotonic() - began:.0f} s", flush=True)
            all_codes += codes
    return 1 if set(all_codes) != {0} else 0


if __name__ == "__main__":
    sys.exit(main())
