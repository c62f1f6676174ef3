import asyncio
import json
import logging
import re

import httpx
import pytest
from starlette.responses import Response as StarletteResponse

from extractors import redaction
from extractors.errors import (
    CredentialRefused,
    ExtractionError,
    NotSent,
    RequestRefused,
    ShapeError,
    Transient,
)
from extractors.http.client import Client
from extractors.http.limits import RequestLimits
from extractors.http.messages import BodyRules, Response
from extractors.http.session import Session
from tests.support.clock import FakeClock
from tests.support.http_session import (
    API_KEY,
    HTTP_SETTINGS,
    LIMITS,
    OK_RESPONSE,
    build_account,
    get_many,
    get_thing,
    run_session,
)
from tests.support.scripted_server import ReceivedRequest, ScriptedServer, raw_response


def test_an_answer_comes_back_as_it_was_sent(server: ScriptedServer, clock: FakeClock) -> None:
    body = '{"a": 1.10, "ü": "é"}'.encode()
    server.script(raw_response(body, etag='"x"', set_cookie="a=b", content_type="application/json"))
    answer, client = run_session(
        server.origin, clock, lambda s: get_thing(s, query={"q": "ä b"}, context={"channel": "c1"})
    )
    assert (answer.body, answer.status, answer.context) == (body, 200, {"channel": "c1"})
    assert answer.fetched_at == clock.now()
    assert "set-cookie" not in answer.headers
    assert answer.headers["etag"] == '"x"'
    (seen,) = server.requests
    assert (seen.method, seen.path, seen.query) == ("GET", "/base/thing", {"q": "ä b"})
    assert seen.headers["x-api-key"] == API_KEY
    assert seen.headers["accept"] == "application/json"
    assert client.stats.requests == 1
    assert client.stats.bytes == len(body)


@pytest.mark.parametrize("body", [b"", b'{"items": [', b"<html><body>Bad gateway</body></html>", b"[" * 100_000])
def test_a_body_that_is_no_json_is_trouble(server: ScriptedServer, clock: FakeClock, body: bytes) -> None:
    server.script(raw_response(body), OK_RESPONSE)
    answer, _ = run_session(server.origin, clock, get_thing)
    assert answer.body == b'{"ok": true}'
    server.script(raw_response(body))
    message = f"cut short or no JSON, saw {repr(body.decode())[:20]}" if body else "is empty"
    with pytest.raises(Transient, match=re.escape(message)):
        run_session(server.origin, clock, get_thing)


def test_a_body_with_a_key_that_stands_twice_is_refused_at_once(server: ScriptedServer, clock: FakeClock) -> None:
    server.script(raw_response(b'{"total": 5, "total": 0}'), OK_RESPONSE)
    with pytest.raises(ShapeError, match=r"field total: stands twice in one object, saw \[5, 0\]"):
        run_session(server.origin, clock, get_thing)
    assert len(server.requests) == 1


def test_a_failure_inside_a_200_is_refused_with_the_providers_words(server: ScriptedServer, clock: FakeClock) -> None:
    server.script(raw_response(b'{"items": [], "errors": [{"message": "out of memory"}]}'), OK_RESPONSE)
    with pytest.raises(RequestRefused, match="HTTP 200, but the provider says: out of memory"):
        run_session(server.origin, clock, get_thing)
    assert len(server.requests) == 1


def test_a_caller_may_read_a_reported_failure_itself(server: ScriptedServer, clock: FakeClock) -> None:
    server.script(raw_response(b'{"status": "failed", "error": "disk full"}'))
    rules = BodyRules(allow_failure=True)
    answer, _ = run_session(server.origin, clock, lambda s: s.request("export", "GET", "/x", body_rules=rules))
    assert answer.root == {"status": "failed", "error": "disk full"}


def test_an_empty_body_may_be_an_answer(server: ScriptedServer, clock: FakeClock) -> None:
    server.script(raw_response(b"", 202))
    answer, _ = run_session(
        server.origin,
        clock,
        lambda s: s.request(
            "export", "POST", "/x", send_once=True, body_rules=BodyRules(statuses=(202,), allow_empty=True)
        ),
    )
    assert (answer.status, answer.body) == (202, b"")


def test_a_body_shorter_than_promised_is_trouble(server: ScriptedServer, clock: FakeClock) -> None:
    def cut(request: ReceivedRequest) -> StarletteResponse:
        return raw_response(b'{"a": 1}', content_encoding="gzip") if len(server.requests) == 1 else OK_RESPONSE

    server.respond = cut
    answer, _ = run_session(server.origin, clock, get_thing)
    assert answer.body == b'{"ok": true}'


@pytest.mark.parametrize("status", [400, 404, 405, 409, 422])
def test_other_refusals_are_final_and_in_the_providers_words(
    server: ScriptedServer, clock: FakeClock, status: int
) -> None:
    error_body = {"message": f"no\x1b[31m such key {API_KEY}"}
    server.script(raw_response(json.dumps(error_body).encode(), status))
    with pytest.raises(RequestRefused, match=f"HTTP {status}, the provider says: no.*such key") as caught:
        run_session(server.origin, clock, get_thing)
    assert caught.value.status == status
    assert json.loads(caught.value.body) == error_body
    assert "\x1b" not in str(caught.value)
    assert len(server.requests) == 1
    assert clock.sleeps_seconds == []


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_credential_stops_the_queue(server: ScriptedServer, clock: FakeClock, status: int) -> None:
    server.script(raw_response(b"{}", status))

    async def flood(session: Session) -> list[Response | BaseException]:
        answers = await get_many(session, 20)
        assert session.is_stopped
        return answers

    answers, _ = run_session(server.origin, clock, flood)
    assert {type(answer) for answer in answers} == {CredentialRefused}
    assert len(server.requests) == 1


