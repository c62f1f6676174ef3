"""Waiting for another process or thread to reach a state, without a guessed delay. No expectations."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Event

TIMEOUT_SECONDS = 60


def wait_until(reached: Callable[[], bool], seconds: float = TIMEOUT_SECONDS) -> None:
    """Return as soon as ``reached()`` is true. Raises AssertionError after so many seconds."""
    tick, started_at = Event(), datetime.now(UTC)
    while not reached():
        assert datetime.now(UTC) - started_at < timedelta(seconds=seconds)
        tick.wait(0.005)
