"""A scripted server and a clock for tests of the wire; secrets that other tests made known are none here."""

from collections.abc import Iterator

import pytest

from tests.support.clock import FakeClock
from tests.support.http_session import OK_RESPONSE
from tests.support.scripted_server import ScriptedServer, run_scripted_server


@pytest.fixture(scope="module")
def scripted_server() -> Iterator[ScriptedServer]:
    with run_scripted_server() as server:
        yield server


@pytest.fixture
def server(scripted_server: ScriptedServer) -> ScriptedServer:
    scripted_server.requests.clear()
    scripted_server.script(OK_RESPONSE)
    return scripted_server


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()
