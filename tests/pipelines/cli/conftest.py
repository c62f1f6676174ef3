"""Fixtures: a sandbox with few accounts, the configuration of two of them, and a function that runs the command."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.server import Sandbox
from tests.support.command import CommandResult, run_chatmart
from tests.support.sample_world import BERLIN, NEW_YORK, SampleWorld, open_sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with open_sandbox() as open_server:
        yield open_server


@pytest.fixture
def sample_world(tmp_path: Path, sandbox: Sandbox) -> SampleWorld:
    return SampleWorld(tmp_path, sandbox, (BERLIN, NEW_YORK), begun=True)


@pytest.fixture
def run_command(
    sample_world: SampleWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., CommandResult]:
    monkeypatch.setenv("COLUMNS", "200")

    def run_with_config(*arguments: object) -> CommandResult:
        return run_chatmart(capsys, "--config", sample_world.configure(), *arguments)

    return run_with_config
