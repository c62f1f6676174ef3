"""Answers of an account that has forgotten a person: what is landed, in a line or in a file, is without the person."""

from pathlib import Path

import pytest

from extractors.landing.batch import Batch
from extractors.landing.body_file import BodyFile
from extractors.landing.damage import find_lost_batches
from extractors.landing.erase_log import erase_log
from extractors.landing.forgotten import begin_list, write_people
from extractors.landing.index import LandingIndex
from extractors.landing.zone import LandingZone
from tests.support.sample_batches import AT, add_answer, build_key, build_response, list_batches
from tests.support.secret_scan import find_secrets, read_files
from tests.support.word_eraser import WORD as PERSON
from tests.support.word_eraser import WordEraser

SIZES = [0, 2**21]  # in a line of the log, in a file


@pytest.fixture
def zone(tmp_path: Path) -> LandingZone:
    zone = LandingZone(tmp_path / "landing", lambda _provider, _account: WordEraser())
    write_people(zone.root, zone.account_folder("cognigy", "acme"), begin_list())
    return zone


def check_erased(zone: LandingZone, batch: Batch, body: bytes) -> None:
    erased = body.replace(PERSON.encode(), b"nobody")
    assert find_secrets([PERSON], read_files(zone.root)) == []
    [(part, landed)] = batch.iter_bodies()
    assert landed == b"".join(batch.iter_bytes()) == erased
    assert (part.bytes, part.context) == (len(erased), {"user": "nobody"})
    assert batch.manifest["bytes"] == len(erased)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("stream", ["counter", "export"])
def test_what_is_landed_is_without_the_person(zone: LandingZone, size: int, stream: str) -> None:
    body = PERSON.encode() + b" " * size
    with zone.open_writer(build_key(stream=stream)) as writer:
        response = build_response(body, user=PERSON)
        add_answer(writer, response)
        assert response.body == body, "the run itself goes on with what came"
        batch = writer.finish(AT)
    check_erased(zone, batch, body)
    [again] = zone.list_batches("cognigy", "acme", stream)
    check_erased(LandingZone(zone.root), again, body)


@pytest.mark.parametrize("size", SIZES)
def test_a_body_that_was_released_counts_as_it_was_landed(zone: LandingZone, size: int) -> None:
    body = PERSON.encode() + b" " * size
    with zone.open_writer(build_key()) as writer:
        response = build_response(body, user=PERSON)
        writer.record("counter", response)
        response.release_body()
        response.release_body()
        assert response.body == b""
        writer.add(response)
        batch = writer.finish(AT)
    check_erased(zone, batch, body)
    assert list_batches(zone) == [batch]


@pytest.mark.parametrize("size", SIZES)
def test_a_batch_that_is_rewritten_later_is_no_damage(tmp_path: Path, size: int) -> None:
    zone, body = LandingZone(tmp_path / "landing"), PERSON.encode() + b" " * size
    with zone.open_log("cognigy", "acme"), zone.open_writer(build_key()) as writer:
        writer.add(build_response(body, user=PERSON))
        batch = writer.finish(AT)
    folder = zone.account_folder("cognigy", "acme")
    assert erase_log(zone.root, folder, WordEraser()).responses == 1
    [again] = list_batches(zone)
    assert again.batch_id == batch.batch_id
    assert [landed for _, landed in again.iter_bodies()] == [body.replace(PERSON.encode(), b"nobody")]
    sizes = {path.name: path.stat().st_size for path in folder.glob("bodies/*.zst")}
    assert LandingIndex(folder).list_body_sizes() == sizes
    assert find_lost_batches(zone, "cognigy", "acme", {batch.batch_id, "another"}) == set()


def test_a_disk_that_fails_leaves_no_half_body(zone: LandingZone, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_body: BodyFile) -> str:
        raise OSError("planted")

    monkeypatch.setattr(BodyFile, "finish", fail)
    with zone.open_writer(build_key()) as writer, pytest.raises(OSError, match="planted"):
        writer.add(build_response(PERSON.encode() + b" " * 2**21, user=PERSON))
    assert find_secrets([PERSON], read_files(zone.root)) == []
    assert list(zone.root.rglob("*.part")) == []
