from datetime import UTC, datetime, timedelta
from itertools import islice

import pytest
from dagster._utils.schedules import cron_string_iterator
from hypothesis import given
from hypothesis import strategies as st

from pipelines.configuration.settings import ProviderTime, Schedule, TimeOfDay

ZONES = ("UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Pacific/Apia", "Asia/Kathmandu")
BEGIN = datetime(2011, 12, 1, tzinfo=UTC)  # Apia left out the 30th
INSTANTS = st.integers(0, 2 * 365 * 24 * 60).map(lambda minutes: BEGIN + timedelta(minutes=minutes))


@given(INSTANTS, st.sampled_from(ZONES), st.integers(0, 23), st.sampled_from([0, 15, 30]))
def test_the_next_time_is_the_one_at_which_dagster_starts_the_schedule(
    now: datetime, zone: str, hour: int, minute: int
) -> None:
    time = TimeOfDay(hour=hour, minute=minute, timezone=zone)
    ticks = islice(cron_string_iterator((now + timedelta(seconds=1)).timestamp(), f"{minute} {hour} * * *", zone), 1)
    # of two times that are equal, one that a clock has jumped over is never called equal
    assert time.next_after(now).timestamp() == next(ticks).timestamp()


@given(INSTANTS, st.sampled_from(ZONES), st.integers(0, 23))
def test_the_last_time_is_the_one_before_the_next(now: datetime, zone: str, hour: int) -> None:
    time = TimeOfDay(hour=hour, timezone=zone)
    last, following = time.last_before(now), time.next_after(now)
    assert last <= now < following
    assert time.next_after(last) == following
    assert time.last_before(following) == following


@pytest.mark.parametrize(
    ("day", "at"),
    [("2025-03-30", "2025-03-30T01:00"), ("2025-10-26", "2025-10-26T01:30")],
)
def test_a_time_that_the_clock_skips_or_repeats(day: str, at: str) -> None:
    time = TimeOfDay(hour=2, minute=30, timezone="Europe/Berlin")
    midnight = datetime.fromisoformat(day).replace(tzinfo=UTC)
    assert time.next_after(midnight) == datetime.fromisoformat(at).replace(tzinfo=UTC)


def test_a_provider_has_its_own_time_where_it_says_so() -> None:
    schedule = Schedule(hour=4, minute=10, timezone="Europe/Berlin", providers={"inkeep": ProviderTime(hour=7)})
    assert (
        schedule.provider_time("cognigy")
        == schedule.common_time
        == TimeOfDay(hour=4, minute=10, timezone="Europe/Berlin")
    )
    assert schedule.provider_time("inkeep") == TimeOfDay(hour=7, minute=10, timezone="Europe/Berlin")
