"""A run that was killed: the next one goes on with its log, and uses what it was answered."""

import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest

from extractors.http.answers import CURRENT_ANSWERS
from extractors.http.messages import Request
from extractors.landing import account_log
from extractors.landing.batch import BatchKey
from extractors.landing.zone import LandingZone
from tests.support.clock import FakeClock
from tests.support.sample_batches import AT, build_key, build_response, land_batch, list_batches, list_files
from tests.support.synced_paths import record_synced_paths

KEY = build_key()
REQUESTS = [Request("GET", "/counter", {"page": str(number)}) for number in range(4)]


@pytest.fixture
def zone(tmp_path: Path) -> LandingZone:
    return LandingZone(tmp_path / "landing")


def land_and_die(zone: LandingZone, *, finish: bool = False, first: int = 0) -> None:
    """Record the answers to some requests of a batch, as a run that is killed before the batch is whole."""
    with zone.open_writer(KEY) as writer:
        for number, request in enumerate(REQUESTS[first:3], first):
            response = build_response(str(number).encode(), request, page=number)
            writer.record("counter", response)
            if finish:
                writer.add(response)
        if finish:
            writer.finish(AT)


def recall(zone: LandingZone, key: BatchKey = KEY, after: timedelta = timedelta(minutes=5)) -> list[bytes | None]:
    """Return the bodies of the answers that the next run is given."""
    with zone.open_writer(key, FakeClock(AT + after)) as writer:
        responses = [writer.recall("counter", request) for request in REQUESTS]
        writer.mark_empty()
    return [response and response.body for response in responses]


def test_answers_of_a_batch_that_was_not_finished_are_given_once(zone: LandingZone) -> None:
    land_and_die(zone)
    with zone.open_log("cognigy", "acme"):
        assert recall(zone) == [b"0", b"1", b"2", None]
        assert recall(zone) == [None] * 4


def test_a_run_that_fetches_everything_anew_is_given_none(zone: LandingZone) -> None:
    land_and_die(zone)
    with zone.open_log("cognigy", "acme", recall=False):
        assert recall(zone) == [None] * 4


def test_a_recalled_answer_is_landed_with_the_batch_and_dates_it(zone: LandingZone) -> None:
    land_and_die(zone)
    later = AT + timedelta(minutes=5)
    with zone.open_writer(KEY, FakeClock(later)) as writer:
        for request in REQUESTS[:3]:
            response = writer.recall("counter", request)
            assert response is not None
            writer.add(response)
        batch = writer.finish(later)
    assert batch.fetched_at == AT
    assert [(part.context, body) for part, body in batch.iter_bodies()] == [
        ({"page": number}, str(number).encode()) for number in range(3)
    ]


def test_a_request_that_was_answered_twice_gets_both_answers_in_order(zone: LandingZone) -> None:
    with zone.open_writer(KEY) as writer:
        for body in (b"first", b"second"):
            writer.record("counter", build_response(body, REQUESTS[0]))
    with zone.open_writer(KEY, FakeClock(AT)) as writer:
        answers = [writer.recall("counter", REQUESTS[0]) for _ in range(3)]
    assert [answer and answer.body for answer in answers] == [b"first", b"second", None]


@pytest.mark.parametrize(
    ("key", "after"),
    [
        (build_key(external_id="p2"), timedelta()),
        (build_key(zone="Europe/Berlin"), timedelta()),
        (KEY, account_log.RECALLED_FOR + timedelta(seconds=1)),
        (KEY, timedelta(days=-3)),
    ],
    ids=["another id", "another zone", "too old", "of the future"],
)
def test_what_may_not_be_used_is_asked_for_again(zone: LandingZone, key: BatchKey, after: timedelta) -> None:
    land_and_die(zone)
    assert recall(zone, key, after) == [None] * 4


def test_an_answer_from_before_the_end_of_its_window_is_asked_for_again(
    zone: LandingZone, monkeypatch: pytest.MonkeyPatch
) -> None:
    with zone.open_writer(KEY) as writer:
        response = build_response(b"early", REQUESTS[0])
        response.fetched_at = KEY.window_end - timedelta(seconds=1)
        writer.record("counter", response)
    monkeypatch.setattr(account_log, "RECALLED_FOR", timedelta(days=9999))
    assert recall(zone) == [None] * 4


def test_answers_of_a_finished_batch_are_not_given_again(zone: LandingZone) -> None:
    land_and_die(zone, finish=True)
    assert recall(zone) == [None] * 4


