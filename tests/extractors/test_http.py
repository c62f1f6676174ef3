import asyncio
import gzip
import json
import logging
import re
from collections.abc import Awaitable, Callable, Iterator
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.responses import Response

from extractors import redaction, wire
from extractors.answers import Answer
from extractors.cognigy import CognigyAccount
from extractors.errors import (
    AnswerTooLarge,
    CredentialRefused,
    Deferred,
    ExtractionError,
    ForbiddenHost,
    NotSent,
    RequestRefused,
    Transient,
)
from extractors.http import Client, Session, Wire
from extractors.limits import Limits
from tests.support.clock import FakeClock
from tests.support.scripted import Scripted, Seen, endless, raw, scripted

KEY = "fake-key-of-these-tests"
LIMITS = Limits(requests=None, period_seconds=1, concurrency=4)
OK = raw(b'{"ok": true}')
WIRE = Wire()


@pytest.fixture(scope="module")
def running() -> Iterator[Scripted]:
    with scripted() as server:
        yield server


@pytest.fixture
def server(running: Scripted) -> Scripted:
    running.seen.clear()
    running.script(OK)
    return running


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


def account(origin: str, name: str = "acme", **settings: Any) -> CognigyAccount:
    return CognigyAccount.model_validate(
        {"name": name, "base_url": f"{origin}/base", "project_id": "5" * 24, "api_key": KEY, **settings}
    )


def talk(
    origin: str,
    clock: FakeClock,
    conversation: Callable[[Session], Awaitable[Any]],
    *,
    limits: Limits = LIMITS,
    how: Wire = WIRE,
    **settings: Any,
) -> tuple[Any, Client]:
    async def run() -> tuple[Any, Client]:
        async with Client(how, clock) as client:
            return await conversation(client.session(account(origin, **settings), limits)), client

    return asyncio.run(run())


def get(session: Session, path: str = "/thing", **more: Any) -> Awaitable[Answer]:
    return session.ask("stream", "GET", path, **more)


async def each(session: Session, count: int) -> list[Answer | BaseException]:
    return await asyncio.gather(*(get(session, f"/{number}") for number in range(count)), return_exceptions=True)


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


def test_a_get_has_no_body_and_a_post_has_json(server: Scripted, clock: FakeClock) -> None:
    async def both(session: Session) -> None:
        await get(session)
        await session.ask("stream", "POST", "/query", body={"ü": [1, None]})

    talk(server.origin, clock, both)
    first, second = server.seen
    assert first.body == b""
    assert "content-length" not in first.headers
    assert "content-type" not in first.headers
    assert json.loads(second.body) == {"ü": [1, None]}
    assert second.headers["content-type"] == "application/json"


def test_cookies_are_not_kept(server: Scripted, clock: FakeClock) -> None:
    server.script(raw(b"{}", set_cookie="session=1; Path=/"))

    async def twice(session: Session) -> None:
        await get(session)
        await get(session)

    talk(server.origin, clock, twice)
    assert all("cookie" not in seen.headers for seen in server.seen)


@pytest.mark.parametrize("auth", ["header", "bearer", "query"])
def test_the_credential_travels_in_one_way(server: Scripted, clock: FakeClock, auth: str) -> None:
    talk(server.origin, clock, lambda s: get(s, query={"month": "1"}), auth=auth)
    (seen,) = server.seen
    ways = (seen.headers.get("x-api-key"), seen.headers.get("authorization"), seen.query.get("api_key"))
    assert (
        ways == {"header": (KEY, None, None), "bearer": (None, f"Bearer {KEY}", None), "query": (None, None, KEY)}[auth]
    )
    assert seen.query["month"] == "1"


def test_gzip_is_undone(server: Scripted, clock: FakeClock) -> None:
    server.script(raw(gzip.compress(b'{"a": 1}'), content_encoding="gzip"))
    answer, _ = talk(server.origin, clock, get)
    assert answer.body == b'{"a": 1}'


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_trouble_is_tried_again_with_jitter(server: Scripted, clock: FakeClock, status: int) -> None:
    server.script(raw(b"", status), raw(b"", status), OK)
    answer, client = talk(server.origin, clock, get)
    assert answer.status == 200
    assert (client.counts.requests, client.counts.retries, len(clock.slept)) == (3, 2, 2)
    assert all(0 <= pause <= 20 for pause in clock.slept)


