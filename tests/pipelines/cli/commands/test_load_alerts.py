"""The alert that a failed daily load sends to the webhook."""

import json
import signal
from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest

from pipelines.cli.actions import load as loads
from sandbox.server import Sandbox
from tests.support.sample_world import BERLIN, NEW_YORK, SampleWorld
from tests.support.scripted_server import ScriptedServer, raw_response, run_scripted_server


@pytest.fixture
def server(sample_world: SampleWorld, monkeypatch: pytest.MonkeyPatch) -> Iterator[ScriptedServer]:
    with run_scripted_server() as running:
        monkeypatch.setenv("ALERT_WEBHOOK", running.origin + "/hook")
        sample_world.top_level = {"alerts": {"webhook": "${ALERT_WEBHOOK}"}}
        yield running


def test_a_failed_daily_load_sends_an_alert(server: ScriptedServer, sample_world: SampleWorld, run_command) -> None:
    bad = replace(BERLIN, credential="fake-key-that-nobody-knows")
    sample_world.accounts = (bad, NEW_YORK)
    assert run_command("load", "--date", "2025-03-05").exit_code == 1
    [request] = server.requests
    message = json.loads(request.body)
    assert message["accounts"] == ["acme-berlin"]
    assert message["what"] == "chatmart load"
    assert message["days"] == "2025-03-02 to 2025-03-05"
    assert "• acme-berlin: 2025-03-02 to 2025-03-05: acme-berlin (cognigy" in message["text"]
    assert message["advice"] == "To retry: chatmart load --date 2025-03-05 --account acme-berlin"
    assert bad.credential.encode() not in request.body


def test_a_secret_that_is_not_set_sends_an_alert(
    server: ScriptedServer, sample_world: SampleWorld, run_command
) -> None:
    sample_world.overrides = {"acme-berlin": {"api_key": "${NOBODY_SET_THIS}"}}
    assert run_command("load", "--date", "2025-03-05").exit_code == 1
    [request] = server.requests
    message = json.loads(request.body)
    assert message["accounts"] == ["acme-berlin"]
    assert "the variable NOBODY_SET_THIS is not set" in message["text"]


def test_a_warehouse_that_cannot_be_written_sends_an_alert(
    server: ScriptedServer, sample_world: SampleWorld, run_command
) -> None:
    place = sample_world.open_workspace().store.location
    place.parent.mkdir(parents=True, exist_ok=True)
    place.with_name(f"_{place.name}.loader").write_bytes(b"this is no database")
    assert run_command("load", "--date", "2025-03-05").exit_code in (1, 2)
    [request] = server.requests
    assert json.loads(request.body)["accounts"] == []


def test_a_published_warehouse_that_cannot_be_read_sends_an_alert(
    server: ScriptedServer, sample_world: SampleWorld, run_command
) -> None:
    place = sample_world.open_workspace().store.location
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"this is no database")
    assert run_command("load").exit_code == 2
    assert len(server.requests) == 1


