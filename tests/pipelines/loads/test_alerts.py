import json
import logging
from collections.abc import Iterator
from datetime import date
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.responses import Response

from extractors import redaction
from pipelines.configuration.settings import Alerts
from pipelines.loads.alerts import ATTEMPTS, LINES, Alert, ask_again, send
from pipelines.loads.failures import SHOWN
from tests.support.scripted_server import Scripted, raw, scripted

ALERT = Alert(
    what="load_cognigy",
    run_id="r1",
    summary="acme failed; the other accounts are loaded.",
    advice="Mend the key.",
    problems={"acme": "2025-03-01 to 2025-03-03: HTTP 401"},
    providers=["cognigy"],
    days="2025-03-01 to 2025-03-04",
)


@pytest.fixture
def server() -> Iterator[Scripted]:
    with scripted() as running:
        yield running


def to(server: Scripted, path: str = "/services/T0/B0/not-a-real-hook") -> Alerts:
    return Alerts(webhook=SecretStr(server.origin + path))


def sent(server: Scripted) -> list[Any]:

    return [json.loads(each.body) for each in server.seen]


def test_one_request_with_a_text_and_plain_fields(server: Scripted) -> None:
    assert send(to(server), ALERT)
    [message] = sent(server)
    assert [server.seen[0].method, server.seen[0].path] == ["POST", "/services/T0/B0/not-a-real-hook"]
    assert server.seen[0].headers["content-type"] == "application/json"
    assert message["text"].splitlines() == [
        "chatmart: load_cognigy failed. acme failed; the other accounts are loaded.",
        "• acme: 2025-03-01 to 2025-03-03: HTTP 401",
        "Mend the key.",
    ]
    assert {name: message[name] for name in ("event", "what", "run_id", "accounts", "providers", "days")} == {
        "event": "run_failed",
        "what": "load_cognigy",
        "run_id": "r1",
        "accounts": ["acme"],
        "providers": ["cognigy"],
        "days": "2025-03-01 to 2025-03-04",
    }
    assert message["problems"] == dict(ALERT.problems)


def test_nothing_is_sent_unless_a_webhook_is_configured(server: Scripted) -> None:
    assert not send(Alerts(), ALERT)
    assert server.seen == []


def test_many_accounts_make_a_short_text() -> None:
    problems = {f"acme-{number}": "it broke" for number in range(200)}
    message = Alert("load", "r1", "many failed.", "Mend them.", problems).message()
    assert len(message["text"].splitlines()) == LINES + 3
    assert "and 190 more accounts" in message["text"]
    assert len(message["accounts"]) == 200
    assert len(message["problems"]) == SHOWN


def test_secrets_are_masked_wherever_they_stand(server: Scripted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redaction, "_secrets", set())
    redaction.register("sk-planted-0123456789")
    alert = Alert("load", "r1", "said sk-planted-0123456789", "sk-planted-0123456789", {"a": "sk-planted-0123456789"})
    assert send(to(server), alert)
    assert b"sk-planted" not in server.seen[0].body
    assert server.seen[0].body.count(b"[redacted]") == 6


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_what_may_pass_is_tried_again(server: Scripted, status: int) -> None:
    waits: list[float] = []
    server.script(raw(b"", status), raw(b"ok"))
    assert send(to(server), ALERT, sleep=waits.append)
    assert len(server.seen) == 2
    assert len(waits) == 1


def test_attempts_and_waits_are_few(server: Scripted, caplog: pytest.LogCaptureFixture) -> None:
    waits: list[float] = []
    server.script(raw(b"", 500))
    assert not send(to(server), ALERT, sleep=waits.append)
    assert len(server.seen) == ATTEMPTS
    assert sum(waits) < 10
    assert "HTTP 500" in caplog.text


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_a_refusal_is_final(server: Scripted, status: int, caplog: pytest.LogCaptureFixture) -> None:
    server.script(raw(b"no_service", status))
    assert not send(to(server), ALERT)
    assert len(server.seen) == 1
    assert f"HTTP {status}" in caplog.text


def test_a_redirect_is_not_followed(server: Scripted) -> None:
    server.answer = lambda _seen: Response(status_code=302, headers={"location": server.origin + "/elsewhere"})
    assert not send(to(server), ALERT)
    assert [each.path for each in server.seen] == ["/services/T0/B0/not-a-real-hook"]


def test_a_webhook_that_is_not_there_is_logged_without_its_address(
    server: Scripted, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    gone = Alerts(webhook=SecretStr("http://127.0.0.1:9/services/not-a-real-hook"))
    assert not send(gone, ALERT, sleep=lambda _seconds: None)
    assert "the alert was not delivered (ConnectError)" in caplog.text
    assert "not-a-real-hook" not in caplog.text


def test_what_to_do_is_a_command_to_paste() -> None:
    days = [date(2025, 3, 1), date(2025, 3, 9)]
    told = ask_again(["acme", "globex"], days, 35)
    assert "for 35 days" in told
    assert told.endswith("chatmart backfill --from 2025-03-01 --to 2025-03-09 --account acme --account globex")
    assert ask_again(["acme"], [], 35).endswith("chatmart load --account acme")
