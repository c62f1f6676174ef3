"""The book of all requests and the queue of planned faults: a thin ASGI layer around the invented vendors.

Knows no provider. A fault answers instead of the vendor, or cuts the connection.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from threading import Lock
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

Abort = Callable[[tuple[str, int], bool], None]
ADMIN = "/_sandbox"


@dataclass(frozen=True)
class RequestRecord:
    """One request as it came and the status it got; 0 when the connection was cut."""

    provider: str
    account: str | None
    method: str
    path: str
    query: str
    body: str
    status: int


@dataclass
class Fault:
    """What the next `times` requests whose path (with its query) holds `path` get.

    `kind`: answer | reset (connection dropped at once) | cut (body ends early, connection dropped) |
    after (the vendor does its work, then the connection drops: the answer is lost) | hang (the vendor does its work,
    `body` is the first half of an answer that never goes on, and the connection stays).
    `skip`: so many matching requests go through first.
    """

    path: str = ""
    times: int = 1
    status: int = 503
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "answer"
    method: str | None = None
    skip: int = 0


class RequestLog:
    """Requests so far and faults to come; safe to use from the test's thread while the server runs."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.requests: list[RequestRecord] = []
        self.faults: list[Fault] = []
        self._running: Counter[str] = Counter()
        self.max_concurrent: Counter[str] = Counter()

    def plan_faults(self, *faults: Fault) -> None:
        """Queue faults; the oldest that fits a request is used."""
        with self._lock:
            self.faults.extend(faults)

    def clear(self) -> None:
        """Forget all requests and faults."""
        with self._lock:
            self.requests.clear()
            self.faults.clear()
            self.max_concurrent.clear()

    @contextmanager
    def track_running(self, provider: str) -> Iterator[None]:
        """Count a request among those that its provider answers at the same time."""
        self._running[provider] += 1
        self.max_concurrent[provider] = max(self.max_concurrent[provider], self._running[provider])
        try:
            yield
        finally:
            self._running[provider] -= 1

    def add(self, record: RequestRecord) -> None:
        """Add one request."""
        with self._lock:
            self.requests.append(record)

    def count(self, provider: str | None = None, path: str = "", method: str | None = None) -> int:
        """How many requests there were to a provider with `path` in their path."""
        return len(self.select(provider, path, method))

    def select(self, provider: str | None = None, path: str = "", method: str | None = None) -> list[RequestRecord]:
        """The requests to a provider with `path` in their path, oldest first."""
        with self._lock:
            return [
                record
                for record in self.requests
                if provider in (None, record.provider) and path in record.path and method in (None, record.method)
            ]

    def as_dicts(self, records: Iterable[RequestRecord]) -> list[dict[str, Any]]:
        """Requests as plain data."""
        return [asdict(record) for record in records]

    def take_fault(self, method: str, path: str) -> Fault | None:
        """The fault that this request meets, used up by it."""
        with self._lock:
            for fault in self.faults:
                if fault.path not in path or fault.method not in (None, method):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
                return fault
        return None


def record_requests(app: ASGIApp, book: RequestLog, abort: Abort, provider: str | None = None) -> ASGIApp:
    """The app with every request written into the book and faults answered.

    `provider` names a whole origin; by default it is the first part of the path.
    """

    async def layer(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if scope["type"] != "http" or path.startswith(ADMIN):
            await app(scope, receive, send)
            return
        body = await _body(receive)
        query = scope["query_string"].decode("latin-1")
        notes: dict[str, Any] = {"account": None}
        name = provider or path.strip("/").split("/")[0]
        scope["sandbox"] = notes

        def write(status: int) -> None:
            text = body.decode("utf-8", "replace")
            book.add(RequestRecord(name, notes["account"], scope["method"], path, query, text, status))

        unread = [body]

        async def again() -> Message:
            if not unread:
                return await receive()
            return {"type": "http.request", "body": unread.pop(), "more_body": False}

        async def watched(message: Message) -> None:
            # Written before it is sent: who has the answer finds the request in the book.
            if message["type"] == "http.response.start":
                write(message["status"])
            await send(message)

        fault = book.take_fault(scope["method"], f"{path}?{query}")
        if fault is None:
            with book.track_running(name):
                await app(scope, again, watched)
        elif fault.kind == "answer":
            await Response(fault.body, fault.status, fault.headers)(scope, again, watched)
        else:
            await _dropped(fault, scope, again, send, app)
            write(0)
            if fault.kind != "hang":
                abort(tuple(scope["client"]), fault.kind == "cut")
            while (await receive())["type"] != "http.disconnect":
                continue

    return layer


async def _dropped(fault: Fault, scope: Scope, receive: Receive, send: Send, app: ASGIApp) -> None:
    """What still happens before the connection goes: the vendor's work, or the first half of an answer."""

    async def swallowed(message: Message) -> None:
        del message

    if fault.kind in ("after", "hang"):
        await app(scope, receive, swallowed)
    if fault.kind == "cut" or (fault.kind == "hang" and fault.body):
        half = fault.body.encode()
        headers = {**fault.headers, "content-length": str(len(half) + 100)}
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": fault.status, "headers": raw})
        await send({"type": "http.response.body", "body": half, "more_body": True})


async def _body(receive: Receive) -> bytes:
    pieces, more = [], True
    while more:
        message = await receive()
        pieces.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(pieces)
