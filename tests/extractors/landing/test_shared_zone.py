"""A landing zone on an object store, read and written by two machines: each has its own copies, the store is one."""

import asyncio
import time
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from extractors.landing.damage import has_damaged_files
from extractors.landing.landed_files import find_keeper
from extractors.landing.prune import list_landed_accounts
from extractors.landing.shared_zone import SharedLandingZone
from tests.support.clock import FakeClock
from tests.support.landing_bucket import LandingBucket
from tests.support.sample_batches import AT, REQUEST, build_key, build_response, land_batch, list_batches
from tests.support.shared_zones import ACCOUNT, LARGE, list_here, list_objects, read_bodies


def test_one_machine_reads_what_another_has_landed(
    bucket: LandingBucket, first: SharedLandingZone, second: SharedLandingZone
) -> None:
    assert list_batches(second) == []
    with first.open_log(*ACCOUNT):
        land_batch(first, b"a", LARGE)
        assert list_objects(bucket) == []  # one object for a run, not one for an answer
    names = list_objects(bucket)
    assert names[0] == "000001.jsonl.zst"
    assert [name.split("/")[0] for name in names[1:]] == ["bodies"]
    assert list_batches(second) == []
    assert read_bodies(second) == [[b"a", LARGE]]
    land_batch(second, b"b", at=AT + timedelta(hours=1))
    assert read_bodies(first) == [[b"a", LARGE], [b"b"]]
    assert [batch.number for batch in list_batches(first)] == [1, 2]
    assert list_landed_accounts(first) == [ACCOUNT]


def test_a_commit_rests_on_what_is_in_the_store(
    bucket: LandingBucket, first: SharedLandingZone, second: SharedLandingZone
) -> None:
    with first.open_log(*ACCOUNT):
        land_batch(first, b"a")
        land_batch(first, b"b", key=build_key(stream="other"))
        first.sync([ACCOUNT])
        first.sync([ACCOUNT])
        assert list_objects(bucket) == ["000001.jsonl.zst"]
        assert read_bodies(second) == [[b"a"]]
        land_batch(first, b"c", at=AT + timedelta(hours=1))
        assert [number for number, _ in ((batch.number, batch) for batch in list_batches(first))] == [1, 3]
    assert list_objects(bucket) == ["000001.jsonl.zst", "000002.jsonl.zst"]
    assert read_bodies(second) == [[b"a"], [b"c"]]


def test_answers_of_a_cancelled_run_are_used_by_another_machine(
    first: SharedLandingZone, second: SharedLandingZone
) -> None:
    with suppress(KeyboardInterrupt), first.open_log(*ACCOUNT), first.open_writer(build_key()) as writer:
        writer.add(build_response(b"costly"))
        raise KeyboardInterrupt
    assert list_batches(second) == []
    with second.open_log(*ACCOUNT), second.open_writer(build_key(), FakeClock(AT)) as writer:
        response = writer.recall("counter", REQUEST)
        assert response is not None
        assert response.body == b"costly"
        writer.add(response)
        writer.finish(AT)
    assert read_bodies(first) == [[b"costly"]]


def test_what_a_killed_run_had_only_here_is_lost(
    bucket: LandingBucket, first: SharedLandingZone, tmp_path: Path
) -> None:
    writing = first.open_log(*ACCOUNT)
    writing.__enter__()
    land_batch(first, b"x" * 9, LARGE)
    names = list_here(first)
    assert names[0] == "000001.jsonl"
    other = bucket.open_zone(tmp_path / "other")
    killed = other.account_folder(*ACCOUNT)
    for name in names:  # a folder as the kill leaves it
        target = killed / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes((first.account_folder(*ACCOUNT) / name).read_bytes())
    land_batch(other, b"new")
    assert read_bodies(other) == [[b"new"]]
    assert list_objects(bucket) == list_here(other) == ["000001.jsonl.zst"]


@pytest.mark.parametrize("sent", [0, 1])
def test_a_kill_between_the_objects_of_one_batch_leaves_nothing_torn(
    bucket: LandingBucket, first: SharedLandingZone, second: SharedLandingZone, sent: int
) -> None:
    keeper: Any = find_keeper(first.account_folder(*ACCOUNT))
    sends = keeper._send

    def send(path: Path) -> None:
        if len(list_objects(bucket)) >= sent:
            raise KeyboardInterrupt
        sends(path)

    keeper._send = send
    with pytest.raises(KeyboardInterrupt):
        land_batch(first, b"a", LARGE)
    assert len(list_objects(bucket)) == sent
    assert read_bodies(second) == []
    assert not has_damaged_files(second, *ACCOUNT)
    land_batch(second, b"a", LARGE)
    keeper._send = sends
    assert read_bodies(first) == [[b"a", LARGE]]


def test_a_run_without_the_lock_overwrites_nothing(first: SharedLandingZone, second: SharedLandingZone) -> None:
    zombie = first.open_log(*ACCOUNT)
    zombie.__enter__()
    land_batch(first, b"of a zombie")
    land_batch(second, b"of the holder")
    with pytest.raises(OSError, match=r"another run has written this segment.*s3://bucket/landing/provider=cognigy"):
        zombie.__exit__(None, None, None)
    assert read_bodies(first) == read_bodies(second) == [[b"of the holder"]]


def test_an_upload_whose_answer_was_lost_is_no_other_run(
    bucket: LandingBucket, first: SharedLandingZone, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_if = bucket.objects.write_if
    monkeypatch.setattr(bucket.objects, "write_if", lambda *arguments: write_if(*arguments) and None)
    land_batch(first, b"a")
    assert read_bodies(first) == [[b"a"]]


def test_requests_to_the_store_hold_up_no_other_task(
    bucket: LandingBucket, first: SharedLandingZone, monkeypatch: pytest.MonkeyPatch
) -> None:
    list_slowly = bucket.objects.list_objects

    def wait_and_list(folder: str) -> Any:
        time.sleep(0.2)
        return list_slowly(folder)

    monkeypatch.setattr(bucket.objects, "list_objects", wait_and_list)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    async def run() -> None:
        ticking = asyncio.create_task(tick())
        async with first.open_log_aside(*ACCOUNT):
            land_batch(first, b"a")
        ticking.cancel()

    asyncio.run(run())
    assert ticks > 5
    assert list_objects(bucket) == ["000001.jsonl.zst"]
