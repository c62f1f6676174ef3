"""ChatCaptain's totals compared with their splits, channels and intervals, and the days of intervals."""

from pathlib import Path

import pytest

from extractors.errors import ShapeError
from tests.support.chatcaptain_reports import channel, find_row, transform_reports
from tests.support.landed_chunks import FakeResponse


@pytest.mark.parametrize(
    ("total", "types", "verdict", "reason"),
    [
        (5, {"web": 5}, "ok", None),
        (5, {"web": 5, "debug": 2}, "explained", "the difference is the test channel"),
        (7, {"web": 5, "debug": 2}, "explained", "provider counts tests"),
        (6, {"web": 5, "debug": 2}, "unexplained", None),
        (6, {"web": 5}, "unexplained", None),
        (0, {}, "ok", None),
    ],
)
def test_the_total_is_compared_with_its_split(
    tmp_path: Path, total: int, types: dict[str, int], verdict: str, reason: str | None
) -> None:
    staged = transform_reports(tmp_path, overview_report=[FakeResponse({"1": total, "4": types})])
    assert [(line.verdict, line.reason) for line in staged.reconciliations] == [(verdict, reason)]
    assert find_row(staged, "conversation_daily")["conversations"] == total  # nothing is subtracted


@pytest.mark.parametrize(
    ("messages", "types", "verdict", "reason"),
    [
        (7, {"web": 1, "gone": 1}, "ok", None),
        (9, {"web": 1, "gone": 1, "debug": 4}, "explained", "not listed: gone"),
        (9, {"web": 1, "debug": 4}, "unexplained", None),
    ],
)
def test_messages_are_compared_with_the_listed_channels(
    tmp_path: Path, messages: int, types: dict[str, int], verdict: str, reason: str | None
) -> None:
    staged = transform_reports(
        tmp_path,
        overview_report=[FakeResponse({"7": messages, "4": types})],
        channel_report=[channel("w", "web", c12=7), channel("d", "debug", c12=3)],
    )
    (line,) = [line for line in staged.reconciliations if line.measure == "messages"]
    assert (line.verdict, line.reason) == (verdict, reason)


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        ([{"timestamp": "2025-03-29T23:00:00Z", "count": 2}, {"timestamp": 1743292800, "count": "3"}], "ok"),
        ([{"date": "2025-03-30", "value": 5}], "ok"),
        ({"2025-03-30": 4}, "unexplained"),
        ([], "unexplained"),
    ],
)
def test_intervals_are_checked_against_the_total(tmp_path: Path, interval: object, verdict: str) -> None:
    staged = transform_reports(tmp_path, overview_report=[FakeResponse({"1": 5, "2": interval})])
    assert [line.verdict for line in staged.reconciliations] == [verdict]


@pytest.mark.parametrize(
    ("interval", "place"),
    [
        ([{"timestamp": "2025-03-29T22:00:00Z", "count": 2}], r"2\[0\].timestamp"),
        ([{"timestamp": "2025-03-30T22:00:00Z", "count": 2}], r"2\[0\].timestamp"),
        ([{"timestamp": "2025-04-30T12:00:00Z", "count": 0}], r"2\[0\].timestamp"),
        ([{"timestamp": "2025-03-31T12:00:00", "count": 2}], r"2\[0\].timestamp"),
        ([{"date": "2025-03-31", "value": 5}], r"2\[0\].date"),
        ({"2025-03-28": 4}, r"2.2025-03-28"),
        ({"1743379200": 4}, r"2.1743379200"),
    ],
)
def test_a_bucket_of_another_day_is_refused(tmp_path: Path, interval: object, place: str) -> None:
    problem = (
        rf"^a \(chatcaptain.overview_report\): field \$.{place}: is outside of the requested range, "
        r"2025-03-29T23:00:00.000Z to 2025-03-30T21:59:59.999Z"
    )
    with pytest.raises(ShapeError, match=problem):
        transform_reports(tmp_path, overview_report=[FakeResponse({"1": 5, "2": interval})])


@pytest.mark.parametrize(
    ("interval", "problem"),
    [
        ([{"timestamp": "2025-03-30T01:00:00Z", "count": 2}] * 2, r"2\[1\].timestamp: comes a second time"),
        ({"morning": 4}, "2.morning: is not an instant"),
        ([{"timestamp": None, "count": 2}], r"2\[0\].timestamp: is missing"),
    ],
)
def test_a_bucket_without_its_own_time_is_refused(tmp_path: Path, interval: object, problem: str) -> None:
    with pytest.raises(ShapeError, match=problem):
        transform_reports(tmp_path, overview_report=[FakeResponse({"1": 5, "2": interval})])


@pytest.mark.parametrize(
    "interval",
    [
        [{"timestamp": "2025-03-29T22:00:00Z", "count": 0}, {"timestamp": "2025-03-30T01:00:00Z", "count": 5}],
        [{"timestamp": "2025-03-30T21:00:00Z", "count": 5}, {"timestamp": "2025-03-30T22:00:00Z", "count": None}],
        [{"timestamp": "2025-03-30T00:00:00", "count": 5}],
        [{"timestamp": "2025-03-30T23:00:00", "count": 5}],
        [{"timestamp": "2025-03-29T23:00:00", "count": 5}],
        [{"timestamp": "2025-03-29T22:30:00Z", "count": 5}],
        {"2025-03-29": 1, "2025-03-30": 4},
    ],
)
def test_buckets_of_the_day_are_accepted_however_they_are_dated(tmp_path: Path, interval: object) -> None:
    staged = transform_reports(tmp_path, overview_report=[FakeResponse({"1": 5, "2": interval})])
    assert find_row(staged, "conversation_daily")["conversations"] == 5
