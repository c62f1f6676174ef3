"""A scripted server and a clock for tests of the wire."""

from collections.abc import Iterator

import pytest

from tests.support.clock import FakeClock
from tests.support.scripted import Scripted, scripted
from tests.support.talking import OK


@pytest.fixture(scope="module")
def running() -> Iterator[Scripted]:
    with scripted() as server:
        yield server


@pytest.fixture
def server(running: Scripted) -> Scripted:
    running.seen.clear()
    running.script(OK)
    return running


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
