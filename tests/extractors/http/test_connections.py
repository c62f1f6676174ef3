"""An answer belongs to the request that asked for it, also from a server that sends one too many."""

import asyncio
import json
import time
from collections.abc import Iterator

import pytest

from extractors.errors import Transient
from extractors.http.client import Client
from extractors.http.session import Session
from tests.support.clock import FakeClock
from tests.support.http_session import LIMITS, build_account, download_thing, get_thing, run_session
from tests.support.raw_server import RawRequest, RawServer, encode_response, reset_connection, run_raw_server

STRAY = encode_response(b'{"path": "stray"}')


@pytest.fixture(scope="module")
def shared_server() -> Iterator[RawServer]:
    with run_raw_server() as server:
        yield server


@pytest.fixture
def raw_server(shared_server: RawServer) -> RawServer:
    shared_server.requests.clear()
    return shared_server


def answer_with_path(request: RawRequest, *headers: str) -> bytes:
    return encode_response(json.dumps({"path": request.path}).encode(), *headers)


def send_stray_at_once(request: RawRequest) -> bool:
    request.connection.sendall(answer_with_path(request) + STRAY)
    return True


def send_stray_after_a_moment(request: RawRequest) -> bool:
    request.connection.sendall(answer_with_path(request))
    time.sleep(0.05)
    request.connection.sendall(STRAY)
    return True


def send_stray_into_the_next_request(request: RawRequest) -> bool:
    """Send the stray when the next request is under way: no check before it was sent could see the stray."""
    if request.number:
        request.connection.sendall(STRAY)
    request.connection.sendall(answer_with_path(request))
    return True


STRAYS = [send_stray_at_once, send_stray_after_a_moment, send_stray_into_the_next_request]


def list_paths(server: RawServer, clock: FakeClock, pause_seconds: float) -> list[str]:
    """Return the paths in the answers to /1 of one account, /2 of another, and /3 of the first."""

    async def run() -> list[str]:
        async with Client(clock=clock) as client:
            sessions = [client.open_session(build_account(server.origin, name), LIMITS) for name in ("first", "second")]
            paths = []
            for number, session in enumerate([*sessions, sessions[0]], 1):
                paths.append((await get_thing(session, f"/{number}")).root["path"])
                await asyncio.sleep(pause_seconds)
            return paths

    return asyncio.run(run())


@pytest.mark.parametrize("pause_seconds", [0, 0.2])
@pytest.mark.parametrize("respond", STRAYS)
def test_an_answer_too_many_reaches_no_other_request(
    raw_server: RawServer, clock: FakeClock, respond: object, pause_seconds: float
) -> None:
    raw_server.respond = respond  # type: ignore[assignment]
    assert list_paths(raw_server, clock, pause_seconds) == ["/base/1", "/base/2", "/base/3"]


def test_an_answer_too_many_behind_a_redirect_is_not_taken_for_its_target(
    raw_server: RawServer, clock: FakeClock
) -> None:
    def redirect(request: RawRequest) -> bool:
        if request.path == "/base/target":
            return send_stray_at_once(request)
        head = encode_response(b"", "Location: /base/target", status="307 Temporary Redirect")
        request.connection.sendall(head + STRAY)
        return True

    raw_server.respond = redirect
    answer, _ = run_session(raw_server.origin, clock, get_thing)
    assert answer.root == {"path": "/base/target"}


def test_the_address_of_a_redirect_is_sent_as_it_came(raw_server: RawServer, clock: FakeClock) -> None:
    target = "/base/a%2Fb%20c?sig=x%2Fy%20z+~;d=1&empty=&novalue"

    def redirect(request: RawRequest) -> bool:
        is_first = request.path == "/base/thing"
        head = encode_response(b"", f"Location: {target}", status="307 Temporary Redirect")
        request.connection.sendall(head if is_first else answer_with_path(request))
        return True

    raw_server.respond = redirect
    answer, _ = run_session(raw_server.origin, clock, get_thing)
    assert answer.root == {"path": target}


def test_a_file_too_many_is_taken_for_no_other_download(raw_server: RawServer, clock: FakeClock) -> None:
    raw_server.respond = send_stray_at_once

    async def download_two(session: Session) -> list[bytes]:
        return [await download_thing(session, f"{raw_server.origin}/{name}") for name in ("first", "second")]

    files, _ = run_session(raw_server.origin, clock, download_two)
    assert files == [b'{"path": "/first"}', b'{"path": "/second"}']


def test_a_file_too_many_behind_a_redirect_is_not_taken_for_its_target(raw_server: RawServer, clock: FakeClock) -> None:
    def redirect(request: RawRequest) -> bool:
        if request.path.startswith("/target"):
            return send_stray_at_once(request)
        target = f"/target{request.path}"
        request.connection.sendall(encode_response(b"", f"Location: {target}", status="302 Found") + STRAY)
        return True

    raw_server.respond = redirect

    async def download_two(session: Session) -> list[bytes]:
        return [await download_thing(session, f"{raw_server.origin}/{name}") for name in ("first", "second")]

    files, _ = run_session(raw_server.origin, clock, download_two)
    assert files == [b'{"path": "/target/first"}', b'{"path": "/target/second"}']
    assert [request.number for request in raw_server.requests] == [0] * 4  # each on a connection of its own


def test_no_connection_carries_a_second_request(raw_server: RawServer, clock: FakeClock) -> None:
    raw_server.respond = lambda request: request.connection.sendall(answer_with_path(request)) is None
    earlier_count = raw_server.connection_count

    async def request_many(session: Session) -> None:
        await get_thing(session)
        await asyncio.gather(*(get_thing(session) for _ in range(20)))

    run_session(raw_server.origin, clock, request_many)
    assert raw_server.connection_count - earlier_count == len(raw_server.requests) == 21
    assert all(b"connection: close" in request.head.lower() for request in raw_server.requests)


def test_a_creation_is_not_lost_on_a_connection_that_the_server_has_forgotten(
    raw_server: RawServer, clock: FakeClock
) -> None:
    def forget(request: RawRequest) -> bool:
        """Answer the first request of a connection; reset the connection when a second one comes on it."""
        if request.number:
            reset_connection(request.connection)
            return False
        request.connection.sendall(answer_with_path(request))
        return True

    raw_server.respond = forget

    async def create_after_a_get(session: Session) -> str:
        await get_thing(session)
        answer = await session.request("export", "POST", "/create", send_once=True)
        return str(answer.root["path"])

    path, _ = run_session(raw_server.origin, clock, create_after_a_get)
    assert path == "/base/create"
    assert [request.method for request in raw_server.requests] == ["GET", "POST"]


def test_a_creation_whose_own_answer_is_lost_is_sent_once(raw_server: RawServer, clock: FakeClock) -> None:
    def lose(request: RawRequest) -> bool:
        reset_connection(request.connection)
        return False

    raw_server.respond = lose
    with pytest.raises(Transient, match="no whole answer"):
        run_session(raw_server.origin, clock, lambda s: s.request("export", "POST", "/create", send_once=True))
    assert len(raw_server.requests) == 1
