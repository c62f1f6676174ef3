"""Dagster's runs that die, and the runs that come after them."""

import subprocess
from datetime import date
from pathlib import Path

import pytest
from filelock import FileLock

from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from tests.support.dagster_tool import start_dagster_tool
from tests.support.installation import Installation, days_from
from tests.support.wait_until import TIMEOUT_SECONDS, wait_until

SUPPORT = tuple(account for account in SAMPLE_ACCOUNTS if account.name == "acme-support")
DAYS = days_from(date(2025, 3, 1), 3)


def launch(installation: Installation, output: Path) -> subprocess.Popen[str]:
    selection = 'key:"cognigy/landing" or key:"cognigy/slices"'
    days = f"{DAYS[0]}...{DAYS[-1]}"
    with output.open("w") as file:
        return start_dagster_tool(
            installation,
            *("dg", "launch", "--assets", selection, "--partition-range", days),
            stdout=file,
            stderr=subprocess.STDOUT,
        )


@pytest.mark.e2e
@pytest.mark.long
def test_the_run_after_a_killed_one_waits_for_nothing(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        product = Installation(tmp_path, sandbox, SUPPORT)
        sandbox.plan_faults(Fault(kind="hang"))
        with launch(product, tmp_path / "killed.txt") as killed:
            wait_until(lambda: sandbox.request_log.count(provider="cognigy") == 1)
            killed.kill()
        with launch(product, tmp_path / "next.txt") as following:
            try:
                assert following.wait(2 * TIMEOUT_SECONDS) == 0, (tmp_path / "next.txt").read_text()
            finally:
                following.kill()
        assert sandbox.request_log.count(provider="cognigy") == 2
        _, lines = product.compare_with_truth(DAYS)
    assert lines == []


@pytest.mark.e2e
@pytest.mark.long
def test_a_run_that_waits_for_another_ends_on_a_signal(tmp_path: Path) -> None:
    with Sandbox() as sandbox:
        product = Installation(tmp_path, sandbox, SUPPORT)
        account = product.folder / "data/landing/provider=cognigy/account=acme-support"
        account.mkdir(parents=True)
        output = tmp_path / "output.txt"
        with FileLock(account / ".fetch.lock"), launch(product, output) as waiting:
            try:
                wait_until(lambda: "slices of 1 accounts to fetch" in output.read_text())
                waiting.terminate()
                assert waiting.wait(TIMEOUT_SECONDS) != 0
            finally:
                waiting.kill()
        assert sandbox.requests == []
