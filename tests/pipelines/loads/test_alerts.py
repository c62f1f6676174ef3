import json
import logging
import sys
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from starlette.responses import Response

from extractors import redaction
from extractors.http.network import Network
from pipelines.configuration.alert_settings import Alerts
from pipelines.loads.alerts import MAX_ATTEMPTS, Alert, send_alert
from pipelines.loads.failures import MAX_DETAIL_LINES, MAX_LISTED_ACCOUNTS, retry_advice
from tests.support.certificates import create_authority
from tests.support.proxy import run_proxy
from tests.support.raw_server import encode_response, run_raw_server
from tests.support.scripted_server import ScriptedServer, raw_response, run_scripted_server

ALERT = Alert(
    command="load_cognigy",
    run_id="r1",
    summary="acme failed; the other accounts are loaded.",
    advice="Mend the key.",
    problems={"acme": "2025-03-01 to 2025-03-03: HTTP 401"},
    providers=["cognigy"],
    days="2025-03-01 to 2025-03-04",
)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with run_scripted_server() as running:
        yield running


def build_alerts(server: ScriptedServer, path: str = "/services/T0/B0/not-a-real-hook") -> Alerts:
    return Alerts(webhook=SecretStr(server.origin + path))


def read_messages(server: ScriptedServer) -> list[Any]:
    return [json.loads(request.body) for request in server.requests]


def test_one_request_with_a_text_and_plain_fields(server: ScriptedServer) -> None:
    assert send_alert(build_alerts(server), ALERT)
    [message] = read_messages(server)
    assert [server.requests[0].method, server.requests[0].path] == ["POST", "/services/T0/B0/not-a-real-hook"]
    assert server.requests[0].headers["content-type"] == "application/json"
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


def test_nothing_is_sent_unless_a_webhook_is_configured(server: ScriptedServer) -> None:
    assert not send_alert(Alerts(), ALERT)
    assert server.requests == []


def test_many_accounts_make_a_short_text() -> None:
    problems = {f"acme-{number}": "it broke" for number in range(200)}
    message = Alert("load", "r1", "many failed.", "Mend them.", problems).build_message()
    assert len(message["text"].splitlines()) == MAX_LISTED_ACCOUNTS + 3
    assert "and 190 more accounts" in message["text"]
    assert len(message["accounts"]) == 200
    assert len(message["problems"]) == MAX_DETAIL_LINES


def test_secrets_are_redacted_in_every_field(server: ScriptedServer) -> None:
    redaction.register_secrets("sk-planted-0123456789")
    alert = Alert("load", "r1", "said sk-planted-0123456789", "sk-planted-0123456789", {"a": "sk-planted-0123456789"})
    assert send_alert(build_alerts(server), alert)
    assert b"sk-planted" not in server.requests[0].body
    assert server.requests[0].body.count(b"[redacted]") == 6


@pytest.mark.parametrize("status", [408, 429, 500, 503])
def test_a_passing_failure_is_retried(server: ScriptedServer, status: int) -> None:
    waits: list[float] = []
    server.script(raw_response(b"", status), raw_response(b"ok"))
    assert send_alert(build_alerts(server), ALERT, sleep=waits.append)
    assert len(server.requests) == 2
    assert len(waits) == 1


def test_attempts_and_waits_are_few(server: ScriptedServer, caplog: pytest.LogCaptureFixture) -> None:
    waits: list[float] = []
    server.script(raw_response(b"", 500))
    assert not send_alert(build_alerts(server), ALERT, sleep=waits.append)
    assert len(server.requests) == MAX_ATTEMPTS
    assert sum(waits) < 10
    assert "HTTP 500" in caplog.text


@pytest.mark.parametrize("status", [400, 403, 404, 410])
def test_a_refusal_is_final(server: ScriptedServer, status: int, caplog: pytest.LogCaptureFixture) -> None:
    server.script(raw_response(b"no_service", status))
    assert not send_alert(build_alerts(server), ALERT)
    assert len(server.requests) == 1
    assert f"HTTP {status}" in caplog.text


def test_a_redirect_is_not_followed(server: ScriptedServer) -> None:
    server.respond = lambda _request: Response(status_code=302, headers={"location": server.origin + "/elsewhere"})
    assert not send_alert(build_alerts(server), ALERT)
    assert [request.path for request in server.requests] == ["/services/T0/B0/not-a-real-hook"]


