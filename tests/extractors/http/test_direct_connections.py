"""Connections of the own transport: what they wait for, how long, how many there are, and that each is closed."""

import asyncio
import gc
import socket
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import httpx
import pytest

from extractors.http.direct_transport import DirectTransport
from tests.support.raw_server import RawRequest, RawServer, encode_response, run_raw_server

TIMES = httpx.Timeout(0.3, pool=None)


@pytest.fixture
def server() -> Iterator[RawServer]:
    with run_raw_server() as running:
        running.respond = lambda request: request.connection.sendall(encode_response(b"hello")) is not None
        yield running


def use_transport(use: Callable[[httpx.AsyncClient], Awaitable[Any]], connections: int = 4) -> Any:
    async def run() -> Any:
        transport = DirectTransport(ssl.create_default_context(), connections)
        async with httpx.AsyncClient(transport=transport, timeout=TIMES) as client:
            return await use(client)

    return asyncio.run(run())


def get(url: str) -> Any:
    return use_transport(lambda client: client.get(url))


@contextmanager
def listen_without_accepting() -> Iterator[socket.socket]:
    """An address where connections are never answered: its queue is full."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.2", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for client in waiting:
            client.setblocking(False)
            with suppress(BlockingIOError):
                client.connect(listener.getsockname())
        try:
            yield listener
        finally:
            for client in waiting:
                client.close()


def resolve_to(monkeypatch: pytest.MonkeyPatch, *addresses: tuple[str, int]) -> None:
    entries = [
        (socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM, 6, "", (host, port))
        for host, port in addresses
    ]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: entries)


def test_a_host_that_moves_is_found_at_once(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    async def move(client: httpx.AsyncClient) -> str:
        resolve_to(monkeypatch, ("127.0.0.3", 1))
        with pytest.raises(httpx.ConnectError):
            await client.get("http://api.example/")
        resolve_to(monkeypatch, ("127.0.0.1", server.port))
        return (await client.get("http://api.example/")).text

    assert use_transport(move) == "hello"


@pytest.mark.parametrize("first", ["::1", "127.0.0.3"])
def test_the_next_address_is_tried(server: RawServer, monkeypatch: pytest.MonkeyPatch, first: str) -> None:
    resolve_to(monkeypatch, (first, 1), ("127.0.0.1", server.port))
    assert get("http://api.example/").text == "hello"


def test_an_address_that_does_not_answer_holds_up_no_other(server: RawServer, monkeypatch: pytest.MonkeyPatch) -> None:
    with listen_without_accepting() as listener:
        resolve_to(monkeypatch, listener.getsockname(), ("127.0.0.1", server.port))
        assert get("http://api.example/").text == "hello"


def test_a_connection_that_does_not_come_about_ends_in_time() -> None:
    with listen_without_accepting() as listener, pytest.raises(httpx.ConnectTimeout):
        get("http://{}:{}/".format(*listener.getsockname()))


def test_tls_that_is_not_agreed_on_ends_in_time() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, pytest.raises(httpx.ConnectTimeout):
        get(f"https://127.0.0.1:{listener.getsockname()[1]}/")


@pytest.mark.parametrize("host", ["nowhere.invalid", "a" * 64 + ".example"])
def test_a_name_without_an_address_is_no_connection(monkeypatch: pytest.MonkeyPatch, host: str) -> None:
    def fail(name: str, *_args: object, **_options: object) -> None:
        if len(name) < 64:
            raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")
        name.encode("idna")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    with pytest.raises(httpx.ConnectError):
        get(f"http://{host}/")


@pytest.mark.parametrize("start", [b"", b"HTTP/1.1 200 OK\r\n", encode_response(b"hello")[:-2]])
def test_silence_ends_in_time(server: RawServer, start: bytes) -> None:
    end = threading.Event()
    server.respond = lambda request: request.connection.sendall(start) is not None or not end.wait(5)
    with pytest.raises(httpx.ReadTimeout):
        get(server.origin)
    end.set()


def test_another_scheme_is_refused() -> None:
    for url in ("ftp://127.0.0.1/", "/relative"):
        with pytest.raises(httpx.UnsupportedProtocol):
            get(url)


def test_no_more_connections_than_allowed_and_every_place_is_given_back(server: RawServer) -> None:
    running, most, lock = 0, 0, threading.Lock()

    def respond(request: RawRequest) -> bool:
        nonlocal running, most
        with lock:
            running += 1
            most = max(most, running)
        threading.Event().wait(0.02)
        with lock:
            running -= 1
        if b"/fail" not in request.head:
            request.connection.sendall(encode_response(b"hello"))
        return False

    server.respond = respond

    async def request_many(client: httpx.AsyncClient) -> list[str]:
        failures = [client.get("http://127.0.0.1:1/"), client.get(f"{server.origin}/fail")] * 4
        assert all(isinstance(error, httpx.TransportError) for error in await gather(*failures))
        return [answer.text for answer in await gather(*(client.get(server.origin) for _ in range(12)))]

    async def gather(*requests: Awaitable[httpx.Response]) -> list[Any]:
        return await asyncio.gather(*requests, return_exceptions=True)

    assert use_transport(request_many, connections=3) == ["hello"] * 12
    assert most == 3


@pytest.mark.parametrize("start", [None, b"", encode_response(b"hello")[:-2]])
def test_a_cancelled_request_closes_its_connection(server: RawServer, start: bytes | None) -> None:
    ended = threading.Event()

    def wait_for_the_end(request: RawRequest) -> bool:
        request.connection.sendall(start or b"")
        with suppress(OSError):
            request.connection.recv(1)
        ended.set()
        return False

    server.respond = wait_for_the_end

    async def cancel(client: httpx.AsyncClient) -> None:
        task = asyncio.create_task(client.get(server.origin))
        await asyncio.sleep(0 if start is None else 0.1)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()

    use_transport(cancel, connections=1)
    gc.collect()  # a socket left open would warn here
    assert start is None or ended.wait(2)


def test_a_slow_reader_holds_up_the_sender_and_pieces_stay_small(server: RawServer) -> None:
    total, sent = 64 * 2**20, 0

    def send(request: RawRequest) -> bool:
        nonlocal sent
        request.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % total)
        piece = bytes(2**16)
        while sent < total:
            request.connection.sendall(piece)
            sent += len(piece)
        return False

    server.respond = send

    async def read_slowly(client: httpx.AsyncClient) -> list[int]:
        async with client.stream("GET", server.origin) as response:
            pieces = response.aiter_raw()
            sizes = [len(await anext(pieces))]
            await asyncio.sleep(0.2)
            assert sent < total / 2  # what the system itself keeps for a connection
            return sizes + [len(piece) async for piece in pieces]

    sizes = use_transport(read_slowly)
    assert sum(sizes) == total
    assert max(sizes) <= 2**16
