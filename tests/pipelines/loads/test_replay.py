"""Replaying what runs that failed, retention and other settings left in the landing zone."""

import shutil
from collections.abc import Collection
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from extractors.account import Account
from pipelines.cli.display.estimate import Pace
from pipelines.loads.history import landed_days
from pipelines.loads.observer import Quiet
from pipelines.loads.plan import daily_loads
from pipelines.loads.prune import prune_landing
from pipelines.loads.replay import replay
from pipelines.loads.result import RunResult
from pipelines.loads.run import Job, run
from sandbox.accounts import SandboxAccount
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from sandbox.world import World
from tests.support.clock import FakeClock
from tests.support.sample_world import BERLIN, NEW_YORK, NOW, Shop

DAY = date(2026, 1, 8)
VOICE = SandboxAccount("acme-voice", "chatcaptain", "Europe/Berlin", daily=10)


def replayed(shop: Shop, observer: Quiet | None = None) -> RunResult:
    workspace = shop.workspace()
    jobs = [Job(each, tuple(sorted(landed_days(each, workspace.landing)))) for each in workspace.config.accounts]
    return replay(workspace, jobs, observer or Quiet())


def lose(shop: Shop) -> None:
    """The warehouse with all its files; the landing zone stays."""
    for place in (shop.folder / "data").iterdir():
        if place.name != "landing":
            shutil.rmtree(place) if place.is_dir() else place.unlink()


def books(shop: Shop, account: str) -> dict[date, tuple[str, ...]]:
    return {day: row.batches for day, row in shop.ledger(account).items()}


def daily(shop: Shop) -> None:
    workspace = shop.workspace()
    loads = daily_loads(workspace.store, workspace.config.accounts, workspace.clock.now(), 35)
    assert run(workspace, [Job(each.account, each.days) for each in loads]).ok


@pytest.mark.parametrize("refused", ["conversation", "call"])
def test_after_a_run_that_failed_in_part_the_newest_numbers_come_back(
    shop: Shop, sandbox: Sandbox, refused: str
) -> None:
    shop.overrides = {BERLIN.name: {"streams": ["conversation_counter", "call_counter"]}}
    sandbox.fail(Fault(path=refused, times=9, status=400))
    assert not shop.backfill(DAY, DAY).ok
    sandbox.book.clear()
    shop.clock.advance(86_400)
    sandbox.world.restate(BERLIN.name, DAY, "late")
    assert shop.backfill(DAY, DAY).ok
    before, rests_on = shop.everything(), books(shop, BERLIN.name)
    lose(shop)
    assert replayed(shop).ok
    assert (shop.everything(), books(shop, BERLIN.name)) == (before, rests_on)


@pytest.mark.long
def test_what_retention_leaves_is_enough_where_streams_have_windows_of_their_own(tmp_path: Path) -> None:
    begin = FakeClock(NOW - timedelta(days=8))
    with Sandbox(World(5, (VOICE,), clock=lambda: NOW)) as running:
        shop = Shop(tmp_path, running, (VOICE,), {VOICE.name: {"start_date": "2025-12-29"}}, clock=begin)
        for _ in range(5):
            yesterday = shop.clock.now().date() - timedelta(days=1)
            for age in range(4):
                running.world.restate(VOICE.name, yesterday - timedelta(days=age), "late")
            daily(shop)
            shop.clock.advance(86_400)
        before, rests_on = shop.everything(), books(shop, VOICE.name)
        shop.top = {"retention": {"landing_days": 30}}
        shop.clock.advance(60 * 86_400)
        assert prune_landing(shop.workspace()).arrivals > 0
        lose(shop)
        assert replayed(shop).ok
        assert (shop.everything(), books(shop, VOICE.name)) == (before, rests_on)


def test_days_of_which_nothing_counts_are_told_of(shop: Shop) -> None:
    assert shop.backfill(DAY, DAY).ok
    shop.overrides = {BERLIN.name: {"timezone": "Asia/Tokyo"}}
    [outcome] = replayed(shop).outcomes
    assert (outcome.planned, outcome.loaded, outcome.failed) == (1, 0, 0)
    assert "of 1 of 1 days nothing counts" in outcome.errors[0]


class Shares(Quiet):
    """The progress that a person would be shown."""

    def __init__(self) -> None:
        self.pace = Pace()
        self.shares: list[float] = []

    def planned(self, account: Account, slices: int, requests: int) -> None:
        self.pace.planned(account.name, slices, requests)

    def loaded(self, account: Account, days: Collection[date]) -> None:
        self.pace.done(account.name, len(days))
        self.shares.append(self.pace.share)


def test_progress_is_of_all_accounts_from_the_start(shop: Shop) -> None:
    shop.accounts = (BERLIN, NEW_YORK)
    shop.backfill(date(2025, 3, 1), date(2025, 3, 9))
    seen: Any = Shares()
    assert replayed(shop, seen).ok
    assert seen.shares == [0.5, 1.0]