def test_an_unexpected_error_sends_an_alert(
    server: ScriptedServer, sample_world: SampleWorld, run_command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def raise_type_error(*_arguments: object, **_named: object) -> None:
        raise TypeError("boom")

    monkeypatch.setattr("pipelines.cli.actions.load.run_jobs", raise_type_error)
    with pytest.raises(TypeError, match="boom"):
        run_command("load", "--date", "2025-03-05")
    assert len(server.requests) == 1


def test_accounts_that_failed_before_a_termination_are_in_the_alert(
    server: ScriptedServer, sample_world: SampleWorld, run_command, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run_and_terminate(*arguments: object, **named: object) -> object:
        result = original(*arguments, **named)
        signal.raise_signal(signal.SIGTERM)
        return result

    original = loads.run_jobs
    monkeypatch.setattr(loads, "run_jobs", run_and_terminate)
    sample_world.accounts = (replace(BERLIN, credential="fake-key-that-nobody-knows"), NEW_YORK)
    assert run_command("load", "--date", "2025-03-05").exit_code == 143
    assert json.loads(server.requests[0].body)["accounts"] == ["acme-berlin"]


def test_when_all_failed_the_summary_names_no_other_account(
    server: ScriptedServer, sample_world: SampleWorld, run_command
) -> None:
    sample_world.accounts = (replace(BERLIN, credential="fake-key-that-nobody-knows"),)
    assert run_command("load", "--date", "2025-03-05").exit_code == 1
    assert json.loads(server.requests[0].body)["summary"] == "acme-berlin failed."


def test_a_webhook_that_is_down_changes_nothing(server: ScriptedServer, sample_world: SampleWorld, run_command) -> None:
    server.script(raw_response(b"gone", 410))
    sample_world.accounts = (replace(BERLIN, credential="fake-key-that-nobody-knows"), NEW_YORK)
    result = run_command("load", "--date", "2025-03-05")
    assert result.exit_code == 1
    assert "the alert was not delivered (HTTP 410)" in result.err
    assert len(sample_world.read_view("conversation_daily")) == 4


def test_no_alert_for_a_success_or_a_backfill(server: ScriptedServer, sample_world: SampleWorld, run_command) -> None:
    assert run_command("load", "--date", "2025-03-05").exit_code == 0
    sample_world.accounts = (replace(BERLIN, credential="fake-key-that-nobody-knows"),)
    assert run_command("backfill", "--from", "2025-03-01", "--to", "2025-03-01").exit_code == 1
    assert server.requests == []


def test_a_lasting_failure_is_one_message_and_its_end_another(
    server: ScriptedServer, sample_world: SampleWorld, run_command
) -> None:
    bad = replace(BERLIN, credential="fake-key-that-nobody-knows")
    sample_world.accounts = (bad, NEW_YORK)
    for _night in range(3):
        assert run_command("load", "--date", "2025-03-05").exit_code == 1
    [message] = [json.loads(request.body) for request in server.requests]
    assert message["accounts"] == ["acme-berlin"]

    sample_world.accounts = (bad, replace(NEW_YORK, credential="fake-key-that-nobody-knows"))
    assert run_command("load", "--date", "2025-03-05").exit_code == 1
    other = json.loads(server.requests[1].body)
    assert (other["accounts"], other["summary"]) == (
        ["acme-york"],
        "acme-york failed. 1 more account still fails, as reported before.",
    )

    sample_world.accounts = (BERLIN, NEW_YORK)
    assert run_command("load", "--date", "2025-03-05").exit_code == 0
    recovery = json.loads(server.requests[2].body)
    assert (recovery["event"], recovery["accounts"]) == ("recovered", ["acme-berlin", "acme-york"])
    assert recovery["text"].startswith(
        "chatmart: chatmart load: 2 accounts loaded again after a failure.\n• acme-berlin: "
    )
    assert run_command("load", "--date", "2025-03-05").exit_code == 0
    assert len(server.requests) == 3


def test_a_restated_total_and_new_drift_are_reported_once(
    server: ScriptedServer, sandbox: Sandbox, sample_world: SampleWorld, run_command
) -> None:
    sample_world.accounts = (BERLIN,)
    sample_world.top_level["volume_check"] = {"min_count": 1}
    assert run_command("load", "--date", "2025-03-05").exit_code == 0
    assert server.requests == [], "the first load of an account is no news"
    sandbox.world.restate("acme-berlin", date(2025, 3, 5), "empty")
    sandbox.shapes.extra_fields = True
    assert run_command("load", "--date", "2025-03-05").exit_code == 0
    drift, restated = (json.loads(request.body) for request in server.requests)
    assert (drift["event"], restated["event"]) == ("drift", "restated")
    assert "unknown field items[].novelty in conversation_counter" in drift["problems"]["acme-berlin"]
    assert restated["problems"]["acme-berlin"].startswith("conversations ")
    assert restated["problems"]["acme-berlin"].endswith(" became 0, 2025-03-05")
    assert run_command("load", "--date", "2025-03-05").exit_code == 0
    assert len(server.requests) == 2


def test_apprise_receives_plain_texts_by_reference(
    server: ScriptedServer, sample_world: SampleWorld, run_command, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEAM_CHAT", server.origin.replace("http://", "json://") + "/team")
    sample_world.top_level = {"alerts": {"apprise": ["${TEAM_CHAT}"]}}
    sample_world.accounts = (replace(BERLIN, credential="fake-key-that-nobody-knows"),)
    assert run_command("load", "--date", "2025-03-05").exit_code == 1
    [request] = server.requests
    assert request.path == "/team"
    message = json.loads(request.body)
    assert message["title"] == "chatmart: chatmart load failed. acme-berlin failed."
    assert message["message"].startswith("• acme-berlin: 2025-03-02 to 2025-03-05: acme-berlin (cognigy")
    monkeypatch.setattr("pipelines.cli.steps.failures.is_installed", lambda: False)
    missing = run_command("load", "--date", "2025-03-05").err
    assert "alerts.apprise: no alert can be sent, as the library apprise is not installed: pip install" in missing
    sample_world.top_level = {"alerts": {"apprise": ["json://localhost/plain"]}}
    refused = run_command("load", "--date", "2025-03-05")
    assert (refused.exit_code, "alerts.apprise: is a secret in plain text" in refused.err) == (2, True)
