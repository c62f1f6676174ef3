"""Replaying what runs that failed, retention and other settings left in the landing zone."""

import shutil
from collections.abc import Collection
from datetime import date, timedelta
from pathlib import Path
from typing import Any

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
from sandbox.accounts import SandboxAccount
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.clock import FakeClock
from tests.support.sample_world import BERLIN, NEW_YORK, NOW, SampleWorld

DAY = date(2026, 1, 8)
VOICE = SandboxAccount("acme-voice", "chatcaptain", "Europe/Berlin", daily_conversations=10)


def replayed(sample_world: SampleWorld, observer: NullObserver | None = None) -> RunResult:
    workspace = sample_world.open_workspace()
    jobs = [
        LoadJob(each, tuple(sorted(list_landed_days(each, workspace.landing)))) for each in workspace.config.accounts
    ]
    return replay_jobs(workspace, jobs, observer or NullObserver())


def lose(sample_world: SampleWorld) -> None:
    """The warehouse with all its files; the landing zone stays."""
    for place in (sample_world.folder / "data").iterdir():
        if place.name != "landing":
            shutil.rmtree(place) if place.is_dir() else place.unlink()


def books(sample_world: SampleWorld, account: str) -> dict[date, tuple[str, ...]]:
    return {day: row.batches for day, row in sample_world.read_ledger(account).items()}


def daily(sample_world: SampleWorld) -> None:
    workspace = sample_world.open_workspace()
    loads = plan_daily_loads(workspace.store, workspace.config.accounts, workspace.clock.now(), 35)
    assert run_jobs(workspace, [LoadJob(each.account, each.days) for each in loads]).is_ok


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
    before, rests_on = sample_world.read_all_views(), books(sample_world, BERLIN.name)
    lose(sample_world)
    assert replayed(sample_world).is_ok
    assert (sample_world.read_all_views(), books(sample_world, BERLIN.name)) == (before, rests_on)


@pytest.mark.long
def test_what_retention_leaves_is_enough_where_streams_have_windows_of_their_own(tmp_path: Path) -> None:
    begin = FakeClock(NOW - timedelta(days=8))
    with Sandbox(World(5, (VOICE,), clock=lambda: NOW)) as running:
        shop = SampleWorld(tmp_path, running, (VOICE,), {VOICE.name: {"start_date": "2025-12-29"}}, clock=begin)
        for _ in range(5):
            yesterday = shop.clock.now().date() - timedelta(days=1)
            for age in range(4):
                running.world.restate(VOICE.name, yesterday - timedelta(days=age), "late")
            daily(shop)
            shop.clock.advance(86_400)
        before, rests_on = shop.read_all_views(), books(shop, VOICE.name)
        shop.top_level = {"retention": {"landing_days": 30}}
        shop.clock.advance(60 * 86_400)
        assert prune_landing(shop.open_workspace()).arrivals > 0
        lose(shop)
        assert replayed(shop).is_ok
        assert (shop.read_all_views(), books(shop, VOICE.name)) == (before, rests_on)


def test_days_of_which_nothing_counts_are_told_of(sample_world: SampleWorld) -> None:
    assert sample_world.backfill(DAY, DAY).is_ok
    sample_world.overrides = {BERLIN.name: {"timezone": "Asia/Tokyo"}}
    [outcome] = replayed(sample_world).outcomes
    assert (outcome.planned, outcome.loaded, outcome.failed) == (1, 0, 0)
    assert "1 of 1 days have no usable landed responses" in outcome.errors[0]


class Shares(NullObserver):
    """The progress that a person would be shown."""

    def __init__(self) -> None:
        self.pace = ProgressEstimate()
        self.shares: list[float] = []

    def on_planned(self, account: Account, slices: int, requests: int) -> None:
        self.pace.add_work(account.name, slices, requests)

    def on_days_loaded(self, account: Account, days: Collection[date]) -> None:
        self.pace.record_slices(account.name, len(days))
        self.shares.append(self.pace.done_fraction)


def test_progress_is_of_all_accounts_from_the_start(sample_world: SampleWorld) -> None:
    sample_world.accounts = (BERLIN, NEW_YORK)
    sample_world.backfill(date(2025, 3, 1), date(2025, 3, 9))
    seen: Any = Shares()
    assert replayed(sample_world, seen).is_ok
    assert seen.shares == [0.5, 1.0]
