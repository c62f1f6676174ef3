"""An HTTP server in a thread of the test that sends scripted responses, also such as no sane provider sends."""

import asyncio
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Thread

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route


@dataclass(frozen=True)
class ReceivedRequest:
    """A request as it was received."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class ScriptedServer:
    """``respond`` is called with every request; ``requests`` are those received so far."""

    respond: Callable[[ReceivedRequest], Response] = lambda _seen: Response(b"{}", media_type="application/json")
    requests: list[ReceivedRequest] = field(default_factory=list)
    origin: str = ""

    def script(self, *responses: Response) -> None:
        """Send these responses one after the other, and the last one from then on."""
        remaining = list(responses)
        self.respond = lambda _seen: remaining.pop(0) if len(remaining) > 1 else remaining[0]


def raw_response(body: bytes, status: int = 200, **headers: str) -> Response:
    """Return a response with these headers only; ``_`` in a name stands for ``-``."""
    return Response(body, status, {name.replace("_", "-"): value for name, value in headers.items()})


def endless_response(piece: bytes = b" " * 65536) -> Response:
    """Return a response that never ends."""

    def iter_pieces() -> Iterator[bytes]:
        while True:
            yield piece

    return StreamingResponse(iter_pieces(), media_type="application/json")


@contextmanager
def run_scripted_server() -> Iterator[ScriptedServer]:
    """Run a server for the time of the block."""
    script = ScriptedServer()

    async def endpoint(request: Request) -> Response:
        received = ReceivedRequest(
            request.method,
            request.url.path,
            dict(request.query_params),
            dict(request.headers),
            await request.body(),
        )
        script.requests.append(received)
        return script.respond(received)

    app = Starlette(routes=[Route("/{path:path}", endpoint, methods=["GET", "POST"])])
    listening = Event()

    class Server(uvicorn.Server):
        async def startup(self, sockets: list[socket.socket] | None = None) -> None:
            await super().startup(sockets)
            listening.set()

    # only with the protocol named does asyncio turn Nagle off: else each answer waits 40 ms for an acknowledgement
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.bind(("127.0.0.1", 0))
    sock.listen()
    script.origin = f"http://127.0.0.1:{sock.getsockname()[1]}"
    server = Server(
        uvicorn.Config(app, lifespan="off", ws="none", log_config=None, access_log=False, timeout_graceful_shutdown=1)
    )
    thread = Thread(target=lambda: asyncio.run(server.serve([sock])), daemon=True)
    thread.start()
    assert listening.wait(30)
    try:
        yield script
    finally:
        server.should_exit = True
        thread.join()
        sock.close()