def test_trouble_that_stays_is_given_up(server: Scripted, clock: FakeClock) -> None:
    server.script(raw(b'{"title": "Bad", "detail": "try\\nlater"}', 503))
    with pytest.raises(Transient, match=r"acme \(cognigy\.stream\): HTTP 503, the provider says: try later; .*again"):
        talk(server.origin, clock, get)
    assert len(server.seen) == WIRE.attempts


def test_retries_are_counted_as_they_happen(server: Scripted, clock: FakeClock) -> None:
    server.script(raw(b"", 500))

    async def fail(session: Session) -> None:
        with pytest.raises(Transient):
            await get(session)

    _, client = talk(server.origin, clock, fail)
    assert client.counts.retries == client.counts.requests - 1 == WIRE.attempts - 1


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


@pytest.mark.parametrize(
    ("told", "waits"), [("7", 7.0), ("0", 0.0), ("2.5", 2.5), ("Sat, 10 Jan 2026 12:00:30 GMT", 30.0)]
)
def test_a_429_waits_as_long_as_it_says(server: Scripted, clock: FakeClock, told: str, waits: float) -> None:
    server.script(raw(b"{}", 429, retry_after=told), OK)
    talk(server.origin, clock, get)
    assert len(server.seen) == 2
    assert waits <= clock.seconds <= waits + WIRE.backoff_cap_seconds


@pytest.mark.parametrize("told", ["soon", "-5", "nan", "inf", "1e400", "Wed, 21 Oct 20150000000 07:28:00 GMT", ""])
def test_a_429_that_says_nonsense_is_tried_again_by_back_off(server: Scripted, clock: FakeClock, told: str) -> None:
    server.script(raw(b"{}", 429, retry_after=told), OK)
    talk(server.origin, clock, get)
    assert clock.seconds <= WIRE.backoff_cap_seconds


