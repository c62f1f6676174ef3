"""A server of bare sockets in threads of the test: it sends the very bytes of a script, also what HTTP forbids."""

import re
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Lock, Thread

_LENGTH = re.compile(rb"content-length: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True)
class RawRequest:
    """A request, the connection that it came on, and their numbers: both from 0, ``number`` on that connection."""

    connection_number: int
    number: int
    head: bytes
    body: bytes
    connection: socket.socket

    @property
    def method(self) -> str:
        return self.head.split(b" ", 1)[0].decode()

    @property
    def path(self) -> str:
        return self.head.split(b" ", 2)[1].decode()


@dataclass
class RawServer:
    """``respond`` writes to the connection of each request; it returns whether the connection stays open."""

    respond: Callable[[RawRequest], bool] = lambda _request: False
    requests: list[RawRequest] = field(default_factory=list)
    connection_count: int = 0
    port: int = 0
    scheme: str = "http"

    @property
    def origin(self) -> str:
        return f"{self.scheme}://127.0.0.1:{self.port}"


def encode_response(body: bytes, *headers: str, status: str = "200 OK") -> bytes:
    """Return a whole response that keeps the connection open."""
    lines = [f"HTTP/1.1 {status}", "Content-Type: application/json", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


def reset_connection(connection: socket.socket) -> None:
    """Close a connection with a reset, as a gateway does with one that it has forgotten."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\0\0\0\0\0\0\0")
    connection.close()


@contextmanager
def run_raw_server(tls: ssl.SSLContext | None = None) -> Iterator[RawServer]:
    """Run a server for the time of the block. ``tls`` is its side of TLS."""
    server, lock, is_closing = RawServer(scheme="https" if tls else "http"), Lock(), False
    open_connections: list[socket.socket] = []

    def serve_connection(connection: socket.socket, connection_number: int) -> None:
        with suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if tls:
                connection = tls.wrap_socket(connection, server_side=True)
            open_connections.append(connection)
            stays_open, number = True, 0
            while stays_open and (received := _receive_request(connection)):
                request = RawRequest(connection_number, number, *received, connection)
                with lock:
                    server.requests.append(request)
                stays_open, number = server.respond(request), number + 1
        with suppress(OSError):
            connection.close()

    def accept_connections() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            if is_closing:
                connection.close()
                return
            Thread(target=serve_connection, args=(connection, server.connection_count), daemon=True).start()
            server.connection_count += 1

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server.port = listener.getsockname()[1]
        thread = Thread(target=accept_connections, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            is_closing = True
            with suppress(OSError), socket.create_connection(("127.0.0.1", server.port), timeout=1):
                pass  # wakes the thread that accepts
            thread.join()
            for connection in open_connections:
                with suppress(OSError):
                    connection.close()


def _receive_request(connection: socket.socket) -> tuple[bytes, bytes] | None:
    received = b""
    while b"\r\n\r\n" not in received:
        piece = connection.recv(65536)
        if not piece:
            return None
        received += piece
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(match[1]) if (match := _LENGTH.search(head)) else 0
    while len(body) < length:
        body += connection.recv(65536)
    return head, body
