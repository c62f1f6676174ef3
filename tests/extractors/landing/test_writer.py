"""The writer of a batch: what becomes visible, when, and for whom."""

import hashlib
import json
import os
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from extractors import redaction
from extractors.http.messages import Request
from extractors.landing.writer import BatchWriter
from extractors.landing.zone import LandingZone
from tests.support.sample_batches import (
    AT,
    build_key,
    build_response,
    land_batch,
    list_batches,
    list_files,
)


@pytest.fixture
def zone(tmp_path: Path) -> LandingZone:
    return LandingZone(tmp_path / "landing")


def test_the_manifest_says_what_was_asked_and_what_came(zone: LandingZone) -> None:
    batch = land_batch(zone, b'{"a": 1}', landed_at=AT + timedelta(seconds=3), remarks={"rows": 1})
    manifest = json.loads(batch.manifest_path.read_text())
    assert manifest["window"] == ["2025-03-01", "2025-04-01"]
    assert (manifest["external_id"], manifest["zone"], manifest["complete"], manifest["facts"]) == (
        "p1",
        "UTC",
        True,
        {"rows": 1},
    )
    assert manifest["bytes"] == 8
    assert manifest["sha256"] == hashlib.sha256(b'{"a": 1}').hexdigest()
    (part,) = manifest["parts"]
    assert part["asked"] == {"method": "GET", "path": "/counter", "query": {"month": "3"}, "body": None}
    assert (part["status"], part["offset"], part["headers"]) == (200, 0, {"content-type": "application/json"})
    assert batch.fetched_at == AT
    assert batch.landed_at == AT + timedelta(seconds=3)
    assert batch.where.batch == batch.batch_id


def test_only_the_owner_can_read(zone: LandingZone) -> None:
    os.umask(os.umask(0o022))
    batch = land_batch(zone, b"{}")
    assert {stat.S_IMODE(path.stat().st_mode) for path in list_files(zone)} == {0o600}
    assert stat.S_IMODE(batch.folder.stat().st_mode) == 0o700


def test_nothing_is_visible_before_the_end(zone: LandingZone) -> None:
    with zone.open_writer(build_key()) as writer:
        assert list_files(zone) == []
        writer.add(build_response(b"{}"))
        assert list_batches(zone) == []
        (part,) = list_files(zone)
        assert part.name.endswith(".part")
    assert list_files(zone) == []


def test_a_failure_leaves_nothing(zone: LandingZone) -> None:
    def add_and_interrupt(writer: BatchWriter) -> None:
        writer.add(build_response(b"{}"))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), zone.open_writer(build_key()) as writer:
        add_and_interrupt(writer)
    assert list_files(zone) == []


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
        writer.begin_body()
        with pytest.raises(ValueError, match="half of one"):
            writer.finish(AT)
    assert list_files(zone) == []


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


def test_no_secret_stands_in_a_manifest(zone: LandingZone) -> None:
    secret = 'planted "secret"\\ of landing'
    redaction.register_secrets(secret)
    request = Request("POST", f"/{secret}", {"key": secret}, {"where": [secret]})
    with zone.open_writer(build_key()) as writer:
        writer.add(build_response(b"{}", request, name=secret))
        batch = writer.finish(AT, remarks={"error": f"said {secret}"})
    text = batch.manifest_path.read_text()
    assert "planted" not in text
    assert batch.parts[0].context == {"name": "[redacted]"}


def test_a_secret_that_looks_like_something_else_ruins_nothing(
    zone: LandingZone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redaction, "_secrets", set())
    redaction.register_secrets("acme", "2025", "true", "counter", "cognigy", "0000")
    batch = land_batch(zone, b"{}")
    assert list_batches(zone) == [batch]
    (again,) = list_batches(zone)
    assert again.is_complete
    assert again.belongs_to("p1", "UTC")
    assert [body for _, body in again.iter_bodies()] == [b"{}"]
