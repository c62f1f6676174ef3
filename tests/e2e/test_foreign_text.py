"""Text of a provider that attacks who reads it: on the terminal, in the log, in an alert, in `status`, in Dagster."""

import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sandbox.accounts import DEMO_ACCOUNTS
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from tests.support.installation import Installation
from tests.support.scripted_server import ScriptedServer, run_scripted_server

DAY = date(2025, 3, 11)
ACCOUNTS = {account.provider: account for account in DEMO_ACCOUNTS}
HALF = "\ud83d"
STEERING = "\x1b[2J\x1b]0;title\x07\x9b1m\u202ereversed\u2066 \x1b]8;;https://evil.test\x1b\\link " + HALF
MARKUP = "[red]red[/red] [link=https://evil.test]docs[/link] <!channel> <https://evil.test|docs> & @here"
ATTACK = f"{STEERING} {MARKUP} {'w' * 1_000_000}"
STORES = ("duckdb://data/warehouse.duckdb", "parquet://data/lake")


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    with Sandbox() as running:
        yield running


@pytest.fixture
def hook(monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    with run_scripted_server() as server:
        monkeypatch.setenv("HOOK", f"{server.origin}/hook")
        yield server


def install(folder: Path, sandbox: Sandbox, provider: str, streams: list[str], store: str = STORES[0]) -> Installation:
    account = ACCOUNTS[provider]
    sandbox.world.fill([account], DAY, DAY) if hasattr(sandbox.world, "fill") else None
    return Installation(folder, sandbox, [account], {account.name: {"streams": streams}}, store)
