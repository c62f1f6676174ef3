"""What is committed is published while another account is slow, or waits for the run that fetches it."""

import logging
from datetime import date, timedelta
from pathlib import Path
from threading import Thread

import pytest
from filelock import FileLock

from extractors.clock import SYSTEM_CLOCK
from extractors.landing.lock import fetch_lock_path
from pipelines.loads import concurrent_run
from pipelines.loads.result import RunResult
from pipelines.loads.run import LoadJob, run_jobs
from pipelines.loads.stop import StopSignal
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from tests.support.sample_world import BERLIN, NEW_YORK, SampleWorld
from tests.support.wait_until import wait_until

DAY = date(2025, 6, 3)


@pytest.fixture
def two_accounts(tmp_path: Path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> SampleWorld:
    monkeypatch.setattr(concurrent_run, "PUBLISH_WHEN_QUIET", timedelta(seconds=0.2))
    monkeypatch.setattr(concurrent_run, "_LOOK_SECONDS", 0.05)
    return SampleWorld(tmp_path, sandbox, (BERLIN, NEW_YORK), begun=True)


class Run(Thread):
    """A load of a day of both accounts, on the machine's clock."""

    def __init__(self, sample_world: SampleWorld) -> None:
        super().__init__(daemon=True)
        self.workspace = sample_world.open_workspace(SYSTEM_CLOCK)
        self.result: RunResult | None = None

    def run(self) -> None:
        jobs = [LoadJob(account, (DAY,)) for account in self.workspace.config.accounts]
        self.result = run_jobs(self.workspace, jobs)


def published_accounts(sample_world: SampleWorld) -> set[str]:
    return {row["account"] for row in sample_world.read_view("conversation_daily")}


def test_a_slow_account_keeps_nobody_from_the_readers(two_accounts: SampleWorld, sandbox: Sandbox) -> None:
    slow_path = NEW_YORK.ids["project_id"]
    sandbox.plan_faults(Fault(path=slow_path, kind="hang", times=100))
    run = Run(two_accounts)
    stop: StopSignal = run.workspace.stop
    run.start()
    try:
        wait_until(lambda: two_accounts.open_workspace().store.size_bytes() > 0)
        wait_until(lambda: published_accounts(two_accounts) == {BERLIN.name})
        assert run.is_alive()
    finally:
        stop.request()
        run.join(60)


def test_an_account_that_another_run_fetches_keeps_nobody_from_the_readers(
    two_accounts: SampleWorld, caplog: pytest.LogCaptureFixture
) -> None:
    two_accounts.top_level["lock_wait_seconds"] = 5
    landing = two_accounts.open_workspace().landing
    path = fetch_lock_path(landing, NEW_YORK.provider, NEW_YORK.name)
    landing.make_folder(path.parent)
    with caplog.at_level(logging.WARNING), FileLock(path):
        run = Run(two_accounts)
        run.start()
        wait_until(lambda: two_accounts.open_workspace().store.size_bytes() > 0)
        wait_until(lambda: published_accounts(two_accounts) == {BERLIN.name})
        run.join(60)
    assert run.result is not None
    assert [outcome.failed for outcome in run.result.outcomes] == [0, 1]
    assert "waiting for another run, which is fetching this account; this run gives it up in 5 s" in caplog.text
