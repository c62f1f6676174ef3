"""The running sandbox: one HTTP origin for all five APIs, a second one for downloads, in a thread of this process.

Wires world, vendors, book and ports together. What a vendor answers stands in the vendor's module.
"""

import asyncio
import socket
from collections.abc import Callable
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount, Route
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox import admin
from sandbox.chatcaptain import api as chatcaptain
from sandbox.chatcaptain import export as chatcaptain_export
from sandbox.chatcaptain.export import SandboxExportJob
from sandbox.chatdash import api as chatdash
from sandbox.chatlayer import api as chatlayer
from sandbox.cognigy import api as cognigy
from sandbox.http import ApiContext
from sandbox.inkeep import api as inkeep
from sandbox.recorder import Fault, RequestLog, RequestRecord, record_requests
from sandbox.shapes import ResponseShapes
from sandbox.world import World

HOST = "127.0.0.1"
API_ROOTS = {
    "cognigy": "/cognigy/new",
    "chatdash": "/chatdash/v1/public",
    "chatlayer": "/chatlayer",
    "chatcaptain": "/chatcaptain",
    "inkeep": "/inkeep",
}
VENDORS: dict[str, Callable[[ApiContext], list[Route]]] = {
    "cognigy": cognigy.routes,
    "chatdash": chatdash.routes,
    "chatlayer": chatlayer.routes,
    "chatcaptain": chatcaptain.routes,
    "inkeep": inkeep.routes,
}


class _Server(uvicorn.Server):
    """A uvicorn server that says when it listens."""

    def __init__(self, app: ASGIApp, connections: dict[tuple[str, int], asyncio.Transport]) -> None:
        class Protocol(H11Protocol):
            def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
                super().connection_made(transport)
                connections[transport.get_extra_info("peername")[:2]] = transport

            def connection_lost(self, exc: Exception | None) -> None:
                connections.pop(self.client or ("", 0), None)
                super().connection_lost(exc)

        super().__init__(
            uvicorn.Config(
                app,
                http=Protocol,
                ws="none",
                lifespan="off",
                loop="asyncio",
                log_config=None,
                log_level="critical",
                access_log=False,
                timeout_graceful_shutdown=2,
            )
        )
        self.listening = Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.listening.set()


class Sandbox:
    """The five providers over HTTP, for the length of a `with` block or from `start()` to `stop()`.

    `world`, `switches` and the planned faults may be changed while it runs.
    """

    def __init__(
        self,
        world: World | None = None,
        shapes: ResponseShapes | None = None,
        api_port: int = 0,
        download_port: int = 0,
    ) -> None:
        self.world = world or World()
        self.request_log = RequestLog()
        self._desk = ApiContext(self.world, shapes or ResponseShapes())
        self._ports = (api_port, download_port)
        self._connections: dict[tuple[str, int], asyncio.Transport] = {}
        self._servers: list[_Server] = []
        self._thread: Thread | None = None
        self.origin = self.download_origin = ""

    def start(self) -> Self:
        """Listen on both ports; returns when requests are answered."""
        sockets = [_listener(port) for port in self._ports]
        self.origin, self.download_origin = (f"http://{HOST}:{sock.getsockname()[1]}" for sock in sockets)
        self._desk.download_base = self.download_origin
        apps = (
            record_requests(self._api(), self.request_log, self._abort),
            record_requests(self._downloads(), self.request_log, self._abort, provider="download"),
        )
        self._servers = [_Server(app, self._connections) for app in apps]
        self._thread = Thread(target=self._run, args=(sockets,), name="sandbox", daemon=True)
        self._thread.start()
        for server in self._servers:
            if not server.listening.wait(30):
                raise RuntimeError("the sandbox did not start within 30 seconds")
        return self

    def stop(self) -> None:
        """Close both ports and wait for the thread."""
        for server in self._servers:
            server.should_exit = True
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def base_url(self, provider: str) -> str:
        """What an account of the provider has as `base_url`."""
        return self.origin + API_ROOTS[provider]

    @property
    def shapes(self) -> ResponseShapes:
        """The shapes in use, to be changed one by one or as a whole."""
        return self._desk.shapes

    @shapes.setter
    def shapes(self, switches: ResponseShapes) -> None:
        self._desk.shapes = switches

    @property
    def requests(self) -> list[RequestRecord]:
        """All requests so far, both origins, oldest first."""
        return self.request_log.select()

    @property
    def jobs(self) -> list[SandboxExportJob]:
        """All ChatCaptain exports that were ever started, oldest first."""
        return list(self._desk.jobs.values())

    def plan_faults(self, *faults: Fault) -> None:
        """Plan faults for coming requests."""
        self.request_log.plan_faults(*faults)

    def _api(self) -> ASGIApp:
        mounts: list[Any] = [Mount(API_ROOTS[name], routes=routes(self._desk)) for name, routes in VENDORS.items()]
        return Starlette(routes=[Mount("/_sandbox", routes=admin.routes(self._desk, self.request_log)), *mounts])

    def _downloads(self) -> ASGIApp:
        return Starlette(routes=chatcaptain_export.download_routes(self._desk))

    def _run(self, sockets: list[socket.socket]) -> None:
        async def both() -> None:
            pairs = zip(self._servers, sockets, strict=True)
            await asyncio.gather(*(server.serve([sock]) for server, sock in pairs))

        asyncio.run(both())

    def _abort(self, client: tuple[str, int], flush: bool) -> None:
        transport = self._connections.get(client)
        if transport is not None:
            (transport.close if flush else transport.abort)()


def _listener(port: int) -> socket.socket:
    # Only with the protocol named does asyncio turn Nagle off: else each answer waits 40 ms for an acknowledgement.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((HOST, port))
    sock.listen(128)
    return sock
