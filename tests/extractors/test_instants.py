from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.instants import MAX_CLOCK_SKEW, age_at, is_between, is_credible, parse_date_header

NOW = datetime(2026, 1, 10, 12, tzinfo=UTC)
seconds = st.integers(-(10**9), 10**9).map(lambda number: timedelta(seconds=number))


@given(seconds)
def test_an_instant_of_the_future_has_no_age(distance: timedelta) -> None:
    age = age_at(NOW + distance, NOW)
    assert (age is not None) == is_credible(NOW + distance, NOW) == (distance <= MAX_CLOCK_SKEW)
    assert age is None or age == max(-distance, timedelta())


@given(seconds, seconds)
def test_a_time_since_a_start_ends_now(start: timedelta, distance: timedelta) -> None:
    is_within = start <= distance <= MAX_CLOCK_SKEW
    assert is_between(NOW + start, NOW + distance, NOW) == is_within


@pytest.mark.parametrize(
    ("text", "instant"),
    [
        ("Sat, 10 Jan 2026 12:00:00 GMT", NOW),
        ("Sat, 10 Jan 2026 13:00:00 +0100", NOW),
        ("Sat, 10 Jan 2026 12:00:00", NOW),
        ("", None),
        ("yesterday", None),
        ("Sat, 99 Jan 2026 12:00:00 GMT", None),
    ],
)
def test_a_date_header_is_read_or_passed_over(text: str, instant: datetime | None) -> None:
    assert parse_date_header({"date": text}) == instant
    assert parse_date_header({}) is None