@pytest.mark.parametrize("told", ["61", "99999999999999999999", "Sat, 10 Jan 2026 12:30:00 GMT"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_limit_too_far_away_is_deferred(server: Scripted, clock: FakeClock, told: str, status: int) -> None:
    server.script(raw(b"{}", status, retry_after=told))
    with pytest.raises(Deferred, match="run the same command again after that") as caught:
        talk(server.origin, clock, get)
    assert len(server.seen) == 1
    assert clock.seconds == 0
    assert caught.value.until is not None
    assert caught.value.until > clock.now() + timedelta(seconds=60)
    assert f"{caught.value.until:%Y-%m-%d %H:%M:%S} UTC" in str(caught.value)


def test_trouble_that_says_when_to_come_back_is_heard(server: Scripted, clock: FakeClock) -> None:
    server.script(raw(b"{}", 503, retry_after="50"), OK)
    talk(server.origin, clock, get)
    assert 50 <= clock.seconds <= 50 + WIRE.backoff_cap_seconds


def test_many_short_waits_end_where_one_long_would(server: Scripted, clock: FakeClock) -> None:
    server.script(raw(b"{}", 429, retry_after="25"))
    with pytest.raises(Deferred):
        talk(server.origin, clock, get, max_wait_seconds=60)
    assert len(server.seen) == 3


def test_a_limit_is_waited_for_however_often_it_answers(server: Scripted, clock: FakeClock) -> None:
    server.script(*[raw(b"{}", 429, retry_after="1")] * 12, OK)
    talk(server.origin, clock, get, how=Wire(backoff_cap_seconds=1), max_wait_seconds=60)
    assert len(server.seen) == 13


def test_a_far_limit_holds_the_whole_origin(server: Scripted, clock: FakeClock) -> None:
    server.answer = lambda _seen: OK if len(server.seen) == 1 else raw(b"{}", 429, retry_after="3600")

    async def run() -> list[Answer | BaseException]:
        async with Client(clock=clock) as client:
            one = client.session(account(server.origin), Limits(None, 1, 1))
            other = client.session(account(server.origin, "other"), Limits(None, 1, 1))
            await get(one)
            return [*await each(one, 10), *await each(other, 10)]

    answers = asyncio.run(run())
    assert {type(answer) for answer in answers} == {Deferred}
    assert len(server.seen) == 2


def test_a_429_slows_down_and_recovers(server: Scripted, clock: FakeClock) -> None:
    server.script(OK, raw(b"{}", 429, retry_after="1"), OK)
    pace = Limits(requests=100, period_seconds=10, concurrency=1)
    talk(server.origin, clock, lambda s: each(s, 2), limits=pace, how=Wire(backoff_seconds=0))
    slow = clock.seconds
    assert 1 <= slow < 2
    server.seen.clear()
    talk(server.origin, clock, lambda s: each(s, 200), limits=pace)
    assert clock.seconds - slow < 15


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_within_the_origin_is_followed(server: Scripted, clock: FakeClock, status: int) -> None:
    server.script(raw(b"", status, location="/base/elsewhere?page=2"), OK)
    talk(server.origin, clock, get, auth="query")
    assert [seen.path for seen in server.seen] == ["/base/thing", "/base/elsewhere"]
    assert server.seen[1].query == {"page": "2", "api_key": KEY}


def test_a_post_is_redirected_with_its_body_or_not_at_all(server: Scripted, clock: FakeClock) -> None:
    server.script(raw(b"", 307, location="/x"), OK)
    talk(server.origin, clock, lambda s: s.ask("stream", "POST", "/q", body={"a": 1}))
    assert [json.loads(seen.body) for seen in server.seen] == [{"a": 1}] * 2
    server.script(raw(b"", 302, location="/x"))
    with pytest.raises(ForbiddenHost, match="POST was redirected"):
        talk(server.origin, clock, lambda s: s.ask("stream", "POST", "/q", body={"a": 1}))


def test_a_redirect_elsewhere_is_refused_and_sees_no_credential(server: Scripted, clock: FakeClock) -> None:
    with scripted() as other:
        server.script(raw(b"", 307, location=f"{other.origin}/base/thing"))
        with pytest.raises(ForbiddenHost, match="redirected to another host"):
            talk(server.origin, clock, get)
        assert other.seen == []
    assert len(server.seen) == 1


@pytest.mark.parametrize(
    "target",
    [
        "//evil.example/x",
        "https://127.0.0.1/x",
        "http://127.0.0.1:1/x",
        "http://user:pass@{host}/x",
        "http://{host}@evil.example/x",
        "http://{host}\\@evil.example/x",
        "http://[::1/x",
        "http://host:abc/x",
        "http://host:99999/x",
        "ftp://{host}/x",
        "javascript:alert(1)",
    ],
)
def test_a_redirect_to_a_strange_place_is_refused(server: Scripted, clock: FakeClock, target: str) -> None:
    server.script(raw(b"", 307, location=target.format(host=server.origin.removeprefix("http://"))))
    with pytest.raises((ForbiddenHost, Transient), match=r"no URL|another host|[Ii]nvalid URL"):
        talk(server.origin, clock, get)
    assert {seen.path for seen in server.seen} == {"/base/thing"}


def test_redirects_end(server: Scripted, clock: FakeClock) -> None:
    server.script(raw(b"", 307, location="/again"))
    with pytest.raises(ForbiddenHost, match="more than 3 redirects"):
        talk(server.origin, clock, get)
    assert len(server.seen) == 4


def test_an_answer_too_large_is_refused(server: Scripted, clock: FakeClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire.read_limited, "__defaults__", (200_000,))
    server.script(endless())
    with pytest.raises(AnswerTooLarge, match="more than 200000 bytes"):
        talk(server.origin, clock, get)
    server.script(raw(gzip.compress(b" " * 10_000_000), content_encoding="gzip"))
    with pytest.raises(AnswerTooLarge):
        talk(server.origin, clock, get)
    assert len(server.seen) == 2


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
