"""The least speed of a body. Nothing is sent here."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx


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
