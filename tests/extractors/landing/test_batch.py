"""Reading batches: damage is noticed, and the newest usable batch of a day counts."""

import os
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.landing.batch import Batch, select_newest_by_day
from extractors.landing.zone import LandingZone
from extractors.windows import Window
from tests.support.sample_batches import (
    AT,
    MARCH,
    build_key,
    land_batch,
    list_batches,
    read_newest_bodies,
)


@pytest.fixture
def zone(tmp_path: Path) -> LandingZone:
    return LandingZone(tmp_path / "landing")


@pytest.mark.parametrize("damage", ["flipped", "cut", "empty", "other", "gone", "no zstd"])
def test_damage_is_noticed(zone: LandingZone, damage: str) -> None:
    batch = land_batch(zone, os.urandom(3000), b"{}")
    content = batch.path.read_bytes()
    broken = {
        "flipped": content[:1000] + bytes([content[1000] ^ 1]) + content[1001:],
        "cut": content[:-50],
        "empty": b"",
        "other": land_batch(LandingZone(zone.root / "other"), os.urandom(3000), b"{}").path.read_bytes(),
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
    older = land_batch(zone, b"1")
    newer = land_batch(zone, b"2", at=AT + timedelta(hours=1))
    newer.manifest_path.write_text(content)
    assert set(select_newest_by_day(list_batches(zone), MARCH.days(), "p1", "UTC").values()) == {older}
    assert "cannot be read and does not count" in caplog.text


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


def test_arrivals_of_releases_without_numbers_come_first_in_order_of_their_stamps(zone: LandingZone) -> None:
    late = drop_number(land_batch(zone, b"late", at=AT + timedelta(days=400)))
    early = drop_number(land_batch(zone, b"early", at=AT))
    assert [batch.batch_id for batch in list_batches(zone)] == [early.batch_id, late.batch_id]
    assert read_newest_bodies(zone, [MARCH.start]) == {1: b"late"}
    numbered = land_batch(zone, b"numbered", at=AT)
    assert list_batches(zone) == [early, late, numbered]
    assert numbered.number == 1
    assert read_newest_bodies(zone, [MARCH.start]) == {1: b"numbered"}


def drop_number(batch: Batch) -> Batch:
    """Give a batch the name that earlier releases gave it."""
    old = replace(batch, number=0)
    batch.manifest_path.rename(old.manifest_path)
    return old


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
