"""The alert that a failed daily load sends to the webhook."""

import json
import signal
from collections.abc import Iterator
from dataclasses import replace

import pytest

from pipelines.cli.actions import load as loads
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
