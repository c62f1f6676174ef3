"""A sandbox of few accounts, the configuration of two of them, and the command under it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sandbox.server import Sandbox
from tests.support.command import Said, chatmart
from tests.support.sample_world import BERLIN, NEW_YORK, Shop, open_sandbox


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with open_sandbox() as running:
        yield running


@pytest.fixture
def shop(tmp_path: Path, sandbox: Sandbox) -> Shop:
    return Shop(tmp_path, sandbox, (BERLIN, NEW_YORK), begun=True)


@pytest.fixture
def run(shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Callable[..., Said]:
    monkeypatch.setenv("COLUMNS", "200")

    def command(*arguments: object) -> Said:
        return chatmart(capsys, "--config", shop.configure(), *arguments)

    return command
