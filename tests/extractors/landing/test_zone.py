"""Batches in the landing zone: byte for byte, in order of arrival, narrowed to days."""

from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.landing.zone import LandingZone
from extractors.windows import Window
from tests.support.sample_batches import (
    AT,
    MARCH,
    build_key,
    land_batch,
    list_batches,
    list_files,
)


@pytest.fixture
def zone(tmp_path: Path) -> LandingZone:
    return LandingZone(tmp_path / "landing")


@given(bodies=st.lists(st.binary(max_size=2000), min_size=1, max_size=5))
def test_answers_are_kept_byte_for_byte(tmp_path_factory: pytest.TempPathFactory, bodies: list[bytes]) -> None:
    zone = LandingZone(tmp_path_factory.mktemp("landing"))
    land_batch(zone, *bodies)
    (batch,) = list_batches(zone)
    assert [body for _, body in batch.iter_bodies()] == bodies
    assert b"".join(batch.iter_bytes()) == b"".join(bodies)
    assert [part.context for part in batch.parts] == [{"number": number} for number in range(len(bodies))]
    assert [part.bytes for part in batch.parts] == [len(body) for body in bodies]


def test_what_a_killed_run_left_is_no_batch(zone: LandingZone) -> None:
    batch = land_batch(zone, b"{}")
    for name in (
        f"{MARCH}.123-abcd.part",
        f"{batch.manifest_path.name}.123-abcd.part",
        ".DS_Store",
        "notes.json",
        "a.b.c.json",
        f"{MARCH}.x.{batch.content_hash}.json",
    ):
        (batch.folder / name).write_text("half")
    assert list_batches(zone) == [batch]


def test_an_unchanged_answer_that_arrives_again_adds_a_manifest_only(zone: LandingZone) -> None:
    first = land_batch(zone, b"{}", b"[]")
    again = land_batch(zone, b"{}", b"[]", at=AT + timedelta(hours=1))
    changed = land_batch(zone, b"{}", b"[1]", at=AT + timedelta(hours=2))
    assert len(list_files(zone, ".zst")) == 2
    assert len(list_files(zone, ".json")) == 3
    assert list_batches(zone) == [first, again, changed]
    assert len({batch.batch_id for batch in list_batches(zone)}) == 3
    assert [list(batch.iter_bodies())[1][1] for batch in list_batches(zone)] == [b"[]", b"[]", b"[1]"]


def test_the_same_bytes_cut_differently_are_told_apart(zone: LandingZone) -> None:
    first = land_batch(zone, b"12", b"3")
    second = land_batch(zone, b"1", b"23", at=AT + timedelta(hours=1))
    assert first.path == second.path
    assert [[body for _, body in batch.iter_bodies()] for batch in (first, second)] == [[b"12", b"3"], [b"1", b"23"]]


@given(st.permutations(range(6)))
def test_the_order_is_that_of_arrival(tmp_path_factory: pytest.TempPathFactory, order: list[int]) -> None:
    zone = LandingZone(tmp_path_factory.mktemp("landing"))
    for minutes in order:  # the instants may be in any order: a clock may be set
        land_batch(zone, str(minutes).encode(), at=AT + timedelta(minutes=minutes))
    bodies = [next(batch.iter_bodies())[1] for batch in list_batches(zone)]
    assert bodies == [str(minutes).encode() for minutes in order]


def test_arrivals_of_all_streams_of_an_account_are_counted_together(zone: LandingZone) -> None:
    first = land_batch(zone, b"1")
    second = land_batch(zone, b"2", key=build_key(stream="other"))
    another = land_batch(zone, b"3", key=build_key(account="globex"))
    with zone.counting_arrivals("cognigy", "acme"):
        third, fourth = land_batch(zone, b"4"), land_batch(zone, b"5", key=build_key(stream="other"))
    fifth = land_batch(zone, b"6")
    assert [batch.number for batch in (first, second, third, fourth, fifth)] == [1, 2, 3, 4, 5]
    assert another.number == 1
    assert zone.read_last_number("cognigy", "acme") == 5
    assert zone.read_last_number("cognigy", "nobody") == 0


def test_listing_may_be_narrowed_to_some_days(zone: LandingZone) -> None:
    windows = [Window(date(2025, month, 1), date(2025, month + 1, 1)) for month in (1, 2, 3)]
    for window in windows:
        land_batch(zone, b"{}", key=build_key(window))
    assert [batch.window for batch in list_batches(zone, Window(date(2025, 2, 1), date(2025, 3, 1)))] == windows[1:2]
    assert [batch.window for batch in list_batches(zone, Window(date(2025, 2, 28), date(2025, 3, 2)))] == windows[1:]
    assert zone.list_batches("cognigy", "nobody", "counter") == []
