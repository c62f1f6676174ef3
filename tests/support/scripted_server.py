"""An HTTP server that answers from a script, for answers that no sane provider gives. In a thread of the test."""

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
    """A request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass
class ScriptedServer:
    """``answer`` is called with every request; ``seen`` are the requests so far."""

    respond: Callable[[ReceivedRequest], Response] = lambda _seen: Response(b"{}", media_type="application/json")
    requests: list[ReceivedRequest] = field(default_factory=list)
    origin: str = ""

    def script(self, *answers: Response) -> None:
        """Give these answers one after the other; the last one stays."""
        left = list(answers)
        self.respond = lambda _seen: left.pop(0) if len(left) > 1 else left[0]


def raw_response(body: bytes, status: int = 200, **headers: str) -> Response:
    """An answer with these headers only; ``_`` in a name is ``-``."""
    return Response(body, status, {name.replace("_", "-"): value for name, value in headers.items()})


def endless_response(piece: bytes = b" " * 65536) -> Response:
    """An answer that never ends."""

    def pieces() -> Iterator[bytes]:
        while True:
            yield piece

    return StreamingResponse(pieces(), media_type="application/json")


@contextmanager
def run_scripted_server() -> Iterator[ScriptedServer]:
    """A running server."""
    script = ScriptedServer()

    async def endpoint(request: Request) -> Response:
        seen = ReceivedRequest(
            request.method,
            request.url.path,
            dict(request.query_params),
            dict(request.headers),
            await request.body(),
        )
        script.requests.append(seen)
        return script.respond(seen)

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
