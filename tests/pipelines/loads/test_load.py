import json
import os
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta

import duckdb
import pyarrow.parquet as pq
import pytest

from extractors.http.messages import Request, Response
from extractors.landing.batch import Batch, BatchKey
from extractors.windows import Window
from pipelines.loads.claims import ReuseRule, build_reuse_rule
from pipelines.loads.load import LoadResult, load_days
from pipelines.loads.publish import publish_warehouse, set_accounts_and_measures
from pipelines.loads.workspace import Workspace
from sandbox.server import Sandbox
from tests.support.broken_transform import break_transform
from tests.support.sample_world import SampleWorld, open_sandbox
from warehouse.errors import StagedError
from warehouse.records import ChunkCommit, CommitResult
from warehouse.store import Store

MARCH = Window(date(2025, 3, 1), date(2025, 4, 1))
STREAM = "conversation_counter"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with open_sandbox() as running:
        yield running


def is_always_reusable(_batch: Batch, _day: date) -> bool:
    return True


def land(workspace: Workspace, window: Window, body: object, minutes: int = 0) -> Batch:
    (account,) = workspace.config.accounts
    key = BatchKey("cognigy", account.name, STREAM, account.external_id, account.timezone, window)
    at = workspace.clock.now() + timedelta(minutes=minutes)
    with workspace.landing.open_writer(key) as writer:
        writer.add(Response(Request("GET", "/"), 200, {}, at, json.dumps(body).encode()))
        return writer.finish(at)


def build_items(**days: int) -> dict[str, object]:
    return {
        "items": [
            {"year": 2025, "month": 3, "day": int(day[1:]), "conversations": count} for day, count in days.items()
        ]
    }


def load(workspace: Workspace, window: Window = MARCH, is_reusable: ReuseRule = is_always_reusable) -> LoadResult:
    (account,) = workspace.config.accounts
    return load_days(workspace, account, list(window.days()), is_reusable)


def read_conversations(sample_world: SampleWorld) -> dict[int, int]:
    publish_warehouse(sample_world.open_workspace())
    return {row["date"].day: row["conversations"] for row in sample_world.read_view("conversation_daily")}


def test_landed_days_become_slices_with_their_ledger_rows(sample_world: SampleWorld) -> None:
    workspace = sample_world.open_workspace()
    set_accounts_and_measures(workspace)
    first = land(workspace, Window(date(2025, 3, 1), date(2025, 3, 21)), build_items(d2=5))
    second = land(workspace, Window(date(2025, 3, 20), date(2025, 4, 1)), build_items(d20=7), minutes=1)
    assert load(workspace).days == list(MARCH.days())
    assert read_conversations(sample_world) == {day: {2: 5, 20: 7}.get(day, 0) for day in range(1, 32)}
    ledger = sample_world.read_ledger("acme-berlin")
    assert ledger[date(2025, 3, 19)].batches == (first.batch_id,)
    assert ledger[date(2025, 3, 20)].batches == (second.batch_id,)
    assert ledger[date(2025, 3, 20)].fetched_at == second.fetched_at
    assert ledger[date(2025, 3, 20)].zone == "Europe/Berlin"


def test_days_without_a_batch_are_left_out(sample_world: SampleWorld) -> None:
    workspace = sample_world.open_workspace()
    assert load(workspace).days == []
    land(workspace, Window(date(2025, 3, 5), date(2025, 3, 7)), build_items())
    assert load(workspace).days == [date(2025, 3, 5), date(2025, 3, 6)]


def test_a_rejected_batch_fails_its_own_days_only(sample_world: SampleWorld) -> None:
    workspace = sample_world.open_workspace()
    land(workspace, Window(date(2025, 3, 1), date(2025, 3, 11)), build_items(d1=1))
    bad = land(workspace, Window(date(2025, 3, 11), date(2025, 3, 21)), {"items": "soon"})
    land(workspace, Window(date(2025, 3, 21), date(2025, 4, 1)), build_items(d31=31))
    result = load(workspace)
    assert {day.day for day in result.days} == {*range(1, 11), *range(21, 32)}
    ((days, error),) = result.rejected
    assert {day.day for day in days} == set(range(11, 21))
    assert "saw 'soon'" in str(error)
    (again,) = (b for b in workspace.landing.list_batches("cognigy", "acme-berlin", STREAM) if b == bad)
    assert again.is_rejected


