"""Batches as earlier releases landed them: read, folded with those of the log, and pruned."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from extractors.landing.batch import select_newest_by_day
from extractors.landing.batch_files import BatchFiles
from extractors.landing.prune import prune_account
from extractors.landing.zone import LandingZone
from tests.support.file_batches import land_in_files
from tests.support.sample_batches import AT, MARCH, land_batch, list_batches, list_files, read_newest_bodies


@pytest.fixture
def zone(tmp_path: Path) -> LandingZone:
    return LandingZone(tmp_path / "landing")


def test_they_are_read_byte_for_byte(zone: LandingZone) -> None:
    land_in_files(zone, b"12", b"\xff\x00", b"")
    (batch,) = list_batches(zone)
    assert [body for _, body in batch.iter_bodies()] == [b"12", b"\xff\x00", b""]
    assert b"".join(batch.iter_bytes()) == b"12\xff\x00"
    assert [part.context for part in batch.parts] == [{"number": 0}, {"number": 1}, {"number": 2}]
    assert (batch.landed_at, batch.is_complete, batch.belongs_to("p1", "UTC")) == (AT, True, True)


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", "other", "gone", "no zstd"])
def test_damage_is_noticed(zone: LandingZone, damage: str) -> None:
    batch = land_in_files(zone, os.urandom(3000), b"{}")
    content = batch.path.read_bytes()
    broken = {
        "flipped": content[:1000] + bytes([content[1000] ^ 1]) + content[1001:],
        "cut": content[:-50],
        "empty": b"",
        "other": land_in_files(LandingZone(zone.root / "other"), os.urandom(3000), b"{}").path.read_bytes(),
        "no zstd": b"junk" * 1000,
    }
    if damage == "gone":
        batch.path.unlink()
    else:
        batch.path.write_bytes(broken[damage])
    for read in (batch.iter_bodies, batch.iter_bytes):
        with pytest.raises((ValueError, OSError)):
            list(read())


@pytest.mark.parametrize("content", ["", "{", "{}", '{"complete": true}'])
def test_a_manifest_that_cannot_be_read_does_not_count(
    zone: LandingZone, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    older = land_in_files(zone, b"1")
    newer = land_in_files(zone, b"2", at=AT + timedelta(hours=1))
    assert isinstance(newer.source, BatchFiles)
    newer.source.manifest_path.write_text(content)
    assert set(select_newest_by_day(list_batches(zone), MARCH.days(), "p1", "UTC").values()) == {older}
    assert "cannot be read and does not count" in caplog.text
    assert prune_account(zone, "cognigy", "acme", (), AT + timedelta(days=90), AT + timedelta(days=99)).arrivals == 0


def test_other_files_are_no_batches(zone: LandingZone) -> None:
    batch = land_in_files(zone, b"{}")
    for name in (f"{MARCH}.123-abcd.part", ".DS_Store", "notes.json", "a.b.c.json", f"{MARCH}.x.{'0' * 16}.json"):
        (batch.path.parent / name).write_text("half")
    assert list_batches(zone) == [batch]


def test_arrivals_without_numbers_come_first_in_order_of_their_stamps(zone: LandingZone) -> None:
    late = land_in_files(zone, b"late", at=AT + timedelta(days=400))
    early = land_in_files(zone, b"early")
    assert list_batches(zone) == [early, late]
    assert read_newest_bodies(zone, [MARCH.start]) == {1: b"late"}
    numbered = land_in_files(zone, b"numbered", number=1)
    logged = land_batch(zone, b"logged")
    assert logged.number == 2
    assert list_batches(zone) == [early, late, numbered, logged]
    assert read_newest_bodies(zone, [MARCH.start]) == {1: b"logged"}


def test_a_rejected_one_is_marked_beside_its_manifest(zone: LandingZone) -> None:
    batch = land_in_files(zone, b"{}")
    batch.reject()
    assert list_batches(zone)[0].is_rejected
    assert [path.suffix for path in list_files(zone, ".rejected")] == [".rejected"]


def test_they_are_pruned_when_the_log_has_replaced_them(zone: LandingZone) -> None:
    old = land_in_files(zone, b"same", number=1)
    shared = land_in_files(zone, b"same", at=AT + timedelta(hours=1), number=2)
    assert old.path == shared.path
    assert prune_account(zone, "cognigy", "acme", (), AT + timedelta(days=1), AT + timedelta(days=2)).arrivals == 1
    assert (list_batches(zone), shared.path.exists()) == ([shared], True)
    new = land_batch(zone, b"new", at=AT + timedelta(hours=2))
    result = prune_account(zone, "cognigy", "acme", (), AT + timedelta(days=1), AT + timedelta(days=2))
    assert (result.arrivals, list_batches(zone), shared.path.exists()) == (1, [new], False)
    assert result.bytes > 100
