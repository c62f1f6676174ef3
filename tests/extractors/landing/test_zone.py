import hashlib
import json
import os
import stat
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors import redaction
from extractors.http.messages import Request, Response
from extractors.landing.batch import Batch, BatchKey, select_newest_by_day
from extractors.landing.files import write_private_file
from extractors.landing.writer import BatchWriter
from extractors.landing.zone import LandingZone
from extractors.windows import Window

AT = datetime(2026, 1, 10, 12, tzinfo=UTC)
MARCH = Window(date(2025, 3, 1), date(2025, 4, 1))
ASKED = Request("GET", "/counter", {"month": "3"})


def key(window: Window = MARCH, **other: str) -> BatchKey:
    told = {"provider": "cognigy", "account": "acme", "stream": "counter", "external_id": "p1", "zone": "UTC", **other}
    return BatchKey(**told, window=window)


def answer(body: bytes, asked: Request = ASKED, **context: Any) -> Response:
    return Response(asked, 200, {"content-type": "application/json"}, AT, body, context)


def land(zone: LandingZone, *bodies: bytes, at: datetime = AT, of: BatchKey | None = None, **more: Any) -> Batch:
    with zone.open_writer(of or key()) as writer:
        for number, body in enumerate(bodies):
            writer.add(answer(body, number=number))
        return writer.finish(at, **more)


def landed(zone: LandingZone, within: Window | None = None) -> list[Batch]:
    return zone.list_batches("cognigy", "acme", "counter", within)


def files(zone: LandingZone, ending: str = "") -> list[Path]:
    return sorted(path for path in zone.root.rglob(f"*{ending}") if path.is_file())


@pytest.fixture
def zone(tmp_path: Path) -> LandingZone:
    return LandingZone(tmp_path / "landing")


@given(bodies=st.lists(st.binary(max_size=2000), min_size=1, max_size=5))
def test_answers_are_kept_byte_for_byte(tmp_path_factory: pytest.TempPathFactory, bodies: list[bytes]) -> None:
    zone = LandingZone(tmp_path_factory.mktemp("landing"))
    land(zone, *bodies)
    (batch,) = landed(zone)
    assert [body for _, body in batch.iter_bodies()] == bodies
    assert b"".join(batch.iter_bytes()) == b"".join(bodies)
    assert [part.context for part in batch.parts] == [{"number": number} for number in range(len(bodies))]
    assert [part.bytes for part in batch.parts] == [len(body) for body in bodies]


def test_the_manifest_says_what_was_asked_and_what_came(zone: LandingZone) -> None:
    batch = land(zone, b'{"a": 1}', landed_at=AT + timedelta(seconds=3), remarks={"rows": 1})
    told = json.loads(batch.manifest_path.read_text())
    assert told["window"] == ["2025-03-01", "2025-04-01"]
    assert (told["external_id"], told["zone"], told["complete"], told["facts"]) == ("p1", "UTC", True, {"rows": 1})
    assert told["bytes"] == 8
    assert told["sha256"] == hashlib.sha256(b'{"a": 1}').hexdigest()
    (part,) = told["parts"]
    assert part["asked"] == {"method": "GET", "path": "/counter", "query": {"month": "3"}, "body": None}
    assert (part["status"], part["offset"], part["headers"]) == (200, 0, {"content-type": "application/json"})
    assert batch.fetched_at == AT
    assert batch.landed_at == AT + timedelta(seconds=3)
    assert batch.where.batch == batch.batch_id


def test_only_the_owner_can_read(zone: LandingZone) -> None:
    os.umask(os.umask(0o022))
    batch = land(zone, b"{}")
    assert {stat.S_IMODE(path.stat().st_mode) for path in files(zone)} == {0o600}
    assert stat.S_IMODE(batch.folder.stat().st_mode) == 0o700


def test_nothing_is_visible_before_the_end(zone: LandingZone) -> None:
    with zone.open_writer(key()) as writer:
        assert files(zone) == []
        writer.add(answer(b"{}"))
        assert landed(zone) == []
        (part,) = files(zone)
        assert part.name.endswith(".part")
    assert files(zone) == []


def test_a_failure_leaves_nothing(zone: LandingZone) -> None:
    def interrupted(writer: BatchWriter) -> None:
        writer.add(answer(b"{}"))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt), zone.open_writer(key()) as writer:
        interrupted(writer)
    assert files(zone) == []


