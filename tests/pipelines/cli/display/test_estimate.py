import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.cli.display.estimate import Pace


class Seconds:
    at = 0.0

    def __call__(self) -> float:
        return self.at


@pytest.fixture
def now() -> Seconds:
    return Seconds()


@pytest.fixture
def pace(now: Seconds) -> Pace:
    return Pace(now)


def test_before_anything_is_known(pace: Pace, now: Seconds) -> None:
    assert pace.sentence() == "0%, 0/0 slices, 0/0 batches"
    now.at = 60
    assert (pace.share, pace.left) == (0.0, None)


def test_work_is_what_is_fetched_and_what_is_loaded(pace: Pace, now: Seconds) -> None:
    pace.planned("a", 30, 10)
    pace.planned("b", 60, 0)
    now.at = 10
    for _ in range(5):
        pace.arrived("a")
    pace.done("b", 20)
    assert pace.share == 0.25
    assert pace.left == 30
    assert pace.sentence() == "25%, 20/90 slices, 5/10 batches at 30.0/min, 0:00:30 left"


def test_an_account_that_ends_early_is_done_with_all_of_its_batches(pace: Pace, now: Seconds) -> None:
    pace.planned("refused", 365, 365)
    pace.planned("good", 365, 365)
    pace.done("refused", 365)
    now.at = 10
    assert pace.share == 0.5
    assert pace.left == 10


def test_a_rate_is_told_by_the_second_or_by_the_minute(pace: Pace, now: Seconds) -> None:
    pace.planned("a", 100, 100)
    pace.arrived("a")
    now.at = 1
    assert " at " not in pace.sentence()
    now.at = 60
    assert "1/100 batches at 1.0/min, " in pace.sentence()
    for _ in range(89):
        pace.arrived("a")
    assert "90/100 batches at 1.5/s, " in pace.sentence()


@given(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50), st.integers(0, 60), st.integers(0, 60))))
def test_a_share_is_never_more_than_all(accounts: list[tuple[int, int, int, int]]) -> None:
    pace = Pace(lambda: 0.0)
    for number, (slices, batches, done, arrived) in enumerate(accounts):
        pace.planned(str(number), slices, batches)
        pace.done(str(number), done)
        for _ in range(arrived):
            pace.arrived(str(number))
    assert 0.0 <= pace.share <= 1.0
