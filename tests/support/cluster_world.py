"""A configured product on a Dask cluster of this machine, beside the sandbox and a load on one machine."""

import os
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from pipelines.configuration.config import load_config
from pipelines.loads.workspace import Workspace
from sandbox.account import SandboxAccount
from sandbox.config import build_config, build_environment
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.dask_processes import DaskCluster, run_cluster
from tests.support.wait_until import wait_until
from tests.support.warehouse_comparison import find_differences
from warehouse.store import Store

PROGRAM = "import sys; from pipelines.cli.main import main; main(sys.argv[1:])"


@dataclass
class ClusterWorld:
    """Two configurations of the same accounts: in ``folder`` for the cluster, in ``folder/alone`` for one machine."""

    folder: Path
    sandbox: Sandbox
    accounts: Sequence[SandboxAccount]
    cluster: DaskCluster
    first: date
    last: date
    shared: Mapping[str, Any] = field(default_factory=lambda: {"landing": "landing", "warehouse": "delta://lake"})
    rate_limit: Mapping[str, Any] = field(default_factory=lambda: {"requests": 10_000, "period_seconds": 1})

    def __post_init__(self) -> None:
        self.write("alone", landing="landing", warehouse="duckdb://warehouse.duckdb")
        self.write_shared()
        (self.cluster.folder / ".env").write_text((self.folder / ".env").read_text())

    def write_shared(self) -> None:
        """Write the cluster's configuration, with the present address of its scheduler."""
        self.write(".", **self.shared, delta={"shards": 4}, executor=self.cluster.executor)

    def write(self, place: str, **keys: Any) -> None:
        folder = self.folder / place
        folder.mkdir(parents=True, exist_ok=True)
        overrides = {account.name: {"start_date": self.first.isoformat()} for account in self.accounts}
        defaults = {"rate_limit": dict(self.rate_limit)}
        document = build_config(self.sandbox, self.accounts, overrides, defaults=defaults, **keys)
        (folder / "chatmart.yaml").write_text(yaml.safe_dump(document))
        known = build_environment(self.accounts)
        (folder / ".env").write_text("".join(f"{name}={value}\n" for name, value in known.items()))

    def start(self, place: str = ".", *words: str) -> "subprocess.Popen[str]":
        """Start a back-fill of all days."""
        days = ["--from", self.first.isoformat(), "--to", self.last.isoformat()]
        command = [sys.executable, "-c", PROGRAM, "--config", str(self.folder / place / "chatmart.yaml"), "backfill"]
        return subprocess.Popen([*command, *days, *words], stdout=-1, stderr=-1, text=True, env={**os.environ})

    def run(self, place: str = ".", *words: str) -> "subprocess.CompletedProcess[str]":
        process = self.start(place, *words)
        out, err = process.communicate(timeout=300)
        return subprocess.CompletedProcess(process.args, process.returncode, out, err)

    def run_two_at_once(self, place: str = ".", *words: Sequence[str]) -> None:
        """Back-fill all days in two runs side by side, which both succeed. ``words`` are those of either run."""
        for process in [self.start(place, *more) for more in words or ((), ())]:
            _, err = process.communicate(timeout=300)
            assert process.returncode == 0, err

    def store(self, place: str = ".") -> Store:
        return Workspace.open(load_config(self.folder / place / "chatmart.yaml")).store

    def load_alone(self) -> Counter[str]:
        """Load on one machine, and return the requests."""
        self.take_requests()
        done = self.run("alone")
        assert done.returncode == 0, done.stderr
        return self.take_requests()

    def take_requests(self) -> Counter[str]:
        """Return the requests since the last call, by provider, method and path; polls of exports are left out."""
        counts = Counter(
            f"{record.provider} {record.method} {record.path}?{record.query} {record.body}"
            for record in self.sandbox.requests
            if "/export/" not in record.path and record.provider != "download"
        )
        self.sandbox.request_log.clear()
        return counts

    def wait_for_exports(self) -> None:
        """Return when two exports were ordered: polls begin two seconds later, and no other order is under way."""
        wait_until(lambda: self.sandbox.request_log.count("chatcaptain", "/export", "POST") >= 2, 120)

    def count_requests(self) -> int:
        return len(self.sandbox.requests)

    def differences(self) -> dict[str, int]:
        """Return the relations in which the two warehouses differ, with the number of rows."""
        counts = find_differences(self.store("alone"), self.store(), with_runs=False)
        assert len(counts) > 30
        return {name: count for name, count in counts.items() if count}


def count_exports(requests: Counter[str]) -> int:
    return sum(count for request, count in requests.items() if "POST" in request and "/export" in request)


@contextmanager
def run_cluster_world(
    folder: Path, accounts: Sequence[SandboxAccount], first: date, last: date, **more: Any
) -> Iterator[ClusterWorld]:
    """Run a sandbox, and a cluster of two workers that loads from it."""
    with Sandbox(World(accounts=accounts)) as sandbox, run_cluster(folder / "cluster") as cluster:
        yield ClusterWorld(folder, sandbox, accounts, cluster, first, last, **more)
