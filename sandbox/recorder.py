"""The log of all requests and the queue of planned faults: a thin ASGI layer around the invented vendors.

Knows no provider. A fault responds instead of the vendor, or cuts the connection.
"""

import math
import random
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from threading import Lock
from typing import Any

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox.request_limit import RequestLimit

Abort = Callable[[tuple[str, int], bool], None]
ADMIN = "/_sandbox"


@dataclass(frozen=True)
class RequestRecord:
    """One request as received, and the status of its response; 0 when the connection was cut."""

    provider: str
    account: str | None
    method: str
    path: str
    query: str
    body: str
    status: int


@dataclass
class Fault:
    """A planned fault for `times` of the requests whose path (with its query) contains `path`.

    Attributes:
        path: part of the path and query; empty matches all requests.
        times: the number of requests that meet the fault; in a sequence of faults, the next one follows.
        status: of the response.
        body: of the response.
        headers: of the response.
        kind: one of
            `answer`: respond with `status`, `body` and `headers`;
            `reset`: drop the connection at once;
            `cut`: end the body early and drop the connection;
            `after`: let the vendor do its work, then drop the connection, so that the response is lost;
            `hang`: let the vendor do its work, send `body` as the first half of a response that never continues, and
            keep the connection.
        method: matches requests of this method only.
        skip: the number of matching requests that are let through first.
        provider: matches requests to this provider only; `download` is the origin of the exports' files.
        probability: the share of the matching requests that meet the fault; the draw is the log's `random`.
    """

    path: str = ""
    times: int = 1
    status: int = 503
    body: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    kind: str = "answer"
    method: str | None = None
    skip: int = 0
    provider: str | None = None
    probability: float = 1.0

    def matches(self, provider: str, method: str, path: str) -> bool:
        """Say whether a request is one of those that the fault is planned for."""
        return self.path in path and self.method in (None, method) and self.provider in (None, provider)


class RequestLog:
    """The requests so far, the planned faults and those that requests met; safe to use from another thread.

    `limits` are the limits of providers, by name; a request beyond one is answered with 429. There are none at first.

    Args:
        seed: another seed draws other requests for the faults that have a probability.
    """

    def __init__(self, seed: int = 0) -> None:
        self._lock = Lock()
        self.requests: list[RequestRecord] = []
        self.faults: list[Fault] = []
        self.met_faults: Counter[str] = Counter()
        self.limits: dict[str, RequestLimit] = {}
        self.random = random.Random(seed)
        self._running: Counter[str] = Counter()
        self.max_concurrent: Counter[str] = Counter()

    def plan_faults(self, *faults: Fault) -> None:
        """Queue faults; a request meets the oldest one that matches it."""
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
        """Count a request among the concurrent ones of its provider while the block runs."""
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
        """Return the number of requests to a provider with `path` in their path."""
        return len(self.select(provider, path, method))

    def select(self, provider: str | None = None, path: str = "", method: str | None = None) -> list[RequestRecord]:
        """Return the requests to a provider with `path` in their path, oldest first."""
        with self._lock:
            return [
                record
                for record in self.requests
                if provider in (None, record.provider) and path in record.path and method in (None, record.method)
            ]

    def as_dicts(self, records: Iterable[RequestRecord]) -> list[dict[str, Any]]:
        """Return requests as plain data."""
        return [asdict(record) for record in records]

    def refuse_beyond_limit(self, provider: str) -> Fault | None:
        """Count a request to a provider. Return the response to one beyond its limit, else None."""
        limit = self.limits.get(provider)
        pause_seconds = limit.admit(time.monotonic()) if limit else None
        return (
            None if pause_seconds is None else Fault(status=429, headers={"retry-after": str(math.ceil(pause_seconds))})
        )

    def take_fault(self, provider: str, method: str, path: str) -> Fault | None:
        """Return the fault that this request meets, or None, and count it as used."""
        with self._lock:
            for fault in self.faults:
                if not fault.matches(provider, method, path):
                    continue
                if fault.skip:
                    fault.skip -= 1
                    continue
                if fault.probability < 1 and self.random.random() >= fault.probability:
                    continue
                fault.times -= 1
                if fault.times <= 0:
                    self.faults.remove(fault)
                self.met_faults[f"{fault.kind} {fault.status}" if fault.kind == "answer" else fault.kind] += 1
                return fault
        return None


def record_requests(app: ASGIApp, request_log: RequestLog, abort: Abort, provider: str | None = None) -> ASGIApp:
    """Return the app with a layer that logs every request and carries out the planned faults.

    Args:
        app: the vendors.
        request_log: takes the requests and holds the faults.
        abort: ends a client's connection, given its address and whether to send what is buffered first.
        provider: of the whole origin; by default the first part of a request's path.
    """

    async def handle(scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if scope["type"] != "http" or path.startswith(ADMIN):
            await app(scope, receive, send)
            return
        body = await _read_body(receive)
        query = scope["query_string"].decode("latin-1")
        notes: dict[str, Any] = {"account": None}
        name = provider or path.strip("/").split("/")[0]
        scope["sandbox"] = notes

        def log_request(status: int) -> None:
            text = body.decode("utf-8", "replace")
            request_log.add(RequestRecord(name, notes["account"], scope["method"], path, query, text, status))

        unread = [body]

        async def receive_again() -> Message:
            if not unread:
                return await receive()
            return {"type": "http.request", "body": unread.pop(), "more_body": False}

        async def log_and_send(message: Message) -> None:
            # Logged before it is sent: a client that has the response finds its request in the log.
            if message["type"] == "http.response.start":
                log_request(message["status"])
            await send(message)

        fault = request_log.refuse_beyond_limit(name) or request_log.take_fault(
            name, scope["method"], f"{path}?{query}"
        )
        if fault is None:
            with request_log.track_running(name):
                await app(scope, receive_again, log_and_send)
        elif fault.kind == "answer":
            await Response(fault.body, fault.status, fault.headers)(scope, receive_again, log_and_send)
        else:
            await _respond_before_drop(fault, scope, receive_again, send, app)
            log_request(0)
            if fault.kind != "hang":
                abort(tuple(scope["client"]), fault.kind == "cut")
            while (await receive())["type"] != "http.disconnect":
                continue

    return handle


async def _respond_before_drop(fault: Fault, scope: Scope, receive: Receive, send: Send, app: ASGIApp) -> None:
    """Do the vendor's work, or send the first half of a response, as the fault's kind says."""

    async def discard(message: Message) -> None:
        del message

    if fault.kind in ("after", "hang"):
        await app(scope, receive, discard)
    if fault.kind == "cut" or (fault.kind == "hang" and fault.body):
        half = fault.body.encode()
        headers = {**fault.headers, "content-length": str(len(half) + 100)}
        raw = [(name.lower().encode(), value.encode()) for name, value in headers.items()]
        await send({"type": "http.response.start", "status": fault.status, "headers": raw})
        await send({"type": "http.response.body", "body": half, "more_body": True})


async def _read_body(receive: Receive) -> bytes:
    pieces, more = [], True
    while more:
        message = await receive()
        pieces.append(message.get("body", b""))
        more = message.get("more_body", False)
    return b"".join(pieces)
