import gzip
import json

import pytest

from extractors.errors import (
    ForbiddenHost,
    RequestRefused,
    ResponseTooLarge,
    Transient,
    UnexpectedStatus,
)
from extractors.http import transport as wire
from extractors.http.session import Session
from tests.support.clock import FakeClock
from tests.support.http_session import API_KEY, OK_RESPONSE, get_thing, run_session
from tests.support.scripted_server import ScriptedServer, endless_response, raw_response, run_scripted_server


def test_a_get_has_no_body_and_a_post_has_json(server: ScriptedServer, clock: FakeClock) -> None:
    async def both(session: Session) -> None:
        await get_thing(session)
        await session.request("stream", "POST", "/query", body={"ü": [1, None]})

    run_session(server.origin, clock, both)
    first, second = server.requests
    assert first.body == b""
    assert "content-length" not in first.headers
    assert "content-type" not in first.headers
    assert json.loads(second.body) == {"ü": [1, None]}
    assert second.headers["content-type"] == "application/json"


def test_cookies_are_not_kept(server: ScriptedServer, clock: FakeClock) -> None:
    server.script(raw_response(b"{}", set_cookie="session=1; Path=/"))

    async def twice(session: Session) -> None:
        await get_thing(session)
        await get_thing(session)

    run_session(server.origin, clock, twice)
    assert all("cookie" not in seen.headers for seen in server.requests)


@pytest.mark.parametrize("auth", ["header", "bearer", "query"])
def test_the_credential_travels_in_one_way(server: ScriptedServer, clock: FakeClock, auth: str) -> None:
    run_session(server.origin, clock, lambda s: get_thing(s, query={"month": "1"}), auth=auth)
    (seen,) = server.requests
    ways = (seen.headers.get("x-api-key"), seen.headers.get("authorization"), seen.query.get("api_key"))
    assert (
        ways
        == {
            "header": (API_KEY, None, None),
            "bearer": (None, f"Bearer {API_KEY}", None),
            "query": (None, None, API_KEY),
        }[auth]
    )
    assert seen.query["month"] == "1"


def test_gzip_is_undone(server: ScriptedServer, clock: FakeClock) -> None:
    server.script(raw_response(gzip.compress(b'{"a": 1}'), content_encoding="gzip"))
    answer, _ = run_session(server.origin, clock, get_thing)
    assert answer.body == b'{"a": 1}'


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_within_the_origin_is_followed(server: ScriptedServer, clock: FakeClock, status: int) -> None:
    server.script(raw_response(b"", status, location="/base/elsewhere?page=2"), OK_RESPONSE)
    run_session(server.origin, clock, get_thing, auth="query")
    assert [seen.path for seen in server.requests] == ["/base/thing", "/base/elsewhere"]
    assert server.requests[1].query == {"page": "2", "api_key": API_KEY}


def test_a_post_is_redirected_with_its_body_or_not_at_all(server: ScriptedServer, clock: FakeClock) -> None:
    server.script(raw_response(b"", 307, location="/x"), OK_RESPONSE)
    run_session(server.origin, clock, lambda s: s.request("stream", "POST", "/q", body={"a": 1}))
    assert [json.loads(seen.body) for seen in server.requests] == [{"a": 1}] * 2
    server.script(raw_response(b"", 302, location="/x"))
    with pytest.raises(ForbiddenHost, match="POST was redirected"):
        run_session(server.origin, clock, lambda s: s.request("stream", "POST", "/q", body={"a": 1}))


def test_a_redirect_elsewhere_is_refused_and_sees_no_credential(server: ScriptedServer, clock: FakeClock) -> None:
    with run_scripted_server() as other:
        server.script(raw_response(b"", 307, location=f"{other.origin}/base/thing"))
        with pytest.raises(ForbiddenHost, match="redirected to another host"):
            run_session(server.origin, clock, get_thing)
        assert other.requests == []
    assert len(server.requests) == 1


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
def test_a_redirect_to_a_strange_place_is_refused(server: ScriptedServer, clock: FakeClock, target: str) -> None:
    server.script(raw_response(b"", 307, location=target.format(host=server.origin.removeprefix("http://"))))
    with pytest.raises((ForbiddenHost, Transient), match=r"no URL|another host|[Ii]nvalid URL"):
        run_session(server.origin, clock, get_thing)
    assert {seen.path for seen in server.requests} == {"/base/thing"}


def test_redirects_end(server: ScriptedServer, clock: FakeClock) -> None:
    server.script(raw_response(b"", 307, location="/again"))
    with pytest.raises(ForbiddenHost, match="more than 3 redirects"):
        run_session(server.origin, clock, get_thing)
    assert len(server.requests) == 4


def test_an_answer_too_large_is_refused(
    server: ScriptedServer, clock: FakeClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wire.read_limited_body, "__defaults__", (200_000,))
    server.script(endless_response())
    with pytest.raises(ResponseTooLarge, match="more than 200000 bytes"):
        run_session(server.origin, clock, get_thing)
    server.script(raw_response(gzip.compress(b" " * 10_000_000), content_encoding="gzip"))
    with pytest.raises(ResponseTooLarge):
        run_session(server.origin, clock, get_thing)
    assert len(server.requests) == 2


def test_the_words_of_a_refusal_are_read_up_to_a_limit_and_its_status_counts(
    server: ScriptedServer, clock: FakeClock
) -> None:
    bomb = gzip.compress(b'{"message": "' + b" " * 2**26 + b'"}')
    for refusal in (
        raw_response(bomb, 400, content_encoding="gzip"),
        raw_response(bomb, 400, content_encoding="br"),
        raw_response(b"no gzip", 400, content_encoding="gzip"),
        raw_response(b"x" * (2**20 + 1), 400),
    ):
        server.script(refusal)
        with pytest.raises(RequestRefused, match=r"stream\): HTTP 400; check") as caught:
            run_session(server.origin, clock, get_thing)
        assert caught.value.body == b""
    server.script(raw_response(bomb, 503, content_encoding="gzip"), OK_RESPONSE)
    answer, _ = run_session(server.origin, clock, get_thing)
    assert answer.root == {"ok": True}


def test_a_refusal_without_end_is_left_alone(server: ScriptedServer, clock: FakeClock) -> None:
    endless = endless_response()
    endless.status_code = 404
    server.script(endless)
    with pytest.raises(RequestRefused, match="HTTP 404"):
        run_session(server.origin, clock, get_thing)


def test_a_post_that_was_carried_out_elsewhere_is_no_refusal(server: ScriptedServer, clock: FakeClock) -> None:
    server.script(raw_response(b"", 303, location="/base/other"))
    with pytest.raises(UnexpectedStatus, match="HTTP 303, where only 200 is an answer"):
        run_session(server.origin, clock, lambda s: s.request("stream", "POST", "/q", send_once=True))
    assert len(server.requests) == 1
