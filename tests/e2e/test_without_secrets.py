"""Whoever only reads what is loaded needs no secret and no `.env`; a load names the file, the cause and the remedy."""

import errno
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.server import Sandbox
from tests.support.command import CommandResult, run_as_if_alone
from tests.support.installation import Installation

DAY = date(2025, 3, 3)
ONE_OF_EACH = tuple({account.provider: account for account in SAMPLE_ACCOUNTS}.values())


def run_bare(product: Installation, *arguments: str) -> CommandResult:
    """Run a command in an environment without the accounts' secrets."""
    return run_as_if_alone(arguments, {"CHATMART_CONFIG": str(product.folder / "chatmart.yaml")}, product.folder)


@pytest.mark.e2e
@pytest.mark.parametrize("has_unreadable_file", [False, True])
def test_reading_commands_need_no_secrets(
    tmp_path: Path, has_unreadable_file: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox() as sandbox:
        product = Installation(tmp_path, sandbox, ONE_OF_EACH)
        product.backfill(DAY, DAY)
        (tmp_path / ".env").unlink(missing_ok=True)
        if has_unreadable_file:
            (tmp_path / ".env").write_text("SECRET=1\n")
            refuse_to_read(monkeypatch, tmp_path / ".env")
        for command in (
            ["status"],
            ["status", "--json"],
            ["sql", "SELECT count(*) FROM conversation_daily"],
            ["sql", "--list"],
            ["report", "--from", str(DAY), "--to", str(DAY)],
        ):
            result = run_bare(product, *command)
            assert (result.exit_code, result.err) == (0, ""), command
        requests = len(sandbox.requests)
        checked = run_bare(product, "check")
        assert checked.exit_code == (2 if has_unreadable_file else 1)
        if has_unreadable_file:
            assert "let this user read" in checked.err
        else:
            unset = [line for line in checked.out.splitlines() if line.startswith("failed  credential")]
            assert len(unset) == len(ONE_OF_EACH)
            assert all("not set; set " in line for line in unset)
        assert "warehouse.duckdb: published" in checked.out
        assert len(sandbox.requests) == requests
        refused = run_bare(product, "load")
        assert refused.exit_code == (2 if has_unreadable_file else 1)
        expected = "let this user read" if has_unreadable_file else "is not set; set it or write it into .env"
        assert expected in refused.err
        assert len(sandbox.requests) == requests


def refuse_to_read(monkeypatch: pytest.MonkeyPatch, file: Path) -> None:
    """Let a file be another user's: the tests may run as root, who may read all."""
    read_bytes = Path.read_bytes

    def read(path: Path) -> Any:
        if path == file:
            raise PermissionError(errno.EACCES, "Permission denied", str(path))
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", read)


@pytest.mark.parametrize("address", ["https://api.example.com:99999", "https://api.example.com:0", "https://x:port"])
def test_an_impossible_port_is_named(tmp_path: Path, address: str) -> None:
    with Sandbox() as sandbox:
        account = ONE_OF_EACH[0]
        product = Installation(tmp_path, sandbox, [account], {account.name: {"base_url": address}})
        result = product.run("load", exit_code=2)
    assert "base_url: the port of a base_url is a number from 1 to 65535" in result.err
