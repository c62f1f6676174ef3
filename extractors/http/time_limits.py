"""The time that a request may take: one deadline over all its tries, and the least speed of a body.

Nothing is sent here.
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx

from extractors.clock import Clock


@dataclass
class Deadline:
    """The seconds that one request may take, all its tries and the back-off between them in sum.

    Not counted is the time spent waiting for a limit: for a slot, for the rate, and as long as the server asked for.
    ``max_wait_seconds`` of the account bounds that.
    """

    clock: Clock
    limit_seconds: float
    spent_seconds: float = 0.0

    @property
    def remaining_seconds(self) -> float:
        """The seconds that are left, 0.0 when none are."""
        return max(0.0, self.limit_seconds - self.spent_seconds)

    @asynccontextmanager
    async def limit_try(self) -> AsyncIterator[None]:
        """Count the time spent inside. Raises TimeoutError there when the remaining seconds are over."""
        began = self.clock.monotonic()
        try:
            async with asyncio.timeout(self.remaining_seconds):
                yield
        finally:
            self.spent_seconds += self.clock.monotonic() - began


def require_steady_bodies(period_seconds: float, least_bytes: int) -> Callable[[httpx.Response], Awaitable[None]]:
    """Return a hook for the responses of an httpx client: their bodies must not come in drips.

    Reading a body raises ``httpx.ReadTimeout`` when fewer than ``least_bytes`` have come in ``period_seconds``, which
    is noticed when the next bytes come.
    """

    async def watch_body(response: httpx.Response) -> None:
        if isinstance(response.stream, httpx.AsyncByteStream):
            response.stream = _SteadyStream(response.stream, period_seconds, least_bytes)

    return watch_body


class _SteadyStream(httpx.AsyncByteStream):
    """The bytes of a body as they travel."""

    def __init__(self, stream: httpx.AsyncByteStream, period_seconds: float, least_bytes: int) -> None:
        self._stream = stream
        self._period_seconds = period_seconds
        self._least_bytes = least_bytes

    async def __aiter__(self) -> AsyncIterator[bytes]:
        now = asyncio.get_running_loop().time
        period_began, byte_count = now(), 0
        async for piece in self._stream:
            byte_count += len(piece)
            if now() - period_began >= self._period_seconds:
                if byte_count < self._least_bytes:
                    raise httpx.ReadTimeout(f"only {byte_count} bytes came in {self._period_seconds:g} seconds")
                period_began, byte_count = now(), 0
            yield piece

    async def aclose(self) -> None:
        await self._stream.aclose()
