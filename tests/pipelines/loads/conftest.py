"""A sandbox of two accounts, and a configuration with one of them; a test of more accounts builds its own world."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from extractors.landing.zone import LandingZone
from sandbox.server import Sandbox
from tests.support.sample_world import SampleWorld, open_sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with open_sandbox() as running:
        yield running


@pytest.fixture
def zone(tmp_path: Path) -> LandingZone:
    return LandingZone(tmp_path)


@pytest.fixture
def sample_world(tmp_path: Path, sandbox: Sandbox) -> SampleWorld:
    return SampleWorld(tmp_path, sandbox, begun=True)