def test_what_a_killed_run_left_is_no_batch(zone: LandingZone) -> None:
    batch = land(zone, b"{}")
    for name in (
        f"{MARCH}.123-abcd.part",
        f"{batch.manifest_path.name}.123-abcd.part",
        ".DS_Store",
        "notes.json",
        "a.b.c.json",
        f"{MARCH}.x.{batch.content_hash}.json",
    ):
        (batch.folder / name).write_text("half")
    assert landed(zone) == [batch]


def test_an_unchanged_answer_that_arrives_again_adds_a_manifest_only(zone: LandingZone) -> None:
    first = land(zone, b"{}", b"[]")
    again = land(zone, b"{}", b"[]", at=AT + timedelta(hours=1))
    changed = land(zone, b"{}", b"[1]", at=AT + timedelta(hours=2))
    assert len(files(zone, ".zst")) == 2
    assert len(files(zone, ".json")) == 3
    assert landed(zone) == [first, again, changed]
    assert len({batch.batch_id for batch in landed(zone)}) == 3
    assert [list(batch.iter_bodies())[1][1] for batch in landed(zone)] == [b"[]", b"[]", b"[1]"]


def test_the_same_bytes_cut_differently_are_told_apart(zone: LandingZone) -> None:
    one = land(zone, b"12", b"3")
    two = land(zone, b"1", b"23", at=AT + timedelta(hours=1))
    assert one.path == two.path
    assert [[body for _, body in batch.iter_bodies()] for batch in (one, two)] == [[b"12", b"3"], [b"1", b"23"]]


@given(st.permutations(range(6)))
def test_the_order_is_that_of_arrival(tmp_path_factory: pytest.TempPathFactory, order: list[int]) -> None:
    zone = LandingZone(tmp_path_factory.mktemp("landing"))
    for number in order:
        land(zone, str(number).encode(), at=AT + timedelta(microseconds=number))
    assert [next(batch.iter_bodies())[1] for batch in landed(zone)] == [str(number).encode() for number in range(6)]


def test_listing_may_be_narrowed_to_some_days(zone: LandingZone) -> None:
    windows = [Window(date(2025, month, 1), date(2025, month + 1, 1)) for month in (1, 2, 3)]
    for window in windows:
        land(zone, b"{}", of=key(window))
    assert [batch.window for batch in landed(zone, Window(date(2025, 2, 1), date(2025, 3, 1)))] == windows[1:2]
    assert [batch.window for batch in landed(zone, Window(date(2025, 2, 28), date(2025, 3, 2)))] == windows[1:]
    assert zone.list_batches("cognigy", "nobody", "counter") == []


def test_a_stream_in_pieces_is_an_answer_too(zone: LandingZone) -> None:
    with zone.open_writer(key()) as writer:
        writer.begin_body()
        writer.write(b"half of a first try")
        writer.begin_body()
        for _ in range(100):
            writer.write(b"0123456789" * 1000)
        writer.end_body(answer(b""))
        batch = writer.finish(AT)
    assert b"".join(batch.iter_bytes()) == b"0123456789" * 100_000
    assert batch.parts[0].bytes == 1_000_000
    assert batch.path.stat().st_size < 10_000


def test_half_an_answer_is_never_finished(zone: LandingZone) -> None:
    with zone.open_writer(key()) as writer:
        with pytest.raises(ValueError, match="without an answer"):
            writer.finish(AT)
        writer.begin_body()
        with pytest.raises(ValueError, match="half of one"):
            writer.finish(AT)
    assert files(zone) == []


def test_a_window_with_nothing_to_ask_is_a_batch(zone: LandingZone) -> None:
    with zone.open_writer(key()) as writer:
        writer.mark_empty()
        batch = writer.finish(AT)
    assert batch.is_complete
    assert list(batch.iter_bodies()) == []
    assert list(batch.iter_bytes()) == []


def test_a_batch_counts_as_old_as_its_answers_say(zone: LandingZone) -> None:
    with zone.open_writer(key()) as writer:
        writer.add(answer(b"{}"))
        writer.set_data_time(AT - timedelta(hours=1))
        assert writer.finish(AT).fetched_at == AT - timedelta(hours=1)


def test_no_secret_stands_in_a_manifest(zone: LandingZone) -> None:
    secret = 'planted "secret"\\ of landing'
    redaction.register_secrets(secret)
    asked = Request("POST", f"/{secret}", {"key": secret}, {"where": [secret]})
    with zone.open_writer(key()) as writer:
        writer.add(answer(b"{}", asked, name=secret))
        batch = writer.finish(AT, remarks={"error": f"said {secret}"})
    text = batch.manifest_path.read_text()
    assert "planted" not in text
    assert batch.parts[0].context == {"name": "[redacted]"}


