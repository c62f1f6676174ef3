"""What a run did over HTTP: counters of one account, and the log line of each request.

Nothing is sent, and no limit is kept here.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from extractors.clock import Clock
from extractors.errors import ErrorLocation

log = logging.getLogger("chatmart.http")


@dataclass
class RequestStats:
    """Counters of one account's traffic.

    ``requests`` counts every request sent, ``retries`` those among them that repeat another, ``bytes`` the response
    bytes after decompression, ``waited_seconds`` the time spent waiting for limits.
    """

    requests: int = 0
    retries: int = 0
    bytes: int = 0
    waited_seconds: float = 0.0
    _waiting_requests: int = field(default=0, repr=False, compare=False)
    _wait_began: float = field(default=0.0, repr=False, compare=False)

    def __add__(self, other: "RequestStats") -> "RequestStats":
        return RequestStats(
            self.requests + other.requests,
            self.retries + other.retries,
            self.bytes + other.bytes,
            self.waited_seconds + other.waited_seconds,
        )

    @contextmanager
    def measure_wait(self, clock: Clock) -> Iterator[None]:
        """Add the time spent inside to ``waited_seconds``. Overlapping waits are counted once."""
        if not self._waiting_requests:
            self._wait_began = clock.monotonic()
        self._waiting_requests += 1
        try:
            yield
        finally:
            self._waiting_requests -= 1
            if not self._waiting_requests:
                self.waited_seconds += clock.monotonic() - self._wait_began


def build_log_fields(where: ErrorLocation) -> dict[str, object]:
    """Return the fields that name account, provider and stream in a log line."""
    return {"account": where.account, "provider": where.provider, "stream": where.stream}


def log_request(where: ErrorLocation, method: str, path: str, status: int, size_bytes: int, seconds: float) -> None:
    """Log one request with its status, response size and duration. The query and the headers are left out."""
    if not log.isEnabledFor(logging.DEBUG):
        return
    log.debug(
        "%s %s %s -> %s, %d bytes, %.3f s",
        *(where, method, path, status, size_bytes, seconds),
        extra={
            **build_log_fields(where),
            "method": method,
            "path": path,
            "status": status,
            "bytes": size_bytes,
            "seconds": round(seconds, 3),
        },
    )


def log_retry(where: ErrorLocation, pause_seconds: float, error: Exception) -> None:
    """Log that a request is sent again after ``pause_seconds``, and the error that made it necessary."""
    log.debug("%s: sent again in %.1f s: %s", where, pause_seconds, error, extra=build_log_fields(where))