def test_a_credential_refused_later_stops_those_that_wait_for_their_turn(
    server: ScriptedServer, clock: FakeClock
) -> None:
    server.respond = lambda _seen: OK_RESPONSE if len(server.requests) < 3 else raw_response(b"{}", 401)
    one_at_a_time = RequestLimits(requests=1, period_seconds=10, concurrency=4)
    answers, _ = run_session(server.origin, clock, lambda s: get_many(s, 30), limits=one_at_a_time)
    assert len(server.requests) <= 3 + one_at_a_time.concurrency - 1  # what was under way cannot be called back
    assert sum(isinstance(answer, CredentialRefused) for answer in answers) == 28


def test_the_first_request_goes_alone(server: ScriptedServer, clock: FakeClock) -> None:
    order: list[str] = []

    def answer(seen: ReceivedRequest) -> StarletteResponse:
        order.append(seen.path)
        return raw_response(b"", 500) if len(order) < 3 else OK_RESPONSE

    server.respond = answer
    answers, _ = run_session(server.origin, clock, lambda s: get_many(s, 8))
    assert order[:3] == ["/base/0"] * 3
    assert all(isinstance(answer, Response) for answer in answers)


def test_no_more_requests_at_once_than_allowed(clock: FakeClock) -> None:
    running, most = 0, 0

    async def handle(request: httpx.Request) -> httpx.Response:
        nonlocal running, most
        running += 1
        most = max(most, running)
        for _ in range(5):
            await asyncio.sleep(0)
        running -= 1
        return httpx.Response(200, json={})

    async def run() -> None:
        async with Client(clock=clock) as client:
            await client.httpx_client.aclose()
            client.httpx_client = httpx.AsyncClient(transport=httpx.MockTransport(handle))
            answers = await get_many(client.open_session(build_account("http://127.0.0.1:1"), LIMITS), 30)
            assert all(isinstance(answer, Response) for answer in answers)

    asyncio.run(run())
    assert most == LIMITS.concurrency


def test_no_connection_is_tried_again_and_named(clock: FakeClock) -> None:
    with pytest.raises(NotSent, match=r"acme \(cognigy\.stream\): no connection"):
        run_session("http://127.0.0.1:1", clock, get_thing)
    assert len(clock.sleeps_seconds) == HTTP_SETTINGS.max_attempts - 1


def test_an_account_whose_provider_is_down_is_stopped(clock: FakeClock) -> None:
    async def flood(session: Session) -> list[Response | BaseException]:
        return await get_many(session, 50)

    answers, client = run_session("http://127.0.0.1:1", clock, flood)
    assert all(isinstance(answer, Transient) for answer in answers)
    assert client.stats.requests == HTTP_SETTINGS.max_attempts * HTTP_SETTINGS.breaker_threshold


def test_an_answer_in_between_closes_the_breaker(server: ScriptedServer, clock: FakeClock) -> None:
    server.respond = lambda seen: OK_RESPONSE if seen.path.endswith(("0", "3", "6")) else raw_response(b"", 500)
    answers, _ = run_session(server.origin, clock, lambda s: get_many(s, 8), limits=RequestLimits(None, 1, 1))
    assert [isinstance(answer, Response) for answer in answers] == [True, False, False, True, False, False, True, False]


@pytest.mark.parametrize("status", [408, 500, 503])
def test_what_creates_something_is_sent_once(server: ScriptedServer, clock: FakeClock, status: int) -> None:
    server.script(raw_response(b"", status))
    with pytest.raises(Transient):
        run_session(server.origin, clock, lambda s: s.request("export", "POST", "/export", send_once=True))
    assert len(server.requests) == 1


def test_what_creates_something_is_sent_again_when_it_was_not_let_in(server: ScriptedServer, clock: FakeClock) -> None:
    server.script(raw_response(b"", 429, retry_after="1"), OK_RESPONSE)
    run_session(server.origin, clock, lambda s: s.request("export", "POST", "/export", send_once=True))
    assert len(server.requests) == 2


def test_no_secret_in_logs_and_errors(
    server: ScriptedServer, clock: FakeClock, caplog: pytest.LogCaptureFixture
) -> None:
    server.script(raw_response(json.dumps({"detail": f"key {API_KEY} and {API_KEY.upper()}"}).encode(), 400))
    redaction.register_secrets(API_KEY)
    with caplog.at_level(logging.DEBUG), pytest.raises(ExtractionError) as caught:
        run_session(server.origin, clock, get_thing, auth="query")
    assert API_KEY not in str(caught.value)
    ours = [record for record in caplog.records if not record.name.startswith("uvicorn")]
    assert {record.name for record in ours} >= {"chatmart.http"}
    assert not any(API_KEY in record.getMessage() for record in ours)