def test_an_unreachable_webhook_is_logged_without_its_address(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    gone = Alerts(webhook=SecretStr("http://127.0.0.1:9/services/not-a-real-hook"))
    assert not send_alert(gone, ALERT, sleep=lambda _seconds: None)
    assert "the alert was not delivered (ConnectError)" in caplog.text
    assert "not-a-real-hook" not in caplog.text


def test_the_advice_ends_with_a_command_to_paste() -> None:
    days = [date(2025, 3, 1), date(2025, 3, 9)]
    advice = retry_advice(["acme", "globex"], days, 35)
    assert "for 35 days" in advice
    assert advice.endswith("chatmart backfill --from 2025-03-01 --to 2025-03-09 --account acme --account globex")
    assert retry_advice(["acme"], [], 35).endswith("chatmart load --account acme")


def test_an_alert_goes_through_the_configured_proxy_only(
    server: ScriptedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with run_proxy() as proxy:
        url = f"http://127.0.0.1:{proxy.port}"
        assert send_alert(build_alerts(server), ALERT, Network(url))
        assert [request.method for request in proxy.requests] == ["POST"]
        monkeypatch.setenv("HTTP_PROXY", url)
        monkeypatch.setenv("http_proxy", url)
        assert send_alert(build_alerts(server), ALERT)
        assert len(proxy.requests) == 1
    assert len(server.requests) == 2


def test_a_webhook_whose_certificate_is_not_trusted_is_named(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    authority, waits = create_authority(tmp_path), []
    with run_raw_server(authority.server_context) as server, caplog.at_level(logging.ERROR, "chatmart.alerts"):
        alerts = Alerts(webhook=SecretStr(f"{server.origin}/hook"))
        assert not send_alert(alerts, ALERT, sleep=waits.append)
        server.respond = lambda request: request.connection.sendall(encode_response(b"")) is not None
        assert send_alert(alerts, ALERT, Network(ca_file=authority.ca_file))
    assert waits == []
    assert "the certificate of its host is not trusted" in caplog.text
    assert "network.ca_file" in caplog.text


ATTACKS = [
    ("<!channel> <!here> <@U1>", "&lt;!channel&gt; &lt;!here&gt; &lt;@U1&gt;"),
    ("<https://evil.test|docs>", "&lt;https://evil.test|docs&gt;"),
    ("[docs](https://evil.test)", "[docs] (https://evil.test)"),
    ("@here @channel @all @everyone me@example.test", "＠here ＠channel ＠all ＠everyone me@example.test"),
    ("a & b", "a &amp; b"),
    ("\x1b[2J\x1b]0;t\x07\u202e\ud83d", "?[2J?]0;t???"),
]


@pytest.mark.parametrize(("attack", "shown"), ATTACKS)
def test_a_providers_text_is_shown_as_it_is(attack: str, shown: str) -> None:
    message = Alert("load", "r1", f"said {attack}", f"mend {attack}", {"acme": attack}).build_message()
    assert message["text"].splitlines() == [
        f"chatmart: load failed. said {shown}",
        f"• acme: {shown}",
        f"mend {shown}",
    ]
    assert all(field.isprintable() for field in (message["summary"], message["advice"], message["problems"]["acme"]))


def test_a_long_word_makes_a_short_alert() -> None:
    word = "w" * 10**6
    problems = {f"acme-{number}": f"begins {word} ends" for number in range(200)}
    message = Alert("load", "r1", word, word, problems).build_message()
    assert len(message["text"]) < 10_000
    assert "begins wwww" in message["text"]
    assert "wwww ends" in message["text"]
    assert len(json.dumps(message)) < 150_000


def test_a_receiver_of_apprise_that_fails_is_logged_without_its_address(
    server: ScriptedServer, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    caplog.set_level(logging.DEBUG)
    server.script(raw_response(b"no", 404))
    address = server.origin.removeprefix("http://")
    urls = (SecretStr(f"json://{address}/not-a-real-hook"), SecretStr("nobody-knows-this://not-a-real-hook"))
    assert not send_alert(Alerts(apprise=urls), ALERT)
    assert "the alert was not delivered (the receiver did not accept it" in caplog.text
    assert "see alerts.apprise[0] in the configuration" in caplog.text
    assert "(apprise does not know this kind of URL); see alerts.apprise[1]" in caplog.text
    assert "not-a-real-hook" not in caplog.text
    monkeypatch.setitem(sys.modules, "apprise", None)
    assert not send_alert(Alerts(apprise=urls[:1]), ALERT)
    assert "the library apprise is not installed: pip install 'chatmart[alerts]'" in caplog.text


def test_both_kinds_of_receivers_get_the_message(server: ScriptedServer) -> None:
    address = server.origin.removeprefix("http://")
    alerts = Alerts(webhook=SecretStr(f"{server.origin}/hook"), apprise=(SecretStr(f"json://{address}/chat"),))
    hostile = Alert("load", "r1", "<!channel> failed.", "See [docs](https://a.test).", {"acme": "@here <b>"})
    assert send_alert(alerts, hostile)
    assert [request.path for request in server.requests] == ["/hook", "/chat"]
    message = json.loads(server.requests[1].body)
    assert (message["title"], message["message"]) == (
        "chatmart: load failed. ‹!channel› failed.",
        "• acme: ＠here ‹b›\nSee [docs] (https://a.test).",
    )
