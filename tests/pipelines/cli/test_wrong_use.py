"""Wrong words on the command line: one sentence each, with the name that was meant, never a traceback."""

import os
import socket
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from sandbox.remembered import RememberedSandbox, write_remembered
from tests.support.command import CommandResult, run_as_if_alone

ACCOUNT = "accounts:\n- {name: acme-docs, provider: inkeep, api_key: '${K}', base_url: 'http://127.0.0.1:9'}\n"
INIT = ("init", "--provider", "inkeep", "--name", "x")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "chatmart.yaml").write_text(ACCOUNT)
    return tmp_path


def run(folder: Path, *arguments: str) -> CommandResult:
    return run_as_if_alone(arguments, {**os.environ, "K": "fake-key-of-a-test"}, folder)


@pytest.mark.parametrize(
    ("arguments", "exit_code", "sentence"),
    [
        (("stats",), 2, "there is no command 'stats'; did you mean status?"),
        (("quit",), 2, "there is no command 'quit'; `chatmart --help` lists them"),
        (("load", "--account", "acme-dcos"), 2, "did you mean acme-docs?"),
        (("load", "--account", "zzz"), 2, "; it has acme-docs"),
        (("load", "--account", "acme-docs", "--provider", "cognigy"), 2, "none of the accounts acme-docs in "),
        (("load", "--provider", "inkep"), 2, "there is no provider 'inkep'; did you mean inkeep?"),
        (("load", "--date", "yesterday"), 2, "'yesterday': it is no day; write it as in 2025-01-31"),
        (("load", "--date", "2025-02-30"), 2, "'2025-02-30': there is no such day"),
        (
            ("sql", "select 1", "--format", "jsn"),
            2,
            "'jsn' is none of: table, csv, json, parquet, xlsx; did",
        ),
        (("init", "--provider", "Inkep"), 2, "did you mean inkeep?"),
        ((*INIT, "--warehouse", "mysql://y"), 2, "change warehouse in it"),
        (
            ("--config", "new.yaml", "init", "--provider", "inkeep", "--name", "x", "--warehouse", "mysql://y"),
            2,
            "mysql",
        ),
        (("init", "--provider", "inkeep", "--name", "acme-docs"), 2, "has an account acme-docs already"),
        (("sandbox", "--port", "70000"), 2, "'70000' is no port; it is a number from 1 to 65534"),
        (("demo", "--folder", "chatmart.yaml/x"), 1, "a file stands where a folder must be; choose another place"),
    ],
)
def test_a_wrong_word_is_one_sentence(folder: Path, arguments: tuple[str, ...], exit_code: int, sentence: str) -> None:
    result = run(folder, *arguments)
    assert (result.exit_code, result.out) == (exit_code, "")
    assert sentence in result.err
    assert "Traceback" not in result.err


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        sock.listen()
        yield sock.getsockname()[1]


def test_a_sandbox_whose_port_is_taken_says_what_to_do(folder: Path, taken_port: int) -> None:
    write_remembered(folder, RememberedSandbox(taken_port, taken_port + 1, 7, date(2025, 1, 1)))
    result = run(folder, "sandbox")
    assert result.exit_code == 2
    assert (
        f"cannot listen on ports {taken_port} and {taken_port + 1} of 127.0.0.1: in use by another program"
        in result.err
    )
    assert "end that program (perhaps another sandbox), or choose another port with --port" in result.err
    assert "chatmart.yaml; `chatmart demo` does both" in result.err


def test_a_demo_whose_sandbox_does_not_run_says_how_to_start_it(folder: Path, taken_port: int) -> None:
    assert "providers do not run" not in run(folder, "check").err
    write_remembered(folder, RememberedSandbox(9, 10, 7, date(2025, 1, 1)))
    assert "the demo's providers do not run: start them with `" in run(folder, "check").err
    write_remembered(folder, RememberedSandbox(taken_port, 10, 7, date(2025, 1, 1)))
    assert "providers do not run" not in run(folder, "check").err


def test_dev_without_dagster_says_how_to_have_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _name: None)
    result = run(folder, "dev")
    assert (result.exit_code, result.out) == (2, "")
    assert "pip install 'chatmart[dagster]'" in result.err
