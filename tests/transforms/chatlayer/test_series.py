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
        series_body(),
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


def test_buckets_beside_the_window_are_dropped_and_missing_ones_are_zero(tmp_path: Path) -> None:
    x = ["2025-02-28T00:00:00Z", "2025-03-02T00:00:00Z", "2025-03-03T00:00:00Z"]
    assert list_conversations(
        transform_bodies(tmp_path, "conversations", series_body({"values": [9, 1, 9]}, x_values=x))
    ) == [0, 1]


def test_hours_are_summed_to_local_days(tmp_path: Path) -> None:
    clocks_go_forward = Window.of_day(date(2025, 3, 30))
    hours = [datetime(2025, 3, 29, 22, tzinfo=UTC) + timedelta(hours=number) for number in range(25)]
    body = series_body({"values": [100, *[1] * 23, 100]}, x_values=[hour.isoformat() for hour in hours])
    staged = transform_bodies(tmp_path, "conversations", body, window=clocks_go_forward, timezone="Europe/Berlin")
    assert list_conversations(staged) == [23]


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 2**53)] * 2), min_size=1, max_size=4), st.sampled_from([int, float, str]))
def test_a_total_is_the_sum_of_all_series(
    tmp_path_factory: pytest.TempPathFactory, values: list[tuple[int, int]], form: Any
) -> None:
    series = [{"values": [form(value) for value in pair]} for pair in values]
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
        ({"code": 5, "message": "not found"}, "data"),
        ({"data": []}, "data"),
        ({"data": {"rows": [1]}}, "rows"),
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
    ],
)
def test_another_shape_is_refused_by_field(tmp_path: Path, body: Any, field: str) -> None:
    with pytest.raises(ShapeError, match=rf"{NAME} \(chatlayer.conversations\): field .*{field}"):
        transform_bodies(tmp_path, "conversations", body)


@pytest.mark.parametrize("x", ["2025-03-01", "2025-03-01T22:30:00Z"])
def test_buckets_that_are_no_hours_are_refused(tmp_path: Path, x: str) -> None:
    with pytest.raises(ShapeError, match=r"x_values\[0\]"):
        transform_bodies(
            tmp_path, "conversations", series_body({"values": [1]}, x_values=[x]), timezone="Europe/Berlin"
        )
