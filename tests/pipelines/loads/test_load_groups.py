"""Several accounts and months in one commit: each has its own result, error and message."""

import errno
from collections.abc import Collection, Sequence
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from extractors.account import Account
from extractors.landing.batch import Batch
from pipelines.loads import load
from pipelines.loads.claims import DayClaims
from pipelines.loads.load import DaysLoad, commit_loads
from pipelines.loads.run import LoadJob, fetch_jobs, load_landed_batches, run_jobs
from pipelines.loads.stage import stage_chunk
from pipelines.loads.workspace import Workspace
from sandbox.server import Sandbox
from tests.support.sample_world import BERLIN, NEW_YORK, SampleWorld, days_between, true_conversations
from warehouse.records import ChunkCommit
from warehouse.store import Store

FIRST, LAST = date(2025, 11, 28), date(2025, 12, 3)
DAYS = tuple(days_between(FIRST, LAST))


@pytest.fixture
def world(tmp_path: Path, sandbox: Sandbox) -> SampleWorld:
    """Six days of two accounts, in two months, that are landed and not loaded."""
    world = SampleWorld(tmp_path, sandbox, (BERLIN, NEW_YORK), begun=True)
    workspace = world.open_workspace()
    assert fetch_jobs(workspace, [LoadJob(account, DAYS) for account in workspace.config.accounts]).is_ok
    return world


def is_always_reusable(_batch: Batch, _day: date) -> bool:
    return True


def build_loads(workspace: Workspace) -> list[DaysLoad]:
    months = [[day for day in DAYS if day.month == month] for month in (11, 12)]
    return [DaysLoad(account, days, is_always_reusable) for account in workspace.config.accounts for days in months]


def count_groups(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Return the list to which the number of histories of each group is added."""
    sizes: list[int] = []
    original = Store.commit_group

    def commit_group(store: Store, histories: Sequence[Sequence[ChunkCommit]]) -> Any:
        sizes.append(len(histories))
        return original(store, histories)

    monkeypatch.setattr(Store, "commit_group", commit_group)
    return sizes


@pytest.mark.parametrize(("max_rows", "sizes"), [(1_000_000, [4]), (1, [1, 1, 1, 1])])
def test_loads_are_committed_together_as_memory_allows(
    world: SampleWorld, monkeypatch: pytest.MonkeyPatch, max_rows: int, sizes: list[int]
) -> None:
    monkeypatch.setattr(load, "MAX_GROUP_ROWS", max_rows)
    groups, workspace = count_groups(monkeypatch), world.open_workspace()
    loads = build_loads(workspace)
    commit_loads(workspace, loads)
    assert groups == sizes
    assert [(done.result.days, done.error) for done in loads] == [(list(done.days), None) for done in loads]
    assert all(done.result.rows >= len(done.days) for done in loads)
    for account in (BERLIN, NEW_YORK):
        assert list(world.read_ledger(account.name)) == list(DAYS)


def test_one_that_cannot_be_staged_holds_up_no_other(world: SampleWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    def stage_or_fail(workspace: Workspace, account: Account, claims: DayClaims, folder: Path) -> ChunkCommit:
        if account.name == BERLIN.name:
            raise RuntimeError("boom")
        return stage_chunk(workspace, account, claims, folder)

    monkeypatch.setattr(load, "stage_chunk", stage_or_fail)
    workspace = world.open_workspace()
    jobs = [LoadJob(account, DAYS) for account in workspace.config.accounts]
    result = load_landed_batches(workspace, jobs, world.clock.now())
    assert [(outcome.loaded, outcome.failed) for outcome in result.outcomes] == [(0, 6), (6, 0)]
    assert "boom" in result.errors_by_account[BERLIN.name]
    assert {row.state for row in world.read_ledger(BERLIN.name).values()} == {"failed"}
    assert not [path for path in workspace.staging.rglob("*") if path.is_file()]


def test_a_full_disk_fails_every_member_with_its_own_message(
    world: SampleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "warehouse.duckdb")

    monkeypatch.setattr(Store, "commit_group", fail)
    workspace = world.open_workspace()
    jobs = [LoadJob(account, DAYS) for account in workspace.config.accounts]
    result = run_jobs(workspace, jobs)
    assert [(outcome.loaded, outcome.failed) for outcome in result.outcomes] == [(0, 6), (0, 6)]
    for account in (BERLIN, NEW_YORK):
        message = result.errors_by_account[account.name]
        assert account.name in message
        assert "No space left on device" in message
        assert {row.state for row in world.read_ledger(account.name).values()} == {"failed"}


def test_newer_batches_of_one_account_repeat_its_load_alone(
    world: SampleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = world.open_workspace()
    loads = build_loads(workspace)
    groups, original, turns = count_groups(monkeypatch), DaysLoad.confirm, 0

    def confirm(self: DaysLoad, workspace: Workspace, committed: Any) -> bool:
        nonlocal turns
        turns += 1
        if turns == 1:  # another run lands newer batches of the first account
            jobs = [LoadJob(self.account, DAYS)]
            assert fetch_jobs(world.open_workspace(), jobs, refetch=True).is_ok
        return original(self, workspace, committed)

    monkeypatch.setattr(DaysLoad, "confirm", confirm)
    commit_loads(workspace, loads)
    assert groups == [4, 2]
    assert [done.result.days for done in loads] == [list(done.days) for done in loads]


def test_once_a_stop_is_requested_no_other_load_is_begun(world: SampleWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = world.open_workspace()
    original = DaysLoad.prepare

    def prepare(self: DaysLoad, workspace: Workspace, folder: Path) -> Collection[ChunkCommit]:
        if self.days[0].month == 12:
            workspace.stop.request()
        return original(self, workspace, folder)

    monkeypatch.setattr(DaysLoad, "prepare", prepare)
    loads = build_loads(workspace)
    commit_loads(workspace, loads)
    assert [done.is_begun for done in loads] == [True, True, False, False]
    assert [len(done.result.days) for done in loads] == [3, 3, 0, 0]


def test_a_run_over_accounts_and_months_gives_the_truth(world: SampleWorld, sandbox: Sandbox) -> None:
    workspace = world.open_workspace()
    assert run_jobs(workspace, [LoadJob(account, DAYS) for account in workspace.config.accounts]).is_ok
    rows = world.read_view("conversation_daily", f"account = '{BERLIN.name}'")
    assert {row["date"]: row["conversations"] for row in rows} == true_conversations(sandbox, FIRST, LAST)
