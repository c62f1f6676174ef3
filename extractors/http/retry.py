"""How long one request is tried: back-off, what Retry-After asks for, and when a run comes back later instead.

Nothing is sent here, and no origin's limits are kept.
"""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta

from tenacity import RetryCallState
from tenacity.wait import wait_random_exponential

from extractors.clock import Clock
from extractors.errors import Deferred, ErrorLocation, RateLimited, Transient
from extractors.http.transport import RequestStats


@dataclass
class RetryPolicy:
    """One request's tries. ``attempts`` count trouble; refusals by a limit count by the seconds they take.

    ``on_hold`` hears how long the provider lets nobody in; repeats, and waits for limits, go into ``counts``.
    """

    where: ErrorLocation
    clock: Clock
    stats: RequestStats
    max_attempts: int
    backoff_seconds: float
    backoff_cap_seconds: float
    max_wait_seconds: float
    on_hold: Callable[[float], None]
    _waited: float = 0.0
    _trouble: int = 0
    _asked_for: bool = False

    def stop(self, state: RetryCallState) -> bool:
        """Whether the request is given up; asked once after each failure."""
        if isinstance(_error_of(state), RateLimited):
            return False
        self._trouble += 1
        return self._trouble >= self.max_attempts

    def wait(self, state: RetryCallState) -> float:
        """Seconds until the next try, full jitter. Raises Deferred when the provider asks for more than may be."""
        error = _error_of(state)
        told = error.retry_after if isinstance(error, RateLimited | Transient) else None
        backoff = wait_random_exponential(self.backoff_seconds, self.backoff_cap_seconds)(state)
        pause = max(told or 0.0, backoff)
        self._asked_for = told is not None or isinstance(error, RateLimited)
        if isinstance(error, RateLimited):
            self.on_hold(pause)
        elif told is None:
            return backoff
        self._waited += pause
        if self._waited > self.max_wait_seconds:
            raise self.build_deferred_error(pause) from error
        return pause

    async def sleep(self, seconds: float) -> None:
        """Wait until the next try: for the provider's limit, or only to leave it alone for a while."""
        self.stats.retries += 1
        with self.stats.measure_wait(self.clock) if self._asked_for else nullcontext():
            await self.clock.sleep(seconds)

    def build_deferred_error(self, seconds: float) -> Deferred:
        """The error that says when to come back."""
        until = self.clock.now() + timedelta(seconds=seconds)
        return Deferred(
            self.where,
            f"the provider's limit is used up until {until:%Y-%m-%d %H:%M:%S} UTC, longer than a run waits "
            f"(max_wait_seconds: {self.max_wait_seconds:g})",
            "run the same command again after that; what is loaded stays",
            until=until,
        )


def _error_of(state: RetryCallState) -> BaseException | None:
    return state.outcome.exception() if state.outcome else None
