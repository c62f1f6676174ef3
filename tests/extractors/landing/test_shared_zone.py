"""A landing zone on an object store, read and written by two machines: each has its own copies, the store is one."""

import asyncio
import os
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import zstandard

from extractors.exports.journal import ExportRequest, Journal, JournalEntry
from extractors.landing import copy_folders, copy_room, saved_index
from extractors.landing.damage import has_damaged_files
from extractors.landing.erase_log import erase_log
from extractors.landing.files import write_private_file
from extractors.landing.forgotten import LIST_NAME, begin_list, read_people, write_people
from extractors.landing.landed_files import find_keeper
from extractors.landing.merge import merge_segments
from extractors.landing.prune import list_landed_accounts, prune_account
from extractors.landing.shared_zone import SharedLandingZone
from extractors.landing.zone import LandingZone
from tests.support.clock import FakeClock
from tests.support.file_batches import land_in_files
from tests.support.landing_bucket import LandingBucket
from tests.support.sample_batches import AT, REQUEST, build_key, build_response, land_batch, list_batches
from tests.support.word_eraser import WORD, WordEraser

ACCOUNT = ("cognigy", "acme")
PREFIX = "provider=cognigy/account=acme/"
LARGE = os.urandom(2**20 + 1)
PERSON = WORD.encode()


@pytest.fixture
def bucket() -> LandingBucket:
    return LandingBucket()


@pytest.fixture
def first(bucket: LandingBucket, tmp_path: Path) -> SharedLandingZone:
    return bucket.open_zone(tmp_path / "first")


@pytest.fixture
def second(bucket: LandingBucket, tmp_path: Path) -> SharedLandingZone:
    return bucket.open_zone(tmp_path / "second")


def read_bodies(zone: SharedLandingZone) -> list[list[bytes]]:
    zone.refresh([ACCOUNT])
    return [[body for _, body in batch.iter_bodies()] for batch in list_batches(zone)]


def unpack(content: bytes) -> bytes:
    with zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True) as reader:
        return reader.read()


def list_objects(bucket: LandingBucket) -> list[str]:
    return [name.removeprefix(PREFIX) for name in bucket.read_all()]


