"""`chatmart init`: from nothing to a load, with options and with keys typed on a terminal."""

import json
import os
import pty
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
from pipelines.configuration.init_file import required_ids, required_secrets, secret_variable_name
from sandbox.accounts import DEMO_ACCOUNTS, SandboxAccount
from sandbox.server import Sandbox
from tests.support.command import run_chatmart

CHATMART = Path(sys.executable).with_name("chatmart")
ACCOUNTS = [next(each for each in DEMO_ACCOUNTS if each.provider == name) for name in PROVIDERS]
COGNIGY = ("init", "--provider", "cognigy", "--name", "acme", "--project-id", "5f0c2f4e8a1b2c3d4e5f6a7b")
DOCS = ("init", "--provider", "inkeep", "--name", "acme-docs")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CHATMART_CONFIG", raising=False)


def written(path: Path = Path("chatmart.yaml")) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(path.read_text("utf-8"))
    seen = json.loads(json.dumps(document, default=str))  # an editor takes a day for a text
    assert list(jsonschema.Draft7Validator(json.loads(config_schema.render_schema())).iter_errors(seen)) == []
    return document


def flags(account: SandboxAccount, sandbox: Sandbox) -> list[str]:
    model = get_provider(account.provider).account
    ids = [part for key in required_ids(model) for part in (f"--{key.replace('_', '-')}", account.ids[key])]
    where = ["--base-url", sandbox.base_url(account.provider), "--timezone", account.timezone]
    return ["init", "--provider", account.provider, "--name", account.name, *ids, *where]


def secrets(account: SandboxAccount) -> dict[str, str]:
    keys = required_secrets(get_provider(account.provider).account)
    values = account.credential.split(":") if len(keys) > 1 else [account.credential]
    return {secret_variable_name(account.name, key): value for key, value in zip(keys, values, strict=True)}


