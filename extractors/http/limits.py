"""How fast an origin is asked: requests in a period, requests at once, and what a 429 does to both. No HTTP here.

Accounts of one origin share its ``Origin`` (a documented limit counts by address, not by account). A 429 holds new
requests at once and shrinks the rate; answers let it recover. Concurrency is kept per account.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from extractors.clock import Clock

_RECOVER_AFTER = 20  # answers in a row before a shrunken limit grows one step
_SMALLEST_SHARE = 1 / 16  # of the configured rate: slow enough for any provider, never a standstill


@dataclass(frozen=True)
class RequestLimits:
    """``requests`` in any ``period_seconds`` (None: no such limit) and ``concurrency`` at once."""

    requests: int | None
    period_seconds: float
    concurrency: int


class RateLimiter:
    """The shared pace of one origin: an exact sliding window, which also satisfies a provider's fixed window."""

    def __init__(self, limits: RequestLimits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._sent: deque[float] = deque()
        self._turn = asyncio.Lock()
        self._held_until = 0.0
        self._share = 1.0
        self._good = 0

    def remaining_hold_seconds(self) -> float:
        """Seconds until the provider lets us in again, 0.0 when it does now."""
        return max(0.0, self._held_until - self._clock.monotonic())

    def apply_stricter(self, limits: RequestLimits) -> None:
        """Another account of this origin: the slower of two paces counts for both."""
        if _seconds_each(limits) > _seconds_each(self._limits):
            self._limits = limits

    def hold(self, seconds: float) -> None:
        """Nothing new leaves for ``seconds``."""
        self._held_until = max(self._held_until, self._clock.monotonic() + seconds)

    def slow_down(self) -> None:
        """A 429: half the rate, evenly spread."""
        self._share = max(self._share / 2, _SMALLEST_SHARE)
        self._good = 0

    def record_success(self) -> None:
        """An answer that was no 429: after some of them in a row the rate grows back."""
        self._good += 1
        if self._share < 1.0 and self._good >= _RECOVER_AFTER:
            self._share = min(1.0, self._share * 2)
            self._good = 0

    async def acquire(self, max_hold_seconds: float) -> bool:
        """Return True when one more request may leave, False when the origin holds all for longer than that."""
        async with self._turn:  # first come, first served
            while (delay := max(self.remaining_hold_seconds(), self._pace_delay())) > 0:
                if self.remaining_hold_seconds() > max_hold_seconds:
                    return False
                await self._clock.sleep(delay)
            if self._limits.requests is not None:
                self._sent.append(self._clock.monotonic())
            return True

    def _pace_delay(self) -> float:
        if self._limits.requests is None:
            return 0.0
        now = self._clock.monotonic()
        while self._sent and self._sent[0] <= now - self._limits.period_seconds:
            self._sent.popleft()
        full = len(self._sent) >= self._limits.requests
        until = self._sent[-self._limits.requests] + self._limits.period_seconds if full else now
        if self._sent and self._share < 1.0:
            # what was sent before the 429 is no debt: only what follows goes slower
            until = max(until, self._sent[-1] + _seconds_each(self._limits) / self._share)
        return until - now


def _seconds_each(limits: RequestLimits) -> float:
    return limits.period_seconds / limits.requests if limits.requests is not None else 0.0


class ConcurrencyLimiter:
    """How many requests of one account are under way; halves on a 429, grows back one by one."""

    def __init__(self, limit: int) -> None:
        self._most = limit
        self._limit = limit
        self._active = 0
        self._good = 0
        self._changed = asyncio.Condition()

    def slow_down(self) -> None:
        """A 429: half as many at once."""
        self._limit = max(1, self._limit // 2)
        self._good = 0

    def record_success(self) -> None:
        """An answer that was no 429."""
        self._good += 1
        if self._limit < self._most and self._good >= _RECOVER_AFTER:
            self._limit += 1
            self._good = 0

    @asynccontextmanager
    async def acquire_slot(self) -> AsyncIterator[None]:
        """Hold one place while a request is under way."""
        async with self._changed:
            await self._changed.wait_for(lambda: self._active < self._limit)
            self._active += 1
        try:
            yield
        finally:
            async with self._changed:
                self._active -= 1
                self._changed.notify_all()
