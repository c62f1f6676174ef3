"""`chatmart init`: configurations written from options and from values typed on a terminal."""

import json
import os
import pty
import re
import stat
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from extractors.registry import PROVIDERS, get_provider
from pipelines.configuration import json_schema as config_schema
from pipelines.configuration import schema_file
from pipelines.configuration.init_file import required_ids, required_secrets, secret_variable_name
from sandbox.account import SandboxAccount
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.server import Sandbox
from tests.support.command import run_chatmart

CHATMART = Path(sys.executable).with_name("chatmart")
ACCOUNTS = [next(account for account in SAMPLE_ACCOUNTS if account.provider == name) for name in PROVIDERS]
COGNIGY = ("init", "--provider", "cognigy", "--name", "acme", "--project-id", "5f0c2f4e8a1b2c3d4e5f6a7b")
DOCS = ("init", "--provider", "inkeep", "--name", "acme-docs")


@pytest.fixture(autouse=True)
def _work_in_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHATMART_CONFIG", raising=False)


def read_valid_config(path: Path = Path("chatmart.yaml")) -> dict[str, Any]:
    """Read a configuration that fits the JSON Schema."""
    document: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    as_editor = json.loads(json.dumps(document, default=str))  # an editor reads a day as a string
    assert list(jsonschema.Draft7Validator(json.loads(config_schema.render_schema())).iter_errors(as_editor)) == []
    return document


def init_arguments(account: SandboxAccount, sandbox: Sandbox) -> list[str]:
    model = get_provider(account.provider).account
    ids = [part for key in required_ids(model) for part in (f"--{key.replace('_', '-')}", account.ids[key])]
    place = ["--base-url", sandbox.base_url(account.provider), "--timezone", account.timezone]
    return ["init", "--provider", account.provider, "--name", account.name, *ids, *place]


def secret_variables(account: SandboxAccount) -> dict[str, str]:
    keys = required_secrets(get_provider(account.provider).account)
    values = account.credential.split(":") if len(keys) > 1 else [account.credential]
    return {secret_variable_name(account.name, key): value for key, value in zip(keys, values, strict=True)}


