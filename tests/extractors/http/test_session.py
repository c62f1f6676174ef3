import asyncio
import json
import logging
import re

import httpx
import pytest
from starlette.responses import Response

from extractors import redaction
from extractors.errors import (
    CredentialRefused,
    ExtractionError,
    NotSent,
    RequestRefused,
    Transient,
)
from extractors.http.limits import Limits
from extractors.http.messages import Answer
from extractors.http.session import Client, Session
from tests.support.clock import FakeClock
from tests.support.http_session import KEY, LIMITS, OK, WIRE, account, each, get, talk
from tests.support.scripted_server import Scripted, Seen, raw


def test_an_answer_comes_back_as_it_was_sent(server: Scripted, clock: FakeClock) -> None:
    body = '{"a": 1.10, "ü": "é"}'.encode()
    server.script(raw(body, etag='"x"', set_cookie="a=b", content_type="application/json"))
    answer, client = talk(server.origin, clock, lambda s: get(s, query={"q": "ä b"}, context={"channel": "c1"}))
    assert (answer.body, answer.status, answer.context) == (body, 200, {"channel": "c1"})
    assert answer.fetched_at == clock.now()
    assert "set-cookie" not in answer.headers
    assert answer.headers["etag"] == '"x"'
    (seen,) = server.seen
    assert (seen.method, seen.path, seen.query) == ("GET", "/base/thing", {"q": "ä b"})
    assert seen.headers["x-api-key"] == KEY
    assert seen.headers["accept"] == "application/json"
    assert client.counts.requests == 1
    assert client.counts.bytes == len(body)


@pytest.mark.parametrize("body", [b"", b'{"items": [', b"<html><body>Bad gateway</body></html>", b"[" * 100_000])
def test_a_body_that_is_no_json_is_trouble(server: Scripted, clock: FakeClock, body: bytes) -> None:
    server.script(raw(body), OK)
    answer, _ = talk(server.origin, clock, get)
    assert answer.body == b'{"ok": true}'
    server.script(raw(body))
    said = f"cut short or no JSON, saw {repr(body.decode())[:20]}" if body else "is empty"
    with pytest.raises(Transient, match=re.escape(said)):
        talk(server.origin, clock, get)


def test_an_empty_body_may_be_an_answer(server: Scripted, clock: FakeClock) -> None:
    server.script(raw(b"", 202))
    answer, _ = talk(server.origin, clock, lambda s: s.ask("export", "POST", "/x", once=True, may_be_empty=True))
    assert (answer.status, answer.body) == (202, b"")


def test_a_body_shorter_than_promised_is_trouble(server: Scripted, clock: FakeClock) -> None:
    def cut(request: Seen) -> Response:
        return raw(b'{"a": 1}', content_encoding="gzip") if len(server.seen) == 1 else OK

    server.answer = cut
    answer, _ = talk(server.origin, clock, get)
    assert answer.body == b'{"ok": true}'


@pytest.mark.parametrize("status", [400, 404, 405, 409, 422])
def test_other_refusals_are_final_and_in_the_providers_words(server: Scripted, clock: FakeClock, status: int) -> None:
    told = {"message": f"no\x1b[31m such key {KEY}"}
    server.script(raw(json.dumps(told).encode(), status))
    with pytest.raises(RequestRefused, match=f"HTTP {status}, the provider says: no.*such key") as caught:
        talk(server.origin, clock, get)
    assert caught.value.status == status
    assert json.loads(caught.value.body) == told
    assert "\x1b" not in str(caught.value)
    assert len(server.seen) == 1
    assert clock.slept == []


@pytest.mark.parametrize("status", [401, 403])
def test_a_refused_credential_stops_the_queue(server: Scripted, clock: FakeClock, status: int) -> None:
    server.script(raw(b"{}", status))

    async def many(session: Session) -> list[Answer | BaseException]:
        answers = await each(session, 20)
        assert session.stopped
        return answers

    answers, _ = talk(server.origin, clock, many)
    assert {type(answer) for answer in answers} == {CredentialRefused}
    assert len(server.seen) == 1


