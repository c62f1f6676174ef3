"""The rate limiter of an origin and the concurrency limiter of an account. No HTTP here.

Accounts of one origin share its ``RateLimiter``: a documented limit counts by address, not by account. A 429 holds new
requests at once and halves the rate; other responses let it recover. Concurrency is limited per account.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from extractors.clock import Clock

_RECOVER_AFTER = 20  # responses in a row before a reduced limit grows one step
_SMALLEST_SHARE = 1 / 16  # of the configured rate: slow enough for any provider, never a standstill


@dataclass(frozen=True)
class RequestLimits:
    """``requests`` in any ``period_seconds`` (None: no such limit) and ``concurrency`` at once."""

    requests: int | None
    period_seconds: float
    concurrency: int


@dataclass(eq=False)
class RequestSlot:
    """A request in the window of its origin: the instant at which the provider has counted it, at the latest."""

    counted_at: float


class RateLimiter:
    """The shared rate of one origin: an exact sliding window, which also satisfies a provider's fixed window.

    A provider counts a request when it arrives: after it was sent, and before its response has come. So its place in
    the window is that of its response.
    """

    def __init__(self, limits: RequestLimits, clock: Clock) -> None:
        self._limits = limits
        self._clock = clock
        self._slots: deque[RequestSlot] = deque()
        self._last_sent_at: float | None = None
        self._queue_lock = asyncio.Lock()
        self._held_until = 0.0
        self._share = 1.0
        self._successes_in_a_row = 0

    def remaining_hold_seconds(self) -> float:
        """Return the seconds until the provider accepts requests again, 0.0 when it does now."""
        return max(0.0, self._held_until - self._clock.monotonic())

    def apply_stricter(self, limits: RequestLimits) -> None:
        """Take over another account's limits if they are slower: the slower of two rates counts for both."""
        if _seconds_per_request(limits) > _seconds_per_request(self._limits):
            self._limits = limits

    def hold(self, seconds: float) -> None:
        """Send no new request for ``seconds``."""
        self._held_until = max(self._held_until, self._clock.monotonic() + seconds)

    def slow_down(self) -> None:
        """Halve the rate after a 429 and spread the requests evenly."""
        self._share = max(self._share / 2, _SMALLEST_SHARE)
        self._successes_in_a_row = 0

    def record_success(self) -> None:
        """Count a response that was no 429. After 20 in a row a reduced rate doubles."""
        self._successes_in_a_row += 1
        if self._share < 1.0 and self._successes_in_a_row >= _RECOVER_AFTER:
            self._share = min(1.0, self._share * 2)
            self._successes_in_a_row = 0

    async def acquire(self, max_hold_seconds: float) -> RequestSlot | None:
        """Wait until one more request may be sent, first come, first served, and return its slot for ``record_end``.

        Return None at once when the provider holds all requests for longer than ``max_hold_seconds``.
        """
        async with self._queue_lock:
            while (delay := max(self.remaining_hold_seconds(), self._rate_delay_seconds())) > 0:
                if self.remaining_hold_seconds() > max_hold_seconds:
                    return None
                await self._clock.sleep(delay)
            slot = RequestSlot(self._clock.monotonic())
            if self._limits.requests is not None:
                self._slots.append(slot)
                self._last_sent_at = slot.counted_at
            return slot

    def record_end(self, slot: RequestSlot) -> None:
        """Note that the response to a request has come, or that none will: the provider counts it no later."""
        if self._limits.requests is None:
            return
        with suppress(ValueError):  # it has taken longer than a period
            self._slots.remove(slot)
        slot.counted_at = self._clock.monotonic()
        self._slots.append(slot)

    def _rate_delay_seconds(self) -> float:
        if self._limits.requests is None:
            return 0.0
        now = self._clock.monotonic()
        while self._slots and self._slots[0].counted_at <= now - self._limits.period_seconds:
            self._slots.popleft()
        is_full = len(self._slots) >= self._limits.requests
        until = self._slots[-self._limits.requests].counted_at + self._limits.period_seconds if is_full else now
        if self._last_sent_at is not None and self._share < 1.0:
            # requests sent before the 429 are not made up for: only those after it go slower
            until = max(until, self._last_sent_at + _seconds_per_request(self._limits) / self._share)
        return until - now


def _seconds_per_request(limits: RequestLimits) -> float:
    return limits.period_seconds / limits.requests if limits.requests is not None else 0.0


class ConcurrencyLimiter:
    """The number of requests of one account at once. A 429 halves it; it grows back one by one."""

    def __init__(self, limit: int) -> None:
        self._configured_limit = limit
        self._limit = limit
        self._active = 0
        self._successes_in_a_row = 0
        self._queue: deque[asyncio.Future[None]] = deque()

    def slow_down(self) -> None:
        """Halve the limit after a 429."""
        self._limit = max(1, self._limit // 2)
        self._successes_in_a_row = 0

    def record_success(self) -> None:
        """Count a response that was no 429. After 20 in a row a reduced limit grows by one."""
        self._successes_in_a_row += 1
        if self._limit < self._configured_limit and self._successes_in_a_row >= _RECOVER_AFTER:
            self._limit += 1
            self._successes_in_a_row = 0

    @asynccontextmanager
    async def acquire_slot(self) -> AsyncIterator[None]:
        """Wait for a free slot, first come, first served, and hold it while a request is under way."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.append(turn)
        self._give_free_slots()
        try:
            await turn
            yield
        finally:
            if not turn.cancelled():
                self._active -= 1
                self._give_free_slots()

    def _give_free_slots(self) -> None:
        # only those whose turn it is are woken: all who wait would be woken by each response
        while self._queue and self._active < self._limit:
            turn = self._queue.popleft()
            if not turn.cancelled():
                self._active += 1
                turn.set_result(None)
