"""The writer of a batch: what becomes visible, when, and for whom."""

import errno
import hashlib
import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from extractors import redaction
from extractors.http.messages import Request
from extractors.landing.writer import BatchWriter
from extractors.landing.zone import LandingZone
from tests.support.sample_batches import AT, build_key, build_response, land_batch, list_batches, list_files


@pytest.fixture
def zone(tmp_path: Path) -> LandingZone:
    return LandingZone(tmp_path / "landing")


def test_the_lines_say_what_was_requested_and_what_came(zone: LandingZone) -> None:
    batch = land_batch(zone, b'{"a": 1}', landed_at=AT + timedelta(seconds=3), remarks={"rows": 1})
    manifest = batch.manifest
    assert manifest["window"] == ["2025-03-01", "2025-04-01"]
    assert (manifest["external_id"], manifest["zone"], manifest["complete"], manifest["facts"]) == (
        "p1",
        "UTC",
        True,
        {"rows": 1},
    )
    assert manifest["bytes"] == 8
    (part,) = batch.parts
    assert part.request == {"method": "GET", "path": "/counter", "query": {"month": "3"}, "body": None}
    assert (part.status, part.bytes, part.headers) == (200, 8, {"content-type": "application/json"})
    assert part.sha256 == hashlib.sha256(b'{"a": 1}').hexdigest()
    assert batch.fetched_at == AT
    assert batch.landed_at == AT + timedelta(seconds=3)
    assert batch.where.batch == batch.batch_id


def test_only_the_owner_can_read(zone: LandingZone) -> None:
    os.umask(os.umask(0o022))
    land_batch(zone, b"{}").reject()
    land_batch(zone, b" " * 2**21)
    with zone.open_log("cognigy", "acme"):
        land_batch(zone, b"{}")
    land_batch(zone, b"{}")
    assert {stat.S_IMODE(path.stat().st_mode) for path in list_files(zone)} == {0o600}
    assert {stat.S_IMODE(path.stat().st_mode) for path in zone.root.rglob("*") if path.is_dir()} == {0o700}


def test_nothing_is_visible_before_the_end(zone: LandingZone) -> None:
    with zone.open_writer(build_key()) as writer:
        assert list_files(zone) == []
        writer.add(build_response(b"{}"))
        assert list_batches(zone) == list_batches(LandingZone(zone.root)) == []
        batch = writer.finish(AT)
        assert list_batches(zone) == list_batches(LandingZone(zone.root)) == [batch]


def test_a_failure_makes_nothing_visible(zone: LandingZone) -> None:
    def add_and_interrupt(writer: BatchWriter) -> None:
        writer.add(build_response(b"{}"))
        writer.begin_body()
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), zone.open_writer(build_key()) as writer:
        add_and_interrupt(writer)
    assert list_batches(zone) == []
    assert [path.name for path in list_files(zone)] == ["000001.jsonl"]