@pytest.mark.e2e
def test_what_it_writes_passes_the_check_and_loads(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox() as sandbox:
        for account in ACCOUNTS:
            result = run_chatmart(capsys, *init_arguments(account, sandbox))
            assert (result.exit_code, result.out) == (0, ""), result.err
            assert all(name in result.err for name in secret_variables(account))
        assert [entry["name"] for entry in read_valid_config()["accounts"]] == [account.name for account in ACCOUNTS]
        unset = run_chatmart(capsys, "check")
        assert unset.exit_code == 1
        variables = [item for account in ACCOUNTS for item in secret_variables(account).items()]
        for name, value in variables:
            assert re.search(rf"the variables? .*\b{name}\b.* (is|are) not set", unset.out)
            monkeypatch.setenv(name, value)
        checked = run_chatmart(capsys, "check")
        assert (checked.exit_code, checked.err) == (0, ""), checked.out
        assert not any(job for job in sandbox.jobs)
        loaded = run_chatmart(capsys, "load")
        assert loaded.exit_code == 0, loaded.err


def test_the_file_and_its_messages(capsys: pytest.CaptureFixture[str]) -> None:
    result = run_chatmart(
        capsys, *COGNIGY, "--start-date", "2025-01-01", "--set", "auth=bearer", "--set", "lookback_days=7"
    )
    assert result.exit_code == 0
    head, *_, last = Path("chatmart.yaml").read_text("utf-8").splitlines()
    assert head == schema_file.schema_comment(Path.cwd())
    assert last == "    api_key: ${ACME_API_KEY}"
    document = read_valid_config()
    assert {key: document[key] for key in ("landing", "warehouse")} == {
        "landing": "data/landing",
        "warehouse": "duckdb://data/warehouse.duckdb",
    }
    (entry,) = document["accounts"]
    assert list(entry)[:3] == ["name", "provider", "project_id"]
    assert (entry["auth"], entry["lookback_days"], str(entry["start_date"])) == ("bearer", 7, "2025-01-01")
    assert Path(".env").read_text("utf-8") == "ACME_API_KEY=\n"
    assert stat.S_IMODE(Path(".env").stat().st_mode) == 0o600
    assert f"add .env to {Path.cwd() / '.gitignore'}" in result.err
    assert "chatmart check" in result.err
    Path(".gitignore").write_text("/data/\n.env\n")
    assert ".gitignore" not in run_chatmart(capsys, *DOCS).err


def test_a_file_at_another_path(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    named = "new folder/bots.yaml"
    result = run_chatmart(capsys, "--config", named, *DOCS, "--warehouse", "parquet://lake", "--landing", "raw")
    assert result.exit_code == 0
    assert f"chatmart --config '{named}' check" in result.err
    document = read_valid_config(tmp_path / named)
    assert (document["warehouse"], document["landing"]) == ("parquet://lake", "raw")
    assert (tmp_path / "new folder/.env").is_file()


def test_an_existing_file_keeps_its_lines(capsys: pytest.CaptureFixture[str]) -> None:
    Path(".env").write_text("ACME_API_KEY=fake-mine\nOTHER=x")
    Path(".env").chmod(0o644)
    mine = "# mine\naccounts:\n- {name: x, provider: inkeep, api_key: '${OTHER}'}  # x\n"
    Path("chatmart.yaml").write_text(f"{mine}# end\n")
    Path("chatmart.yaml").chmod(0o640)
    result = run_chatmart(capsys, *COGNIGY)
    assert result.exit_code == 0
    assert "ACME_API_KEY" not in result.err
    assert "chmod 600" in result.err
    assert Path("chatmart.yaml").read_text("utf-8").startswith(f"{mine}- name: acme\n")
    assert Path("chatmart.yaml").read_text("utf-8").endswith("  api_key: ${ACME_API_KEY}\n# end\n")
    assert stat.S_IMODE(Path("chatmart.yaml").stat().st_mode) == 0o640
    assert Path(".env").read_text("utf-8") == "ACME_API_KEY=fake-mine\nOTHER=x"
    before = Path("chatmart.yaml").read_text("utf-8")
    for arguments, says in (
        ((*COGNIGY,), "has an account acme already: choose another name"),
        ((*DOCS, "--warehouse", "duckdb://y"), "change warehouse in it, or replace the file with --force"),
    ):
        refused = run_chatmart(capsys, *arguments)
        assert (refused.exit_code, refused.out) == (2, "")
        assert says in refused.err
        assert Path("chatmart.yaml").read_text("utf-8") == before
    assert run_chatmart(capsys, *DOCS, "--force").exit_code == 0
    assert [entry["name"] for entry in read_valid_config()["accounts"]] == ["acme-docs"]
    assert Path(".env").read_text("utf-8") == "ACME_API_KEY=fake-mine\nOTHER=x\nACME_DOCS_API_KEY=\n"


def test_where_it_cannot_add_it_says_what_to_write(capsys: pytest.CaptureFixture[str]) -> None:
    Path("chatmart.yaml").write_text("accounts: [{name: x, provider: inkeep, api_key: '${X}'}]\n")
    result = run_chatmart(capsys, *COGNIGY)
    assert result.exit_code == 2
    assert yaml.safe_load(result.err.partition("\n")[2])[0]["api_key"] == "${ACME_API_KEY}"
    assert not Path(".env").exists()
    Path("chatmart.yaml").write_text("accounts: [\n")
    assert "chatmart.yaml: line 2" in run_chatmart(capsys, *COGNIGY).err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("init",), "give --provider and --name: there is no terminal to prompt on"),
        (("init", "--provider", "chatlayer", "--name", "b"), "give --bot-id: "),
        (("init", "--provider", "clippy"), "'clippy' is none of"),
        (
            (*COGNIGY[:-1], "short"),
            "account acme: project_id: has another form than it must have: the project's 24 characters",
        ),
        ((*COGNIGY, "--timezone", "Mars/Base"), "account acme: timezone: there is no time zone 'Mars/Base'"),
        ((*COGNIGY, "--base-url", "https://user:pw@host"), "account acme: base_url: a base_url has no credential"),
        ((*COGNIGY, "--bot-id", "b"), "account acme: bot_id: is not a known key"),
        ((*COGNIGY, "--set", "api_key=sk-in-plain"), "account acme: api_key: is a secret in plain text"),
        ((*COGNIGY, "--set", "lookback_days=many"), "account acme: lookback_days: "),
        ((*COGNIGY, "--set", "auth"), "--set auth: write KEY=VALUE"),
        ((*COGNIGY, "--landing", "ftp://x/y"), "landing: give a folder"),
    ],
)
def test_wrong_options_are_named_and_nothing_is_written(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str
) -> None:
    result = run_chatmart(capsys, *arguments)
    assert (result.exit_code, result.out) == (2, "")
    assert says in result.err
    assert "sk-in-plain" not in result.err
    assert list(Path.cwd().iterdir()) == []


