"""Batches of earlier releases without a person: the same batches, with other bodies, whatever kills the work."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from extractors.landing import erase_files
from extractors.landing.batch import Batch
from extractors.landing.batch_files import list_unreferenced_bodies
from extractors.landing.erase_files import erase_file_batches, search_file_batch
from extractors.landing.zone import LandingZone
from tests.support.file_batches import land_in_files
from tests.support.sample_batches import AT, build_key
from tests.support.secret_scan import find_secrets, read_files
from tests.support.word_eraser import WordEraser

PERSON, OTHERS = b"a planted-person here", b"somebody else"


def list_batches(zone: LandingZone) -> list[Batch]:
    key = build_key()
    return zone.list_batches(key.provider, key.account, key.stream)


@pytest.fixture
def zone(tmp_path: Path) -> LandingZone:
    """Two arrivals of the same responses, and one of others."""
    zone = LandingZone(tmp_path / "landing")
    land_in_files(zone, PERSON, OTHERS)
    land_in_files(zone, PERSON, OTHERS, at=AT + timedelta(hours=1), number=1)
    land_in_files(zone, OTHERS, at=AT + timedelta(hours=2), number=2)
    return zone


def check_erased(zone: LandingZone, ids: list[str]) -> None:
    batches = list_batches(zone)
    assert [batch.batch_id for batch in batches] == ids
    bodies = [[body for _, body in batch.iter_bodies()] for batch in batches]
    assert bodies == [[b"a nobody here", OTHERS], [b"a nobody here", OTHERS], [OTHERS]]
    assert [b"".join(batch.iter_bytes()) for batch in batches] == [b"".join(parts) for parts in bodies]
    assert find_secrets(["planted-person"], read_files(zone.root)) == []
    assert not any(any(search_file_batch(batch, WordEraser(), "planted-person")) for batch in batches)


def test_a_person_is_erased_and_every_batch_keeps_its_id(zone: LandingZone) -> None:
    ids = [batch.batch_id for batch in list_batches(zone)]
    assert [search_file_batch(batch, WordEraser(), None)[0] for batch in list_batches(zone)] == [True, True, False]
    for _ in range(2):
        erase_file_batches(zone.root, list_batches(zone), WordEraser())
        check_erased(zone, ids)
    key = build_key()
    assert list_unreferenced_bodies(zone.file_folder(key.provider, key.account, key.stream)) == []


@pytest.mark.parametrize("survived", [0, 1])
@pytest.mark.parametrize("is_after", [False, True])
def test_a_kill_between_two_batches_loses_nothing(
    zone: LandingZone, survived: int, is_after: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [batch.batch_id for batch in list_batches(zone)]
    write, calls = erase_files.write_landed, []

    def die(path: Path, content: bytes, **more: Any) -> None:
        calls.append(path)
        if is_after or len(calls) <= survived:
            write(path, content, **more)
        if len(calls) > survived:
            raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(erase_files, "write_landed", die)
        with pytest.raises(KeyboardInterrupt):
            erase_file_batches(zone.root, list_batches(zone), WordEraser())
    assert all(len(list(batch.iter_bodies())) == len(batch.parts) for batch in list_batches(zone))
    erase_file_batches(zone.root, list_batches(zone), WordEraser())
    check_erased(zone, ids)
