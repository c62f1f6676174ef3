import json
import os
from collections.abc import Iterator
from datetime import date, timedelta

import pyarrow.parquet as pq
import pytest

from extractors.http.messages import Answer, Asked
from extractors.landing.batch import Batch, BatchKey
from extractors.windows import Window
from pipelines.loads import load as loading
from pipelines.loads.load import describe, load_days, publish
from pipelines.loads.plan import Reusable
from pipelines.loads.workspace import Workspace
from sandbox.server import Sandbox
from tests.support.sample_world import Shop, open_sandbox
from warehouse.errors import StagedError
from warehouse.records import ChunkCommit, Committed
from warehouse.store import Store

MARCH = Window(date(2025, 3, 1), date(2025, 4, 1))
STREAM = "conversation_counter"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with open_sandbox() as running:
        yield running


def always(_batch: Batch, _day: date) -> bool:
    return True


def land(workspace: Workspace, window: Window, body: object, minutes: int = 0) -> Batch:
    (account,) = workspace.config.accounts
    key = BatchKey("cognigy", account.name, STREAM, account.external_id, account.timezone, window)
    at = workspace.clock.now() + timedelta(minutes=minutes)
    with workspace.landing.writer(key) as writer:
        writer.add(Answer(Asked("GET", "/"), 200, {}, at, json.dumps(body).encode()))
        return writer.finish(at)


def items(**days: int) -> dict[str, object]:
    return {"items": [{"year": 2025, "month": 3, "day": int(d[1:]), "conversations": n} for d, n in days.items()]}


def load(workspace: Workspace, window: Window = MARCH, may_stand: Reusable = always) -> loading.Loaded:
    (account,) = workspace.config.accounts
    return load_days(workspace, account, list(window.days()), may_stand)


def loaded(shop: Shop) -> dict[int, int]:
    publish(shop.workspace())
    return {row["date"].day: row["conversations"] for row in shop.view("conversation_daily")}


def test_landed_days_become_slices_with_their_books(shop: Shop) -> None:
    workspace = shop.workspace()
    describe(workspace)
    first = land(workspace, Window(date(2025, 3, 1), date(2025, 3, 21)), items(d2=5))
    second = land(workspace, Window(date(2025, 3, 20), date(2025, 4, 1)), items(d20=7), minutes=1)
    assert load(workspace).days == list(MARCH.days())
    assert loaded(shop) == {day: {2: 5, 20: 7}.get(day, 0) for day in range(1, 32)}
    ledger = shop.ledger("acme-berlin")
    assert ledger[date(2025, 3, 19)].batches == (first.batch_id,)
    assert ledger[date(2025, 3, 20)].batches == (second.batch_id,)
    assert ledger[date(2025, 3, 20)].fetched_at == second.fetched_at
    assert ledger[date(2025, 3, 20)].zone == "Europe/Berlin"


def test_days_without_a_batch_are_left_out(shop: Shop) -> None:
    workspace = shop.workspace()
    assert load(workspace).days == []
    land(workspace, Window(date(2025, 3, 5), date(2025, 3, 7)), items())
    assert load(workspace).days == [date(2025, 3, 5), date(2025, 3, 6)]


def test_a_batch_that_is_not_understood_holds_up_its_own_days_only(shop: Shop) -> None:
    workspace = shop.workspace()
    land(workspace, Window(date(2025, 3, 1), date(2025, 3, 11)), items(d1=1))
    bad = land(workspace, Window(date(2025, 3, 11), date(2025, 3, 21)), {"items": "soon"})
    land(workspace, Window(date(2025, 3, 21), date(2025, 4, 1)), items(d31=31))
    found = load(workspace)
    assert {day.day for day in found.days} == {*range(1, 11), *range(21, 32)}
    ((days, error),) = found.refused
    assert {day.day for day in days} == set(range(11, 21))
    assert "saw 'soon'" in str(error)
    (again,) = (b for b in workspace.landing.batches("cognigy", "acme-berlin", STREAM) if b == bad)
    assert again.rejected


def test_staged_files_are_kept_until_they_are_published(shop: Shop) -> None:
    workspace = shop.workspace()
    land(workspace, MARCH, items(d1=1))
    load(workspace)
    (staged,) = workspace.staging.rglob("conversation_daily.parquet")
    assert pq.read_table(staged).num_rows == 31
    assert publish(workspace)
    assert list(workspace.staging.iterdir()) == []
    assert not publish(workspace)


def test_what_dead_runs_left_is_removed_in_time(shop: Shop) -> None:
    workspace = shop.workspace()
    land(workspace, MARCH, items())
    load(workspace)
    for name, age in (("dead", 2 * 86_400), ("alive", 60)):
        folder = workspace.staging / name
        folder.mkdir()
        then = folder.stat().st_mtime - age
        os.utime(folder, (then, then))
    publish(workspace)
    assert [path.name for path in workspace.staging.iterdir()] == ["alive"]


def test_a_failed_commit_leaves_nothing(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = shop.workspace()
    land(workspace, MARCH, items(d1=1))

    def refuse(*_arguments: object) -> None:
        raise StagedError("planted")

    monkeypatch.setattr(type(workspace.store), "commit", refuse)
    with pytest.raises(StagedError):
        load(workspace)
    assert list((workspace.staging / workspace.run_id).iterdir()) == []
    assert shop.ledger("acme-berlin") == {}


def test_newer_answers_that_arrive_during_a_commit_win(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = shop.workspace()
    land(workspace, MARCH, items(d1=1))
    original, commits = Store.commit, 0

    def commit(store: Store, *history: ChunkCommit) -> Committed:
        nonlocal commits
        commits += 1
        if commits == 1:  # another run lands and loads what is newer just before this commit
            land(workspace, MARCH, items(d1=2), minutes=1)
            load(shop.workspace())
        return original(store, *history)

    monkeypatch.setattr(Store, "commit", commit)
    assert load(workspace).days == list(MARCH.days())
    assert loaded(shop)[1] == 2
    assert commits == 3
