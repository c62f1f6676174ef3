"""The copies that a machine keeps of a landing zone on an object store: which are fetched, damaged, and make room."""

import os
import time
from datetime import timedelta
from pathlib import Path

import pytest
import zstandard

from extractors.landing import copy_folders, copy_room, saved_index
from extractors.landing.damage import has_damaged_files
from extractors.landing.files import write_private_file
from extractors.landing.shared_zone import SharedLandingZone
from tests.support.landing_bucket import LandingBucket
from tests.support.sample_batches import AT, land_batch, list_batches
from tests.support.shared_zones import ACCOUNT, LARGE, PREFIX, read_bodies


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
