"""The clock: the only module that reads the time or sleeps, so that tests can pass their own. No other behaviour."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime


def _utc_now() -> datetime:
    return datetime.now(UTC)


async def _sleep(seconds: float) -> None:
    import asyncio  # imported late: most commands only read the time

    await asyncio.sleep(seconds)


@dataclass(frozen=True)
class Clock:
    """``now`` in UTC (aware), ``monotonic`` in seconds, and ``sleep`` for a number of seconds."""

    now: Callable[[], datetime] = _utc_now
    monotonic: Callable[[], float] = time.monotonic
    sleep: Callable[[float], Awaitable[None]] = _sleep


SYSTEM_CLOCK = Clock()