def list_here(zone: SharedLandingZone) -> list[str]:
    folder = zone.account_folder(*ACCOUNT)
    paths = (path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return sorted(path.relative_to(folder).as_posix() for path in paths)


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


def test_what_is_pruned_here_is_gone_there(
    bucket: LandingBucket, first: SharedLandingZone, second: SharedLandingZone
) -> None:
    for hour in range(3):
        land_batch(first, b"%d" % hour, LARGE + b"%d" % hour, at=AT + timedelta(hours=hour))
    assert len(read_bodies(second)) == 3
    later = AT + timedelta(days=60)
    result = prune_account(second, *ACCOUNT, (), later, later)
    assert (result.arrivals, result.busy_accounts) == (2, 0)
    assert result.bytes > 2 * len(LARGE)
    assert read_bodies(first) == [[b"2", LARGE + b"2"]]
    assert [name.split("/")[0] for name in list_objects(bucket)] == ["000001-000003.1.jsonl.zst", "bodies", "index"]
    assert len([name for name in list_here(first) if name.startswith("bodies/")]) == 1


def test_a_kill_before_the_old_objects_are_deleted_loses_nothing(
    bucket: LandingBucket, first: SharedLandingZone, second: SharedLandingZone, monkeypatch: pytest.MonkeyPatch
) -> None:
    for hour in range(2):
        land_batch(first, b"%d" % hour, at=AT + timedelta(hours=hour))
    later = AT + timedelta(days=60)

    def die(_names: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(bucket.objects, "delete", die)
        with pytest.raises(KeyboardInterrupt):
            prune_account(first, *ACCOUNT, (), None, later)
    assert len(list_objects(bucket)) == 3
    assert read_bodies(second) == [[b"0"], [b"1"]]
    prune_account(second, *ACCOUNT, (), None, later)
    assert "000001.jsonl.zst" not in list_objects(bucket)
    assert read_bodies(first) == [[b"0"], [b"1"]]


def test_nothing_of_an_erased_person_stays_in_a_store_or_a_copy(
    bucket: LandingBucket, first: SharedLandingZone, second: SharedLandingZone
) -> None:
    land_batch(first, b"of " + PERSON, PERSON + LARGE)
    first.save_index(*ACCOUNT)
    assert len(read_bodies(second)[0]) == 2
    folder = first.account_folder(*ACCOUNT)
    write_people(first.root, folder, begin_list())
    with first.open_log(*ACCOUNT, recall=False):
        pass
    erase_log(first.root, folder, WordEraser())
    for name, content in bucket.read_all().items():
        assert PERSON not in (unpack(content) if name.endswith(".zst") else content)
    assert read_people(second.refresh_list(*ACCOUNT)) is not None
    assert PERSON not in b"".join(read_bodies(second)[0])
    for path in (path for path in second.root.rglob("*.zst") if path.is_file()):
        assert PERSON not in unpack(path.read_bytes())
    assert not list((second.account_folder(*ACCOUNT) / saved_index.SAVED_INDEXES_NAME).glob("*"))


def test_a_list_of_forgotten_people_is_seen_when_it_changes(
    first: SharedLandingZone, second: SharedLandingZone
) -> None:
    land_batch(first, b"a")
    before = second.read_list_stamp(*ACCOUNT, is_current=False)
    assert second.read_list_stamp(*ACCOUNT) == before is None
    write_people(first.root, first.account_folder(*ACCOUNT), begin_list())
    assert second.read_list_stamp(*ACCOUNT, is_current=False) == before
    assert second.read_list_stamp(*ACCOUNT) != before
    assert read_people(second.refresh_list(*ACCOUNT)) is not None
    assert second.read_list_stamp(*ACCOUNT, is_current=False) == second.read_list_stamp(*ACCOUNT)
    (first.account_folder(*ACCOUNT) / LIST_NAME).unlink()


def test_a_rejection_here_is_one_there(first: SharedLandingZone, second: SharedLandingZone) -> None:
    batch = land_batch(first, b"a")
    (seen,) = list_batches(second)
    first_day, *_ = batch.window.days()
    batch.reject([first_day])
    second.refresh([ACCOUNT])
    assert seen.is_rejected_on(first_day)
    batch.reject()
    second.refresh([ACCOUNT])
    assert all(map(seen.is_rejected_on, batch.window.days()))


def test_only_what_is_read_is_fetched(
    bucket: LandingBucket, first: SharedLandingZone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saved_index, "SAVE_AFTER_SEGMENTS", 8)
    for hour in range(10):
        land_batch(first, b"%d" % hour, at=AT + timedelta(hours=hour))
    newcomer = bucket.open_zone(tmp_path / "newcomer")
    bucket.objects.requests.clear()
    batches = list_batches(newcomer)
    assert [batch.number for batch in batches] == list(range(1, 11))
    fetched = [name.removeprefix(PREFIX) for method, name in bucket.objects.requests if method == "fetch"]
    assert sorted(fetched) == ["000009.jsonl.zst", "000010.jsonl.zst", "index/000008.000.sqlite.zst"]
    assert next(batches[0].iter_bytes()) == b"0"
    assert bucket.objects.requests[-1] == ("fetch", f"{PREFIX}000001.jsonl.zst")
    for batch in batches:
        list(batch.iter_bodies())
    assert len([None for method, _ in bucket.objects.requests if method == "fetch"]) == 11


@pytest.mark.parametrize("content", [b"", b"no archive", zstandard.compress(b"no index")])
def test_a_saved_index_that_is_damaged_costs_requests_alone(
    bucket: LandingBucket, first: SharedLandingZone, second: SharedLandingZone, content: bytes
) -> None:
    land_batch(first, b"a")
    first.save_index(*ACCOUNT)
    (name,) = [name for name in bucket.read_all() if "/index/" in name]
    bucket.write(name, content)
    assert read_bodies(second) == [[b"a"]]


@pytest.mark.parametrize("damage", ["cut", "gone"])
def test_damage_in_the_store_is_seen_by_any_machine(
    bucket: LandingBucket, first: SharedLandingZone, second: SharedLandingZone, damage: str
) -> None:
    land_batch(first, LARGE)
    assert len(read_bodies(second)) == 1
    (name,) = [name for name in bucket.read_all() if "/bodies/" in name]
    if damage == "cut":
        bucket.write(name, bucket.read_all()[name][:-9])
    else:
        bucket.delete(name)
    for zone in (first, second):
        zone.refresh([ACCOUNT])
        assert has_damaged_files(zone, *ACCOUNT)
        (batch,) = list_batches(zone)
        assert not batch.is_whole()


def test_a_damaged_copy_is_mended_by_a_repair(first: SharedLandingZone) -> None:
    batch = land_batch(first, b"a")
    (path,) = first.account_folder(*ACCOUNT).glob("*.zst")
    size = path.stat().st_size
    path.unlink()
    path.write_bytes(b"\0" * size)
    assert not batch.is_whole()
    first.check_index(*ACCOUNT)
    assert batch.is_whole()


def test_copies_make_room_for_others(
    bucket: LandingBucket, first: SharedLandingZone, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for hour in range(6):
        land_batch(first, LARGE + b"%d" % hour, at=AT + timedelta(hours=hour))
    small = bucket.open_zone(tmp_path / "small", most_bytes=3 * len(LARGE))
    monkeypatch.setattr(copy_room, "USED_SECONDS", 0.0)
    for _ in range(2):
        for hour, batch in enumerate(list_batches(small)):
            assert [body for _, body in batch.iter_bodies()] == [LARGE + b"%d" % hour]
            here = sum(path.stat().st_blocks * 512 for path in small.root.rglob("*") if path.is_file())
            assert here < 4 * len(LARGE)
    assert not has_damaged_files(small, *ACCOUNT)


def test_each_process_has_a_folder_of_its_own_and_leaves_it_to_the_next(tmp_path: Path) -> None:
    earlier = copy_folders.CopyFolder(tmp_path)
    later = copy_folders.CopyFolder(tmp_path)
    assert [folder.path.name for folder in (earlier, later)] == ["copies-1", "copies-2"]
    for folder in (earlier, later):
        write_account(folder.path / PREFIX)
    earlier.release()
    later.drop_elsewhere(later.path / PREFIX)
    assert not (earlier.path / PREFIX).exists()
    assert (later.path / PREFIX).exists()
    long_ago = time.time() - copy_folders.KEPT_SECONDS - 1
    os.utime(later.path / PREFIX, (long_ago, long_ago))
    later.release()
    assert copy_folders.CopyFolder(tmp_path).path == earlier.path
    assert not (later.path / PREFIX).exists()


def write_account(folder: Path) -> None:
    folder.mkdir(parents=True)
    write_private_file(folder / "forgotten.json", b"{}")


def test_batches_of_earlier_releases_are_read_and_pruned_in_a_store(
    bucket: LandingBucket, first: SharedLandingZone, second: SharedLandingZone, tmp_path: Path
) -> None:
    copy_to_store(bucket, tmp_path / "disk")
    assert read_bodies(first) == [[b"old"], [b"new"]]
    later = AT + timedelta(days=60)
    assert prune_account(first, *ACCOUNT, (), later, later).arrivals == 1
    assert read_bodies(second) == [[b"new"]]
    assert not [name for name in list_objects(bucket) if name.startswith("stream=")]


def copy_to_store(bucket: LandingBucket, folder: Path) -> None:
    """Land a batch of an earlier release and one of today on a disk, and copy all files."""
    disk = LandingZone(folder)
    land_in_files(disk, b"old")
    with disk.open_log(*ACCOUNT):
        land_batch(disk, b"new", at=AT + timedelta(hours=1))
    for path in (path for path in disk.root.rglob("*") if path.is_file()):
        bucket.write(path.relative_to(disk.root).as_posix(), path.read_bytes())


def test_of_many_machines_that_intend_an_export_one_may_request_it(bucket: LandingBucket, tmp_path: Path) -> None:
    zones = [bucket.open_zone(tmp_path / str(number)) for number in range(4)]
    request = ExportRequest("bot", "2025-03-01", "2025-04-01")
    for race in range(20):
        name = f".export-journal-{race}.json"
        journals = [Journal(zone.account_folder(*ACCOUNT) / name) for zone in zones]
        states = [journal.read() for journal in journals]
        with ThreadPoolExecutor(4) as pool:
            entries = [JournalEntry(request, AT)] * 4
            intended = list(pool.map(Journal.intend, journals, entries, states))
        assert sorted(intended) == [False, False, False, True]
        winner = journals[intended.index(True)]
        winner.write_entry(JournalEntry(request, AT, "job"))
        assert all(journal.read().entries == (JournalEntry(request, AT, "job"),) for journal in journals)
        winner.remove_entry(request)
        assert journals[0].read().entries == ()


def test_a_damaged_journal_in_a_store_is_set_aside(bucket: LandingBucket, first: SharedLandingZone) -> None:
    journal = Journal(first.account_folder(*ACCOUNT) / ".journal.json")
    bucket.write(f"{PREFIX}.journal.json", b"[{")
    assert journal.read().entries == ()
    assert bucket.read_all() == {f"{PREFIX}.journal.json.damaged": b"[{"}


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


def test_merged_segments_are_read_by_who_listed_the_old_ones(
    first: SharedLandingZone, second: SharedLandingZone
) -> None:
    for hour in range(3):
        land_batch(first, b"%d" % hour, at=AT + timedelta(hours=hour))
    batches = list_batches(second)
    merge_segments(first.account_folder(*ACCOUNT), [], AT + timedelta(days=60))
    second.refresh([ACCOUNT])
    assert [b"".join(batch.iter_bytes()) for batch in batches] == [b"0", b"1", b"2"]