def run_on_terminal(lines: Sequence[str], *arguments: str) -> tuple[int, str]:
    """Run the command on a terminal and type a line at each prompt; return the exit code and the terminal's text."""
    control, terminal = pty.openpty()
    left, shown, new = list(lines), "", ""
    with subprocess.Popen([CHATMART, *arguments], stdin=terminal, stdout=terminal, stderr=terminal) as process:
        os.close(terminal)
        try:
            while piece := os.read(control, 65536):
                shown, new = shown + piece.decode(), new + piece.decode()
                if new.endswith(": ") and left:  # only now: the prompt for a secret discards earlier input
                    os.write(control, f"{left.pop(0)}\n".encode())
                    new = ""
        except OSError:  # Linux raises it when the other end is closed
            pass
        finally:
            os.close(control)
    return process.returncode, shown


@pytest.mark.e2e
def test_on_a_terminal_it_prompts_again_until_the_value_is_valid() -> None:
    account = ("clippy", "chatlayer", "Acme Bot", "acme-bot", "b1")
    code, shown = run_on_terminal(
        (*account, "Mars/Base", "", "2025-13-01", "2025-01-31", "fake-id", "fake 'it' \\"), "init"
    )
    assert code == 0, shown
    assert "there is no time zone 'Mars/Base'" in shown
    assert "write a day as in 2025-01-31" in shown
    assert "fake-id" not in shown
    (entry,) = read_valid_config()["accounts"]
    assert {key: str(value) for key, value in entry.items()} == {
        "name": "acme-bot",
        "provider": "chatlayer",
        "bot_id": "b1",
        "timezone": "UTC",
        "start_date": "2025-01-31",
        "token_id": "${ACME_BOT_TOKEN_ID}",
        "token_secret": "${ACME_BOT_TOKEN_SECRET}",
    }
    assert Path(".env").read_text("utf-8") == (
        "ACME_BOT_TOKEN_ID='fake-id'\nACME_BOT_TOKEN_SECRET='fake \\'it\\' \\\\'\n"
    )


@pytest.mark.e2e
def test_with_a_provider_it_prompts_for_missing_keys_only() -> None:
    code, shown = run_on_terminal(("acme", "5f0c2f4e8a1b2c3d4e5f6a7b"), "init", "--provider", "cognigy")
    assert code == 0, shown
    assert list(read_valid_config()["accounts"][0]) == ["name", "provider", "project_id", "api_key"]


def test_settings_are_written_as_they_are_typed(capsys: pytest.CaptureFixture[str]) -> None:
    ids = ("--name", "007", "--project-id", "0123")
    more = ("max_wait_seconds=1.5", "streams=[analytics]", "rate_limit={requests: 05}", "start_date=2025-01-01")
    arguments = [part for setting in more for part in ("--set", setting)]
    result = run_chatmart(capsys, "init", "--provider", "chatdash", *ids, *arguments)
    assert result.exit_code == 0, result.err
    (entry,) = read_valid_config()["accounts"]
    assert entry["project_id"] == "0123"
    assert entry["name"] == "007"
    assert (entry["max_wait_seconds"], entry["rate_limit"]) == (1.5, {"requests": 5})
    result = run_chatmart(
        capsys, "init", "--provider", "chatlayer", "--name", "other", "--bot-id", "1_000", "--set", "team_id=0x1F"
    )
    assert result.exit_code == 0, result.err
    _, entry = read_valid_config()["accounts"]
    assert (entry["bot_id"], entry["team_id"]) == ("1_000", "0x1F")


def test_a_day_that_does_not_exist_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    result = run_chatmart(capsys, *DOCS, "--set", "start_date=2025-02-29")
    assert result.exit_code == 2
    assert result.err == "chatmart.yaml: account acme-docs: start_date: there is no day 2025-02-29\n"
    assert not Path("chatmart.yaml").exists()
