"""SeriesData: every accepted form of buckets, values and omissions, and the forms that are refused by field."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.errors import ShapeError
from extractors.windows import Window
from tests.support.chatlayer import NAME, X_VALUES, series_body, transform_bodies
from tests.support.landed_chunks import read_staged_rows
from transforms.facts import TransformResult


def list_conversations(staged: TransformResult) -> list[int | None]:
    by_day = {row["date"]: row.get("conversations") for row in read_staged_rows(staged, "conversation_daily")}
    return [by_day[day] for day in sorted(by_day)]


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"data": {}},
        {"data": None},
        series_body({}),
        series_body(x_values=[]),
        series_body({"labels": {}}, x_values=[]),
        series_body({"sum": "0"}),
    ],
)
def test_an_empty_response_is_zero(tmp_path: Path, body: Any) -> None:
    assert list_conversations(transform_bodies(tmp_path, "conversations", body)) == [0, 0]


@pytest.mark.parametrize(
    "x",
    [
        X_VALUES,
        ["2025-03-01", "2025-03-02"],
        ["2025-03-01T02:00:00+02:00", "2025-03-01T19:00:00.000-05:00"],
        [1740787200, 1740873600],
        ["1740787200", "1740873600"],
        [1740787200000, "1740873600000"],
    ],
)
def test_every_form_of_a_bucket(tmp_path: Path, x: list[Any]) -> None:
    assert list_conversations(
        transform_bodies(tmp_path, "conversations", series_body({"values": ["3", 4.0]}, x_values=x))
    ) == [3, 4]


def test_a_missing_bucket_is_zero(tmp_path: Path) -> None:
    body = series_body({"values": [1]}, x_values=["2025-03-02T00:00:00Z"])
    assert list_conversations(transform_bodies(tmp_path, "conversations", body)) == [0, 1]


@pytest.mark.parametrize("x", ["2025-02-28", "2025-03-03", "2025-02-01", "2024-03-01", "2026-03-01", "1970-01-21"])
def test_a_bucket_outside_of_the_requested_range_is_refused(tmp_path: Path, x: str) -> None:
    body = series_body({"values": [9, 1]}, x_values=[x, "2025-03-02"])
    problem = (
        rf"^{NAME} \(chatlayer.conversations\): field \$.data.x_values\[0\]: is outside of the requested range, "
        rf"2025-03-01T00:00:00Z to 2025-03-03T00:00:00Z, saw '{x}'"
    )
    with pytest.raises(ShapeError, match=problem):
        transform_bodies(tmp_path, "conversations", body)


@pytest.mark.parametrize("x", ["2025-02-28", "2025-03-03"])
def test_an_empty_bucket_beside_the_range_is_accepted(tmp_path: Path, x: str) -> None:
    body = series_body({"values": [0, 1]}, {"labels": {"kind": "b"}}, x_values=[x, "2025-03-02"])
    assert list_conversations(transform_bodies(tmp_path, "conversations", body)) == [0, 1]


@pytest.mark.parametrize("x", ["2025-02-27", "2025-03-04", "2024-03-01"])
def test_an_empty_bucket_of_another_range_is_refused(tmp_path: Path, x: str) -> None:
    with pytest.raises(ShapeError, match=r"x_values\[0\]: is outside of the requested range"):
        transform_bodies(tmp_path, "conversations", series_body({"values": [0]}, x_values=[x]))


def test_the_day_before_a_single_day_is_within_its_request(tmp_path: Path) -> None:
    body = series_body({"values": [9, 2], "sum": 11})
    staged = transform_bodies(tmp_path, "conversations", body, window=Window.of_day(date(2025, 3, 2)))
    assert list_conversations(staged) == [2]


def test_hours_are_summed_to_local_days(tmp_path: Path) -> None:
    clocks_go_forward = Window.of_day(date(2025, 3, 30))
    hours = [datetime(2025, 3, 29, 22, tzinfo=UTC) + timedelta(hours=number) for number in range(25)]
    body = series_body({"values": [0, *[1] * 23, 0]}, x_values=[hour.isoformat() for hour in hours])
    staged = transform_bodies(tmp_path, "conversations", body, window=clocks_go_forward, timezone="Europe/Berlin")
    assert list_conversations(staged) == [23]
    body["data"]["series"][0]["values"][-1] = 1
    with pytest.raises(ShapeError, match=r"x_values\[24\]: is outside"):
        transform_bodies(tmp_path / "next", "conversations", body, window=clocks_go_forward, timezone="Europe/Berlin")


@pytest.mark.parametrize("x", ["2025-03-01T10:30:00Z", "2025-03-01T10:00:01Z"])
def test_a_bucket_that_begins_within_an_hour_is_refused(tmp_path: Path, x: str) -> None:
    body = series_body({"values": [1]}, x_values=[x])
    with pytest.raises(ShapeError, match=r"x_values\[0\]: is not the beginning of a bucket of 1h"):
        transform_bodies(tmp_path, "conversations", body, timezone="Europe/Berlin")


def test_days_in_place_of_hours_are_refused(tmp_path: Path) -> None:
    midnights = [f"2025-03-0{day}T00:00:00Z" for day in (2, 3, 4)]
    window = Window(date(2025, 3, 2), date(2025, 3, 6))
    body = series_body({"values": [7, 8, 9]}, x_values=midnights)
    with pytest.raises(ShapeError, match="days came, but hours were requested"):
        transform_bodies(tmp_path, "conversations", body, window=window, timezone="Europe/Berlin")
    body = series_body({"values": [7, 8, 9]}, x_values=[*midnights[:2], "2025-03-04T01:00:00Z"])
    staged = transform_bodies(tmp_path / "hours", "conversations", body, window=window, timezone="Europe/Berlin")
    assert list_conversations(staged) == [7, 8, 9, 0]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 2**53)] * 2), min_size=1, max_size=4), st.sampled_from([int, float, str]))
def test_a_total_is_the_sum_of_all_series(
    tmp_path_factory: pytest.TempPathFactory, values: list[tuple[int, int]], form: Any
) -> None:
    series = [
        {"values": [form(value) for value in pair], "labels": {"kind": str(number)}}
        for number, pair in enumerate(values)
    ]
    assert list_conversations(
        transform_bodies(tmp_path_factory.mktemp("x"), "conversations", series_body(*series))
    ) == [
        sum(first for first, _ in values),
        sum(second for _, second in values),
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], r"\$"),
        ({"series": []}, "data"),
        ({"data": []}, "data"),
        ({"data": {"rows": [1]}}, "rows"),
        (series_body(), r"data: has x_values and no series"),
        ({"data": {"x_values": X_VALUES}}, r"data: has x_values and no series"),
        (series_body({"values": [1]}), "values"),
        (series_body({"values": []}), "values"),
        (series_body({"values": [1, 2, 3]}), "values"),
        (series_body({"values": [1, 2]}, x_values=None), "values"),
        (series_body({"points": [1, 2]}), "points"),
        (series_body({"sum": "7"}), "sum"),
        (series_body({"values": [1, "x"]}), r"values\[1\]"),
        (series_body({"values": [1, 1.5]}), r"values\[1\]"),
        (series_body({"values": [1, True]}), r"values\[1\]"),
        (series_body({"values": [1, 2]}, x_values=["2025-03-01T00:00:00", X_VALUES[1]]), r"x_values\[0\]"),
        (series_body({"values": [1, 2]}, x_values=["March", X_VALUES[1]]), r"x_values\[0\]"),
        (series_body({"values": [1, 2]}, x_values=[None, X_VALUES[1]]), r"x_values\[0\]"),
        (series_body({"values": [1, 2]}, x_values=[X_VALUES[0], "2025-03-01"]), r"x_values\[1\]"),
        (series_body({"values": [1, 2]}, x_values=[X_VALUES[0], "2025-03-01T12:00:00Z"]), r"x_values\[1\]"),
        (series_body({"values": [1, 2]}, x_values=[X_VALUES[0], "20250302"]), r"x_values\[1\]"),
        (series_body({"values": [1, 2], "sum": 4}), r"sum: is not the sum of the values, 3, saw 4"),
        (series_body({"values": [1, 2], "max": "3"}), r"max: is not the max of the values, 2, saw '3'"),
        (series_body({"values": [1, -2]}), r"values\[1\]: is negative, saw -2"),
        (series_body({"values": [1, 2]}, {"values": [1, 2]}), r"series\[1\]: has the labels of an earlier series"),
        (
            series_body({"values": [1, 2], "labels": {"kind": "a"}}, {"values": [3, 4], "labels": {"kind": "a"}}),
            r"series\[1\]: has the labels of an earlier series",
        ),
        (series_body({"values": [1, 2]}, series_labels=["a", "b"]), "series_labels: has 2 entries for 1 series"),
        (
            series_body({"values": [1, 2]}, {"values": [1, 2]}, series_labels=["a"]),
            "series_labels: has 1 entries for 2 series",
        ),
        ({"data": {"series_labels": ["a"]}}, "series_labels: has 1 entries for 0 series"),
        ({"data": {"error": {"message": "timed out"}}}, "data.error: is a failure; the provider says: timed out"),
        (series_body({"values": [1, 2]}, error="timed out"), "data.error: is a failure; the provider says: timed out"),
        (series_body({"values": [1, 2]}, errors=[{"message": "shard 3"}]), "data.errors: is a failure; .*: shard 3"),
        (series_body({"values": [1, 2], "error": "shard 3"}), r"series\[\].error: is a failure; .*: shard 3"),
        ({"data": {}, "error": {"message": "timed out"}}, r"\$: is no data; the provider says: timed out"),
        ({"code": 13, "message": "internal", "details": []}, r"\$: is no data; the provider says: internal"),
        (series_body({"values": [1, 2]}, next_page_token="x"), "next_page_token: announces a next page"),
        ({**series_body({"values": [1, 2]}), "pagination": {"has_more": True}}, "has_more: announces more"),
        ({**series_body({"values": [1, 2]}), "total": 5}, r"\$.total: announces more than the 1 that came"),
        ({**series_body({"values": [1, 2]}), "bot_id": "b2"}, r"bot_id: is not the requested b1, saw 'b2'"),
        (series_body({"values": [1, 2]}, version="DRAFT"), r"data.version: is not the requested LIVE"),
        (series_body({"values": [1, 2]}, bucket="1h"), r"data.bucket: is not the requested 1d"),
        (
            series_body({"values": [1, 2]}, start_time="2025-04-01T00:00:00Z"),
            r"data.start_time: is not the requested 2025-03-01 00:00:00",
        ),
    ],
)
def test_another_shape_is_refused_by_field(tmp_path: Path, body: Any, field: str) -> None:
    with pytest.raises(ShapeError, match=rf"{NAME} \(chatlayer.conversations\): field .*{field}"):
        transform_bodies(tmp_path, "conversations", body)


def test_a_response_that_repeats_its_request_is_accepted(tmp_path: Path) -> None:
    own = {"bot_id": "b1", "version": "LIVE", "bucket": "1d", "startTime": "2025-03-01T01:00:00+01:00", "total": 3}
    body = {**series_body({"values": [1, 2], "sum": "3", "max": 2, "mean": 1}, **own), **own}
    assert list_conversations(transform_bodies(tmp_path, "conversations", body)) == [1, 2]


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    body = b'{"data": {"x_values": ["2025-03-01"], "series": [{"values": [5], "values": [7]}]}}'
    with pytest.raises(ShapeError, match=rf"{NAME} \(chatlayer.conversations\): field values: stands twice"):
        transform_bodies(tmp_path, "conversations", body)


@pytest.mark.parametrize("x", ["2025-03-01", "2025-03-01T22:30:00Z"])
def test_buckets_that_are_no_hours_are_refused(tmp_path: Path, x: str) -> None:
    with pytest.raises(ShapeError, match=r"x_values\[0\]"):
        transform_bodies(
            tmp_path, "conversations", series_body({"values": [1]}, x_values=[x]), timezone="Europe/Berlin"
        )


@pytest.mark.parametrize("values", [[None, 3], [3, None], [None, None]])
def test_a_null_among_the_values_is_refused(tmp_path: Path, values: list[int | None]) -> None:
    place = values.index(None)
    problem = rf"{NAME}.*field \$\.data\.series\[0\]\.values\[{place}\]: is missing, saw None"
    with pytest.raises(ShapeError, match=problem):
        transform_bodies(tmp_path, "conversations", series_body({"values": values}))
