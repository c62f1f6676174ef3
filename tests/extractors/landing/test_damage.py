"""Landed files that are empty, short or gone."""

import shutil
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest

from extractors.landing.batch import Batch
from extractors.landing.damage import find_lost_batches
from extractors.landing.zone import LandingZone
from extractors.windows import Window
from tests.support.file_batches import land_in_files
from tests.support.sample_batches import AT, build_key, build_response, land_batch, list_batches

APRIL = Window(date(2025, 4, 1), date(2025, 5, 1))

Damage = Callable[[Path], object]


@pytest.fixture
def zone(tmp_path: Path) -> LandingZone:
    return LandingZone(tmp_path / "landing")


def cut_in_half(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def empty(path: Path) -> None:
    path.write_bytes(b"")


def find_lost(zone: LandingZone, *needed: Batch) -> set[str]:
    return find_lost_batches(zone, "cognigy", "acme", {batch.batch_id for batch in needed})


def land_file(zone: LandingZone) -> Batch:
    with zone.open_writer(build_key()) as writer:
        writer.begin_body()
        writer.write(b"name,value\n" * 1000)
        writer.end_body(build_response(b""))
        return writer.finish(AT)


@pytest.mark.parametrize("has_index", [True, False])
@pytest.mark.parametrize("damage", [cut_in_half, empty])
def test_batches_of_a_damaged_segment_are_lost(zone: LandingZone, damage: Damage, has_index: bool) -> None:
    with zone.open_log("cognigy", "acme"):
        first = land_batch(zone, b"{}")
    with zone.open_log("cognigy", "acme"):
        second = land_batch(zone, b"{}", key=build_key(APRIL))
    assert len(list_batches(zone)) == 2
    assert find_lost(zone, first, second) == set()
    folder = zone.account_folder("cognigy", "acme")
    damage(min(folder.glob("*.zst")))
    if not has_index:
        (folder / ".index.sqlite").unlink()
    assert find_lost(zone, first, second) == {first.batch_id}
    assert find_lost(zone, second) == set()


@pytest.mark.parametrize("damage", [cut_in_half, empty, Path.unlink])
def test_a_batch_without_its_body_is_lost(zone: LandingZone, damage: Damage) -> None:
    with zone.open_log("cognigy", "acme"):
        batch, other = land_file(zone), land_batch(zone, b"{}", key=build_key(APRIL))
    assert find_lost(zone, batch, other) == set()
    damage(batch.path)
    assert find_lost(zone, batch, other) == {batch.batch_id}


@pytest.mark.parametrize("ending", [".json", ".zst"])
def test_a_batch_of_an_earlier_release_with_an_empty_file_is_lost(zone: LandingZone, ending: str) -> None:
    land_in_files(zone, b"{}")
    [batch] = list_batches(zone)
    assert find_lost(zone, batch) == set()
    [path] = (path for path in zone.root.rglob(f"*{ending}"))
    empty(path)
    assert find_lost(zone, batch) == {batch.batch_id}


def test_a_zone_that_was_moved_away_has_lost_nothing(zone: LandingZone) -> None:
    with zone.open_log("cognigy", "acme"):
        batch = land_batch(zone, b"{}")
    shutil.rmtree(zone.root)
    assert find_lost(zone, batch) == set()
