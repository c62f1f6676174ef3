import asyncio
from datetime import timedelta

import pytest

from extractors.account import Account
from extractors.errors import (
    Deferred,
    Transient,
)
from extractors.http.client import Client
from extractors.http.limits import RequestLimits
from extractors.http.messages import Response
from extractors.http.session import Session
from extractors.http.settings import HttpSettings
from extractors.http.stats import RequestStats
from tests.support.clock import FakeClock
from tests.support.http_session import (
    HTTP_SETTINGS,
    OK_RESPONSE,
    build_account,
    get_many,
    get_thing,
    run_session,
)
from tests.support.scripted_server import ScriptedServer, raw_response


@pytest.mark.parametrize("status", [408, 500, 502, 503, 504])
def test_trouble_is_tried_again_with_jitter(server: ScriptedServer, clock: FakeClock, status: int) -> None:
    server.script(raw_response(b"", status), raw_response(b"", status), OK_RESPONSE)
    answer, client = run_session(server.origin, clock, get_thing)
    assert answer.status == 200
    assert (client.stats.requests, client.stats.retries, len(clock.sleeps_seconds)) == (3, 2, 2)
    assert all(0 <= pause <= 20 for pause in clock.sleeps_seconds)


def test_trouble_that_stays_is_given_up(server: ScriptedServer, clock: FakeClock) -> None:
    server.script(raw_response(b'{"title": "Bad", "detail": "try\\nlater"}', 503))
    with pytest.raises(Transient, match=r"acme \(cognigy\.stream\): HTTP 503, the provider says: try later; .*again"):
        run_session(server.origin, clock, get_thing)
    assert len(server.requests) == HTTP_SETTINGS.max_attempts


def test_retries_are_counted_as_they_happen(server: ScriptedServer, clock: FakeClock) -> None:
    server.script(raw_response(b"", 500))

    async def fail(session: Session) -> None:
        with pytest.raises(Transient):
            await get_thing(session)

    _, client = run_session(server.origin, clock, fail)
    assert client.stats.retries == client.stats.requests - 1 == HTTP_SETTINGS.max_attempts - 1


@pytest.mark.parametrize(
    ("retry_after", "waits"), [("7", 7.0), ("0", 0.0), ("2.5", 2.5), ("Sat, 10 Jan 2026 12:00:30 GMT", 30.0)]
)
def test_a_429_waits_as_long_as_it_says(
    server: ScriptedServer, clock: FakeClock, retry_after: str, waits: float
) -> None:
    server.script(raw_response(b"{}", 429, retry_after=retry_after), OK_RESPONSE)
    run_session(server.origin, clock, get_thing)
    assert len(server.requests) == 2
    assert waits <= clock.elapsed_seconds <= waits + HTTP_SETTINGS.backoff_cap_seconds


@pytest.mark.parametrize(
    "retry_after", ["soon", "-5", "nan", "inf", "1e400", "Wed, 21 Oct 20150000000 07:28:00 GMT", ""]
)
def test_a_429_that_says_nonsense_is_tried_again_by_back_off(
    server: ScriptedServer, clock: FakeClock, retry_after: str
) -> None:
    server.script(raw_response(b"{}", 429, retry_after=retry_after), OK_RESPONSE)
    run_session(server.origin, clock, get_thing)
    assert clock.elapsed_seconds <= HTTP_SETTINGS.backoff_cap_seconds


