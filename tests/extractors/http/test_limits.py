import asyncio
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.http.limits import ConcurrencyLimiter, RateLimiter, RequestLimits
from tests.support.clock import FakeClock


def leave(origin: RateLimiter, clock: FakeClock, count: int, longest_hold: float = 1e9) -> list[float]:
    """When each of ``count`` requests left."""

    async def use_slot() -> float:
        assert await origin.acquire(longest_hold)
        return clock.elapsed_seconds

    async def run() -> list[float]:
        return list(await asyncio.gather(*(use_slot() for _ in range(count))))

    return asyncio.run(run())


@settings(max_examples=50)
@given(
    requests=st.integers(1, 20),
    period=st.floats(0.1, 400, allow_nan=False),
    count=st.integers(1, 100),
    begun=st.floats(0, 1e9),
)
def test_no_window_of_the_period_holds_more_than_allowed(
    requests: int, period: float, count: int, begun: float
) -> None:
    clock = FakeClock()
    clock.advance(begun)
    left = leave(RateLimiter(RequestLimits(requests, period, 1), clock), clock, count)
    assert left == sorted(left)
    for earlier, later in zip(left, left[requests:], strict=False):
        assert later - earlier >= period * (1 - 1e-6)
    assert left[-1] - left[0] <= period * ((count - 1) // requests) * (1 + 1e-6) + 1e-6


@settings(max_examples=50)
@given(
    requests=st.integers(1, 10),
    delays=st.lists(st.tuples(st.floats(0, 9), st.floats(0, 9)), min_size=2, max_size=40),
)
def test_no_window_at_the_provider_holds_more_than_allowed_whenever_requests_arrive(
    requests: int, delays: list[tuple[float, float]]
) -> None:
    """A provider counts arrivals: a first request may be long on its way, and a later one short."""
    clock, period, arrivals = FakeClock(), 60.0, list[float]()
    origin = RateLimiter(RequestLimits(requests, period, 1), clock)

    async def send() -> None:
        for to_arrive, to_return in delays:
            slot = await origin.acquire(1e9)
            assert slot is not None
            clock.advance(to_arrive)
            arrivals.append(clock.elapsed_seconds)
            clock.advance(to_return)
            origin.record_end(slot)

    asyncio.run(send())
    for earlier, later in zip(arrivals, arrivals[requests:], strict=False):
        assert later - earlier >= period * (1 - 1e-6)


def test_without_a_limit_nothing_waits_and_nothing_is_kept() -> None:
    clock = FakeClock()
    origin = RateLimiter(RequestLimits(None, 1, 1), clock)
    assert leave(origin, clock, 500) == [0.0] * 500
    assert not origin._slots


def test_a_hold_stops_the_next_request() -> None:
    clock = FakeClock()
    origin = RateLimiter(RequestLimits(None, 1, 1), clock)
    origin.hold(30)
    origin.hold(5)
    assert origin.remaining_hold_seconds() == 30
    assert leave(origin, clock, 2) == [30.0, 30.0]
    assert origin.remaining_hold_seconds() == 0


def test_a_hold_longer_than_may_be_is_not_waited_for() -> None:
    clock = FakeClock()
    origin = RateLimiter(RequestLimits(1, 10, 1), clock)
    origin.hold(61)
    assert not asyncio.run(origin.acquire(60))
    assert clock.sleeps_seconds == []
    assert asyncio.run(origin.acquire(61))


def test_a_hold_that_grows_while_one_waits_is_seen() -> None:
    clock = FakeClock()
    origin = RateLimiter(RequestLimits(None, 10, 1), clock)
    origin.hold(10)

    async def run() -> object:
        waiting = asyncio.create_task(origin.acquire(60))
        await asyncio.sleep(0)
        origin.hold(3600)
        return await waiting

    assert not asyncio.run(run())
    assert clock.elapsed_seconds == 10


def test_after_a_429_requests_are_spread_and_then_recover() -> None:
    clock = FakeClock()
    origin = RateLimiter(RequestLimits(100, 100, 1), clock)
    assert leave(origin, clock, 50) == [0.0] * 50
    origin.slow_down()
    spread = leave(origin, clock, 5)
    assert [b - a for a, b in pairwise(spread)] == [2.0] * 4
    assert spread[0] == 2.0  # what was sent before is no debt
    origin.slow_down()
    assert leave(origin, clock, 1)[0] - spread[-1] == 4.0
    for _ in range(40):
        origin.record_success()
    clock.advance(200)
    assert leave(origin, clock, 50) == [clock.elapsed_seconds] * 50


def test_however_many_429s_it_never_stands_still() -> None:
    clock = FakeClock()
    origin = RateLimiter(RequestLimits(60, 60, 1), clock)
    for _ in range(100):
        origin.slow_down()
    leave(origin, clock, 2)
    assert clock.elapsed_seconds == 16


def test_the_slowest_of_several_accounts_counts() -> None:
    clock = FakeClock()
    origin = RateLimiter(RequestLimits(None, 1, 4), clock)
    origin.apply_stricter(RequestLimits(10, 10, 4))
    origin.apply_stricter(RequestLimits(1000, 300, 4))
    origin.apply_stricter(RequestLimits(None, 1, 4))
    assert leave(origin, clock, 11)[-1] == 10


def test_concurrency_shrinks_and_recovers() -> None:
    limiter = ConcurrencyLimiter(8)

    async def measure_peak() -> int:
        running = reached = 0

        async def use_slot() -> None:
            nonlocal running, reached
            async with limiter.acquire_slot():
                running += 1
                reached = max(reached, running)
                await asyncio.sleep(0)
                running -= 1

        await asyncio.gather(*(use_slot() for _ in range(40)))
        return reached

    async def run() -> list[int]:
        peaks = [await measure_peak()]
        limiter.slow_down()
        peaks.append(await measure_peak())
        for _ in range(5):
            limiter.slow_down()
        peaks.append(await measure_peak())
        for _ in range(7 * 20):
            limiter.record_success()
        peaks.append(await measure_peak())
        return peaks

    assert asyncio.run(run()) == [8, 4, 1, 8]


def test_a_place_is_given_back_after_a_failure() -> None:
    limiter = ConcurrencyLimiter(1)

    async def run() -> None:
        for _ in range(3):
            with pytest.raises(ZeroDivisionError):
                async with limiter.acquire_slot():
                    assert 1 / 0
        async with asyncio.timeout(5), limiter.acquire_slot():
            pass

    asyncio.run(run())


def test_places_are_given_in_turn_and_a_cancelled_wait_takes_none() -> None:
    limiter, order = ConcurrencyLimiter(1), []

    async def use_slot(number: int) -> None:
        async with limiter.acquire_slot():
            order.append(number)
            await asyncio.sleep(0)

    async def run() -> None:
        tasks = [asyncio.create_task(use_slot(number)) for number in range(6)]
        await asyncio.sleep(0)  # the first one runs
        tasks[1].cancel()  # waits
        await asyncio.sleep(0)  # the first one ends: the third one has its turn, and is cancelled before it can run
        tasks[2].cancel()
        await asyncio.wait(tasks, timeout=5)
        assert [task.cancelled() for task in tasks] == [False, True, True, False, False, False]

    asyncio.run(run())
    assert order == [0, 3, 4, 5]
