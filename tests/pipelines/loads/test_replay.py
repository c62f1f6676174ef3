"""Replay of the batches that failed runs, retention and other settings left in the landing zone."""

import shutil
from collections.abc import Collection
from datetime import date, timedelta
from pathlib import Path

import pytest

from extractors.account import Account
from pipelines.cli.display.estimate import ProgressEstimate
from pipelines.loads.history import list_landed_days
from pipelines.loads.observer import NullObserver
from pipelines.loads.plan import plan_daily_loads
from pipelines.loads.prune import prune_landing
from pipelines.loads.replay import replay_jobs
from pipelines.loads.result import RunResult
from pipelines.loads.run import LoadJob, run_jobs
from sandbox.account import SandboxAccount
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.broken_transform import break_transform
from tests.support.clock import FakeClock
from tests.support.sample_world import BERLIN, NEW_YORK, NOW, SampleWorld

DAY = date(2026, 1, 8)
VOICE = SandboxAccount("acme-voice", "chatcaptain", "Europe/Berlin", daily_conversations=10)


def replay_all(sample_world: SampleWorld, observer: NullObserver | None = None) -> RunResult:
    workspace = sample_world.open_workspace()
    jobs = [
        LoadJob(account, tuple(sorted(list_landed_days(account, workspace.landing))))
        for account in workspace.config.accounts
    ]
    return replay_jobs(workspace, jobs, observer or NullObserver())


def delete_warehouse(sample_world: SampleWorld) -> None:
    """Delete the warehouse with all its files; the landing zone stays."""
    for path in (sample_world.folder / "data").iterdir():
        if path.name != "landing":
            shutil.rmtree(path) if path.is_dir() else path.unlink()


def read_batches(sample_world: SampleWorld, account: str) -> dict[date, tuple[str, ...]]:
    return {day: row.batches for day, row in sample_world.read_ledger(account).items()}


def load_daily(sample_world: SampleWorld) -> None:
    workspace = sample_world.open_workspace()
    loads = plan_daily_loads(workspace.store, workspace.config.accounts, workspace.clock.now(), 35)
    assert run_jobs(workspace, [LoadJob(load.account, load.days) for load in loads]).is_ok


@pytest.mark.parametrize("refused", ["conversation", "call"])
def test_after_a_run_that_failed_in_part_the_newest_numbers_come_back(
    sample_world: SampleWorld, sandbox: Sandbox, refused: str
) -> None:
    sample_world.overrides = {BERLIN.name: {"streams": ["conversation_counter", "call_counter"]}}
    sandbox.plan_faults(Fault(path=refused, times=9, status=400))
    assert not sample_world.backfill(DAY, DAY).is_ok
    sandbox.request_log.clear()
    sample_world.clock.advance(86_400)
    sandbox.world.restate(BERLIN.name, DAY, "late")
    assert sample_world.backfill(DAY, DAY).is_ok
    before, batches = sample_world.read_all_views(), read_batches(sample_world, BERLIN.name)
    delete_warehouse(sample_world)
    assert replay_all(sample_world).is_ok
    assert (sample_world.read_all_views(), read_batches(sample_world, BERLIN.name)) == (before, batches)


@pytest.mark.long
def test_the_batches_that_retention_keeps_are_enough_for_streams_of_other_windows(tmp_path: Path) -> None:
    begin = FakeClock(NOW - timedelta(days=8))
    with Sandbox(World(5, (VOICE,), clock=lambda: NOW)) as running:
        world = SampleWorld(tmp_path, running, (VOICE,), {VOICE.name: {"start_date": "2025-12-29"}}, clock=begin)
        for _ in range(5):
            yesterday = world.clock.now().date() - timedelta(days=1)
            for age in range(4):
                running.world.restate(VOICE.name, yesterday - timedelta(days=age), "late")
            load_daily(world)
            world.clock.advance(86_400)
        before, batches = world.read_all_views(), read_batches(world, VOICE.name)
        world.top_level = {"retention": {"landing_days": 30}}
        world.clock.advance(60 * 86_400)
        assert prune_landing(world.open_workspace()).arrivals > 0
        delete_warehouse(world)
        assert replay_all(world).is_ok
        assert (world.read_all_views(), read_batches(world, VOICE.name)) == (before, batches)


def test_an_unforeseen_failure_of_a_transform_costs_its_day_only(
    sample_world: SampleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    days = [DAY - timedelta(days=number) for number in range(3)]
    assert sample_world.backfill(days[-1], DAY).is_ok
    delete_warehouse(sample_world)
    with monkeypatch.context() as patch:
        break_transform(patch, days[1], KeyError("items"))
        [outcome] = replay_all(sample_world).outcomes
    assert (outcome.planned, outcome.loaded, outcome.failed) == (3, 2, 1)
    assert "the answers could not be understood (KeyError: 'items')" in outcome.errors[0]
    assert replay_all(sample_world).is_ok


def test_days_without_usable_batches_are_reported(sample_world: SampleWorld) -> None:
    assert sample_world.backfill(DAY, DAY).is_ok
    sample_world.overrides = {BERLIN.name: {"timezone": "Asia/Tokyo"}}
    [outcome] = replay_all(sample_world).outcomes
    assert (outcome.planned, outcome.loaded, outcome.failed) == (1, 0, 0)
    assert "1 of 1 days have no usable landed responses" in outcome.errors[0]


class ProgressCollector(NullObserver):
    """Collects the shares that a progress bar would show."""

    def __init__(self) -> None:
        self.estimate = ProgressEstimate()
        self.shares: list[float] = []

    def on_planned(self, account: Account, slices: int, requests: int) -> None:
        self.estimate.add_work(account.name, slices, requests)

    def on_days_loaded(self, account: Account, days: Collection[date]) -> None:
        self.estimate.record_slices(account.name, len(days))
        self.shares.append(self.estimate.done_fraction)


def test_progress_is_of_all_accounts_from_the_start(sample_world: SampleWorld) -> None:
    sample_world.accounts = (BERLIN, NEW_YORK)
    sample_world.backfill(date(2025, 3, 1), date(2025, 3, 9))
    progress = ProgressCollector()
    assert replay_all(sample_world, progress).is_ok
    assert progress.shares == [0.5, 1.0]
