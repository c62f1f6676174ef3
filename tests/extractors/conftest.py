"""A scripted server and a clock for tests of the wire; secrets that other tests made known are none here."""

from collections.abc import Iterator

import pytest

from extractors import redaction
from tests.support.clock import FakeClock
from tests.support.http_session import OK
from tests.support.scripted_server import Scripted, scripted


@pytest.fixture(scope="module")
def running() -> Iterator[Scripted]:
    with scripted() as server:
        yield server


@pytest.fixture
def server(running: Scripted) -> Scripted:
    running.seen.clear()
    running.script(OK)
    return running


@pytest.fixture(autouse=True)
def _own_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_secrets", set())
    monkeypatch.setattr(redaction, "_signatures", set())


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
