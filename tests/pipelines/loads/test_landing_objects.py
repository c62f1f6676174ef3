"""The objects of a landing zone in an S3-compatible store, and sentences about one that fails."""

import os
from pathlib import Path

import pytest

from extractors.landing.shared_zone import SharedLandingZone
from pipelines.loads.forgotten_watch import ForgottenWatch
from pipelines.loads.landing_objects import LandingObjects, open_copies
from tests.support import chatdash, inkeep
from tests.support.landing_bucket import LandingBucket
from tests.support.object_store import BUCKET, start_object_store
from warehouse.errors import UnsupportedStore
from warehouse.storage.lake_settings import LakeSettings
from warehouse.storage.object_store import open_object_store


def open_objects(url: str, endpoint: str) -> LandingObjects:
    return LandingObjects(open_object_store(url, LakeSettings(endpoint, allow_http=True)), url)


@pytest.fixture
def objects(tmp_path: Path) -> LandingObjects:
    return open_objects(f"s3://{BUCKET}/{tmp_path.name}", start_object_store())


def test_objects_are_written_listed_read_and_deleted(objects: LandingObjects, tmp_path: Path) -> None:
    large = tmp_path / "large"
    large.write_bytes(os.urandom(2**25 + 1))
    objects.write("a/b/one", b"1")
    objects.write("a/b/deep/two", large)
    objects.write("a/bc/three", b"3")
    assert sorted((entry.name, entry.size) for entry in objects.list_objects("a/b")) == [
        ("deep/two", 2**25 + 1),
        ("one", 1),
    ]
    assert objects.list_folders("") == ["a"]
    assert objects.list_folders("a") == ["b", "bc"]
    objects.fetch("a/b/deep/two", tmp_path / "fetched")
    assert (tmp_path / "fetched").read_bytes() == large.read_bytes()
    content, version = objects.read("a/b/one")
    assert (content, version) == (b"1", objects.read_version("a/b/one"))
    objects.delete(["a/b/one", "a/b/none"])
    assert objects.read_version("a/b/one") is None
    with pytest.raises(FileNotFoundError):
        objects.read("a/b/one")


def test_an_object_is_written_only_over_the_version_that_was_read(objects: LandingObjects) -> None:
    first = objects.write_if("j", b"1", None)
    assert first is not None
    assert objects.write_if("j", b"2", None) is None
    second = objects.write_if("j", b"2", first)
    assert second is not None
    assert objects.write_if("j", b"3", first) is None
    assert objects.read("j") == (b"2", second)
    assert objects.write_if("none", b"1", first) is None


def test_a_missing_bucket_is_named_and_is_no_missing_object() -> None:
    objects = open_objects("s3://missing/landing", start_object_store())
    sentence = r"The specified bucket does not exist \(NoSuchBucket\); look at the address"
    for request in (
        lambda: objects.read("a"),
        lambda: objects.list_objects("a"),
        lambda: objects.write("a", b""),
        lambda: objects.write_if("a", b"", None),
    ):
        with pytest.raises(OSError, match=sentence) as refused:
            request()
        assert not isinstance(refused.value, FileNotFoundError)


def test_an_address_without_encryption_must_be_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ALLOW_HTTP", raising=False)
    with pytest.raises(UnsupportedStore, match=r"object_store: \{allow_http: true\}"):
        open_copies("s3://bucket/landing", tmp_path, LakeSettings("http://store.internal"), 1)
    assert list(tmp_path.iterdir()) == []


def test_one_commit_looks_at_each_list_of_forgotten_people_once(tmp_path: Path) -> None:
    bucket = LandingBucket()
    zone: SharedLandingZone = bucket.open_zone(tmp_path)
    watch, accounts = ForgottenWatch(zone), [inkeep.build_account(), chatdash.build_account()]
    checks = [watch.watch(account) for account in accounts * 2]
    bucket.objects.requests.clear()
    assert all(check() for check in checks)
    assert [method for method, _ in bucket.objects.requests] == ["read_version"] * 2
    bucket.write(f"provider=inkeep/account={accounts[0].name}/forgotten.json", b"{}")
    watch._last_question = float("-inf")
    assert [check() for check in checks] == [False, True, False, True]
