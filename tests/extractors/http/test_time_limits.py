"""A request that the server draws out ends in time, whichever way it does so."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator

import pytest

from extractors.clock import SYSTEM_CLOCK, Clock
from extractors.errors import Deferred, Transient
from extractors.exports import download
from extractors.http.client import Client
from extractors.http.session import Session
from extractors.http.settings import HttpSettings
from tests.support.clock import FakeClock
from tests.support.http_session import LIMITS, build_account, download_thing, get_thing
from tests.support.raw_server import RawRequest, RawServer, encode_response, run_raw_server

PROMPT = {"backoff_seconds": 0.01, "max_attempts": 50}
DRIP_SECONDS = 0.02
WHOLE_BODY = b'{"items": [' + b" " * 200 + b"]}"


@pytest.fixture
def raw_server() -> Iterator[RawServer]:
    with run_raw_server() as server:
        yield server


def drip(request: RawRequest) -> bool:
    """Send a body of 200 bytes, one at a time, in four seconds."""
    whole = encode_response(WHOLE_BODY)
    head_length = whole.index(b"\r\n\r\n") + 4
    request.connection.sendall(whole[:head_length])
    for byte in whole[head_length:]:
        time.sleep(DRIP_SECONDS)
        request.connection.sendall(bytes([byte]))
    return False


def drip_once(request: RawRequest) -> bool:
    if request.connection_number == 0:
        return drip(request)
    request.connection.sendall(encode_response(WHOLE_BODY))
    return False


def drip_head(request: RawRequest) -> bool:
    """Send status and headers one byte at a time: no pause is longer than a read may take."""
    for byte in encode_response(WHOLE_BODY, *(f"X-{number}: y" for number in range(40))):
        time.sleep(DRIP_SECONDS)
        request.connection.sendall(bytes([byte]))
    return False


def use_session(
    server: RawServer, settings: HttpSettings, use: Callable[[Session], object], clock: Clock = SYSTEM_CLOCK
) -> float:
    """Return the seconds that ``use`` took until it raised or ended."""

    async def run() -> None:
        async with Client(settings, clock) as client:
            await use(client.open_session(build_account(server.origin), LIMITS))  # type: ignore[misc]

    began = time.monotonic()
    try:
        asyncio.run(run())
    finally:
        seconds = time.monotonic() - began
    return seconds


def test_one_deadline_spans_a_request_and_all_its_tries(raw_server: RawServer) -> None:
    raw_server.respond = drip
    settings = HttpSettings(total_timeout_seconds=1, steady_seconds=0.2, least_bytes=100, **PROMPT)  # type: ignore[arg-type]
    began = time.monotonic()
    with pytest.raises(Transient, match=r"no whole answer"):
        use_session(raw_server, settings, get_thing)
    assert time.monotonic() - began < 2
    assert 3 <= len(raw_server.requests) <= 6  # a try that drips is ended early, and leaves time for others


@pytest.mark.parametrize("is_file", [False, True])
def test_headers_that_drip_end_with_the_deadline(
    raw_server: RawServer, monkeypatch: pytest.MonkeyPatch, is_file: bool
) -> None:
    monkeypatch.setattr(download, "MAX_SECONDS", 0.4)
    raw_server.respond = drip_head

    def download_file(session: Session) -> Awaitable[bytes]:
        return download_thing(session, f"{raw_server.origin}/file")

    settings = HttpSettings(total_timeout_seconds=0.4, read_timeout_seconds=0.3, steady_seconds=0.2, **PROMPT)  # type: ignore[arg-type]
    began = time.monotonic()
    with pytest.raises(Transient, match=r"in the 0\.4 seconds"):
        use_session(raw_server, settings, download_file if is_file else get_thing)
    assert time.monotonic() - began < 1.5
    assert len(raw_server.requests) == 1


def test_the_deadline_is_named_when_it_ends_a_try(raw_server: RawServer) -> None:
    raw_server.respond = drip
    sentence = (
        r"acme \(cognigy\.stream\): no whole answer in the 0\.3 seconds that a request and its tries may take; "
        r"run the same command again later"
    )
    with pytest.raises(Transient, match=sentence):
        use_session(raw_server, HttpSettings(total_timeout_seconds=0.3, **PROMPT), get_thing)  # type: ignore[arg-type]
    assert len(raw_server.requests) == 1


def test_a_body_that_drips_is_asked_for_again(raw_server: RawServer) -> None:
    raw_server.respond = drip_once
    settings = HttpSettings(steady_seconds=0.2, least_bytes=100, **PROMPT)  # type: ignore[arg-type]
    assert use_session(raw_server, settings, get_thing) < 3
    assert len(raw_server.requests) == 2


def test_a_slow_body_that_goes_on_is_read_to_its_end(raw_server: RawServer) -> None:
    raw_server.respond = drip
    settings = HttpSettings(steady_seconds=0.2, least_bytes=2, **PROMPT)  # type: ignore[arg-type]
    assert use_session(raw_server, settings, get_thing) > len(WHOLE_BODY) * DRIP_SECONDS


def test_a_download_that_drips_is_begun_anew(raw_server: RawServer) -> None:
    raw_server.respond = drip_once
    settings = HttpSettings(steady_seconds=0.2, least_bytes=100, **PROMPT)  # type: ignore[arg-type]
    assert use_session(raw_server, settings, lambda session: download_thing(session, f"{raw_server.origin}/file")) < 3
    assert len(raw_server.requests) == 2


def test_one_deadline_spans_a_download_and_all_its_tries(
    raw_server: RawServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "MAX_SECONDS", 0.3)
    raw_server.respond = drip
    with pytest.raises(
        Transient, match=r"did not come whole in the 0\.3 seconds that a download and its tries may take"
    ):
        use_session(
            raw_server, HttpSettings(**PROMPT), lambda session: download_thing(session, f"{raw_server.origin}/file")
        )  # type: ignore[arg-type]
    assert len(raw_server.requests) == 1


def test_pauses_that_the_server_asks_for_are_bounded_by_their_own_setting(
    raw_server: RawServer, clock: FakeClock
) -> None:
    """``max_wait_seconds`` is 60: the deadline of 20 s does not end a wait of 50 s, and a second one is too long."""
    responses = [encode_response(b"", "Retry-After: 50", status="429 Slow")] * 2 + [encode_response(b"{}")]
    raw_server.respond = lambda request: bool(request.connection.sendall(responses[request.connection_number]))
    with pytest.raises(Deferred, match="max_wait_seconds: 60"):
        use_session(raw_server, HttpSettings(total_timeout_seconds=20), get_thing, clock)
    assert clock.elapsed_seconds == pytest.approx(50)
