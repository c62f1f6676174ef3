"""The running sandbox: one HTTP origin for all vendors' APIs, a second one for downloads, in a thread of this process.

Connects world, vendors, request log and ports. A vendor's responses are in `sandbox/<provider>/api.py`.
"""

import asyncio
import socket
from contextlib import ExitStack
from threading import Event, Thread
from types import TracebackType
from typing import Any, Self, cast

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

from sandbox import admin
from sandbox.common_shapes import CommonShapes
from sandbox.http import ApiContext
from sandbox.recorder import ADMIN, Fault, RequestLog, RequestRecord, record_requests
from sandbox.shapes import ResponseShapes
from sandbox.vendors import get_vendor, list_vendors
from sandbox.world import World

HOST = "127.0.0.1"


class _Server(uvicorn.Server):
    """A uvicorn server that sets `listening` when it listens, and keeps its open connections by client address."""

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

    `world`, `shapes` and the planned faults may be changed while it runs.

    Args:
        world: the conversations; by default those of the sample accounts.
        shapes: a `ResponseShapes`; by default the default ones.
        api_port: of the APIs; 0 takes a free one.
        download_port: of the export downloads; 0 takes a free one.
        host: the address of both ports. Whoever reaches it may change the world: keep it in a network of your own.

    Example:
        >>> with Sandbox() as sandbox:
        ...     sandbox.base_url("cognigy").removeprefix(sandbox.origin)
        '/cognigy/new'
    """

    def __init__(
        self,
        world: World | None = None,
        shapes: CommonShapes | None = None,
        api_port: int = 0,
        download_port: int = 0,
        host: str = HOST,
    ) -> None:
        self.world = world or World()
        self.request_log = RequestLog()
        self._context: ApiContext[Any] = ApiContext(self.world, shapes or ResponseShapes())
        self._addresses = ((host, api_port), (host, download_port))
        self._connections: dict[tuple[str, int], asyncio.Transport] = {}
        self._servers: list[_Server] = []
        self._thread: Thread | None = None
        self.origin = self.download_origin = ""

    def start(self) -> Self:
        """Listen on both ports and return when both respond.

        Raises OSError when a port is taken, and RuntimeError after 30 seconds.
        """
        with ExitStack() as opened:
            sockets = [opened.enter_context(_open_listener(address)) for address in self._addresses]
            opened.pop_all()
        self.origin, self.download_origin = ("http://{}:{}".format(*sock.getsockname()) for sock in sockets)
        self._context.download_base = self.download_origin
        apps = (
            record_requests(self._build_api(), self.request_log, self._abort),
            record_requests(self._build_downloads(), self.request_log, self._abort, provider="download"),
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
        """Return the `base_url` of the provider's accounts. Raises KeyError for a provider that is not simulated."""
        return self.origin + get_vendor(provider).root

    @property
    def ports(self) -> tuple[int, int]:
        """The ports of the APIs and of the downloads, while it runs."""
        api_port, download_port = (int(origin.rpartition(":")[2]) for origin in (self.origin, self.download_origin))
        return api_port, download_port

    @property
    def shapes(self) -> CommonShapes:
        """The shapes in use, a `ResponseShapes`; its fields may be set, or the whole be replaced."""
        return cast("CommonShapes", self._context.shapes)

    @shapes.setter
    def shapes(self, shapes: CommonShapes) -> None:
        self._context.shapes = shapes

    @property
    def requests(self) -> list[RequestRecord]:
        """All requests so far, both origins, oldest first."""
        return self.request_log.select()

    @property
    def jobs(self) -> list[Any]:
        """All export jobs that were ever started, in the vendor's own class, oldest first."""
        return list(self._context.jobs.values())

    def plan_faults(self, *faults: Fault) -> None:
        """Plan faults for the next requests that match them."""
        self.request_log.plan_faults(*faults)

    def _build_api(self) -> ASGIApp:
        mounts = [Mount(vendor.root, routes=vendor.routes(self._context)) for vendor in list_vendors()]
        admin_routes = admin.build_routes(self._context, self.request_log)
        return Starlette(routes=[Mount(ADMIN, routes=admin_routes), *mounts])

    def _build_downloads(self) -> ASGIApp:
        return Starlette(routes=[route for vendor in list_vendors() for route in vendor.download_routes(self._context)])

    def _run(self, sockets: list[socket.socket]) -> None:
        async def serve_both() -> None:
            pairs = zip(self._servers, sockets, strict=True)
            await asyncio.gather(*(server.serve([sock]) for server, sock in pairs))

        asyncio.run(serve_both())

    def _abort(self, client: tuple[str, int], flush: bool) -> None:
        transport = self._connections.get(client)
        if transport is not None:
            (transport.close if flush else transport.abort)()


def _open_listener(address: tuple[str, int]) -> socket.socket:
    # asyncio turns Nagle off only if the protocol is named. With Nagle a response waits 40 ms for an acknowledgement.
    sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        sock.bind(address)
        sock.listen(128)
    except OSError:
        sock.close()
        raise
    return sock
