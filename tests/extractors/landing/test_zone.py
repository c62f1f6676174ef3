"""Batches in the landing zone: byte for byte, in order of arrival, narrowed to days, by any reader."""

import json
import subprocess
from datetime import date, timedelta
from pathlib import Path

import duckdb
import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from extractors.landing.batch import Batch
from extractors.landing.zone import LandingZone
from extractors.windows import Window
from tests.support.sample_batches import AT, build_key, land_batch, list_batches, list_files


@pytest.fixture
def zone(tmp_path: Path) -> LandingZone:
    return LandingZone(tmp_path / "landing")


def seal(zone: LandingZone) -> None:
    with zone.open_log("cognigy", "acme"):
        pass


def read_bodies(batch: Batch) -> list[bytes]:
    return [body for _, body in batch.iter_bodies()]


@given(bodies=st.lists(st.binary(max_size=2000), min_size=1, max_size=5), is_sealed=st.booleans())
def test_answers_are_kept_byte_for_byte(
    tmp_path_factory: pytest.TempPathFactory, bodies: list[bytes], is_sealed: bool
) -> None:
    zone = LandingZone(tmp_path_factory.mktemp("landing"))
    land_batch(zone, *bodies)
    if is_sealed:
        seal(zone)
    for reader in (zone, LandingZone(zone.root)):
        (batch,) = list_batches(reader)
        assert read_bodies(batch) == bodies
        assert b"".join(batch.iter_bytes()) == b"".join(bodies)
        assert [part.context for part in batch.parts] == [{"number": number} for number in range(len(bodies))]
        assert [part.bytes for part in batch.parts] == [len(body) for body in bodies]


def test_a_run_makes_one_file_that_other_programs_read(zone: LandingZone) -> None:
    texts = ['{"a": "ä\\n"}', "half \\ud800 of a pair", "plain"]
    with zone.open_log("cognigy", "acme"):
        for text in texts:
            land_batch(zone, text.encode())
        land_batch(zone, b"\xff", key=build_key(stream="other"))
    (segment,) = list_files(zone, ".jsonl.zst")
    assert [path.name for path in list_files(zone)] == ["000001.jsonl.zst", ".index.sqlite"][::-1]
    rows = duckdb.sql(f"SELECT body FROM read_json('{segment}') WHERE kind = 'answer' AND body IS NOT NULL").fetchall()
    assert sorted(body for (body,) in rows) == sorted(texts)
    unpacked = subprocess.run(["zstdcat", segment], capture_output=True, check=True).stdout
    with zstandard.ZstdDecompressor().stream_reader(segment.read_bytes(), read_across_frames=True) as reader:
        assert unpacked == reader.read()
    kinds = [json.loads(line)["kind"] for line in unpacked.splitlines()]
    assert kinds == ["answer", "batch"] * 4 + ["sealed"]


def test_a_run_that_lands_nothing_leaves_no_file(zone: LandingZone) -> None:
    seal(zone)
    assert list_files(zone) == []


def test_an_unchanged_answer_that_arrives_again_is_another_arrival(zone: LandingZone) -> None:
    first = land_batch(zone, b"{}", b"[]")
    seal(zone)
    again = land_batch(zone, b"{}", b"[]", at=AT + timedelta(hours=1))
    changed = land_batch(zone, b"{}", b"[1]", at=AT + timedelta(hours=2))
    assert list_batches(zone) == [first, again, changed]
    assert first.content_hash == again.content_hash != changed.content_hash
    assert len({batch.batch_id for batch in list_batches(zone)}) == 3
    assert [read_bodies(batch)[1] for batch in list_batches(zone)] == [b"[]", b"[]", b"[1]"]


def test_the_same_bytes_cut_differently_are_told_apart(zone: LandingZone) -> None:
    first = land_batch(zone, b"12", b"3")
    second = land_batch(zone, b"1", b"23", at=AT + timedelta(hours=1))
    assert first.content_hash != second.content_hash
    assert [read_bodies(batch) for batch in (first, second)] == [[b"12", b"3"], [b"1", b"23"]]


@given(st.permutations(range(6)), st.sets(st.integers(0, 5)))
def test_the_order_is_that_of_arrival(
    tmp_path_factory: pytest.TempPathFactory, order: list[int], sealed_after: set[int]
) -> None:
    zone = LandingZone(tmp_path_factory.mktemp("landing"))
    for minutes in order:  # the instants may be in any order: a clock may be set
        land_batch(zone, str(minutes).encode(), at=AT + timedelta(minutes=minutes))
        if minutes in sealed_after:
            seal(zone)
    assert [read_bodies(batch) for batch in list_batches(zone)] == [[str(minutes).encode()] for minutes in order]


def test_arrivals_of_all_streams_of_an_account_are_counted_together(zone: LandingZone) -> None:
    first = land_batch(zone, b"1")
    second = land_batch(zone, b"2", key=build_key(stream="other"))
    another = land_batch(zone, b"3", key=build_key(account="globex"))
    with zone.open_log("cognigy", "acme"):
        third, fourth = land_batch(zone, b"4"), land_batch(zone, b"5", key=build_key(stream="other"))
    fifth = land_batch(zone, b"6")
    assert [batch.number for batch in (first, second, third, fourth, fifth)] == [1, 2, 3, 4, 5]
    assert another.number == 1
    assert zone.read_last_number("cognigy", "acme") == 5
    assert zone.read_last_number("cognigy", "nobody") == 0
    assert zone.list_streams("cognigy", "acme") == ["counter", "other"]


@pytest.mark.parametrize("is_sealed", [False, True])
def test_listing_may_be_narrowed_to_some_days(zone: LandingZone, is_sealed: bool) -> None:
    windows = [Window(date(2025, month, 1), date(2025, month + 1, 1)) for month in (1, 2, 3)]
    for window in windows:
        land_batch(zone, b"{}", key=build_key(window))
    if is_sealed:
        seal(zone)
    assert [batch.window for batch in list_batches(zone, Window(date(2025, 2, 1), date(2025, 3, 1)))] == windows[1:2]
    assert [batch.window for batch in list_batches(zone, Window(date(2025, 2, 28), date(2025, 3, 2)))] == windows[1:]
    assert zone.list_batches("cognigy", "nobody", "counter") == []


def test_another_process_sees_what_is_landed_at_once(zone: LandingZone) -> None:
    other = LandingZone(zone.root)
    with zone.open_log("cognigy", "acme"):
        batch = land_batch(zone, b"{}")
        assert list_batches(other) == [batch]
        (seen,) = list_batches(other)
    assert read_bodies(seen) == [b"{}"]  # sealed meanwhile
    assert list_batches(other) == [batch]
