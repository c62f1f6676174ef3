"""The demo's accounts, loaded by a cluster on this machine into an object store, with locks in PostgreSQL.

`make cluster-demo` starts the object store, PostgreSQL, a Dask scheduler and two workers. Driver and workers share no
folder. The same accounts are then loaded into a DuckDB file by one process, and all views, dimensions,
facts and books are compared: exit 1 where a row differs. Everything that it starts ends with it. The providers are
simulated; the object store is moto's.
"""

import argparse
import atexit
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml

from extractors.landing.files import write_private_file
from extractors.windows import today
from pipelines.configuration.config import load_config
from pipelines.loads.workspace import Workspace
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.config import build_config, build_environment
from sandbox.server import Sandbox
from tests.support.dask_processes import run_cluster
from tests.support.object_store import BUCKET, start_object_store
from tests.support.postgres import PASSWORD, PostgresServer, find_programs
from tests.support.warehouse_comparison import find_differences

CHATMART = Path(sys.executable).with_name("chatmart")
DAYS = 14
PASSWORD_VARIABLE = "CLUSTER_DEMO_PASSWORD"


def write_config(folder: Path, sandbox: Sandbox, settings: Mapping[str, Any]) -> None:
    """Write a configuration of the demo's accounts, and their invented credentials."""
    folder.mkdir(parents=True, exist_ok=True)
    defaults = {"rate_limit": {"requests": 1000, "period_seconds": 1}}
    document = build_config(sandbox, SAMPLE_ACCOUNTS, {}, defaults=defaults, **settings)
    (folder / "chatmart.yaml").write_text(yaml.safe_dump(document, sort_keys=False))
    write_environment(folder)


def write_environment(folder: Path) -> None:
    """Write the accounts' secrets, which no task carries."""
    lines = [f"{name}={value}\n" for name, value in build_environment(SAMPLE_ACCOUNTS).items()]
    write_private_file(folder / ".env", "".join(lines).encode())


def load(folder: Path, days: int, **options: Any) -> None:
    """Load the last days with the command. Raises SystemExit when it fails."""
    last = min(today(ZoneInfo(account.timezone), datetime.now(UTC)) for account in SAMPLE_ACCOUNTS) - timedelta(days=1)
    words = ["--from", str(last - timedelta(days=days - 1)), "--to", str(last)]
    command = [CHATMART, "--config", str(folder / "chatmart.yaml"), "backfill", *words]
    done = subprocess.run(command, check=False, **options)
    if done.returncode:
        raise SystemExit(f"the load in {folder} ended with {done.returncode}")


def compare(folder: Path) -> int:
    """Print how the warehouses of two folders differ. Return the exit code."""
    alone, cluster = (
        Workspace.open(load_config(folder / place / "chatmart.yaml")).store for place in ("alone", "driver")
    )
    differences = find_differences(alone, cluster, with_runs=True)
    for name, rows in differences.items():
        if rows:
            print(f"{name}: {rows} rows differ")
    print(
        f"{len(differences)} views, dimensions, facts and books of {cluster.address} compared with those of "
        f"{alone.address}, which one process loaded: {sum(differences.values())} rows differ"
    )
    return 1 if any(differences.values()) else 0


def run_demo(folder: Path, days: int) -> int:
    """Load on the cluster and on one machine, and compare. Return the exit code."""
    programs = find_programs()
    if programs is None:
        print("PostgreSQL is not installed (Debian: apt-get install -y postgresql): there is no demo of a cluster")
        return 0
    shutil.rmtree(folder, ignore_errors=True)
    endpoint, postgres = start_object_store(), PostgresServer(programs)
    atexit.register(postgres.remove)
    os.environ[PASSWORD_VARIABLE] = PASSWORD
    with Sandbox() as sandbox, run_cluster(folder / "workers") as cluster:
        shared = {
            "landing": f"s3://{BUCKET}/landing",
            "warehouse": f"delta+s3://{BUCKET}/star",
            "delta": {"shards": 2},
            "object_store": {"endpoint": endpoint, "allow_http": True},
            "locks": postgres.url.replace(PASSWORD, f"${{{PASSWORD_VARIABLE}}}"),
            "executor": cluster.executor,
        }
        write_config(folder / "driver", sandbox, shared)
        write_environment(folder / "workers")
        write_config(folder / "alone", sandbox, {"landing": "landing", "warehouse": "duckdb://warehouse.duckdb"})
        print(f"two workers at {cluster.executor} load the last {days} days:", flush=True)
        load(folder / "driver", days)
        print("\none process loads the same into a DuckDB file:", flush=True)
        load(folder / "alone", days, stderr=subprocess.DEVNULL)
        return compare(folder)


def main() -> None:
    """Run the demo and end with its exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=int, default=DAYS)
    parser.add_argument("--folder", type=Path, default=Path("data/cluster-demo"))
    options = parser.parse_args()
    os.umask(0o077)
    sys.exit(run_demo(options.folder.resolve(), options.days))


if __name__ == "__main__":
    main()
