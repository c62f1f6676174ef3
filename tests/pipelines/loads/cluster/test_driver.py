"""Runs on the workers of a Dask cluster that lives in this process: outcomes, books, second attempts, refusals."""

import pickle
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml
from distributed import LocalCluster

from extractors.errors import ConfigError
from extractors.windows import Window
from pipelines.configuration.config import load_config
from pipelines.loads.cluster import connection, shard_runs, shards, stops
from pipelines.loads.cluster.connection import ClusterLost
from pipelines.loads.cluster.stops import stop_run
from pipelines.loads.cluster.task import load_task
from pipelines.loads.cluster.task_template import TaskTemplate
from pipelines.loads.observer import NullObserver, TaskReport
from pipelines.loads.run import LoadJob, fetch_jobs, load_landed_batches, run_jobs
from pipelines.loads.stop import StopSignal
from pipelines.loads.workspace import Workspace
from sandbox.account import SandboxAccount
from sandbox.config import build_config, build_environment
from sandbox.server import Sandbox
from sandbox.world import World

ACCOUNTS = (
    SandboxAccount("acme-docs", "inkeep", "Europe/Berlin", daily_conversations=6),
    SandboxAccount("acme-berlin", "cognigy", "Europe/Berlin", daily_conversations=6),
)
DAYS = Window(date(2025, 3, 28), date(2025, 4, 3)).days()


class RecordingReports(NullObserver):
    def __init__(self) -> None:
        self.reports: list[TaskReport] = []
        self.planned: dict[str, int] = {}

    def on_task_ended(self, report: TaskReport) -> None:
        self.reports.append(report)

    def on_planned(self, account: Any, slices: int, batches: int) -> None:
        self.planned[account.name] = slices


@pytest.fixture(scope="module")
def executor() -> Iterator[str]:
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        processes=False,
        protocol="tcp://",
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
    ) as cluster:
        yield cluster.scheduler_address.replace("tcp://", "dask://")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(World(accounts=ACCOUNTS)) as running:
        yield running