def test_a_secret_that_looks_like_something_else_ruins_nothing(
    zone: LandingZone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(redaction, "_secrets", set())
    redaction.register_secrets("acme", "2025", "true", "counter", "cognigy", "0000")
    batch = land(zone, b"{}")
    assert landed(zone) == [batch]
    (again,) = landed(zone)
    assert again.is_complete
    assert again.belongs_to("p1", "UTC")
    assert [body for _, body in again.iter_bodies()] == [b"{}"]


@pytest.mark.parametrize("how", ["flipped", "cut", "empty", "other", "gone", "no zstd"])
def test_damage_is_noticed(zone: LandingZone, how: str) -> None:
    batch = land(zone, os.urandom(3000), b"{}")
    content = batch.path.read_bytes()
    broken = {
        "flipped": content[:1000] + bytes([content[1000] ^ 1]) + content[1001:],
        "cut": content[:-50],
        "empty": b"",
        "other": land(LandingZone(zone.root / "other"), os.urandom(3000), b"{}").path.read_bytes(),
        "no zstd": b"junk" * 1000,
    }
    if how == "gone":
        batch.path.unlink()
    else:
        batch.path.write_bytes(broken[how])
    for read in (batch.iter_bodies, batch.iter_bytes):
        with pytest.raises((ValueError, OSError)):
            list(read())


@pytest.mark.parametrize("content", ["", "{", "{}", '{"complete": true}'])
def test_a_manifest_that_cannot_be_read_does_not_count(
    zone: LandingZone, content: str, caplog: pytest.LogCaptureFixture
) -> None:
    older = land(zone, b"1")
    newer = land(zone, b"2", at=AT + timedelta(hours=1))
    newer.manifest_path.write_text(content)
    assert set(select_newest_by_day(landed(zone), MARCH.days(), "p1", "UTC").values()) == {older}
    assert "cannot be read and does not count" in caplog.text


def newest(zone: LandingZone, days: Iterable[date]) -> dict[int, bytes]:
    found = select_newest_by_day(landed(zone), days, "p1", "UTC")
    return {day.day: next(batch.iter_bodies())[1] for day, batch in sorted(found.items())}


def test_the_newest_batch_of_a_day_counts(zone: LandingZone) -> None:
    def arrive(first: int, last: int, body: bytes, minutes: int, complete: bool = True, **other: str) -> None:
        window = Window(date(2025, 3, first), date(2025, 3, last + 1))
        land(zone, body, of=key(window, **other), at=AT + timedelta(minutes=minutes), complete=complete)

    days = list(Window(date(2025, 3, 1), date(2025, 3, 7)).days())
    assert newest(zone, days) == {}
    arrive(1, 4, b"a", 1)
    arrive(3, 6, b"b", 2)
    arrive(4, 4, b"c", 3)
    expected = {1: b"a", 2: b"a", 3: b"b", 4: b"c", 5: b"b", 6: b"b"}
    assert newest(zone, days) == expected
    arrive(1, 6, b"half", 4, complete=False)
    arrive(1, 6, b"other zone", 5, zone="Europe/Berlin")
    arrive(1, 6, b"other id", 6, external_id="p2")
    assert newest(zone, days) == expected
    assert newest(zone, days[4:]) == {5: b"b", 6: b"b"}
    arrive(1, 6, b"d", 0)
    assert newest(zone, days) == expected
    arrive(2, 2, b"e", 7)
    assert newest(zone, days) == {**expected, 2: b"e"}


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
    for number, (one, other, content, complete) in enumerate(arrivals):
        first, last = sorted((one, other))
        window = Window(date(2025, 3, first), date(2025, 3, last + 1))
        body = str(content).encode()
        land(zone, body, of=key(window), at=AT + timedelta(seconds=number), complete=complete)
        if complete:
            expected.update(dict.fromkeys(range(first, last + 1), body))
    days = Window(date(2025, 3, 1), date(2025, 3, 11)).days()
    assert newest(zone, days) == dict(sorted(expected.items()))


def test_a_private_file_is_whole_or_not_there(tmp_path: Path) -> None:
    path = tmp_path / "journal.json"
    write_private_file(path, b"one")
    write_private_file(path, b"two", durable=True)
    assert path.read_bytes() == b"two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


def test_a_rejected_batch_still_counts(zone: LandingZone) -> None:
    batch = land(zone, b"{}")
    batch.reject()
    assert landed(zone)[0].is_rejected
    assert newest(zone, [MARCH.start]) == {1: b"{}"}
    again = land(zone, b"{}", at=AT + timedelta(hours=1))
    assert not again.is_rejected