def test_answers_of_a_failed_batch_are_not_given_again(zone: LandingZone) -> None:
    def fail() -> None:
        with zone.open_writer(KEY) as writer:
            writer.record("counter", build_response(b"0", REQUESTS[0]))
            raise RuntimeError("unsteady")

    with pytest.raises(RuntimeError):
        fail()
    assert recall(zone) == [None] * 4


def test_a_run_that_was_stopped_is_gone_on_with_too(zone: LandingZone) -> None:
    def stop() -> None:
        with zone.open_log("cognigy", "acme"), zone.open_writer(KEY) as writer:
            writer.record("counter", build_response(b"0", REQUESTS[0]))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stop()
    assert recall(zone) == [b"0", None, None, None]


def test_a_run_that_was_killed_after_its_segment_was_sealed_by_size(
    zone: LandingZone, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_log, "SEGMENT_BYTES", 1)
    with zone.open_writer(KEY) as writer:
        writer.record("counter", build_response(b"0", REQUESTS[0]))
        land_batch(zone, b"{}", key=build_key(stream="other"))  # seals
    land_and_die(zone, first=1)
    assert [path.name for path in list_files(zone) if "jsonl" in path.name] == ["000001.jsonl.zst", "000002.jsonl"]
    assert recall(zone) == [b"0", b"1", b"2", None]


def test_an_answer_to_a_task_of_the_batch_is_kept_and_of_no_batch_is_not(zone: LandingZone) -> None:
    assert CURRENT_ANSWERS.get() is None
    with zone.open_writer(KEY) as writer:
        assert CURRENT_ANSWERS.get() is writer
    assert CURRENT_ANSWERS.get() is None


def build_segment(zone: LandingZone) -> bytes:
    """Land ten batches of two answers, and return the text of their open segment."""
    for number in range(10):
        land_batch(zone, f"answer {number}".encode(), random.Random(number).randbytes(200))
    (segment,) = list_files(zone, ".jsonl")
    return segment.read_bytes()


def assert_whole_batches_stay(zone: LandingZone, text: bytes, tear: Callable[[Path], int]) -> None:
    (segment,) = list_files(zone, ".jsonl")
    whole = tear(segment)
    expected = text[:whole].count(b'{"kind":"batch"')
    for reader in (LandingZone(zone.root), zone):
        assert [next(batch.iter_bodies())[1] for batch in list_batches(reader)] == [
            f"answer {number}".encode() for number in range(expected)
        ]
        with reader.open_log("cognigy", "acme"):  # adopts, and seals
            assert [batch.number for batch in list_batches(reader)] == list(range(1, expected + 1))
    again = land_batch(zone, b"after")
    assert again.number == expected + 1
    assert len(list_batches(LandingZone(zone.root))) == expected + 1


def test_a_segment_torn_at_any_byte_keeps_all_that_was_whole(tmp_path: Path) -> None:
    original = LandingZone(tmp_path / "original")
    text = build_segment(original)
    (segment,) = list_files(original, ".jsonl")
    offsets = random.Random(1).sample(range(len(text) + 1), 200)
    for number, offset in enumerate([0, len(text), *offsets]):
        zone = LandingZone(tmp_path / str(number))
        folder = zone.account_folder("cognigy", "acme")
        zone.make_folder(folder)
        (folder / segment.name).write_bytes(text)

        def tear(path: Path, offset: int = offset) -> int:
            path.write_bytes(text[:offset])
            return text.rfind(b"\n", 0, offset) + 1

        assert_whole_batches_stay(zone, text, tear)


@pytest.mark.parametrize("junk", [b"\0" * 4096, b"{", b'{"kind":"batch","number":99}\n', b"\xff\n\n{}\n"])
def test_junk_behind_the_last_line_is_no_answer(
    zone: LandingZone, junk: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    text = build_segment(zone)

    def tear(path: Path) -> int:
        path.write_bytes(text + junk)
        return len(text)

    assert_whole_batches_stay(zone, text, tear)
    assert b"\n" not in junk or "cannot be read and does not count" in caplog.text


def test_what_a_killed_run_has_landed_is_synced_without_opening_its_log(zone: LandingZone) -> None:
    land_and_die(zone, finish=True)
    folder = zone.account_folder("cognigy", "acme")
    with record_synced_paths() as synced:
        zone.sync([("cognigy", "acme")])
    assert folder in synced
    assert all(path in synced for path in list_files(zone, ".jsonl"))
    with zone.open_log("cognigy", "acme"):
        pass
    with record_synced_paths() as synced:
        zone.sync([("cognigy", "acme")])
    assert folder not in synced  # a sealed segment is on disk
