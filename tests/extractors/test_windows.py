from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from extractors.windows import ONE_DAY, Window, day_start, format_rfc3339, group_into_windows, local_day, today

ODD_ZONES = (
    "Africa/Cairo",
    "America/Havana",
    "America/Nuuk",
    "America/Santiago",
    "America/Sao_Paulo",
    "Antarctica/Troll",
    "Asia/Beirut",
    "Asia/Gaza",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Atlantic/Azores",
    "Australia/Lord_Howe",
    "Europe/Berlin",
    "Pacific/Apia",
    "Pacific/Chatham",
    "Pacific/Kiritimati",
)
ZONES = st.one_of(st.sampled_from(ODD_ZONES), st.sampled_from(sorted(available_timezones()))).map(ZoneInfo)
DAYS = st.dates(date(2012, 1, 1), date(2037, 12, 31))
LENGTHS = st.integers(1, 800)


@given(ZONES, DAYS)
@example(ZoneInfo("Asia/Beirut"), date(2025, 3, 30))
@example(ZoneInfo("America/Santiago"), date(2025, 9, 7))
@example(ZoneInfo("America/Havana"), date(2025, 11, 2))
@example(ZoneInfo("Africa/Cairo"), date(2025, 4, 25))
def test_days_partition_time(zone: ZoneInfo, day: date) -> None:
    start, end = day_start(day, zone), day_start(day + ONE_DAY, zone)
    assert start.tzinfo is UTC
    assert timedelta(hours=20) < end - start < timedelta(hours=28)
    for instant in (start, start + (end - start) / 2, end - timedelta(microseconds=1)):
        assert local_day(instant, zone) == day
    assert local_day(start - timedelta(microseconds=1), zone) == day - ONE_DAY


@given(ZONES, DAYS, st.integers(0, 86_399_999_999))
def test_no_instant_is_lost_or_doubled(zone: ZoneInfo, day: date, microseconds: int) -> None:
    instant = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(microseconds=microseconds)
    around = [day + timedelta(days=offset) for offset in (-2, -1, 0, 1, 2)]
    holding = [d for d in around if day_start(d, zone) <= instant < day_start(d + ONE_DAY, zone)]
    assert holding == [local_day(instant, zone)] == [today(zone, instant)]


@given(ZONES, DAYS, LENGTHS)
def test_a_window_lasts_as_long_as_its_days(zone: ZoneInfo, day: date, length: int) -> None:
    window = Window(day, day + timedelta(days=length))
    parts = window.split_into_days()
    assert len(window) == len(parts) == length
    ends = [part.end_instant(zone) for part in parts]
    assert [part.first_instant(zone) for part in parts] == [window.first_instant(zone), *ends[:-1]]
    assert ends[-1] == window.end_instant(zone)
    assert window.last_millisecond(zone) + timedelta(milliseconds=1) == window.end_instant(zone)


def test_a_day_that_a_zone_skipped_has_no_time_in_it() -> None:
    apia = ZoneInfo("Pacific/Apia")
    start, skipped, after = (day_start(date(2011, 12, day), apia) for day in (29, 30, 31))
    assert skipped - start == timedelta(hours=24)
    assert after == skipped == datetime(2011, 12, 30, 10, tzinfo=UTC)
    assert local_day(skipped, apia) == date(2011, 12, 31)


@pytest.mark.parametrize(
    ("zone", "day", "first", "hours"),
    [
        ("Europe/Berlin", date(2025, 3, 30), "2025-03-29T23:00:00.000Z", 23),
        ("Europe/Berlin", date(2025, 10, 26), "2025-10-25T22:00:00.000Z", 25),
        ("Asia/Beirut", date(2025, 3, 30), "2025-03-29T22:00:00.000Z", 23),
        ("America/Santiago", date(2025, 9, 7), "2025-09-07T04:00:00.000Z", 23),
        ("America/Santiago", date(2025, 4, 5), "2025-04-05T03:00:00.000Z", 25),
        ("America/Havana", date(2025, 11, 2), "2025-11-02T04:00:00.000Z", 25),
        ("Australia/Lord_Howe", date(2025, 4, 6), "2025-04-05T13:00:00.000Z", 24.5),
        ("UTC", date(2025, 1, 1), "2025-01-01T00:00:00.000Z", 24),
    ],
)
def test_days_with_a_clock_change(zone: str, day: date, first: str, hours: float) -> None:
    window, where = Window.of_day(day), ZoneInfo(zone)
    assert format_rfc3339(window.first_instant(where)) == first
    assert window.end_instant(where) - window.first_instant(where) == timedelta(hours=hours)


@given(ZONES, DAYS, LENGTHS, st.integers(24, 24 * 40))
def test_by_hours_never_exceeds_and_leaves_nothing_out(zone: ZoneInfo, day: date, length: int, limit: int) -> None:
    window = Window(day, day + timedelta(days=length))
    parts = window.split_by_hours(limit, zone)
    assert [inner_day for part in parts for inner_day in part.days()] == list(window.days())
    for part in parts:
        lasts = part.end_instant(zone) - part.first_instant(zone)
        assert lasts <= timedelta(hours=limit) or len(part) == 1
    for part, following in pairwise(parts):
        with_one_more = Window(part.start, following.start + ONE_DAY)
        assert with_one_more.end_instant(zone) - with_one_more.first_instant(zone) > timedelta(hours=limit)


def test_a_local_october_is_two_requests_of_31_days_of_hours() -> None:
    october = Window(date(2025, 10, 1), date(2025, 11, 1))
    assert len(october.split_by_hours(31 * 24, ZoneInfo("Europe/Berlin"))) == 2
    assert len(october.split_by_hours(31 * 24, ZoneInfo("UTC"))) == 1


@given(DAYS, LENGTHS)
def test_months_are_cut_at_the_first(day: date, length: int) -> None:
    window = Window(day, day + timedelta(days=length))
    months = window.split_into_months()
    assert [inner_day for month in months for inner_day in month.days()] == list(window.days())
    assert all(month.start.day == 1 for month in months[1:])
    assert all((month.end - ONE_DAY).month == month.start.month for month in months)


@given(st.sets(st.dates(date(2025, 1, 1), date(2025, 3, 1))))
def test_days_are_gathered_into_the_fewest_windows(days: set[date]) -> None:
    windows = group_into_windows(days)
    assert [day for window in windows for day in window.days()] == sorted(days)
    assert all(a.end < b.start for a, b in pairwise(windows))


@given(DAYS, LENGTHS)
def test_a_window_is_read_back_from_its_text(day: date, length: int) -> None:
    window = Window(day, day + timedelta(days=length))
    assert Window.parse(str(window)) == window
    assert window.start in window
    assert window.end not in window


@pytest.mark.parametrize("text", ["", "2025-01-01", "2025-01-01_2025-01-01", "2025-01-02_2025-01-01", "a_b", "a_b_c"])
def test_what_is_no_window_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        Window.parse(text)
