import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.cli.display.estimate import ProgressEstimate
from tests.support.clock import FakeClock


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def estimate(clock: FakeClock) -> ProgressEstimate:
    return ProgressEstimate(clock.monotonic)


def test_before_anything_is_known(estimate: ProgressEstimate, clock: FakeClock) -> None:
    assert estimate.format_summary() == "0%, 0/0 slices, 0/0 batches"
    clock.advance(60)
    assert (estimate.done_fraction, estimate.remaining_seconds) == (0.0, None)


def test_work_is_batches_to_fetch_and_slices_to_load(estimate: ProgressEstimate, clock: FakeClock) -> None:
    estimate.add_work("a", 30, 10)
    estimate.add_work("b", 60, 0)
    clock.advance(10)
    for _ in range(5):
        estimate.record_batch("a")
    estimate.record_slices("b", 20)
    assert estimate.done_fraction == 0.25
    assert estimate.remaining_seconds == 30
    assert estimate.format_summary() == "25%, 20/90 slices, 5/10 batches at 30.0/min, 0:00:30 left"


def test_an_account_that_ends_early_is_done_with_all_of_its_batches(
    estimate: ProgressEstimate, clock: FakeClock
) -> None:
    estimate.add_work("refused", 365, 365)
    estimate.add_work("good", 365, 365)
    estimate.record_slices("refused", 365)
    clock.advance(10)
    assert estimate.done_fraction == 0.5
    assert estimate.remaining_seconds == 10


def test_a_rate_is_per_second_or_per_minute(estimate: ProgressEstimate, clock: FakeClock) -> None:
    estimate.add_work("a", 100, 100)
    estimate.record_batch("a")
    clock.advance(1)
    assert " at " not in estimate.format_summary()
    clock.advance(59)
    assert "1/100 batches at 1.0/min, " in estimate.format_summary()
    for _ in range(89):
        estimate.record_batch("a")
    assert "90/100 batches at 1.5/s, " in estimate.format_summary()


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 60), st.integers(0, 60))))
def test_the_done_fraction_is_never_more_than_1(accounts: list[tuple[int, int, int, int]]) -> None:
    estimate = ProgressEstimate(lambda: 0.0)
    for number, (slices, batches, done, arrived) in enumerate(accounts):
        estimate.add_work(str(number), slices, batches)
        estimate.record_slices(str(number), done)
        for _ in range(arrived):
            estimate.record_batch(str(number))
    assert 0.0 <= estimate.done_fraction <= 1.0