@pytest.mark.parametrize(
    "error", [KeyError("items"), ZeroDivisionError(), RecursionError("too deep"), TypeError("\x1b[2J\ud83d")]
)
def test_an_unforeseen_failure_of_a_transform_costs_its_day_only(
    sample_world: SampleWorld, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    workspace = sample_world.open_workspace()
    batch = land(workspace, MARCH, build_items(d1=1, d31=31))
    with monkeypatch.context() as patch:
        break_transform(patch, date(2025, 3, 11), error)
        result = load(workspace)
    assert {day.day for day in result.days} == {*range(1, 11), *range(12, 32)}
    ((days, refusal),) = result.rejected
    assert days == (date(2025, 3, 11),)
    assert f"the answers could not be understood ({type(error).__name__}: " in str(refusal)
    assert str(refusal).isprintable()
    assert "the next load asks for them again" in str(refusal)
    assert [day.day for day in MARCH.days() if batch.is_rejected_on(day)] == [11]


def test_a_day_that_was_not_understood_is_asked_for_again(
    sample_world: SampleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = sample_world.open_workspace()
    batch = land(workspace, MARCH, build_items(d1=1))
    with monkeypatch.context() as patch:
        break_transform(patch, date(2025, 3, 11), KeyError("items"))
        load(workspace)
    now = batch.fetched_at + timedelta(minutes=5)
    account = workspace.config.accounts[0]
    is_reusable = build_reuse_rule(account, (), lambda _: False, now=now, run_started_at=now, refetch=False)
    assert not is_reusable(batch, date(2025, 3, 11))
    assert is_reusable(batch, date(2025, 3, 12))


def test_a_full_disk_is_no_answer_that_was_not_understood(
    sample_world: SampleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = sample_world.open_workspace()
    batch = land(workspace, MARCH, build_items(d1=1))
    for error in (OSError(28, "No space left"), duckdb.IOException("No space left"), MemoryError()):
        with monkeypatch.context() as patch:
            break_transform(patch, date(2025, 3, 11), error)
            with pytest.raises(type(error)):
                load(workspace)
    assert not batch.is_rejected


def test_a_disk_that_refuses_staged_files_is_named_by_their_folder(
    sample_world: SampleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.loads.stage.MAX_ROWS_IN_MEMORY", 0)
    workspace = sample_world.open_workspace()
    land(workspace, MARCH, build_items(d1=1))
    for error in (OSError(28, "Error writing bytes"), duckdb.IOException("No space left on device")):
        with monkeypatch.context() as patch:
            patch.setattr(pq, "write_table", raise_error(error))
            with pytest.raises(OSError, match=rf"No space left on device: '{workspace.staging}"):
                load(workspace)


def raise_error(error: Exception) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise error

    return fail


def test_staged_files_are_kept_until_they_are_published(
    sample_world: SampleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.loads.stage.MAX_ROWS_IN_MEMORY", 30)
    workspace = sample_world.open_workspace()
    land(workspace, MARCH, build_items(d1=1))
    load(workspace)
    (staged,) = workspace.staging.rglob("conversation_daily.parquet")
    assert pq.read_table(staged).num_rows == 31
    assert publish_warehouse(workspace)
    assert list(workspace.staging.iterdir()) == []
    assert not publish_warehouse(workspace)


def test_staged_files_of_dead_runs_are_removed(sample_world: SampleWorld) -> None:
    workspace = sample_world.open_workspace()
    land(workspace, MARCH, build_items())
    load(workspace)
    for name, age in (("dead", 2 * 86_400), ("alive", 60)):
        folder = workspace.staging / name
        folder.mkdir()
        then = folder.stat().st_mtime - age
        os.utime(folder, (then, then))
    publish_warehouse(workspace)
    assert [path.name for path in workspace.staging.iterdir()] == ["alive"]


def test_a_failed_commit_leaves_nothing(sample_world: SampleWorld, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = sample_world.open_workspace()
    land(workspace, MARCH, build_items(d1=1))

    def refuse(*_arguments: object) -> None:
        raise StagedError("planted")

    monkeypatch.setattr(type(workspace.store), "commit_group", refuse)
    with pytest.raises(StagedError):
        load(workspace)
    assert list((workspace.staging / workspace.run_id).iterdir()) == []
    assert sample_world.read_ledger("acme-berlin") == {}


def test_newer_batches_that_land_during_a_commit_win(
    sample_world: SampleWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    workspace = sample_world.open_workspace()
    land(workspace, MARCH, build_items(d1=1))
    original, commits = Store.commit_group, 0

    def commit(store: Store, histories: Sequence[Sequence[ChunkCommit]]) -> list[CommitResult | Exception]:
        nonlocal commits
        commits += 1
        if commits == 1:  # another run lands and loads newer batches just before this commit
            land(workspace, MARCH, build_items(d1=2), minutes=1)
            load(sample_world.open_workspace())
        return [*original(store, histories)]

    monkeypatch.setattr(Store, "commit_group", commit)
    assert load(workspace).days == list(MARCH.days())
    assert read_conversations(sample_world)[1] == 2
    assert commits == 3
