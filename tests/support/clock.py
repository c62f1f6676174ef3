"""A clock that tests move: sleeping takes no time and is written down."""

import asyncio
from datetime import UTC, datetime, timedelta

from extractors.clock import Clock

NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)


class FakeClock(Clock):
    """Begins at ``at``; every ``sleep`` moves it on at once."""

    sleeps_seconds: list[float]

    def __init__(self, at: datetime = NOON) -> None:
        super().__init__(
            now=lambda: at + timedelta(seconds=self.elapsed_seconds),
            monotonic=lambda: self.elapsed_seconds,
            sleep=self._sleep,
        )
        object.__setattr__(self, "elapsed_seconds", 0.0)
        object.__setattr__(self, "sleeps_seconds", [])

    elapsed_seconds: float

    def advance(self, seconds: float) -> None:
        object.__setattr__(self, "elapsed_seconds", self.elapsed_seconds + seconds)

    async def _sleep(self, seconds: float) -> None:
        self.sleeps_seconds.append(seconds)
        wake = self.elapsed_seconds + seconds
        await asyncio.sleep(0)
        object.__setattr__(self, "elapsed_seconds", max(self.elapsed_seconds, wake))
