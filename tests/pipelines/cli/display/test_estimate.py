import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.cli.display.estimate import ProgressEstimate


class Seconds:
    at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def now() -> Seconds:
    return Seconds()


@pytest.fixture
def pace(now: Seconds) -> ProgressEstimate:
    return ProgressEstimate(now)


def test_before_anything_is_known(pace: ProgressEstimate, now: Seconds) -> None:
    assert pace.format_summary() == "0%, 0/0 slices, 0/0 batches"
    now.at = 60
    assert (pace.done_fraction, pace.remaining_seconds) == (0.0, None)


def test_work_is_what_is_fetched_and_what_is_loaded(pace: ProgressEstimate, now: Seconds) -> None:
    pace.add_work("a", 30, 10)
    pace.add_work("b", 60, 0)
    now.at = 10
    for _ in range(5):
        pace.record_batch("a")
    pace.record_slices("b", 20)
    assert pace.done_fraction == 0.25
    assert pace.remaining_seconds == 30
    assert pace.format_summary() == "25%, 20/90 slices, 5/10 batches at 30.0/min, 0:00:30 left"


def test_an_account_that_ends_early_is_done_with_all_of_its_batches(pace: ProgressEstimate, now: Seconds) -> None:
    pace.add_work("refused", 365, 365)
    pace.add_work("good", 365, 365)
    pace.record_slices("refused", 365)
    now.at = 10
    assert pace.done_fraction == 0.5
    assert pace.remaining_seconds == 10


def test_a_rate_is_told_by_the_second_or_by_the_minute(pace: ProgressEstimate, now: Seconds) -> None:
    pace.add_work("a", 100, 100)
    pace.record_batch("a")
    now.at = 1
    assert " at " not in pace.format_summary()
    now.at = 60
    assert "1/100 batches at 1.0/min, " in pace.format_summary()
    for _ in range(89):
        pace.record_batch("a")
    assert "90/100 batches at 1.5/s, " in pace.format_summary()


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 60), st.integers(0, 60))))
def test_a_share_is_never_more_than_all(accounts: list[tuple[int, int, int, int]]) -> None:
    pace = ProgressEstimate(lambda: 0.0)
    for number, (slices, batches, done, arrived) in enumerate(accounts):
        pace.add_work(str(number), slices, batches)
        pace.record_slices(str(number), done)
        for _ in range(arrived):
            pace.record_batch(str(number))
    assert 0.0 <= pace.done_fraction <= 1.0
