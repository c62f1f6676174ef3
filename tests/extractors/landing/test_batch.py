"""Reading batches: damage is noticed, and the newest usable batch of a day counts."""

import os
from dataclasses import replace
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
    read_newest_bodies,
)
from tests.support.synced_paths import record_synced_paths


@pytest.fixture
def zone(tmp_path: Path) -> LandingZone:
    return LandingZone(tmp_path / "landing")


@pytest.mark.parametrize("is_sealed", [False, True])
@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", "gone", "junk"])
def test_damage_is_noticed(zone: LandingZone, damage: str, is_sealed: bool) -> None:
    batch = land_batch(zone, os.urandom(3000), b"{}")
    if is_sealed:
        with zone.open_log("cognigy", "acme"):
            pass
    (segment,) = list_files(zone, ".jsonl.zst" if is_sealed else ".jsonl")
    content = segment.read_bytes()
    broken = {
        "flipped": content[:1000] + bytes([content[1000] ^ 1]) + content[1001:],
        "cut": content[:1000],
        "empty": b"",
        "junk": b"junk" * 1000,
    }
    if damage == "gone":
        segment.unlink()
    else:
        segment.write_bytes(broken[damage])
    for read in (batch.iter_bodies, batch.iter_bytes):
        with pytest.raises((ValueError, OSError)):
            list(read())
    assert batch in list_batches(zone) or damage == "gone" or not is_sealed  # a loss is not silent


def test_answers_of_another_batch_are_damage(zone: LandingZone) -> None:
    first, second = land_batch(zone, b"1"), land_batch(zone, b"2")
    swapped = replace(first, source=replace(first.source, line={**first.manifest, "parts": second.manifest["parts"]}))
    with pytest.raises(ValueError, match="not those that were landed"):
        list(swapped.iter_bodies())


@pytest.mark.parametrize("damage", ["flipped", "cut", "gone"])
def test_damage_to_a_large_body_is_noticed(zone: LandingZone, damage: str) -> None:
    batch = land_batch(zone, os.urandom(2**20 + 1))
    content = batch.path.read_bytes()
    if damage == "gone":
        batch.path.unlink()
    else:
        batch.path.write_bytes(content[:5000] + bytes([content[5000] ^ (damage == "flipped")]) + content[5001:-500])
    for read in (batch.iter_bodies, batch.iter_bytes):
        with pytest.raises((ValueError, OSError)):
            list(read())


def test_the_newest_batch_of_a_day_counts(zone: LandingZone) -> None:
    def arrive(first: int, last: int, body: bytes, minutes: int, complete: bool = True, **names: str) -> None:
        window = Window(date(2025, 3, first), date(2025, 3, last + 1))
        land_batch(zone, body, key=build_key(window, **names), at=AT + timedelta(minutes=minutes), complete=complete)

    days = list(Window(date(2025, 3, 1), date(2025, 3, 7)).days())
    assert read_newest_bodies(zone, days) == {}
    arrive(1, 4, b"a", 1)
    arrive(3, 6, b"b", 2)
    arrive(4, 4, b"c", 3)
    expected = {1: b"a", 2: b"a", 3: b"b", 4: b"c", 5: b"b", 6: b"b"}
    assert read_newest_bodies(zone, days) == expected
    arrive(1, 6, b"half", 4, complete=False)
    arrive(1, 6, b"other zone", 5, zone="Europe/Berlin")
    arrive(1, 6, b"other id", 6, external_id="p2")
    assert read_newest_bodies(zone, days) == expected
    assert read_newest_bodies(zone, days[4:]) == {5: b"b", 6: b"b"}
    arrive(2, 2, b"e", 7)
    assert read_newest_bodies(zone, days) == {**expected, 2: b"e"}


@pytest.mark.parametrize("minutes", [[5, 3, 1], [1, 600_000, 2]], ids=["set back", "ahead for one run"])
def test_the_order_of_arrival_does_not_rest_on_the_clock(zone: LandingZone, minutes: list[int]) -> None:
    landed = [land_batch(zone, str(at).encode(), at=AT + timedelta(minutes=at)) for at in minutes]
    assert [batch.number for batch in list_batches(zone)] == [1, 2, 3]
    assert list_batches(zone) == landed
    assert read_newest_bodies(zone, [MARCH.start]) == {1: str(minutes[-1]).encode()}


@given(
    st.lists(
        st.tuples(st.integers(1, 10), st.integers(1, 10), st.integers(0, 5), st.booleans()), min_size=1, max_size=12
    )
)
def test_any_arrivals_are_folded_the_same_way(
    tmp_path_factory: pytest.TempPathFactory, arrivals: list[tuple[int, int, int, bool]]
) -> None:
    zone = LandingZone(tmp_path_factory.mktemp("landing"))
    expected: dict[int, bytes] = {}
    for number, (day, other_day, content, complete) in enumerate(arrivals):
        first, last = sorted((day, other_day))
        window = Window(date(2025, 3, first), date(2025, 3, last + 1))
        body = str(content).encode()
        land_batch(zone, body, key=build_key(window), at=AT + timedelta(seconds=number), complete=complete)
        if complete:
            expected.update(dict.fromkeys(range(first, last + 1), body))
    days = Window(date(2025, 3, 1), date(2025, 3, 11)).days()
    assert read_newest_bodies(zone, days) == dict(sorted(expected.items()))


def test_a_rejected_batch_still_counts(zone: LandingZone) -> None:
    batch = land_batch(zone, b"{}")
    batch.reject()
    assert list_batches(zone)[0].is_rejected
    assert read_newest_bodies(zone, [MARCH.start]) == {1: b"{}"}
    again = land_batch(zone, b"{}", at=AT + timedelta(hours=1))
    assert not again.is_rejected


def test_a_rejection_is_on_disk(zone: LandingZone) -> None:
    batch = land_batch(zone, b"{}")
    with record_synced_paths() as synced:
        batch.reject()
    assert batch.source.rejection_path.parent in synced
    assert batch.source.rejection_path.parent.parent in synced


def test_a_batch_is_whole_when_all_of_its_answers_can_be_read(zone: LandingZone) -> None:
    batch = land_batch(zone, b"{}", b'{"page": 2}')
    assert batch.is_whole()
    [segment] = list_files(zone, ".jsonl")
    text = segment.read_bytes()
    segment.write_bytes(bytes(100) + text[100:])  # a page that a power cut has emptied
    assert not batch.is_whole()