@pytest.mark.e2e
def test_what_it_writes_passes_the_check_and_loads(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Sandbox() as sandbox:
        for account in ACCOUNTS:
            said = run_chatmart(capsys, *flags(account, sandbox))
            assert (said.exit_code, said.out) == (0, ""), said.err
            assert all(name in said.err for name in secrets(account))
        assert [each["name"] for each in written()["accounts"]] == [each.name for each in ACCOUNTS]
        unset = run_chatmart(capsys, "check")
        assert unset.exit_code == 2
        for name, value in {key: value for each in ACCOUNTS for key, value in secrets(each).items()}.items():
            assert f"the variable {name} is not set" in unset.err
            monkeypatch.setenv(name, value)
        checked = run_chatmart(capsys, "check")
        assert (checked.exit_code, checked.err) == (0, ""), checked.out
        assert not any(job for job in sandbox.jobs)
        loaded = run_chatmart(capsys, "load")
        assert loaded.exit_code == 0, loaded.err


def test_the_file_as_a_person_finds_it(capsys: pytest.CaptureFixture[str]) -> None:
    said = run_chatmart(
        capsys, *COGNIGY, "--start-date", "2025-01-01", "--set", "auth=bearer", "--set", "lookback_days=7"
    )
    assert said.exit_code == 0
    head, *_, last = Path("chatmart.yaml").read_text("utf-8").splitlines()
    assert head == config_schema.schema_comment(Path.cwd())
    assert last == "    api_key: ${ACME_API_KEY}"
    document = written()
    assert {key: document[key] for key in ("landing", "warehouse")} == {
        "landing": "data/landing",
        "warehouse": "duckdb://data/warehouse.duckdb",
    }
    (entry,) = document["accounts"]
    assert list(entry)[:3] == ["name", "provider", "project_id"]
    assert (entry["auth"], entry["lookback_days"], str(entry["start_date"])) == ("bearer", 7, "2025-01-01")
    assert Path(".env").read_text("utf-8") == "ACME_API_KEY=\n"
    assert stat.S_IMODE(Path(".env").stat().st_mode) == 0o600
    assert f"add .env to {Path.cwd() / '.gitignore'}" in said.err
    assert "chatmart check" in said.err
    Path(".gitignore").write_text("/data/\n.env\n")
    assert ".gitignore" not in run_chatmart(capsys, *DOCS).err


def test_a_place_of_its_own(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    named = "new folder/bots.yaml"
    said = run_chatmart(capsys, "--config", named, *DOCS, "--warehouse", "parquet://lake", "--landing", "raw")
    assert said.exit_code == 0
    assert f"chatmart --config '{named}' check" in said.err
    document = written(tmp_path / named)
    assert (document["warehouse"], document["landing"]) == ("parquet://lake", "raw")
    assert (tmp_path / "new folder/.env").is_file()


def test_what_is_there_stays(capsys: pytest.CaptureFixture[str]) -> None:
    Path(".env").write_text("ACME_API_KEY=fake-mine\nOTHER=x")
    Path(".env").chmod(0o644)
    mine = "# mine\naccounts:\n- {name: x, provider: inkeep, api_key: '${OTHER}'}  # x\n"
    Path("chatmart.yaml").write_text(f"{mine}# end\n")
    Path("chatmart.yaml").chmod(0o640)
    said = run_chatmart(capsys, *COGNIGY)
    assert said.exit_code == 0
    assert "ACME_API_KEY" not in said.err
    assert "chmod 600" in said.err
    assert Path("chatmart.yaml").read_text("utf-8").startswith(f"{mine}- name: acme\n")
    assert Path("chatmart.yaml").read_text("utf-8").endswith("  api_key: ${ACME_API_KEY}\n# end\n")
    assert stat.S_IMODE(Path("chatmart.yaml").stat().st_mode) == 0o640
    assert Path(".env").read_text("utf-8") == "ACME_API_KEY=fake-mine\nOTHER=x"
    before = Path("chatmart.yaml").read_text("utf-8")
    for arguments, says in (
        ((*COGNIGY,), "account acme: name: is used 2 times"),
        ((*DOCS, "--warehouse", "duckdb://y"), "change warehouse in it, or write it anew: --force"),
    ):
        refused = run_chatmart(capsys, *arguments)
        assert (refused.exit_code, refused.out) == (2, "")
        assert says in refused.err
        assert Path("chatmart.yaml").read_text("utf-8") == before
    assert run_chatmart(capsys, *DOCS, "--force").exit_code == 0
    assert [each["name"] for each in written()["accounts"]] == ["acme-docs"]
    assert Path(".env").read_text("utf-8") == "ACME_API_KEY=fake-mine\nOTHER=x\nACME_DOCS_API_KEY=\n"


def test_where_it_cannot_add_it_says_what_to_write(capsys: pytest.CaptureFixture[str]) -> None:
    Path("chatmart.yaml").write_text("accounts: [{name: x, provider: inkeep, api_key: '${X}'}]\n")
    said = run_chatmart(capsys, *COGNIGY)
    assert said.exit_code == 2
    assert yaml.safe_load(said.err.partition("\n")[2])[0]["api_key"] == "${ACME_API_KEY}"
    assert not Path(".env").exists()
    Path("chatmart.yaml").write_text("accounts: [\n")
    assert "chatmart.yaml: line 2" in run_chatmart(capsys, *COGNIGY).err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("init",), "give --provider and --name: there is no terminal to ask on"),
        (("init", "--provider", "chatlayer", "--name", "b"), "give --bot-id: "),
        (("init", "--provider", "clippy"), "'clippy' is not one of"),
        ((*COGNIGY[:-1], "short"), "account acme: project_id: String should match"),
        ((*COGNIGY, "--timezone", "Mars/Base"), "account acme: timezone: there is no time zone 'Mars/Base'"),
        ((*COGNIGY, "--base-url", "https://user:pw@host"), "account acme: base_url: a base_url has no credential"),
        ((*COGNIGY, "--bot-id", "b"), "account acme: bot_id: is not a known key"),
        ((*COGNIGY, "--set", "api_key=sk-in-plain"), "account acme: api_key: is a secret and stands here in plain"),
        ((*COGNIGY, "--set", "lookback_days=many"), "account acme: lookback_days: "),
        ((*COGNIGY, "--set", "auth"), "--set auth: write KEY=VALUE"),
        ((*COGNIGY, "--landing", "s3://x/y"), "landing: only a folder"),
    ],
)
def test_what_is_wrong_is_said_and_nothing_is_written(
    capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], says: str
) -> None:
    said = run_chatmart(capsys, *arguments)
    assert (said.exit_code, said.out) == (2, "")
    assert says in said.err
    assert "sk-in-plain" not in said.err
    assert list(Path.cwd().iterdir()) == []


def typed(keys: Sequence[str], *arguments: str) -> tuple[int, str]:
    """The exit code, and what a terminal showed, when a line is typed at each question that ends with a colon."""
    control, terminal = pty.openpty()
    left, shown, new = list(keys), "", ""
    with subprocess.Popen([CHATMART, *arguments], stdin=terminal, stdout=terminal, stderr=terminal) as asking:
        os.close(terminal)
        try:
            while piece := os.read(control, 65536):
                shown, new = shown + piece.decode(), new + piece.decode()
                if new.endswith(": ") and left:  # not before: a question for a secret forgets what was typed already
                    os.write(control, f"{left.pop(0)}\n".encode())
                    new = ""
        except OSError:  # how Linux says that nobody is at the other end any more
            pass
        finally:
            os.close(control)
    return asking.returncode, shown


@pytest.mark.e2e
def test_on_a_terminal_it_asks_again_until_it_is_right() -> None:
    account = ("clippy", "chatlayer", "Acme Bot", "acme-bot", "b1")
    code, shown = typed((*account, "Mars/Base", "", "2025-13-01", "2025-01-31", "fake-id", "fake 'it' \\"), "init")
    assert code == 0, shown
    assert "there is no time zone 'Mars/Base'" in shown
    assert "write a day as in 2025-01-31" in shown
    assert "fake-id" not in shown
    (entry,) = written()["accounts"]
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
def test_with_a_platform_it_asks_for_what_is_missing_only() -> None:
    code, shown = typed(("acme", "5f0c2f4e8a1b2c3d4e5f6a7b"), "init", "--provider", "cognigy")
    assert code == 0, shown
    assert list(written()["accounts"][0]) == ["name", "provider", "project_id", "api_key"]
