"""Real landings, loads and prunings; whether what is left builds the same warehouse anew."""

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from extractors.landing.prune import prune
from pipelines.loads.history import landed_days
from pipelines.loads.load import sweep
from pipelines.loads.observer import Quiet
from pipelines.loads.prune import prune_landing
from pipelines.loads.replay import replay
from pipelines.loads.run import Job, fetch
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from tests.support.installation import days_from
from tests.support.sample_world import BERLIN, Shop

FIRST, LAST = date(2025, 3, 1), date(2025, 3, 9)


@pytest.fixture
def shop(tmp_path: Path, sandbox: Sandbox) -> Shop:
    return Shop(tmp_path, sandbox, (BERLIN,), begun=True)


def arrivals(shop: Shop) -> int:
    return len(list(shop.workspace().landing.root.rglob("*.json")))


def configured(shop: Shop, days: int | None) -> int:
    shop.top = {"retention": {"landing_days": days}} if days else {}
    return prune_landing(shop.workspace()).arrivals


def _path(batch: str) -> str:
    provider, account, stream, name = batch.split("/")
    return f"provider={provider}/account={account}/stream={stream}/{name}.json"


def test_replaced_answers_go_and_the_rest_builds_the_same_warehouse(shop: Shop, sandbox: Sandbox) -> None:
    assert shop.backfill(FIRST, LAST).ok
    sandbox.world.restate(BERLIN.name, FIRST, "smaller")
    assert shop.backfill(FIRST, LAST, refetch=True).ok
    before = shop.everything()
    assert arrivals(shop) == 2
    assert configured(shop, None) == 0
    assert configured(shop, 30) == 0  # replaced a minute ago
    shop.clock.advance(31 * 86_400)
    assert configured(shop, 40) == 0
    assert configured(shop, 30) == 1
    assert arrivals(shop) == 1
    assert shop.everything() == before
    for file in (shop.folder / "data").glob("*warehouse.duckdb*"):
        file.unlink()
    workspace = shop.workspace()
    [account] = workspace.config.accounts
    assert replay(workspace, [Job(account, tuple(sorted(landed_days(account, workspace.landing))))], Quiet()).ok
    assert shop.everything() == before


def test_a_slice_that_was_not_loaded_again_keeps_its_answer(shop: Shop, sandbox: Sandbox) -> None:
    assert shop.backfill(FIRST, LAST).ok
    sandbox.world.restate(BERLIN.name, FIRST, "smaller")
    workspace = shop.workspace()
    [account] = workspace.config.accounts
    for _ in range(2):
        assert fetch(workspace, [Job(account, tuple(days_from(FIRST, 9)))], refetch=True).ok
        shop.clock.advance(60)
    shop.clock.advance(31 * 86_400)
    assert arrivals(shop) == 3
    assert configured(shop, 30) == 1  # the one in between: it was replaced, and never loaded
    needed = {batch for row in workspace.store.ledger() for batch in row.batches}
    assert all((workspace.landing.root / _path(batch)).exists() for batch in needed)


def test_staged_files_of_dead_runs_go(shop: Shop) -> None:
    staging = shop.workspace().staging
    old, new = staging / "old", staging / "new"
    for folder in (old, new):
        folder.mkdir(parents=True)
    long_ago = datetime(2020, 1, 1, tzinfo=UTC).timestamp()
    os.utime(old, (long_ago, long_ago))
    assert sweep(shop.workspace()) == 1
    assert not old.exists()
    assert new.exists()


def test_an_answer_that_was_not_understood_replaces_none(shop: Shop, sandbox: Sandbox) -> None:
    day = date(2025, 3, 1)
    assert shop.backfill(day, day).ok
    odd = {"body": '{"unexpected": true}', "headers": {"content-type": "application/json"}}
    sandbox.fail(Fault(times=99, status=200, **odd))
    assert not shop.backfill(day, day, refetch=True).ok
    shop.clock.advance(31 * 86_400)
    assert prune(shop.workspace().landing, "cognigy", BERLIN.name, (), shop.clock.now()).arrivals == 0


def test_nothing_goes_where_nothing_is_loaded(shop: Shop) -> None:
    for _ in range(3):
        assert shop.backfill(date(2025, 3, 1), date(2025, 3, 1), refetch=True).ok
    for file in (shop.folder / "data").glob("*warehouse.duckdb*"):
        file.unlink()
    shop.clock.advance(31 * 86_400)
    shop.top = {"retention": {"landing_days": 30}}
    assert prune_landing(shop.workspace()).arrivals == 0


def test_a_folder_that_another_run_removes_meanwhile_is_no_error(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    staging = shop.workspace().staging
    (staging / "another-run").mkdir(parents=True)
    monkeypatch.setattr(Path, "glob", lambda place, _pattern: iter([place / "gone", place / "another-run"]))
    assert sweep(shop.workspace()) == 0
