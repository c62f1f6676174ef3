"""Completion, as a shell asks for it: a real bash with the script, and the answers that any shell is given."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from tests.support.command import run_chatmart

CHATMART = Path(sys.executable).with_name("chatmart")
FILE = """
x: not right, and no variable is set
accounts:
- {name: acme-docs, provider: inkeep, api_key: "${NOBODY_SET_THIS}"}
- {name: acme-sales, provider: chatdash}
- {name: globex, provider: inkeep}
- {provider: inkeep}
"""


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHATMART_CONFIG", raising=False)
    (tmp_path / "chatmart.yaml").write_text(FILE)


@pytest.fixture
def completed(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def complete(*words: str) -> list[str]:
        """What fits the last word."""
        monkeypatch.setenv("_CHATMART_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", " ".join(("chatmart", *words)))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        said = run_chatmart(capsys)
        monkeypatch.delenv("_CHATMART_COMPLETE")
        assert (said.exit_code, said.err) == (0, "")
        return [line.partition(",")[2] for line in said.out.split()]

    return complete


@pytest.mark.parametrize("command", ["load", "backfill", "replay", "status", "check"])
def test_accounts_and_providers_come_from_the_configuration(completed, command: str) -> None:
    assert completed(command, "--account", "") == ["acme-docs", "acme-sales", "globex"]
    assert completed(command, "--account", "acme-d") == ["acme-docs"]
    assert completed(command, "--provider", "") == ["chatdash", "inkeep"]


def test_what_is_chosen_already_is_not_offered_again(completed) -> None:
    assert completed("check", "--account", "acme-docs", "--account", "acme-") == ["acme-sales"]
    assert completed("check", "--provider", "inkeep", "--account", "") == ["acme-docs", "globex"]
    assert completed("check", "--provider", "inkeep", "--provider", "") == ["chatdash"]


def test_the_configuration_that_is_named_counts(completed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "other.yaml").write_text("accounts: [{name: other, provider: cognigy}]")
    assert completed("--config", "other.yaml", "load", "--account", "") == ["other"]
    monkeypatch.setenv("CHATMART_CONFIG", "other.yaml")
    assert completed("load", "--account", "") == ["other"]


@pytest.mark.parametrize("text", [None, "accounts: [", "[]", "accounts: x"])
def test_without_a_configuration_there_are_the_known_providers(completed, tmp_path: Path, text: str | None) -> None:
    (tmp_path / "chatmart.yaml").unlink()
    if text is not None:
        (tmp_path / "chatmart.yaml").write_text(text)
    assert completed("load", "--account", "") == []
    assert completed("load", "--provider", "chat") == ["chatdash", "chatlayer", "chatcaptain"]


def test_commands_and_options(completed) -> None:
    assert {"init", "check", "load", "completion"} < set(completed(""))
    assert completed("ba") == ["backfill"]
    assert completed("--ver") == ["--verbose", "--version"]
    assert completed("init", "--provider", "in") == ["inkeep"]
    assert completed("completion", "") == ["bash", "zsh", "fish"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell(capsys: pytest.CaptureFixture[str], shell: str) -> None:
    said = run_chatmart(capsys, "completion", shell)
    assert (said.exit_code, said.err) == (0, "")
    assert f"_CHATMART_COMPLETE={shell}_complete" in said.out
    assert run_chatmart(capsys, "completion", "tcsh").exit_code == 2


def ask_bash(script: str, environment: Mapping[str, str]) -> list[str]:
    done = subprocess.run(["bash", "-c", script], env=environment, capture_output=True, text=True, check=True)
    return done.stdout.split()


@pytest.mark.e2e
def test_a_real_bash_completes() -> None:
    environment = {**os.environ, "PATH": f"{CHATMART.parent}:{os.environ['PATH']}"}
    script = """
        eval "$(chatmart completion bash)"
        complete -p chatmart >&2
        COMP_WORDS=(chatmart status --account acme); COMP_CWORD=3
        _chatmart_completion chatmart
        echo "${COMPREPLY[@]}"
    """
    assert ask_bash(script, environment) == ["acme-docs", "acme-sales"]