@pytest.mark.parametrize("retry_after", ["61", "99999999999999999999", "Sat, 10 Jan 2026 12:30:00 GMT"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_limit_too_far_away_is_deferred(
    server: ScriptedServer, clock: FakeClock, retry_after: str, status: int
) -> None:
    server.script(raw_response(b"{}", status, retry_after=retry_after))
    with pytest.raises(Deferred, match="run the same command again after that") as caught:
        run_session(server.origin, clock, get_thing)
    assert len(server.requests) == 1
    assert clock.elapsed_seconds == 0
    assert caught.value.until is not None
    assert caught.value.until > clock.now() + timedelta(seconds=60)
    assert f"{caught.value.until:%Y-%m-%d %H:%M:%S} UTC" in str(caught.value)


def test_trouble_that_says_when_to_come_back_is_heard(server: ScriptedServer, clock: FakeClock) -> None:
    server.script(raw_response(b"{}", 503, retry_after="50"), OK_RESPONSE)
    run_session(server.origin, clock, get_thing)
    assert 50 <= clock.elapsed_seconds <= 50 + HTTP_SETTINGS.backoff_cap_seconds


def test_many_short_waits_end_where_one_long_would(server: ScriptedServer, clock: FakeClock) -> None:
    server.script(raw_response(b"{}", 429, retry_after="25"))
    with pytest.raises(Deferred):
        run_session(server.origin, clock, get_thing, max_wait_seconds=60)
    assert len(server.requests) == 3


def test_a_limit_is_waited_for_however_often_it_answers(server: ScriptedServer, clock: FakeClock) -> None:
    server.script(*[raw_response(b"{}", 429, retry_after="1")] * 12, OK_RESPONSE)
    run_session(server.origin, clock, get_thing, http_settings=HttpSettings(backoff_cap_seconds=1), max_wait_seconds=60)
    assert len(server.requests) == 13


def test_a_far_limit_holds_the_whole_origin(server: ScriptedServer, clock: FakeClock) -> None:
    server.respond = lambda _seen: (
        OK_RESPONSE if len(server.requests) == 1 else raw_response(b"{}", 429, retry_after="3600")
    )

    async def run() -> list[Response | BaseException]:
        async with Client(clock=clock) as client:
            first = client.open_session(build_account(server.origin), RequestLimits(None, 1, 1))
            second = client.open_session(build_account(server.origin, "other"), RequestLimits(None, 1, 1))
            await get_thing(first)
            return [*await get_many(first, 10), *await get_many(second, 10)]

    answers = asyncio.run(run())
    assert {type(answer) for answer in answers} == {Deferred}
    assert len(server.requests) == 2


def test_seconds_waited_for_limits_are_those_of_the_account(server: ScriptedServer, clock: FakeClock) -> None:
    pace = RequestLimits(requests=1, period_seconds=10, concurrency=4)

    async def run() -> tuple[list[Session[Account]], RequestStats]:
        async with Client(clock=clock) as client:
            sessions = [client.open_session(build_account(server.origin, name), pace) for name in ("one", "other")]
            for session in sessions:
                await get_many(session, 3)
            return sessions, client.stats

    (first, second), total = asyncio.run(run())
    assert clock.elapsed_seconds == 50
    # requests that wait side by side are no longer wait than the longest of them
    assert [first.stats.waited_seconds, second.stats.waited_seconds] == [20, 30]
    assert [first.stats.requests, second.stats.requests] == [3, 3]
    assert (total.requests, total.waited_seconds) == (6, 50)


def test_what_a_429_asks_for_is_waiting_and_a_back_off_is_not(server: ScriptedServer, clock: FakeClock) -> None:
    server.script(raw_response(b"{}", 429, retry_after="25"), raw_response(b"", 500), OK_RESPONSE)
    _, client = run_session(server.origin, clock, get_thing)
    assert (client.stats.requests, client.stats.retries, len(clock.sleeps_seconds)) == (3, 2, 2)
    assert client.stats.waited_seconds == clock.sleeps_seconds[0] >= 25
    assert clock.elapsed_seconds == sum(clock.sleeps_seconds)


def test_a_429_slows_down_and_recovers(server: ScriptedServer, clock: FakeClock) -> None:
    server.script(OK_RESPONSE, raw_response(b"{}", 429, retry_after="1"), OK_RESPONSE)
    pace = RequestLimits(requests=100, period_seconds=10, concurrency=1)
    run_session(
        server.origin, clock, lambda s: get_many(s, 2), limits=pace, http_settings=HttpSettings(backoff_seconds=0)
    )
    slow = clock.elapsed_seconds
    assert 1 <= slow < 2
    server.requests.clear()
    run_session(server.origin, clock, lambda s: get_many(s, 200), limits=pace)
    assert clock.elapsed_seconds - slow < 15
