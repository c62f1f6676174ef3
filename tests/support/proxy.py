"""A proxy of bare sockets: it opens tunnels, forwards plain requests, and may ask for a credential."""

import base64
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

from tests.support.raw_server import RawRequest, RawServer, encode_response, run_raw_server


@contextmanager
def run_proxy(credential: str | None = None) -> Iterator[RawServer]:
    """Run a proxy for the time of the block. ``credential`` is ``user:password``, which it then requires."""

    def respond(request: RawRequest) -> bool:
        expected = f"proxy-authorization: basic {base64.b64encode((credential or '').encode()).decode()}"
        if credential is not None and expected.casefold() not in request.head.decode().casefold():
            request.connection.sendall(encode_response(b"", status="407 Proxy Authentication Required"))
        elif request.method == "CONNECT":
            _open_tunnel(request)
        else:
            _forward_request(request)
        return False

    with run_raw_server() as proxy:
        proxy.respond = respond
        yield proxy


def _open_tunnel(request: RawRequest) -> None:
    host, _, port = request.path.partition(":")
    with socket.create_connection((host, int(port))) as upstream:
        request.connection.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        _relay(request.connection, upstream)


def _forward_request(request: RawRequest) -> None:
    target = urlsplit(request.path)
    path = target.path + (f"?{target.query}" if target.query else "")
    with socket.create_connection((target.hostname, target.port)) as upstream:
        upstream.sendall(request.head.replace(request.path.encode(), path.encode(), 1) + b"\r\n\r\n" + request.body)
        _relay(request.connection, upstream)


def _relay(client: socket.socket, upstream: socket.socket) -> None:
    """Pass bytes on in both directions until one side closes."""
    with suppress(OSError):
        while True:
            readable, _, _ = select.select([client, upstream], [], [], 10)
            for side in readable:
                piece = side.recv(65536)
                if not piece:
                    return
                (upstream if side is client else client).sendall(piece)
            if not readable:
                return
