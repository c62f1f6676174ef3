"""Dagster's steps on a cluster: they submit tasks, log each shard, and end the tasks when the run is ended."""

import subprocess
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from tests.support.dagster_tool import start_dagster_tool
from tests.support.dask_processes import DaskCluster, run_cluster
from tests.support.installation import Installation, days_from
from tests.support.wait_until import TIMEOUT_SECONDS, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.long]

SUPPORT = tuple(account for account in SAMPLE_ACCOUNTS if account.name == "acme-support")
DAYS = days_from(date(2025, 3, 1), 3)


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def product(tmp_path: Path, sandbox: Sandbox) -> Installation:
    return Installation(tmp_path, sandbox, SUPPORT, warehouse_url="delta://data/lake")


@pytest.fixture
def cluster(tmp_path: Path, product: Installation) -> Iterator[DaskCluster]:
    with run_cluster(tmp_path / "cluster", 1, **product.environment) as cluster:
        product.configure(executor=cluster.executor)
        yield cluster


def launch(product: Installation, output: Path) -> "subprocess.Popen[str]":
    selection = 'key:"cognigy/landing" or key:"cognigy/slices"'
    command = ("dg", "launch", "--assets", selection, "--partition-range", f"{DAYS[0]}...{DAYS[-1]}")
    with output.open("w") as file:
        return start_dagster_tool(product, *command, stdout=file, stderr=subprocess.STDOUT)


def test_steps_submit_their_work_and_log_each_shard(
    tmp_path: Path, product: Installation, cluster: DaskCluster
) -> None:
    output = tmp_path / "output.txt"
    with launch(product, output) as run:
        assert run.wait(2 * TIMEOUT_SECONDS) == 0, output.read_text()
    text = output.read_text()
    assert text.count("shard cognigy-0 (1 account): ") == 2
    assert "shard cognigy-0 (1 account): 3 of 3 slices loaded" in text
    assert "loaded 2025-03-01 to 2025-03-03" in (cluster.folder / "worker-0.log").read_text()
    assert product.compare_with_truth(DAYS)[1] == []


def test_an_ended_run_ends_its_tasks(
    tmp_path: Path, product: Installation, cluster: DaskCluster, sandbox: Sandbox
) -> None:
    output = tmp_path / "output.txt"
    sandbox.plan_faults(Fault(status=503, times=1000, headers={"Retry-After": "2"}))
    with launch(product, output) as run:
        wait_until(lambda: len(sandbox.requests) > 0)
        run.terminate()
        assert run.wait(TIMEOUT_SECONDS) != 0
    sent = len(sandbox.requests)
    sandbox.request_log.clear()
    sandbox.request_log.faults.clear()
    product.run("backfill", "--from", str(DAYS[0]), "--to", str(DAYS[-1]))
    assert sent < 10
    assert product.compare_with_truth(DAYS)[1] == []
