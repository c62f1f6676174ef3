"""`chatmart check`: a line per check, the same results as JSON, and exit codes."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import date

import pytest

from sandbox.server import Sandbox
from tests.support.command import CommandResult, run_chatmart
from tests.support.sample_world import BERLIN, NEW_YORK, SampleWorld
from tests.support.scripted_server import raw_response, run_scripted_server

Run = Callable[..., CommandResult]


@pytest.fixture
def sample_world(tmp_path, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> SampleWorld:
    monkeypatch.delenv("DAGSTER_HOME", raising=False)
    return SampleWorld(tmp_path, sandbox, (BERLIN, NEW_YORK))


@pytest.fixture
def run_command(sample_world: SampleWorld, capsys: pytest.CaptureFixture[str]) -> Run:
    return lambda *arguments: run_chatmart(capsys, "--config", sample_world.configure(), "check", *arguments)


def test_a_line_per_check(run_command: Run, sample_world: SampleWorld) -> None:
    result = run_command()
    assert (result.exit_code, result.err) == (0, "")
    assert [line.split()[:2] for line in result.out.splitlines()] == [
        ["ok", "configuration"],
        ["ok", "credential"],
        ["ok", "credential"],
        ["ok", "landing"],
        ["ok", "warehouse"],
        ["ok", "dagster"],
    ]
    assert "\x1b" not in result.out
    assert sorted(path.name for path in sample_world.folder.iterdir()) == [".env", "chatmart.yaml"]


def test_one_failure_is_1_and_the_other_checks_still_run(run_command: Run, sample_world: SampleWorld) -> None:
    sample_world.accounts = (replace(BERLIN, credential="fake-key-that-nobody-knows"), NEW_YORK)
    result = run_command()
    assert (result.exit_code, result.err) == (1, "")
    (failed,) = [line for line in result.out.splitlines() if line.startswith("failed")]
    assert failed.startswith("failed  credential     acme-berlin (cognigy): HTTP 401, the provider says: ")
    assert failed.endswith("; look at the variable SANDBOX_ACME_BERLIN_KEY")
    assert "fake-key-that-nobody-knows" not in result.out
    assert len(result.out.splitlines()) == 6


def test_as_json(run_command: Run, sample_world: SampleWorld) -> None:
    sample_world.accounts = (replace(BERLIN, credential="fake-key-that-nobody-knows"), NEW_YORK)
    result = run_command("--json")
    assert (result.exit_code, result.err) == (1, "")
    document = json.loads(result.out)
    assert document["ok"] is False
    assert [(check["check"], check["account"], check["ok"]) for check in document["checks"]] == [
        ("configuration", None, True),
        ("credential", "acme-berlin", False),
        ("credential", "acme-york", True),
        ("landing", None, True),
        ("warehouse", None, True),
        ("dagster", None, True),
    ]
    for check in document["checks"]:
        assert list(check) == ["check", "account", "provider", "ok", "said", "advice", "warning"]
        assert (check["advice"] is None) == check["ok"]
    assert json.loads(run_command("--json", "--account", "acme-york").out)["ok"] is True


def test_only_chosen_accounts_are_checked(run_command: Run, sample_world: SampleWorld) -> None:
    assert "acme-berlin" not in run_command("--account", "acme-york").out
    assert [record.account for record in sample_world.take_requests()] == ["acme-york"]
    assert run_command("--provider", "cognigy").out.count("credential") == 2
    sample_world.take_requests()
    for wrong in (("--account", "nobody"), ("--provider", "inkeep"), ("--provider", "clippy")):
        result = run_command(*wrong)
        assert (result.exit_code, result.out) == (2, "")
    assert sample_world.take_requests() == []


def test_a_wrong_configuration_is_2_with_a_line_for_each_problem(run_command: Run, sample_world: SampleWorld) -> None:
    sample_world.overrides = {"acme-berlin": {"colour": "red"}, "acme-york": {"api_key": "${NOBODY_SET_THIS}"}}
    result = run_command("--json")
    assert (result.exit_code, result.out) == (2, "")
    assert [line.split(": ")[1] for line in result.err.splitlines()] == ["account acme-berlin", "account acme-york"]
    assert sample_world.take_requests() == []


def test_requests_are_logged_with_verbose(sample_world: SampleWorld, capsys: pytest.CaptureFixture[str]) -> None:
    result = run_chatmart(capsys, "--config", sample_world.configure(), "--verbose", "check")
    assert result.exit_code == 0
    assert result.err.count("conversationcounter -> 200") == 2
    assert BERLIN.credential not in result.err + result.out


def test_a_warehouse_of_one_machine_has_nothing_to_take_over(run_command: Run, sample_world: SampleWorld) -> None:
    result = run_command("--take-over")
    assert (result.exit_code, result.err) == (0, "")
    assert result.out.endswith(": there is nothing to take over, as no other machine's locks guard it\n")
    assert run_command("--take-over", "--repair").err.endswith("--take-over takes no other option\n")


def test_a_database_of_locks_that_cannot_be_reached_is_a_failure(run_command: Run, sample_world: SampleWorld) -> None:
    sample_world.top_level["locks"] = "postgresql://chatmart@127.0.0.1:1/locks"
    result = run_command()
    assert result.exit_code == 1
    [failed] = [line for line in result.out.splitlines() if line.startswith("failed")]
    assert failed.startswith(
        "failed  locks          The database of the locks, 127.0.0.1:1/locks of `locks:` in chatmart"
    )
    assert "Connection refused" in failed


@pytest.mark.parametrize(
    ("status", "exit_code", "says"),
    [
        (200, 0, "accepted a message that says it is a test"),
        (404, 1, "did not accept a message (HTTP 404)"),
    ],
)
def test_the_webhook_is_tried_only_on_request(
    run_command: Run,
    sample_world: SampleWorld,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    exit_code: int,
    says: str,
) -> None:
    with run_scripted_server() as server:
        server.script(raw_response(b"", status=status))
        monkeypatch.setenv("ALERT_WEBHOOK", server.origin + "/hook")
        sample_world.top_level = {"alerts": {"webhook": "${ALERT_WEBHOOK}"}}
        assert "  webhook  " not in run_command().out
        assert server.requests == []
        result = run_command("--webhook")
        assert (result.exit_code, result.err) == (exit_code, "")
        assert says in result.out
        [request] = server.requests
        assert json.loads(request.body) == {
            "text": "chatmart: a test of this webhook. Nothing has failed.",
            "event": "test",
        }
        assert "/hook" not in result.out


def test_without_a_webhook_the_request_to_try_it_fails(run_command: Run) -> None:
    result = run_command("--webhook")
    assert result.exit_code == 1
    assert "the configuration names none: no alert is sent; set alerts.webhook" in result.out
    assert "--repair takes neither --json nor --webhook" in run_command("--repair", "--webhook").err


def test_a_start_date_in_the_future_is_a_warning(run_command: Run, sample_world: SampleWorld) -> None:
    sample_world.accounts = (replace(BERLIN, start_date=date(2099, 1, 1)), NEW_YORK)
    result = run_command()
    assert (result.exit_code, result.err) == (0, "")
    [line] = [line for line in result.out.splitlines() if not line.startswith("ok")]
    assert line == (
        "warn    start_date     acme-berlin (cognigy): nothing is loaded before 2099-01-01, which is in the future; "
        "correct start_date if that is not meant"
    )
