"""The index of a landing log: made anew from the segments whenever it is missing, behind, damaged or unwritable."""

import sqlite3
from datetime import timedelta
from pathlib import Path

import pytest

from extractors.landing import index
from extractors.landing.batch import Batch
from extractors.landing.index import INDEX_NAME, LandingIndex
from extractors.landing.zone import LandingZone
from tests.support.sample_batches import AT, build_key, land_batch, list_batches, list_files


@pytest.fixture
def zone(tmp_path: Path) -> LandingZone:
    zone = LandingZone(tmp_path / "landing")
    for number in range(3):
        land_run(zone, str(number).encode(), minutes=number)
    return zone


def land_run(zone: LandingZone, body: bytes, minutes: int) -> Batch:
    with zone.open_log("cognigy", "acme"):
        return land_batch(zone, body, at=AT + timedelta(minutes=minutes))


def get_index_path(zone: LandingZone) -> Path:
    return zone.account_folder("cognigy", "acme") / INDEX_NAME


def read_bodies(zone: LandingZone) -> list[bytes]:
    return [next(batch.iter_bodies())[1] for batch in list_batches(LandingZone(zone.root))]


BODIES = [b"0", b"1", b"2"]


@pytest.mark.parametrize("content", [None, b"", b"no database", b"SQLite format 3\0" + b"\xff" * 4080])
def test_it_is_made_anew(zone: LandingZone, content: bytes | None) -> None:
    path = get_index_path(zone)
    if content is None:
        path.unlink()
    else:
        path.write_bytes(content)
    assert read_bodies(zone) == BODIES
    assert zone.read_last_number("cognigy", "acme") == 3
    assert sqlite3.connect(path).execute("SELECT count(*) FROM segment").fetchone() == (3,)


def test_a_changed_byte_anywhere_makes_up_no_batch(zone: LandingZone) -> None:
    """It may hide one, in the search trees alone: a repair makes the index anew."""
    expected = list_batches(zone)
    [file] = list_files(zone, INDEX_NAME)
    content = file.read_bytes()
    places = [place for place in range(0, len(content), 7) if content[place]]
    assert len(places) > 20
    for place in places:
        file.write_bytes(content[:place] + bytes([content[place] ^ 0x15]) + content[place + 1 :])
        batches = list_batches(LandingZone(zone.root))
        assert all(batch in expected for batch in batches), place
        LandingIndex(file.parent).check()
        assert list_batches(LandingZone(zone.root)) == expected


def test_one_of_another_release_is_made_anew(zone: LandingZone, monkeypatch: pytest.MonkeyPatch) -> None:
    with sqlite3.connect(get_index_path(zone)) as con:
        con.execute("PRAGMA user_version = 99")
        con.execute("ALTER TABLE batch RENAME COLUMN line TO text")
    assert read_bodies(zone) == BODIES


def test_a_copy_of_an_earlier_day_is_brought_up_to_date(zone: LandingZone) -> None:
    path = get_index_path(zone)
    earlier = path.read_bytes()
    land_run(zone, b"3", minutes=3)
    path.write_bytes(earlier)
    assert read_bodies(zone) == [*BODIES, b"3"]


def test_segments_that_are_gone_are_forgotten(zone: LandingZone) -> None:
    list_files(zone, "000002.jsonl.zst")[0].unlink()
    assert read_bodies(zone) == [b"0", b"2"]


def test_where_it_cannot_be_written_the_segments_are_read(zone: LandingZone, monkeypatch: pytest.MonkeyPatch) -> None:
    get_index_path(zone).unlink()

    def refuse(*_arguments: object, **_options: object) -> None:
        raise sqlite3.OperationalError("attempt to write a readonly database")

    monkeypatch.setattr(LandingIndex, "_open_current", refuse)
    assert read_bodies(zone) == BODIES
    assert not get_index_path(zone).exists()


def test_a_segment_is_indexed_although_the_index_is_locked_when_it_is_sealed(
    zone: LandingZone, monkeypatch: pytest.MonkeyPatch
) -> None:
    connect = sqlite3.connect
    with connect(get_index_path(zone)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        monkeypatch.setattr(
            index.sqlite3, "connect", lambda name, **options: connect(name, **{**options, "timeout": 0})
        )
        land_run(zone, b"3", minutes=3)
        assert read_bodies(zone) == [*BODIES, b"3"]
        holder.rollback()
    assert read_bodies(zone) == [*BODIES, b"3"]


def test_a_damaged_segment_keeps_its_place_in_the_index(zone: LandingZone, caplog: pytest.LogCaptureFixture) -> None:
    (segment,) = list_files(zone, "000002.jsonl.zst")
    segment.write_bytes(segment.read_bytes()[:-9])
    batches = list_batches(LandingZone(zone.root))
    assert [batch.number for batch in batches] == [1, 2, 3]
    assert "has lost its end" in caplog.text
    with pytest.raises(ValueError, match="damaged"):
        list(batches[1].iter_bodies())


def test_a_segment_sealed_while_another_reader_looks_is_never_missing(
    zone: LandingZone, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The reader lists the folder, then another process seals a segment, then the reader opens the index."""
    listing = index.list_segments
    landed: list[Batch] = []

    def list_and_be_overtaken(folder: Path) -> object:
        segments = listing(folder)
        if not landed:
            landed.append(Batch.__new__(Batch))  # once
            monkeypatch.setattr(index, "list_segments", listing)
            landed[0] = land_run(LandingZone(zone.root), b"3", minutes=3)
        return segments

    monkeypatch.setattr(index, "list_segments", list_and_be_overtaken)
    list_batches(LandingZone(zone.root))
    assert read_bodies(zone) == [*BODIES, b"3"]
    assert land_batch(zone, b"4", key=build_key(stream="other")).number == 5
