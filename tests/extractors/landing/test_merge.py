"""Merging segments: one per past month, the same batches, and nothing lost by a kill."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from extractors.landing import account_log, merge
from extractors.landing.batch import Batch
from extractors.landing.index import INDEX_NAME
from extractors.landing.merge import merge_segments
from extractors.landing.segments import list_segments
from extractors.landing.zone import LandingZone
from tests.support.sample_batches import build_key, build_response, land_batch, list_batches, list_files

DECEMBER, JANUARY = datetime(2025, 12, 30, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)
FEBRUARY = datetime(2026, 2, 3, tzinfo=UTC)


@pytest.fixture
def zone(tmp_path: Path) -> LandingZone:
    return LandingZone(tmp_path / "landing")


def land_run(zone: LandingZone, at: datetime, *bodies: bytes) -> Batch:
    with zone.open_log("cognigy", "acme"):
        return land_batch(zone, *bodies, at=at)


def get_folder(zone: LandingZone) -> Path:
    return zone.account_folder("cognigy", "acme")


def list_names(zone: LandingZone) -> list[str]:
    return [segment.name for segment in list_segments(get_folder(zone))]


def read_all(zone: LandingZone) -> list[tuple[str, list[bytes]]]:
    return [(batch.batch_id, [body for _, body in batch.iter_bodies()]) for batch in list_batches(zone)]


def land_three_months(zone: LandingZone) -> None:
    for day in range(2):
        land_run(zone, DECEMBER + timedelta(days=day), f"december {day}".encode(), b"same")
    for day in range(3):
        land_run(zone, JANUARY + timedelta(days=day), f"january {day}".encode(), b"same")
    land_run(zone, FEBRUARY, b"february")


def test_the_segments_of_a_past_month_become_one(zone: LandingZone) -> None:
    land_three_months(zone)
    before = read_all(zone)
    merge_segments(get_folder(zone), [], FEBRUARY)
    names = ["000001-000002.1.jsonl.zst", "000003-000005.1.jsonl.zst", "000006.jsonl.zst"]
    assert list_names(zone) == names
    assert [path.name for path in list_files(zone, ".zst")] == names
    for reader in (zone, LandingZone(zone.root)):
        assert read_all(reader) == before
    assert merge_segments(get_folder(zone), [], FEBRUARY) == 0
    assert list_names(zone) == names
    (get_folder(zone) / INDEX_NAME).unlink()
    assert read_all(LandingZone(zone.root)) == before
    assert land_run(zone, FEBRUARY, b"next").number == 7
    assert list_names(zone)[-1] == "000007.jsonl.zst"


def test_a_merged_month_that_retention_thins_out_has_another_name(zone: LandingZone) -> None:
    land_three_months(zone)
    merge_segments(get_folder(zone), [], FEBRUARY)
    merge_segments(get_folder(zone), [4, 6], FEBRUARY)
    assert list_names(zone) == [
        "000001-000002.1.jsonl.zst",
        "000003-000005.2.jsonl.zst",
        "000006-000006.1.jsonl.zst",
    ]
    assert [batch.number for batch in list_batches(LandingZone(zone.root))] == [1, 2, 3, 5]
    assert [body for _, bodies in read_all(zone) for body in bodies if body != b"same"] == [
        *(b"december 0", b"december 1", b"january 0", b"january 2"),
    ]


def test_a_batch_listed_before_a_merge_is_read_after_it(zone: LandingZone) -> None:
    land_three_months(zone)
    listed = list_batches(LandingZone(zone.root))
    merge_segments(get_folder(zone), [2], FEBRUARY)
    for batch in listed[2:] + listed[:1]:
        assert len(list(batch.iter_bodies())) >= 1
    with pytest.raises(FileNotFoundError, match="no longer"):
        list(listed[1].iter_bodies())


def test_answers_of_no_batch_are_left_out(zone: LandingZone) -> None:
    with zone.open_log("cognigy", "acme"):
        with zone.open_writer(build_key()) as writer:
            writer.record("counter", build_response(b"never finished"))
        land_batch(zone, b"kept", at=JANUARY)
    land_run(zone, JANUARY, b"kept too")
    size = merge_segments(get_folder(zone), [], FEBRUARY)
    assert size > 0
    assert [bodies for _, bodies in read_all(zone)] == [[b"kept"], [b"kept too"]]


def test_segments_that_share_a_batch_stay_together(zone: LandingZone, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_log, "SEGMENT_BYTES", 1)
    with zone.open_log("cognigy", "acme"), zone.open_writer(build_key()) as writer:
        writer.add(build_response(b"first"))
        land_batch(zone, b"between", key=build_key(stream="other"), at=DECEMBER)  # seals
        writer.add(build_response(b"second"))
        writer.finish(JANUARY)
    assert len(list_names(zone)) == 2
    merge_segments(get_folder(zone), [], FEBRUARY)
    assert list_names(zone) == ["000001-000002.1.jsonl.zst"]
    assert [bodies for _, bodies in read_all(zone)] == [[b"first", b"second"]]


def test_answers_that_an_open_segment_names_stay_where_they_are(
    zone: LandingZone, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zone.open_writer(build_key()) as writer:
        writer.add(build_response(b"first"))
        with monkeypatch.context() as patch:
            patch.setattr(account_log, "SEGMENT_BYTES", 1)
            land_batch(zone, b"between", key=build_key(stream="other"), at=DECEMBER)  # seals
        writer.add(build_response(b"second"))
        writer.finish(JANUARY)
    names = list_names(zone)
    assert names == ["000001.jsonl.zst", "000002.jsonl"]
    merge_segments(get_folder(zone), [1], FEBRUARY)
    assert list_names(zone) == names
    assert [bodies for _, bodies in read_all(zone)] == [[b"first", b"second"]]


@pytest.mark.parametrize("moment", ["before the new one is whole", "before the old ones are removed"])
def test_a_kill_loses_nothing(zone: LandingZone, moment: str, monkeypatch: pytest.MonkeyPatch) -> None:
    land_three_months(zone)
    before = read_all(zone)

    def die(*_arguments: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        if moment.startswith("before the new"):
            patch.setattr("extractors.landing.segments._hash_unpacked", die)
        else:
            patch.setattr(merge, "list_replaced_segments", die)
        with pytest.raises(KeyboardInterrupt):
            merge_segments(get_folder(zone), [], FEBRUARY)
    copy = zone.root.with_name("copy")
    shutil.copytree(zone.root, copy, ignore=shutil.ignore_patterns(INDEX_NAME))
    for root in (zone.root, copy):
        reader = LandingZone(root)
        assert read_all(reader) == before
        merge_segments(get_folder(reader), [], FEBRUARY)
        assert read_all(reader) == before
        assert len(list_files(reader, ".zst")) == 3
