"""A sandbox of few accounts, the configuration of two of them, and the command under it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.server import Sandbox
from tests.support.command import CommandResult, run_chatmart
from tests.support.sample_world import BERLIN, NEW_YORK, SampleWorld, open_sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with open_sandbox() as running:
        yield running


@pytest.fixture
def sample_world(tmp_path: Path, sandbox: Sandbox) -> SampleWorld:
    return SampleWorld(tmp_path, sandbox, (BERLIN, NEW_YORK), begun=True)


@pytest.fixture
def run_command(
    sample_world: SampleWorld, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[..., CommandResult]:
    monkeypatch.setenv("COLUMNS", "200")

    def command(*arguments: object) -> CommandResult:
        return run_chatmart(capsys, "--config", sample_world.configure(), *arguments)

    return command
