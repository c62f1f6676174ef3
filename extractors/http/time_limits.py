"""The time that a request may take: one deadline over all its tries. Nothing is sent here."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

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
