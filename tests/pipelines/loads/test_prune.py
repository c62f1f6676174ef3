"""Pruning of really landed batches: the remaining ones rebuild the same warehouse."""

import os
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from extractors.landing.prune import prune_account
from pipelines.loads.history import list_landed_days
from pipelines.loads.observer import NullObserver
from pipelines.loads.prune import prune_landing
from pipelines.loads.publish import remove_stale_staging
from pipelines.loads.replay import replay_jobs
from pipelines.loads.run import LoadJob, fetch_jobs
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from tests.support.installation import days_from
from tests.support.sample_world import BERLIN, SampleWorld

FIRST, LAST = date(2025, 3, 1), date(2025, 3, 9)


@pytest.fixture
def sample_world(tmp_path: Path, sandbox: Sandbox) -> SampleWorld:
    return SampleWorld(tmp_path, sandbox, (BERLIN,), begun=True)


def count_batches(sample_world: SampleWorld) -> int:
    return len(list_batch_ids(sample_world))


def list_batch_ids(sample_world: SampleWorld) -> set[str]:
    batches = sample_world.open_workspace().landing.list_batches("cognigy", BERLIN.name, "conversation_counter")
    return {batch.batch_id for batch in batches}


def prune_with_retention(sample_world: SampleWorld, days: int | None) -> int:
    sample_world.top_level = {"retention": {"landing_days": days}} if days else {}
    return prune_landing(sample_world.open_workspace()).arrivals


def test_replaced_batches_are_deleted_and_the_rest_rebuilds_the_same_warehouse(
    sample_world: SampleWorld, sandbox: Sandbox
) -> None:
    assert sample_world.backfill(FIRST, LAST).is_ok
    sandbox.world.restate(BERLIN.name, FIRST, "smaller")
    assert sample_world.backfill(FIRST, LAST, refetch=True).is_ok
    before = sample_world.read_all_views()
    assert count_batches(sample_world) == 2
    assert prune_with_retention(sample_world, None) == 0
    assert prune_with_retention(sample_world, 30) == 0  # replaced a minute ago
    sample_world.clock.advance(31 * 86_400)
    assert prune_with_retention(sample_world, 40) == 0
    assert prune_with_retention(sample_world, 30) == 1
    assert count_batches(sample_world) == 1
    assert sample_world.read_all_views() == before
    for file in (sample_world.folder / "data").glob("*warehouse.duckdb*"):
        file.unlink()
    workspace = sample_world.open_workspace()
    [account] = workspace.config.accounts
    assert replay_jobs(
        workspace, [LoadJob(account, tuple(sorted(list_landed_days(account, workspace.landing))))], NullObserver()
    ).is_ok
    assert sample_world.read_all_views() == before


def test_a_clock_far_ahead_deletes_no_history(sample_world: SampleWorld, sandbox: Sandbox) -> None:
    assert sample_world.backfill(FIRST, LAST).is_ok
    sandbox.world.restate(BERLIN.name, FIRST, "smaller")
    assert sample_world.backfill(FIRST, LAST, refetch=True).is_ok
    sample_world.clock.advance(3650 * 86_400)
    assert prune_with_retention(sample_world, 400) == 0
    assert prune_with_retention(sample_world, 30) == 1


def test_a_slice_that_was_not_loaded_again_keeps_its_batch(sample_world: SampleWorld, sandbox: Sandbox) -> None:
    assert sample_world.backfill(FIRST, LAST).is_ok
    sandbox.world.restate(BERLIN.name, FIRST, "smaller")
    workspace = sample_world.open_workspace()
    [account] = workspace.config.accounts
    for _ in range(2):
        assert fetch_jobs(workspace, [LoadJob(account, tuple(days_from(FIRST, 9)))], refetch=True).is_ok
        sample_world.clock.advance(60)
    sample_world.clock.advance(31 * 86_400)
    assert count_batches(sample_world) == 3
    assert prune_with_retention(sample_world, 30) == 1  # the one in between: it was replaced, and never loaded
    needed = {batch for row in workspace.store.ledger() for batch in row.batches}
    assert needed <= list_batch_ids(sample_world)


def test_staged_files_of_dead_runs_are_removed(sample_world: SampleWorld) -> None:
    staging = sample_world.open_workspace().staging
    old, new = staging / "old", staging / "new"
    for folder in (old, new):
        folder.mkdir(parents=True)
    long_ago = datetime(2020, 1, 1, tzinfo=UTC).timestamp()
    os.utime(old, (long_ago, long_ago))
    assert remove_stale_staging(sample_world.open_workspace()) == 1
    assert not old.exists()
    assert new.exists()


def test_staged_files_dated_in_the_future_begin_to_age_now(sample_world: SampleWorld) -> None:
    folder = sample_world.open_workspace().staging / "ahead"
    folder.mkdir(parents=True)
    ahead = datetime.now(UTC).timestamp() + 366 * 86_400
    os.utime(folder, (ahead, ahead))
    assert remove_stale_staging(sample_world.open_workspace()) == 0
    assert folder.stat().st_mtime < ahead - 86_400


def test_a_rejected_batch_replaces_none(sample_world: SampleWorld, sandbox: Sandbox) -> None:
    day = date(2025, 3, 1)
    assert sample_world.backfill(day, day).is_ok
    odd = {"body": '{"unexpected": true}', "headers": {"content-type": "application/json"}}
    sandbox.plan_faults(Fault(times=99, status=200, **odd))
    assert not sample_world.backfill(day, day, refetch=True).is_ok
    sample_world.clock.advance(31 * 86_400)
    assert (
        prune_account(
            sample_world.open_workspace().landing,
            "cognigy",
            BERLIN.name,
            (),
            sample_world.clock.now(),
            sample_world.clock.now(),
        ).arrivals
        == 0
    )


def test_nothing_is_deleted_where_nothing_is_loaded(sample_world: SampleWorld) -> None:
    for _ in range(3):
        assert sample_world.backfill(date(2025, 3, 1), date(2025, 3, 1), refetch=True).is_ok
    for file in (sample_world.folder / "data").glob("*warehouse.duckdb*"):
        file.unlink()
    sample_world.clock.advance(31 * 86_400)
    sample_world.top_level = {"retention": {"landing_days": 30}}
    assert prune_landing(sample_world.open_workspace()).arrivals == 0


def test_a_folder_that_another_run_removes_meanwhile_is_no_error(
    sample_world: SampleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    staging = sample_world.open_workspace().staging
    (staging / "another-run").mkdir(parents=True)
    monkeypatch.setattr(Path, "glob", lambda place, _pattern: iter([place / "gone", place / "another-run"]))
    assert remove_stale_staging(sample_world.open_workspace()) == 0
