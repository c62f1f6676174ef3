"""Pruning the logs of real runs, in an instance with SQLite files."""

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from pipelines.orchestration.instance.logs import LogPruneResult, prune_logs
from tests.pipelines.conftest import DagsterProject

DAYS = (date(2025, 3, 1), date(2025, 3, 5))
KEY = dg.AssetKey(["cognigy", "slices"])


@pytest.fixture
def persistent_project(
    tmp_path: Path, build_dagster_project: Callable[..., DagsterProject]
) -> Iterator[DagsterProject]:
    home = tmp_path / "home"
    home.mkdir()
    bot = build_dagster_project("acme-support", "globex-support")
    with dg.DagsterInstance.local_temp(str(home)) as bot.instance:
        yield bot


def read_state(bot: DagsterProject) -> tuple[object, ...]:
    """Return the state of partitions, checks and runs that Dagster shows."""
    instance = bot.instance
    checks = instance.event_log_storage.get_latest_asset_check_execution_by_key(
        [dg.AssetCheckKey(KEY, "every_slice_present")]
    )
    latest = instance.get_latest_materialization_event(KEY)
    return (
        instance.get_materialized_partitions(KEY),
        {name: check.status for name, check in checks.items()},
        latest and latest.asset_materialization,
        [(run.run_id, run.status) for run in instance.get_runs()],
        instance.event_log_storage.get_latest_storage_id_by_partition(KEY, dg.DagsterEventType.ASSET_MATERIALIZATION),
    )


def instant_after_now() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=1)


def test_logs_of_ended_runs_are_deleted_and_their_state_is_kept(persistent_project: DagsterProject) -> None:
    result = persistent_project.run_job("load_cognigy", DAYS)
    assert result.success
    shard = Path(persistent_project.instance.root_directory) / "history" / "runs" / f"{result.run_id}.db"
    assert shard.exists()
    before, size = read_state(persistent_project), shard.stat().st_size
    events = len(persistent_project.instance.all_logs(result.run_id))
    assert prune_logs(persistent_project.instance, datetime.now(UTC) - timedelta(days=1)) == LogPruneResult()
    assert len(persistent_project.instance.all_logs(result.run_id)) == events
    pruned = prune_logs(persistent_project.instance, instant_after_now())
    assert pruned.runs == 1
    assert pruned.events > 40
    assert read_state(persistent_project) == before
    assert len(persistent_project.instance.all_logs(result.run_id)) == events - pruned.events
    assert shard.stat().st_size < size
    assert prune_logs(persistent_project.instance, instant_after_now()) == LogPruneResult()


@pytest.mark.long
def test_a_pruning_under_a_clock_that_was_ahead_does_not_stop_later_ones(persistent_project: DagsterProject) -> None:
    ahead = instant_after_now() + timedelta(days=400)
    assert prune_logs(persistent_project.instance, ahead) == LogPruneResult()
    assert persistent_project.run_job("load_cognigy", DAYS).success
    assert prune_logs(persistent_project.instance, instant_after_now()).events > 40


def test_a_run_without_a_log_is_no_error(persistent_project: DagsterProject) -> None:
    job = dg.GraphDefinition(name="empty").to_job()
    run = persistent_project.instance.create_run_for_job(job, status=dg.DagsterRunStatus.FAILURE)
    for shard in Path(persistent_project.instance.root_directory).rglob(f"{run.run_id}.db"):
        shard.unlink()
    assert prune_logs(persistent_project.instance, instant_after_now()) == LogPruneResult(1, 0)
    assert not list(Path(persistent_project.instance.root_directory).rglob(f"{run.run_id}.db"))
