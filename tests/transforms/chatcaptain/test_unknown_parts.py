"""Parts of ChatCaptain's responses that are null, nameless or cut off: no sum of the others stands for the whole."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from extractors.errors import ShapeError
from tests.support.landed_chunks import FakeResponse, read_staged_rows
from tests.transforms.chatcaptain.test_reports import DAY, channel, find_row, transform_reports

NEW_YORK = {"timezone": "America/New_York"}


@pytest.mark.parametrize(
    ("component", "table", "column"),
    [("3", "language_daily", "conversations"), ("4", "channel_daily", "conversations"), ("11", "intent_daily", "hits")],
)
def test_a_member_with_an_unknown_part_has_no_row(tmp_path: Path, component: str, table: str, column: str) -> None:
    parts = [{"key": "", "count": 3}, {"key": "unknown", "count": None}, {"key": "fr", "count": 4}]
    staged = transform_reports(tmp_path, overview_report=[FakeResponse({"1": 9, component: parts})])
    assert [row[column] for row in read_staged_rows(staged, table)] == [4]
    assert staged.reconciliations == ()


def test_languages_that_conform_are_unknown_when_one_is_null(tmp_path: Path) -> None:
    staged = transform_reports(tmp_path, overview_report=[FakeResponse({"3": {"de": 3, "DE": None, "fr": 1}})])
    assert [row["language_code"] for row in read_staged_rows(staged, "language_daily")] == ["fr"]


def test_an_unknown_channel_type_is_not_a_listed_type_without_conversations(tmp_path: Path) -> None:
    overview = FakeResponse({"1": 9, "4": {"web": None, "email": 2}, "7": 5})
    reports = [FakeResponse([]), channel("1", "web", c12=3), channel("2", "email", c12=2)]
    staged = transform_reports(tmp_path, overview_report=[overview], channel_report=reports)
    assert "conversations" not in find_row(staged, "channel_daily", channel_code="web")
    assert find_row(staged, "channel_daily", channel_code="email")["conversations"] == 2


@pytest.mark.parametrize("second", [{}, {"c21": None}, {"c21": {"hangup": None}}])
def test_end_reasons_are_unknown_when_those_of_one_channel_are(tmp_path: Path, second: dict[str, Any]) -> None:
    reports = [channel("1", "voice", c1=1, c21={"hangup": 3}), channel("2", "audiocodes", c1=1, **second)]
    staged = transform_reports(tmp_path, channel_report=reports)
    assert [row for row in read_staged_rows(staged, "metric_daily") if row["metric"] == "end_reason"] == []


def test_channels_without_calls_leave_the_end_reasons_known(tmp_path: Path) -> None:
    reports = [channel("1", "voice", c21={"hangup": 3}), channel("2", "web", c1=1), channel("3", "voice", c21={})]
    staged = transform_reports(tmp_path, channel_report=reports)
    assert find_row(staged, "metric_daily", metric="end_reason")["value"] == 3


@pytest.mark.parametrize("hours", [range(24), range(1)])
def test_hours_of_the_day_are_accepted_in_local_time_and_in_utc(tmp_path: Path, hours: range) -> None:
    for clock in (0, 4):
        moments = [f"{DAY + timedelta(days=(h + clock) // 24)}T{(h + clock) % 24:02}:00:00" for h in hours]
        report = FakeResponse({"1": len(moments), "2": [{"date": moment, "count": 1} for moment in moments]})
        staged = transform_reports(tmp_path / str(clock), NEW_YORK, overview_report=[report])
        assert [line.verdict for line in staged.reconciliations] == ["ok"]


@pytest.mark.parametrize("end", ["2025-03-31T00:00:00", "2025-03-31T04:00:00Z", "2025-03-31T00:00:00-04:00"])
def test_only_an_empty_bucket_may_begin_at_the_end_of_the_day(tmp_path: Path, end: str) -> None:
    """A time without an offset may be UTC, and then of the day: not beside buckets that only fit in local time."""
    day = [{"date": f"2025-03-30T{hour:02}:00:00", "count": 1} for hour in range(24)]
    empty = FakeResponse({"1": 24, "2": [*day, {"date": end, "count": 0}]})
    assert transform_reports(tmp_path, NEW_YORK, overview_report=[empty]).reconciliations[0].verdict == "ok"
    filled = FakeResponse({"1": 25, "2": [*day, {"date": end, "count": 1}]})
    with pytest.raises(ShapeError, match=r"\$\.2\[24\]\.date: is outside of the requested range"):
        transform_reports(tmp_path / "filled", NEW_YORK, overview_report=[filled])


def test_a_name_that_is_cut_inside_an_emoji_is_kept(tmp_path: Path) -> None:
    staged = transform_reports(tmp_path, inbox=[FakeResponse({"open \ud83d": 4})])
    assert find_row(staged, "metric_daily")["member"] == "open \ufffd"


@pytest.mark.parametrize(
    "body", [{name: index for index, name in enumerate(["a\ufffd", "a\ud801"], 1)}, {"": 1, "unknown": 2}]
)
def test_a_name_that_comes_twice_in_the_inbox_is_refused(tmp_path: Path, body: dict[str, int]) -> None:
    with pytest.raises(ShapeError, match=r"^a \(chatcaptain\.inbox\): field .*: names a number a second time, saw 2"):
        transform_reports(tmp_path, inbox=[FakeResponse(body)])


def test_an_error_that_names_half_an_emoji_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match=r"field \$\.a\\ud800: is neither a number") as caught:
        transform_reports(tmp_path, inbox=[FakeResponse({"a\ud800": {"x": 1}})])
    assert str(caught.value).encode()


@pytest.mark.parametrize(
    ("component", "column"), [("c16", "conversation_daily.call_duration_seconds"), ("c18", "metric_daily.value")]
)
def test_a_value_that_its_column_cannot_hold_is_refused_with_its_stream(
    tmp_path: Path, component: str, column: str
) -> None:
    calls = channel("1", "voice", **{component: 10**18 - 1})
    problem = rf"^a \(chatcaptain\.channel_report\): field {column}: cannot hold the reported value, saw"
    with pytest.raises(ShapeError, match=problem):
        transform_reports(
            tmp_path,
            {"call_duration_unit": "minutes"},
            overview_report=[FakeResponse({"1": 1})],
            inbox=[FakeResponse({"open": 1})],
            channel_report=[calls],
        )


@pytest.mark.parametrize("more", [{"hasMore": True}, {"next": "/2"}, {"nextPageToken": "x"}, {"totalCount": 2}])
@pytest.mark.parametrize("stream", ["channels", "channel_report"])
def test_a_list_of_channels_that_announces_more_is_refused(tmp_path: Path, more: dict[str, Any], stream: str) -> None:
    listing = FakeResponse({"channels": [{"id": 1, "type": "web"}], **more})
    with pytest.raises(ShapeError, match=rf"^a \(chatcaptain\.{stream}\): field \$\.{next(iter(more))}: announces"):
        transform_reports(tmp_path, **{stream: [listing]})


def test_a_bare_total_beside_components_is_drift(tmp_path: Path) -> None:
    staged = transform_reports(tmp_path, overview_report=[FakeResponse({"1": 3, "totalCount": 9})])
    assert [(entry.kind, entry.name) for entry in staged.drift] == [("unknown field", "totalCount")]