@pytest.fixture
def workspace(tmp_path: Path, sandbox: Sandbox, executor: str, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    """The driver's workspace. The working folder of the workers is another one."""
    document = build_config(sandbox, ACCOUNTS, warehouse="delta://lake", executor=executor, delta={"shards": 2})
    path = tmp_path / "chatmart.yaml"
    path.write_text(yaml.safe_dump(document))
    (tmp_path / "worker").mkdir()
    for place in (tmp_path, tmp_path / "worker"):
        known = build_environment(ACCOUNTS)
        (place / ".env").write_text("".join(f"{name}={value}\n" for name, value in known.items()))
    monkeypatch.chdir(tmp_path / "worker")
    return Workspace.open(load_config(path), command="backfill")


def build_jobs(workspace: Workspace) -> list[LoadJob]:
    return [LoadJob(account, DAYS) for account in workspace.config.accounts]


def build_template(workspace: Workspace, **more: Any) -> TaskTemplate:
    now = datetime.now(UTC)
    return TaskTemplate(workspace, more.pop("half", "both"), now, now, **more)


def test_a_run_has_the_outcomes_and_books_of_one_machine(workspace: Workspace, sandbox: Sandbox) -> None:
    observer = RecordingReports()
    result = run_jobs(workspace, build_jobs(workspace), observer=observer)
    assert result.is_ok
    assert {outcome.account.name: (outcome.planned, outcome.loaded) for outcome in result.outcomes} == {
        "acme-docs": (6, 6),
        "acme-berlin": (6, 6),
    }
    rows = workspace.store.run_records(workspace.run_id)
    assert sum(row.requests for row in rows) == len(sandbox.requests) == result.stats.requests
    assert [(row.loaded, row.planned, row.command, row.error) for row in rows] == [(6, 6, "backfill", None)] * 2
    assert all(row.ended_at and row.ended_at > row.started_at for row in rows)
    active = workspace.store.read("SELECT account FROM dim_account WHERE is_active ORDER BY account").to_pylist()
    assert [row["account"] for row in active] == ["acme-berlin", "acme-docs"]
    assert sorted((report.shard, report.accounts, report.loaded) for report in observer.reports) == [
        ("cognigy-0", 1, 6),
        ("inkeep-0", 1, 6),
    ]
    assert not list(workspace.staging.glob("*"))


@pytest.mark.long
def test_the_ranges_of_an_account_add_up(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "MAX_RANGE_DAYS", 2)
    monkeypatch.setattr(shards, "_common_starts", lambda _account, days: set(days))
    job = next(job for job in build_jobs(workspace) if job.account.provider == "inkeep")
    observer = RecordingReports()
    [outcome] = run_jobs(workspace, [job], observer=observer).outcomes
    assert (outcome.planned, outcome.loaded) == (6, 6)
    assert [report.range_number for report in observer.reports] == [1, 2, 3]
    assert "range 1 of 3" in str(observer.reports[0])
    [row] = workspace.store.run_records(workspace.run_id)
    assert (row.loaded, row.requests, row.rows) == (6, outcome.stats.requests, outcome.rows)


@pytest.mark.long
def test_the_halves_of_a_run(workspace: Workspace, sandbox: Sandbox) -> None:
    started_at = datetime.now(UTC)
    jobs = build_jobs(workspace)
    fetched = fetch_jobs(workspace, jobs)
    assert fetched.is_ok
    assert not workspace.store.ledger()
    sent = len(sandbox.requests)
    loaded = load_landed_batches(workspace, jobs, started_at)
    assert [outcome.loaded for outcome in loaded.outcomes] == [6, 6]
    assert len(sandbox.requests) == sent == sum(row.requests for row in workspace.store.run_records(workspace.run_id))


@pytest.mark.parametrize("refetch", [pytest.param(False, marks=pytest.mark.long), True])
def test_a_task_that_is_done_twice_requests_nothing_twice(
    workspace: Workspace, sandbox: Sandbox, refetch: bool
) -> None:
    task = build_template(workspace, refetch=refetch).build("inkeep-0", build_jobs(workspace))
    results = []
    for _ in range(2):
        results.append(load_task(task, StopSignal(), NullObserver(), "worker"))
        results.append(len(sandbox.requests))
    first, sent, second, sent_in_all = results
    assert sent_in_all == sent > 0
    assert [account.loaded for account in second.accounts] == [account.loaded for account in first.accounts] == [6, 6]
    assert workspace.store.read("SELECT count(*) AS n FROM restatement_log").to_pylist() == [{"n": 0}]
    assert len(workspace.store.ledger()) == 12


def test_no_secret_is_in_a_task_and_it_comes_from_the_worker(workspace: Workspace, tmp_path: Path) -> None:
    jobs = build_jobs(workspace)
    content = pickle.dumps(build_template(workspace).build("shard", jobs[:1]))
    assert not [value for value in build_environment(ACCOUNTS).values() if value.encode() in content]
    assert jobs[0].account.name.encode() in content
    assert jobs[1].account.name.encode() not in content
    (tmp_path / "worker/.env").unlink()
    with pytest.raises(
        ConfigError, match=r"worker tcp://.*: chatmart.yaml: account acme-.*: the variable .* is not set"
    ):
        run_jobs(workspace, jobs)


@pytest.mark.long
def test_a_worker_of_another_release_is_refused(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    build = TaskTemplate.build

    def build_older(self: TaskTemplate, *given: Any) -> Any:
        task = build(self, *given)
        object.__setattr__(task, "code_version", "0.0.1")
        return task

    monkeypatch.setattr(TaskTemplate, "build", build_older)
    with pytest.raises(
        ConfigError, match=r"the driver has the code 0\.0\.1 and the worker .*: install the same release"
    ):
        run_jobs(workspace, build_jobs(workspace))


def test_a_stopped_run_ends_its_tasks(workspace: Workspace, sandbox: Sandbox) -> None:
    workspace.stop.request()
    stop_run(workspace.run_id)
    result = run_jobs(workspace, build_jobs(workspace))
    assert [outcome.loaded for outcome in result.outcomes] == [0, 0]
    assert not sandbox.requests
    rows = workspace.store.run_records(workspace.run_id)
    assert {row.error for row in rows} == {"interrupted: run the same command to go on"}


@pytest.mark.long
def test_what_a_closing_worker_leaves_is_done_by_another_task(
    workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop_run(workspace.run_id)
    submit, submitted = shard_runs.ShardRuns._submit, []

    def submit_and_count(self: Any, task: Any) -> None:
        submitted.append(task.shard.name)
        if len(submitted) > 2:
            stops._stopped_runs.clear()  # the next worker was not told to end
        submit(self, task)

    monkeypatch.setattr(shard_runs.ShardRuns, "_submit", submit_and_count)
    result = run_jobs(workspace, build_jobs(workspace))
    assert [outcome.loaded for outcome in result.outcomes] == [6, 6]
    assert len(submitted) > 2


def test_a_scheduler_that_is_away_is_named(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "CONNECT_SECONDS", 1)
    with (
        pytest.raises(ClusterLost, match=r"executor dask://127\.0\.0\.1:9: its scheduler cannot be reached"),
        connection.open_client("dask://127.0.0.1:9"),
    ):
        pass


def test_a_machine_without_the_libraries_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "find_spec", lambda _name: None)
    with (
        pytest.raises(ConfigError, match=r"pip install 'chatmart\[cluster\]'"),
        connection.open_client("dask://scheduler:8786"),
    ):
        pass


@pytest.mark.long
def test_a_cluster_without_workers_is_named(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shard_runs, "WORKER_WAIT_SECONDS", 0.5)
    monkeypatch.setattr(shard_runs, "_ASK_FOR_WORKERS_SECONDS", 0.1)
    with LocalCluster(
        n_workers=0, processes=False, protocol="tcp://", host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as empty:
        executor = empty.scheduler_address.replace("tcp://", "dask://")
        settings = workspace.config.settings.model_copy(update={"executor": executor})
        object.__setattr__(workspace.config, "settings", settings)
        with pytest.raises(ClusterLost, match="has had no worker for 0 s; start workers"):
            run_jobs(workspace, build_jobs(workspace))
