import asyncio
from datetime import timedelta

import pytest

from extractors.errors import (
    Deferred,
    Transient,
)
from extractors.http.limits import Limits
from extractors.http.messages import Answer
from extractors.http.session import Client, Session, Wire
from tests.support.clock import FakeClock
from tests.support.http_session import OK, WIRE, account, each, get, talk
from tests.support.scripted_server import Scripted, raw


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


def test_seconds_waited_for_limits_are_those_of_the_account(server: Scripted, clock: FakeClock) -> None:
    pace = Limits(requests=1, period_seconds=10, concurrency=4)

    async def run() -> list[Session]:
        async with Client(clock=clock) as client:
            sessions = [client.session(account(server.origin, name), pace) for name in ("one", "other")]
            for session in sessions:
                await each(session, 3)
            return sessions

    one, other = asyncio.run(run())
    assert clock.seconds == 50
    # requests that wait side by side are no longer wait than the longest of them
    assert [one.counts.waited_seconds, other.counts.waited_seconds] == [20, 30]
    assert [one.counts.requests, other.counts.requests] == [3, 3]
    assert (one.client.counts.requests, one.client.counts.waited_seconds) == (6, 50)


def test_what_a_429_asks_for_is_waiting_and_a_back_off_is_not(server: Scripted, clock: FakeClock) -> None:
    server.script(raw(b"{}", 429, retry_after="25"), raw(b"", 500), OK)
    _, client = talk(server.origin, clock, get)
    assert (client.counts.requests, client.counts.retries, len(clock.slept)) == (3, 2, 2)
    assert client.counts.waited_seconds == clock.slept[0] >= 25
    assert clock.seconds == sum(clock.slept)


def test_a_429_slows_down_and_recovers(server: Scripted, clock: FakeClock) -> None:
    server.script(OK, raw(b"{}", 429, retry_after="1"), OK)
    pace = Limits(requests=100, period_seconds=10, concurrency=1)
    talk(server.origin, clock, lambda s: each(s, 2), limits=pace, how=Wire(backoff_seconds=0))
    slow = clock.seconds
    assert 1 <= slow < 2
    server.seen.clear()
    talk(server.origin, clock, lambda s: each(s, 200), limits=pace)
    assert clock.seconds - slow < 15
