"""A clock of its own for the commands that run in this process: they begin at a given instant. No expectations."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any
from unittest import mock

from pipelines.loads.workspace import Workspace
from tests.support.clock import FakeClock


@contextmanager
def begin_at(instant: datetime) -> Iterator[FakeClock]:
    """Open every workspace with a clock that begins at an instant (UTC) and whose sleeps take no time."""
    clock, open_workspace = FakeClock(instant), Workspace.open

    def open_at_instant(*given: Any, **named: Any) -> Workspace:
        return replace(open_workspace(*given, **named), clock=clock)

    with mock.patch.object(Workspace, "open", open_at_instant):
        yield clock
