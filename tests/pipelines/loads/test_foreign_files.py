"""A foreign or broken file in the landing zone costs its own days only, and a replay says so."""

import json
import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from extractors.landing.batch import BatchKey
from pipelines.loads.history import list_landed_days
from pipelines.loads.observer import NullObserver
from pipelines.loads.replay import replay_jobs
from pipelines.loads.result import RunResult
from pipelines.loads.run import LoadJob
from sandbox.server import Sandbox
from tests.support.file_batches import land_in_files
from tests.support.sample_world import (
    BERLIN,
    NEW_YORK,
    SampleWorld,
    days_between,
    loaded_conversations,
    true_conversations,
)

FIRST, LAST = date(2025, 11, 1), date(2026, 1, 5)
BROKEN_MONTH = days_between(date(2025, 12, 1), date(2025, 12, 31))


def replay(world: SampleWorld) -> RunResult:
    for path in (world.folder / "data").iterdir():
        if path.name != "landing":
            shutil.rmtree(path) if path.is_dir() else path.unlink()
    workspace = world.open_workspace()
    jobs = [
        LoadJob(account, tuple(sorted(list_landed_days(account, workspace.landing))))
        for account in workspace.config.accounts
    ]
    return replay_jobs(workspace, jobs, NullObserver())


@pytest.fixture
def world(tmp_path: Path, sandbox: Sandbox) -> SampleWorld:
    loaded = SampleWorld(tmp_path, sandbox, (BERLIN, NEW_YORK), begun=True)
    assert loaded.backfill(FIRST, LAST).is_ok
    return loaded


@pytest.fixture
def world_of_files(world: SampleWorld) -> SampleWorld:
    """The same landing zone as an earlier release wrote it: two files for each batch."""
    landing = world.open_workspace().landing
    for account in world.open_workspace().config.accounts:
        folder = landing.account_folder(account.provider, account.name)
        batches = [
            (batch, [body for _, body in batch.iter_bodies()], batch.parts)
            for stream in landing.list_streams(account.provider, account.name)
            for batch in landing.list_batches(account.provider, account.name, stream)
        ]
        shutil.rmtree(folder)
        for batch, bodies, parts in batches:
            key = BatchKey(
                account.provider,
                account.name,
                batch.stream,
                account.external_id,
                account.timezone,
                batch.window,
                account.enabled_streams,
                batch.run_started_at,
            )
            landed = land_in_files(landing, *bodies, at=batch.fetched_at, number=batch.number, key=key)
            path = landed.source.manifest_path  # type: ignore[attr-defined]
            manifest = json.loads(path.read_text())
            for part, original in zip(manifest["parts"], parts, strict=True):
                part.update(asked=original.request, context=original.context)
            path.write_text(json.dumps(manifest))
    return world


def check_that_only_december_is_lost(world: SampleWorld, sandbox: Sandbox, lost: list[date]) -> None:
    result = replay(world)
    expected = true_conversations(sandbox, FIRST, LAST)
    for day in lost:
        del expected[day]
    assert loaded_conversations(world) == expected
    assert loaded_conversations(world, NEW_YORK.name) == true_conversations(sandbox, FIRST, LAST, NEW_YORK.name)
    assert list(result.errors_by_account) == ([BERLIN.name] if lost else [])
    assert result.is_ok is not bool(lost)


Change = Callable[[dict[str, Any]], object]
BROKEN_MANIFESTS: dict[str, Change] = {
    "without answers": lambda manifest: {**manifest, "parts": []},
    "without answers and bytes": lambda manifest: {**manifest, "parts": [], "bytes": 0},
    "a list": lambda manifest: [manifest],
    "a number": lambda _: 7,
    "empty": lambda _: {},
    "without a zone": lambda manifest: {key: value for key, value in manifest.items() if key != "zone"},
    "parts of another kind": lambda manifest: {**manifest, "parts": {"0": 1}},
    "parts that are numbers": lambda manifest: {**manifest, "parts": [1]},
    "no instant": lambda manifest: {**manifest, "landed_at": 7},
    "other days": lambda manifest: {**manifest, "window": ["2025-12-01", "2025-12-02"]},
}


@pytest.mark.parametrize("kind", BROKEN_MANIFESTS)
def test_a_broken_manifest_costs_its_own_days(world_of_files: SampleWorld, sandbox: Sandbox, kind: str) -> None:
    [manifest] = (world_of_files.folder / "data/landing").glob(
        f"*/account={BERLIN.name}/stream=conversation_counter/2025-12-01_*.json"
    )
    manifest.write_text(json.dumps(BROKEN_MANIFESTS[kind](json.loads(manifest.read_text()))))
    check_that_only_december_is_lost(world_of_files, sandbox, BROKEN_MONTH)


@pytest.mark.parametrize(
    "name",
    [
        "2025-13-45_2025-12-01.000000001.20251201T000000000000Z.0123456789abcdef.json",
        "2025-12-02_2025-12-01.000000001.20251201T000000000000Z.0123456789abcdef.json",
        "2025-12-01_2025-12-02.000000001.20259999T000000000000Z.0123456789abcdef.json",
        "notes.txt",
        "copy of 2025-12-01.json",
    ],
)
def test_a_foreign_file_costs_nothing(world_of_files: SampleWorld, sandbox: Sandbox, name: str) -> None:
    landing = world_of_files.folder / "data/landing"
    [folder] = landing.glob(f"*/account={BERLIN.name}/stream=conversation_counter")
    for place in (folder, folder.parent, folder.parents[1], landing):
        (place / name).write_text("[]")
    (folder.parent / "stream=foreign").write_text("a file")
    check_that_only_december_is_lost(world_of_files, sandbox, [])


@pytest.mark.parametrize("content", [b"", b"junk", b'{"kind":1}\n'])
@pytest.mark.parametrize("name", ["000099.jsonl.zst", "000099.jsonl", "000050-000060.1.jsonl.zst"])
def test_a_foreign_segment_costs_nothing(world: SampleWorld, sandbox: Sandbox, name: str, content: bytes) -> None:
    [folder] = (world.folder / "data/landing").glob(f"*/account={BERLIN.name}")
    (folder / name).write_bytes(content)
    check_that_only_december_is_lost(world, sandbox, [])


def test_a_segment_of_another_account_hides_no_batch(world: SampleWorld, sandbox: Sandbox) -> None:
    [folder] = (world.folder / "data/landing").glob(f"*/account={BERLIN.name}")
    [other] = (world.folder / "data/landing").glob(f"*/account={NEW_YORK.name}/000001.jsonl.zst")
    shutil.copyfile(other, folder / "000009.jsonl.zst")
    check_that_only_december_is_lost(world, sandbox, [])


def test_a_cut_segment_costs_its_own_days(world: SampleWorld, sandbox: Sandbox) -> None:
    assert world.backfill(date(2025, 12, 1), date(2025, 12, 31), refetch=True).is_ok
    [folder] = (world.folder / "data/landing").glob(f"*/account={BERLIN.name}")
    newest = max(folder.glob("*.jsonl.zst"))
    newest.write_bytes(newest.read_bytes()[:100])
    result = replay(world)
    expected = true_conversations(sandbox, FIRST, LAST)
    loaded = loaded_conversations(world)
    assert {day: loaded[day] for day in loaded if day not in BROKEN_MONTH} == {
        day: expected[day] for day in expected if day not in BROKEN_MONTH
    }
    assert list(result.errors_by_account) == [BERLIN.name]
