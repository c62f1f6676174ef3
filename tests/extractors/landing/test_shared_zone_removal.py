"""What is removed from a landing zone on an object store: pruned, merged, forgotten or rejected, on all machines."""

from datetime import timedelta
from pathlib import Path

import pytest
import zstandard

from extractors.landing import saved_index
from extractors.landing.erase_log import erase_log
from extractors.landing.forgotten import LIST_NAME, begin_list, read_people, write_people
from extractors.landing.merge import merge_segments
from extractors.landing.prune import prune_account
from extractors.landing.shared_zone import SharedLandingZone
from extractors.landing.zone import LandingZone
from tests.support.file_batches import land_in_files
from tests.support.landing_bucket import LandingBucket
from tests.support.sample_batches import AT, land_batch, list_batches
from tests.support.shared_zones import ACCOUNT, LARGE, list_here, list_objects, read_bodies
from tests.support.word_eraser import WORD, WordEraser

PERSON = WORD.encode()


def unpack(content: bytes) -> bytes:
    with zstandard.ZstdDecompressor().stream_reader(content, read_across_frames=True) as reader:
        return reader.read()


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


def test_merged_segments_are_read_by_who_listed_the_old_ones(
    first: SharedLandingZone, second: SharedLandingZone
) -> None:
    for hour in range(3):
        land_batch(first, b"%d" % hour, at=AT + timedelta(hours=hour))
    batches = list_batches(second)
    merge_segments(first.account_folder(*ACCOUNT), [], AT + timedelta(days=60))
    second.refresh([ACCOUNT])
    assert [b"".join(batch.iter_bytes()) for batch in batches] == [b"0", b"1", b"2"]
