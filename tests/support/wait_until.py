"""Waiting for what another process or thread brings about, without guessing how long that takes. No expectations."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from threading import Event

TIMEOUT_SECONDS = 60


def wait_until(reached: Callable[[], bool]) -> None:
    """Return as soon as it is so; AssertionError when it does not come about."""
    tick, began = Event(), datetime.now(UTC)
    while not reached():
        assert datetime.now(UTC) - began < timedelta(seconds=TIMEOUT_SECONDS)
        tick.wait(0.005)
