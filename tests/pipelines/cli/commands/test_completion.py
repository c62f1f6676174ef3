"""Completion: the words that the command offers to a shell, and a real bash that uses the script."""

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
def _work_in_configured_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHATMART_CONFIG", raising=False)
    (tmp_path / "chatmart.yaml").write_text(FILE)


@pytest.fixture
def complete(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    def complete_last(*words: str) -> list[str]:
        """Return the completions of the last word."""
        monkeypatch.setenv("_CHATMART_COMPLETE", "bash_complete")
        monkeypatch.setenv("COMP_WORDS", " ".join(("chatmart", *words)))
        monkeypatch.setenv("COMP_CWORD", str(len(words)))
        result = run_chatmart(capsys)
        monkeypatch.delenv("_CHATMART_COMPLETE")
        assert (result.exit_code, result.err) == (0, "")
        return [line.partition(",")[2] for line in result.out.split()]

    return complete_last


@pytest.mark.parametrize("command", ["load", "backfill", "replay", "status", "check"])
def test_accounts_and_providers_come_from_the_configuration(complete, command: str) -> None:
    assert complete(command, "--account", "") == ["acme-docs", "acme-sales", "globex"]
    assert complete(command, "--account", "acme-d") == ["acme-docs"]
    assert complete(command, "--provider", "") == ["chatdash", "inkeep"]


def test_chosen_names_are_not_offered_again(complete) -> None:
    assert complete("check", "--account", "acme-docs", "--account", "acme-") == ["acme-sales"]
    assert complete("check", "--provider", "inkeep", "--account", "") == ["acme-docs", "globex"]
    assert complete("check", "--provider", "inkeep", "--provider", "") == ["chatdash"]


def test_names_come_from_the_configuration_of_the_option(
    complete, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other.yaml").write_text("accounts: [{name: other, provider: cognigy}]")
    assert complete("--config", "other.yaml", "load", "--account", "") == ["other"]
    monkeypatch.setenv("CHATMART_CONFIG", "other.yaml")
    assert complete("load", "--account", "") == ["other"]


@pytest.mark.parametrize("text", [None, "accounts: [", "[]", "accounts: x"])
def test_without_a_configuration_there_are_the_known_providers(complete, tmp_path: Path, text: str | None) -> None:
    (tmp_path / "chatmart.yaml").unlink()
    if text is not None:
        (tmp_path / "chatmart.yaml").write_text(text)
    assert complete("load", "--account", "") == []
    assert complete("load", "--provider", "chat") == ["chatdash", "chatlayer", "chatcaptain"]


def test_commands_and_options(complete) -> None:
    assert {"init", "check", "load", "completion"} < set(complete(""))
    assert complete("ba") == ["backfill"]
    assert complete("--ver") == ["--verbose", "--version"]
    assert complete("init", "--provider", "in") == ["inkeep"]
    assert complete("completion", "") == ["bash", "zsh", "fish"]
    assert complete("export", "") == ["dbt", "superset"]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_of_each_shell(capsys: pytest.CaptureFixture[str], shell: str) -> None:
    result = run_chatmart(capsys, "completion", shell)
    assert (result.exit_code, result.err) == (0, "")
    assert f"_CHATMART_COMPLETE={shell}_complete" in result.out
    assert run_chatmart(capsys, "completion", "tcsh").exit_code == 2


def run_bash(script: str, environment: Mapping[str, str]) -> list[str]:
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
    assert run_bash(script, environment) == ["acme-docs", "acme-sales"]