@pytest.mark.parametrize("size", [2**20, 2**20 + 1])
def test_a_large_body_is_a_file_of_its_own(zone: LandingZone, size: int) -> None:
    body = b"\xc3\xa4" * (size // 2) + b"!" * (size % 2)
    batch = land_batch(zone, b"[]", body, b"{}")
    assert [content for _, content in batch.iter_bodies()] == [b"[]", body, b"{}"]
    assert b"".join(batch.iter_bytes()) == b"[]" + body + b"{}"
    assert len(list_files(zone, ".zst")) == (size > 2**20)
    with zone.open_log("cognigy", "acme"):
        pass
    assert [content for _, content in list_batches(zone)[0].iter_bodies()] == [b"[]", body, b"{}"]


def test_a_large_body_that_comes_again_is_kept_once(zone: LandingZone) -> None:
    body = b"x" * (2**20 + 1)
    for _ in range(2):
        land_batch(zone, body)
    assert len(list_files(zone, ".zst")) == 1
    assert [next(batch.iter_bodies())[1] for batch in list_batches(zone)] == [body, body]


def test_a_stream_in_pieces_is_an_answer_too(zone: LandingZone) -> None:
    with zone.open_writer(build_key()) as writer:
        writer.begin_body()
        writer.write(b"half of a first try")
        writer.begin_body()
        for _ in range(100):
            writer.write(b"0123456789" * 1000)
        writer.end_body(build_response(b""))
        batch = writer.finish(AT)
    assert b"".join(batch.iter_bytes()) == b"0123456789" * 100_000
    assert batch.parts[0].bytes == 1_000_000
    assert batch.path.stat().st_size < 10_000


def test_half_an_answer_is_never_finished(zone: LandingZone) -> None:
    with zone.open_writer(build_key()) as writer:
        with pytest.raises(ValueError, match="without an answer"):
            writer.finish(AT)
        with pytest.raises(ValueError, match="not begun"):
            writer.write(b"x")
        with pytest.raises(ValueError, match="not begun"):
            writer.end_body(build_response(b""))
        writer.begin_body()
        with pytest.raises(ValueError, match="half of one"):
            writer.finish(AT)
    assert list_batches(zone) == []
    assert list_files(zone, ".part") == []


def test_a_window_with_nothing_to_ask_is_a_batch(zone: LandingZone) -> None:
    with zone.open_writer(build_key()) as writer:
        writer.mark_empty()
        batch = writer.finish(AT)
    assert batch.is_complete
    assert list(batch.iter_bodies()) == []
    assert list(batch.iter_bytes()) == []


def test_a_batch_counts_as_old_as_its_answers_say(zone: LandingZone) -> None:
    with zone.open_writer(build_key()) as writer:
        writer.add(build_response(b"{}"))
        writer.set_data_time(AT - timedelta(hours=1))
        assert writer.finish(AT).fetched_at == AT - timedelta(hours=1)


def test_no_secret_stands_in_a_line(zone: LandingZone) -> None:
    secret = 'planted "secret"\\ of landing'
    redaction.register_secrets(secret)
    request = Request("POST", f"/{secret}", {"key": secret}, {"where": [secret]})
    with zone.open_writer(build_key()) as writer:
        writer.add(build_response(b"{}", request, name=secret))
        batch = writer.finish(AT, remarks={"error": f"said {secret}"})
    assert all(b"planted" not in path.read_bytes() for path in list_files(zone))
    assert batch.parts[0].context == {"name": "[redacted]"}


def test_a_secret_that_looks_like_something_else_ruins_nothing(zone: LandingZone) -> None:
    redaction.register_secrets("acme", "2025", "true", "counter", "cognigy", "0000")
    batch = land_batch(zone, b"{}")
    assert list_batches(zone) == [batch]
    (again,) = list_batches(zone)
    assert again.is_complete
    assert again.belongs_to("p1", "UTC")
    assert [body for _, body in again.iter_bodies()] == [b"{}"]


def test_a_full_disk_leaves_no_half_line(zone: LandingZone, monkeypatch: pytest.MonkeyPatch) -> None:
    whole = land_batch(zone, b"[]")
    with zone.open_writer(build_key()) as writer:
        writer.record("counter", build_response(b"{}"))
        file = writer.log._file
        assert file is not None
        with monkeypatch.context() as patch:
            patch.setattr(writer.log, "_file", HalfFile(file))
            with pytest.raises(OSError, match=rf"only a part.*{zone.root}") as caught:
                writer.add(build_response(b"{1}"))
            assert caught.value.errno == errno.ENOSPC
        writer.add(build_response(b"{2}"))
        batch = writer.finish(AT)
    for reader in (zone, LandingZone(zone.root)):
        assert list_batches(reader) == [whole, batch]
        assert [body for _, body in list_batches(reader)[1].iter_bodies()] == [b"{2}"]


class HalfFile:
    """A file on a disk that takes half of what it is given."""

    def __init__(self, file: object) -> None:
        self._file = file

    def write(self, line: bytes) -> int:
        return self._file.write(line[: len(line) // 2])  # type: ignore[attr-defined,no-any-return]

    def __getattr__(self, name: str) -> object:
        return getattr(self._file, name)
