"""The rows of ``load_run`` during and after runs of every kind."""

from collections import Counter
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from extractors.account import Account
from pipelines.loads.failures import INTERRUPTED_MESSAGE
from pipelines.loads.observer import NullObserver
from pipelines.loads.replay import replay_jobs
from pipelines.loads.run import LoadJob, fetch_jobs, load_landed_batches, run_jobs
from pipelines.loads.workspace import Workspace
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from tests.support.clock import FakeClock
from tests.support.sample_world import BERLIN, NEW_YORK, SampleWorld
from warehouse.errors import WarehouseError
from warehouse.records import RunRow
from warehouse.store import Store

MARCH, APRIL = date(2025, 3, 1), date(2025, 4, 30)


@pytest.fixture
def sample_world(tmp_path: Path, sandbox: Sandbox) -> SampleWorld:
    return SampleWorld(tmp_path, sandbox, (BERLIN, NEW_YORK), begun=True)


def list_days(first: date, last: date) -> tuple[date, ...]:
    return tuple(first + timedelta(days=offset) for offset in range((last - first).days + 1))


def build_jobs(workspace: Workspace, first: date = MARCH, last: date = APRIL) -> list[LoadJob]:
    return [LoadJob(account, list_days(first, last)) for account in workspace.config.accounts]


def read_run_rows(sample_world: SampleWorld, run_id: str) -> dict[str, dict[str, Any]]:
    return {row["account"]: row for row in sample_world.read_view("load_run", f"run_id = '{run_id}'")}


class FirstLoadHook(NullObserver):
    """Calls an action once, when the first slices are loaded."""

    def __init__(self, action: Any) -> None:
        self._action = action

    def on_days_loaded(self, account: Account, days: Collection[date]) -> None:
        if self._action:
            action, self._action = self._action, None
            action()


def test_a_row_agrees_with_the_requests_and_the_warehouse(sample_world: SampleWorld, sandbox: Sandbox) -> None:
    workspace = replace(sample_world.open_workspace(), command="backfill")
    began = workspace.clock.now()
    run_jobs(workspace, build_jobs(workspace))
    rows = read_run_rows(sample_world, workspace.run_id)
    request_counts = Counter(record.account for record in sample_world.take_requests())
    facts = {
        account.name: sum(row.rows or 0 for row in sample_world.read_ledger(account.name).values())
        for account in (BERLIN, NEW_YORK)
    }
    zone = workspace.landing
    batches = {name: zone.list_batches("cognigy", name, "conversation_counter") for name in rows}
    assert sorted(rows) == [BERLIN.name, NEW_YORK.name]
    for name, row in rows.items():
        assert (row["command"], row["provider"], row["error"]) == ("backfill", "cognigy", None)
        assert (row["planned"], row["loaded"], row["failed"]) == (61, 61, 0)
        assert (row["requests"], row["retries"]) == (request_counts[name], 0) == (2, 0)
        assert row["rows"] == facts[name] > 61
        assert row["bytes"] == sum(batch.manifest["bytes"] for batch in batches[name])
        assert row["date"] == began.date()
        assert began <= row["started_at"] <= row["ended_at"]


def test_waits_and_repeats_are_those_of_the_account(sample_world: SampleWorld, sandbox: Sandbox) -> None:
    sample_world.accounts = (BERLIN,)
    sandbox.plan_faults(Fault(status=429, headers={"retry-after": "30"}), Fault(status=503))
    workspace = sample_world.open_workspace(FakeClock(sample_world.clock.now()))
    run_jobs(workspace, build_jobs(workspace))
    row = read_run_rows(sample_world, workspace.run_id)[BERLIN.name]
    assert (row["requests"], row["retries"]) == (4, 2)
    assert Decimal(30) <= row["waited_seconds"] < 60
    assert row["ended_at"] - row["started_at"] >= timedelta(seconds=30)


def test_the_first_error_of_an_account_is_in_its_row(sample_world: SampleWorld) -> None:
    sample_world.accounts = (replace(BERLIN, credential="fake-key-that-nobody-knows"), NEW_YORK)
    workspace = sample_world.open_workspace()
    result = run_jobs(workspace, build_jobs(workspace))
    rows = read_run_rows(sample_world, workspace.run_id)
    assert (rows[BERLIN.name]["loaded"], rows[BERLIN.name]["failed"]) == (0, 61)
    assert rows[BERLIN.name]["error"] == result.outcomes[0].errors[0]
    assert "HTTP 401" in rows[BERLIN.name]["error"]
    assert (rows[NEW_YORK.name]["failed"], rows[NEW_YORK.name]["error"]) == (0, None)


def test_a_run_in_progress_has_rows_without_an_end(sample_world: SampleWorld) -> None:
    workspace = sample_world.open_workspace()
    seen: list[RunRow] = []
    run_jobs(
        workspace,
        build_jobs(workspace),
        observer=FirstLoadHook(lambda: seen.extend(workspace.store.run_records(workspace.run_id))),
    )
    assert [(row.account, row.planned, row.loaded, row.ended_at) for row in seen] == [
        (BERLIN.name, 61, 0, None),
        (NEW_YORK.name, 61, 0, None),
    ]
    assert all(row["ended_at"] for row in read_run_rows(sample_world, workspace.run_id).values())


def test_a_long_run_writes_its_progress_when_it_publishes(sample_world: SampleWorld) -> None:
    workspace = sample_world.open_workspace()
    seen: list[dict[str, Any]] = []
    original = workspace.store.publish

    def publish() -> bool:
        done = original()
        seen.extend(read_run_rows(sample_world, workspace.run_id).values())
        return done

    workspace.store.publish = publish  # type: ignore[method-assign]
    run_jobs(workspace, build_jobs(workspace), observer=FirstLoadHook(lambda: sample_world.clock.advance(601)))
    first = {row["account"]: row for row in seen[:2]}
    loaded = [row["loaded"] for row in first.values()]
    assert set(loaded) <= {0, 30, 61}  # whole months
    assert 0 < sum(loaded) < 2 * 61  # how many join the first commit depends on which are ready by then
    assert {row["ended_at"] for row in first.values()} == {None}
    assert {row["loaded"] for row in seen[-2:]} == {61}


