"""A clock that tests move: sleeping takes no time and is written down."""

import asyncio
from datetime import UTC, datetime, timedelta

from extractors.clock import Clock

NOON = datetime(2026, 1, 10, 12, tzinfo=UTC)


class FakeClock(Clock):
    """Begins at ``at``; every ``sleep`` moves it on at once."""

    slept: list[float]

    def __init__(self, at: datetime = NOON) -> None:
        super().__init__(
            now=lambda: at + timedelta(seconds=self.seconds), monotonic=lambda: self.seconds, sleep=self._sleep
        )
        object.__setattr__(self, "seconds", 0.0)
        object.__setattr__(self, "slept", [])

    seconds: float

    def advance(self, seconds: float) -> None:
        object.__setattr__(self, "seconds", self.seconds + seconds)

    async def _sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        wake = self.seconds + seconds
        await asyncio.sleep(0)
        object.__setattr__(self, "seconds", max(self.seconds, wake))
