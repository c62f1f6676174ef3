"""Retries of one request: back-off, ``Retry-After``, and deferral when the server asks for too long a wait.

Nothing is sent here, and the rate of an origin is not kept here (``extractors.http.limits``).
"""

import random
from collections.abc import Awaitable, Callable
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeVar

from extractors.clock import Clock
from extractors.errors import Deferred, ErrorLocation, RateLimited, Transient
from extractors.http.settings import HttpSettings
from extractors.http.stats import RequestStats, log_retry
from extractors.http.time_limits import Deadline

R = TypeVar("R")
Retriable = Transient | RateLimited


def _retry_always(_error: Retriable) -> bool:
    return True


def _ignore_hold(_seconds: float) -> None:
    pass


@dataclass(frozen=True)
class RetryPolicy:
    """The rules by which one request is repeated.

    A ``Transient`` failure uses up one of ``settings.max_attempts``. A ``RateLimited`` refusal does not: it is
    repeated until the pauses that count as waiting exceed ``max_wait_seconds`` in sum: those after any 429, and those
    that a ``Retry-After`` asks for. All tries and the back-off between them share one deadline of ``deadline_seconds``
    (None: ``settings.total_timeout_seconds``), whose end ends the retries too.

    ``limit_owner`` names in errors whose limit it is. ``can_retry`` may refuse a retry. ``on_rate_limited`` receives
    the pause after each 429, in seconds. Retries and waits are added to ``stats``.
    """

    where: ErrorLocation
    clock: Clock
    stats: RequestStats
    settings: HttpSettings
    max_wait_seconds: float
    limit_owner: str = "the provider"
    can_retry: Callable[[Retriable], bool] = _retry_always
    on_rate_limited: Callable[[float], None] = _ignore_hold
    deadline_seconds: float | None = None

    async def run(self, attempt: Callable[[Deadline], Awaitable[R]]) -> R:
        """Call ``attempt`` until it succeeds, and return its result. ``attempt`` spends the deadline that it is given.

        Raises the last Transient when the attempts or the deadline are used up or a retry is refused, and Deferred
        when the server asks for more waiting than the run may spend. Every other error of ``attempt`` passes through.
        """
        limit_seconds = self.settings.total_timeout_seconds if self.deadline_seconds is None else self.deadline_seconds
        deadline = Deadline(self.clock, limit_seconds)
        attempts, failures, waited_seconds = 0, 0, 0.0
        while True:
            attempts += 1
            try:
                return await attempt(deadline)
            except (Transient, RateLimited) as error:
                if not self.can_retry(error):
                    if isinstance(error, RateLimited):
                        raise self.build_deferred_error(error.retry_after or 0.0) from error
                    raise
                requested_seconds = _read_requested_wait(error)
                pause_seconds = max(requested_seconds or 0.0, self._draw_backoff(attempts))
                if isinstance(error, RateLimited):
                    self.on_rate_limited(pause_seconds)
                else:
                    failures += 1
                if requested_seconds is not None:
                    waited_seconds += pause_seconds
                    if waited_seconds > self.max_wait_seconds:
                        raise self.build_deferred_error(pause_seconds) from error
                if requested_seconds is None:
                    deadline.spent_seconds += pause_seconds
                if failures >= self.settings.max_attempts or (failures and not deadline.remaining_seconds):
                    raise
                log_retry(self.where, pause_seconds, error)
            self.stats.retries += 1
            # a pause after a 429 or by Retry-After counts as waiting for a limit; the back-off of a failure does not
            with nullcontext() if requested_seconds is None else self.stats.measure_wait(self.clock):
                await self.clock.sleep(pause_seconds)

    def build_deferred_error(self, wait_seconds: float) -> Deferred:
        """Return the error that names the instant (UTC) after which the same command may be run again."""
        until = self.clock.now() + timedelta(seconds=wait_seconds)
        return Deferred(
            self.where,
            f"{self.limit_owner}'s limit is used up until {until:%Y-%m-%d %H:%M:%S} UTC, longer than a run waits "
            f"(max_wait_seconds: {self.max_wait_seconds:g})",
            "run the same command again after that; what is loaded stays",
            until=until,
        )

    def _draw_backoff(self, attempts: int) -> float:
        """Return a random pause in seconds (full jitter) whose upper bound doubles with every attempt."""
        bound = min(self.settings.backoff_cap_seconds, self.settings.backoff_seconds * 2 ** (attempts - 1))
        return random.uniform(0, bound)  # noqa: S311 - a pause, no secret


def _read_requested_wait(error: Retriable) -> float | None:
    """Return the seconds for which the server asked; None for a failure that names none."""
    if error.retry_after is None and isinstance(error, RateLimited):
        return 0.0
    return error.retry_after
