"""`chatmart check`: a line for each thing that was looked at, the same as JSON, and exit codes."""

import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from sandbox.server import Sandbox
from tests.support.command import CommandResult, run_chatmart
from tests.support.sample_world import BERLIN, NEW_YORK, SampleWorld

Run = Callable[..., CommandResult]


@pytest.fixture
def sample_world(tmp_path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> SampleWorld:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    return SampleWorld(tmp_path, sandbox, (BERLIN, NEW_YORK))


@pytest.fixture
def run_command(sample_world: SampleWorld, capsys: pytest.CaptureFixture[str]) -> Run:
    return lambda *arguments: run_chatmart(capsys, "--config", sample_world.configure(), "check", *arguments)


def test_a_line_each(run_command: Run, sample_world: SampleWorld) -> None:
    said = run_command()
    assert (said.exit_code, said.err) == (0, "")
    assert [line.split()[:2] for line in said.out.splitlines()] == [
        ["ok", "configuration"],
        ["ok", "credential"],
        ["ok", "credential"],
        ["ok", "landing"],
        ["ok", "warehouse"],
        ["ok", "dagster"],
    ]
    assert "\x1b" not in said.out
    assert sorted(path.name for path in sample_world.folder.iterdir()) == [".env", "chatmart.yaml"]


def test_one_failure_is_1_and_the_others_are_still_told(run_command: Run, sample_world: SampleWorld) -> None:
    sample_world.accounts = (replace(BERLIN, credential="fake-key-that-nobody-knows"), NEW_YORK)
    said = run_command()
    assert (said.exit_code, said.err) == (1, "")
    (failed,) = [line for line in said.out.splitlines() if line.startswith("failed")]
    assert failed.startswith("failed  credential     acme-berlin (cognigy): HTTP 401, the provider says: ")
    assert failed.endswith("; look at the variable SANDBOX_ACME_BERLIN_KEY")
    assert "fake-key-that-nobody-knows" not in said.out
    assert len(said.out.splitlines()) == 6


def test_as_json(run_command: Run, sample_world: SampleWorld) -> None:
    sample_world.accounts = (replace(BERLIN, credential="fake-key-that-nobody-knows"), NEW_YORK)
    said = run_command("--json")
    assert (said.exit_code, said.err) == (1, "")
    told = json.loads(said.out)
    assert told["ok"] is False
    assert [(each["check"], each["account"], each["ok"]) for each in told["checks"]] == [
        ("configuration", None, True),
        ("credential", "acme-berlin", False),
        ("credential", "acme-york", True),
        ("landing", None, True),
        ("warehouse", None, True),
        ("dagster", None, True),
    ]
    for each in told["checks"]:
        assert list(each) == ["check", "account", "provider", "ok", "said", "advice"]
        assert (each["advice"] is None) == each["ok"]
    assert json.loads(run_command("--json", "--account", "acme-york").out)["ok"] is True


def test_only_what_was_chosen_is_asked(run_command: Run, sample_world: SampleWorld) -> None:
    assert "acme-berlin" not in run_command("--account", "acme-york").out
    assert [record.account for record in sample_world.take_requests()] == ["acme-york"]
    assert run_command("--provider", "cognigy").out.count("credential") == 2
    sample_world.take_requests()
    for wrong in (("--account", "nobody"), ("--provider", "inkeep"), ("--provider", "clippy")):
        said = run_command(*wrong)
        assert (said.exit_code, said.out) == (2, "")
    assert sample_world.take_requests() == []


def test_a_wrong_configuration_is_2_with_a_line_for_each_problem(run_command: Run, sample_world: SampleWorld) -> None:
    sample_world.overrides = {"acme-berlin": {"colour": "red"}, "acme-york": {"api_key": "${NOBODY_SET_THIS}"}}
    said = run_command("--json")
    assert (said.exit_code, said.out) == (2, "")
    assert [line.split(": ")[1] for line in said.err.splitlines()] == ["account acme-berlin", "account acme-york"]
    assert sample_world.take_requests() == []


def test_requests_are_logged_with_verbose(sample_world: SampleWorld, capsys: pytest.CaptureFixture[str]) -> None:
    said = run_chatmart(capsys, "--config", sample_world.configure(), "--verbose", "check")
    assert said.exit_code == 0
    assert said.err.count("conversationcounter -> 200") == 2
    assert BERLIN.credential not in said.err + said.out
