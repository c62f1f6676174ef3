"""Whom a daily load that failed tells, and of what."""

import json
import signal
from collections.abc import Iterator
from dataclasses import replace

import pytest

from pipelines.cli.commands import load as loads
from tests.support.sample_world import BERLIN, NEW_YORK, Shop
from tests.support.scripted_server import Scripted, raw, scripted


@pytest.fixture
def server(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scripted]:
    with scripted() as running:
        monkeypatch.setenv("ALERT_WEBHOOK", running.origin + "/hook")
        shop.top = {"alerts": {"webhook": "${ALERT_WEBHOOK}"}}
        yield running


def test_a_daily_load_that_failed_tells_the_webhook(server: Scripted, shop: Shop, run) -> None:
    bad = replace(BERLIN, credential="fake-key-that-nobody-knows")
    shop.accounts = (bad, NEW_YORK)
    assert run("load", "--date", "2025-03-05").code == 1
    [request] = server.seen
    message = json.loads(request.body)
    assert message["accounts"] == ["acme-berlin"]
    assert message["what"] == "chatmart load"
    assert message["days"] == "2025-03-02 to 2025-03-05"
    assert "• acme-berlin: 2025-03-02 to 2025-03-05: acme-berlin (cognigy" in message["text"]
    assert message["advice"] == "To ask again: chatmart load --date 2025-03-05 --account acme-berlin"
    assert bad.credential.encode() not in request.body


def test_a_warehouse_that_cannot_be_written_is_told_of_too(server: Scripted, shop: Shop, run) -> None:
    place = shop.workspace().store.location
    place.parent.mkdir(parents=True, exist_ok=True)
    place.with_name(f"_{place.name}.loader").write_bytes(b"this is no database")
    assert run("load", "--date", "2025-03-05").code in (1, 2)
    [request] = server.seen
    assert json.loads(request.body)["accounts"] == []


def test_a_published_warehouse_that_cannot_be_read_is_told_of(server: Scripted, shop: Shop, run) -> None:
    place = shop.workspace().store.location
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_bytes(b"this is no database")
    assert run("load").code == 2
    assert len(server.seen) == 1


def test_what_nobody_foresaw_is_told_of(server: Scripted, shop: Shop, run, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_arguments: object, **_named: object) -> None:
        raise TypeError("boom")

    monkeypatch.setattr("pipelines.cli.commands.load.run", broken)
    with pytest.raises(TypeError, match="boom"):
        run("load", "--date", "2025-03-05")
    assert len(server.seen) == 1


def test_who_failed_before_the_load_was_ended_is_told_of(
    server: Scripted, shop: Shop, run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def ended(*arguments: object, **named: object) -> object:
        result = original(*arguments, **named)
        signal.raise_signal(signal.SIGTERM)
        return result

    original = loads.run
    monkeypatch.setattr(loads, "run", ended)
    shop.accounts = (replace(BERLIN, credential="fake-key-that-nobody-knows"), NEW_YORK)
    assert run("load", "--date", "2025-03-05").code == 143
    assert json.loads(server.seen[0].body)["accounts"] == ["acme-berlin"]


def test_where_all_failed_no_other_account_is_loaded(server: Scripted, shop: Shop, run) -> None:
    shop.accounts = (replace(BERLIN, credential="fake-key-that-nobody-knows"),)
    assert run("load", "--date", "2025-03-05").code == 1
    assert json.loads(server.seen[0].body)["summary"] == "acme-berlin failed."


def test_a_webhook_that_is_down_changes_nothing(server: Scripted, shop: Shop, run) -> None:
    server.script(raw(b"gone", 410))
    shop.accounts = (replace(BERLIN, credential="fake-key-that-nobody-knows"), NEW_YORK)
    said = run("load", "--date", "2025-03-05")
    assert said.code == 1
    assert "the alert was not delivered (HTTP 410)" in said.err
    assert len(shop.view("conversation_daily")) == 4


def test_nothing_is_told_of_what_went_well_or_of_a_back_fill(server: Scripted, shop: Shop, run) -> None:
    assert run("load", "--date", "2025-03-05").code == 0
    shop.accounts = (replace(BERLIN, credential="fake-key-that-nobody-knows"),)
    assert run("backfill", "--from", "2025-03-01", "--to", "2025-03-01").code == 1
    assert server.seen == []