def test_a_stopped_run_ends_its_rows_and_publishes_its_commits(sample_world: SampleWorld) -> None:
    workspace = sample_world.open_workspace()
    result = run_jobs(
        workspace,
        build_jobs(workspace, date(2025, 1, 1), date(2025, 12, 31)),
        observer=FirstLoadHook(workspace.stop.request),
    )
    rows = read_run_rows(sample_world, workspace.run_id)
    assert [outcome.errors for outcome in result.outcomes] == [[], []]
    assert 31 <= sum(outcome.loaded for outcome in result.outcomes) < 365
    for outcome in result.outcomes:
        row = rows[outcome.account.name]
        assert (row["planned"], row["loaded"], row["failed"]) == (365, outcome.loaded, 0)
        assert (row["error"], row["ended_at"] is None) == (INTERRUPTED_MESSAGE, False)
        conversations = sample_world.read_view("conversation_daily", f"account = '{outcome.account.name}'")
        assert len(conversations) == outcome.loaded
    assert not any(row.error for name in rows for row in sample_world.read_ledger(name).values())
    again = sample_world.open_workspace()
    assert run_jobs(again, build_jobs(again, date(2025, 12, 1), date(2025, 12, 31))).is_ok


def test_a_run_stopped_before_it_starts_sends_no_request(sample_world: SampleWorld) -> None:
    workspace = sample_world.open_workspace()
    workspace.stop.request()
    run_jobs(workspace, build_jobs(workspace))
    assert sample_world.take_requests() == []
    assert {row["error"] for row in read_run_rows(sample_world, workspace.run_id).values()} == {INTERRUPTED_MESSAGE}


def test_fetching_and_loading_apart_are_one_row(sample_world: SampleWorld, sandbox: Sandbox) -> None:
    sandbox.plan_faults(Fault(path="month=3", status=400, body='{"detail": "no"}'))
    sample_world.accounts = (BERLIN,)
    first = replace(sample_world.open_workspace(), command="dagster load_cognigy")
    started = first.clock.now()
    fetch_jobs(first, build_jobs(first))
    [fetched] = first.store.run_records(first.run_id)
    assert (fetched.loaded, fetched.failed, fetched.requests, fetched.ended_at is None) == (0, 31, 2, False)
    sample_world.clock.advance(3600 * 13)  # past midnight
    second = replace(sample_world.open_workspace(), run_id=first.run_id, command=first.command)
    load_landed_batches(second, build_jobs(second), started)
    [row] = sample_world.read_view("load_run")
    assert (row["loaded"], row["failed"], row["rows"] > 0) == (30, 31, True)
    assert (row["requests"], row["bytes"], row["started_at"]) == (2, fetched.bytes, fetched.started_at)
    assert row["date"] == fetched.date == started.astimezone(UTC).date()
    assert row["ended_at"] == second.clock.now()
    assert row["error"] == fetched.error


def test_days_that_this_run_did_not_fetch_are_not_planned(sample_world: SampleWorld) -> None:
    sample_world.backfill(MARCH, APRIL)
    workspace = sample_world.open_workspace()
    load_landed_batches(workspace, build_jobs(workspace), workspace.clock.now())
    assert read_run_rows(sample_world, workspace.run_id) == {}


def test_a_replay_is_a_run_without_requests(sample_world: SampleWorld) -> None:
    sample_world.backfill(MARCH, APRIL)
    workspace = replace(sample_world.open_workspace(), command="replay")
    replay_jobs(workspace, build_jobs(workspace), NullObserver())
    for row in read_run_rows(sample_world, workspace.run_id).values():
        assert (row["command"], row["planned"], row["loaded"], row["requests"]) == ("replay", 61, 61, 0)
        assert row["rows"] > 61


def test_a_replay_ends_between_two_months(sample_world: SampleWorld) -> None:
    sample_world.backfill(MARCH, APRIL)
    workspace = sample_world.open_workspace()
    result = replay_jobs(workspace, build_jobs(workspace), FirstLoadHook(workspace.stop.request))
    assert [(outcome.loaded, outcome.failed) for outcome in result.outcomes] == [(30, 0), (0, 0)]
    assert {row["error"] for row in read_run_rows(sample_world, workspace.run_id).values()} == {INTERRUPTED_MESSAGE}


def test_an_error_of_the_whole_warehouse_ends_the_run_for_all(
    sample_world: SampleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = sample_world.open_workspace()

    def fail(*_arguments: object) -> None:
        raise WarehouseError("the disk is full")

    monkeypatch.setattr(Store, "commit_group", fail)
    with pytest.raises(WarehouseError, match="the disk is full"):
        run_jobs(workspace, build_jobs(workspace))
    rows = read_run_rows(sample_world, workspace.run_id)
    assert {(row["error"], row["loaded"]) for row in rows.values()} == {("the disk is full", 0)}


def test_a_run_without_days_leaves_no_trace(sample_world: SampleWorld) -> None:
    sample_world.backfill(MARCH, MARCH)
    before = sample_world.open_workspace().store.location.stat()
    workspace = sample_world.open_workspace()
    run_jobs(workspace, [LoadJob(account, ()) for account in workspace.config.accounts])
    assert read_run_rows(sample_world, workspace.run_id) == {}
    assert sample_world.open_workspace().store.location.stat().st_ino == before.st_ino