def test_a_credential_refused_later_stops_those_that_wait_for_their_turn(server: Scripted, clock: FakeClock) -> None:
    server.answer = lambda _seen: OK if len(server.seen) < 3 else raw(b"{}", 401)
    one_at_a_time = Limits(requests=1, period_seconds=10, concurrency=4)
    answers, _ = talk(server.origin, clock, lambda s: each(s, 30), limits=one_at_a_time)
    assert len(server.seen) <= 3 + one_at_a_time.concurrency - 1  # what was under way cannot be called back
    assert sum(isinstance(answer, CredentialRefused) for answer in answers) == 28


def test_the_first_request_goes_alone(server: Scripted, clock: FakeClock) -> None:
    order: list[str] = []

    def answer(seen: Seen) -> Response:
        order.append(seen.path)
        return raw(b"", 500) if len(order) < 3 else OK

    server.answer = answer
    answers, _ = talk(server.origin, clock, lambda s: each(s, 8))
    assert order[:3] == ["/base/0"] * 3
    assert all(isinstance(answer, Answer) for answer in answers)


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
            await client.http.aclose()
            client.http = httpx.AsyncClient(transport=httpx.MockTransport(handle))
            answers = await each(client.session(account("http://127.0.0.1:1"), LIMITS), 30)
            assert all(isinstance(answer, Answer) for answer in answers)

    asyncio.run(run())
    assert most == LIMITS.concurrency


def test_no_connection_is_tried_again_and_named(clock: FakeClock) -> None:
    with pytest.raises(NotSent, match=r"acme \(cognigy\.stream\): no connection"):
        talk("http://127.0.0.1:1", clock, get)
    assert len(clock.slept) == WIRE.attempts - 1


def test_an_account_whose_provider_is_down_is_stopped(clock: FakeClock) -> None:
    async def many(session: Session) -> list[Answer | BaseException]:
        return await each(session, 50)

    answers, client = talk("http://127.0.0.1:1", clock, many)
    assert all(isinstance(answer, Transient) for answer in answers)
    assert client.counts.requests == WIRE.attempts * WIRE.breaker_after


def test_an_answer_in_between_closes_the_breaker(server: Scripted, clock: FakeClock) -> None:
    server.answer = lambda seen: OK if seen.path.endswith(("0", "3", "6")) else raw(b"", 500)
    answers, _ = talk(server.origin, clock, lambda s: each(s, 8), limits=Limits(None, 1, 1))
    assert [isinstance(answer, Answer) for answer in answers] == [True, False, False, True, False, False, True, False]


@pytest.mark.parametrize("status", [408, 500, 503])
def test_what_creates_something_is_sent_once(server: Scripted, clock: FakeClock, status: int) -> None:
    server.script(raw(b"", status))
    with pytest.raises(Transient):
        talk(server.origin, clock, lambda s: s.ask("export", "POST", "/export", once=True))
    assert len(server.seen) == 1


def test_what_creates_something_is_sent_again_when_it_was_not_let_in(server: Scripted, clock: FakeClock) -> None:
    server.script(raw(b"", 429, retry_after="1"), OK)
    talk(server.origin, clock, lambda s: s.ask("export", "POST", "/export", once=True))
    assert len(server.seen) == 2


def test_no_secret_in_logs_and_errors(server: Scripted, clock: FakeClock, caplog: pytest.LogCaptureFixture) -> None:
    server.script(raw(json.dumps({"detail": f"key {KEY} and {KEY.upper()}"}).encode(), 400))
    redaction.register(KEY)
    with caplog.at_level(logging.DEBUG), pytest.raises(ExtractionError) as caught:
        talk(server.origin, clock, get, auth="query")
    assert KEY not in str(caught.value)
    ours = [record for record in caplog.records if not record.name.startswith("uvicorn")]
    assert {record.name for record in ours} >= {"chatmart.http"}
    assert not any(KEY in record.getMessage() for record in ours)
