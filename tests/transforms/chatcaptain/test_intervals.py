"""Buckets of the usual form are checked by their texts; the long way must say the same of each."""

from datetime import datetime, timedelta
from typing import Any
from unittest.mock import Mock
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.errors import ErrorLocation, ShapeError
from transforms.chatcaptain import intervals
from transforms.chatcaptain.intervals import refuse_other_range, sum_interval
from transforms.reading import Node

ZONES = [ZoneInfo(name) for name in ("UTC", "Europe/Berlin", "Asia/Kolkata")]
QUERY = {"from": "2025-03-30T00:00:00+01:00", "to": "2025-03-30T23:59:59.999+02:00", "interval": "3600"}
START = datetime.fromisoformat("2025-03-29T22:00:00")
WHERE = ErrorLocation("chatcaptain", "one", "overview")

hours = st.lists(st.integers(0, 30), max_size=30)
endings = st.sampled_from(["", "Z", "+01:00", "+02:00", " "])
numbers = st.sampled_from([0, 0, 0, 1, 7, 10**17, True, "3", "1.000", -1, None])


def build_node(value: Any) -> Node:
    return Node(value, "$.5", WHERE)


def read_refusal(check: Any, *arguments: Any) -> str | None:
    try:
        check(*arguments)
    except ShapeError as error:
        return str(error)
    return None


@given(hours, endings, st.lists(numbers, min_size=31, max_size=31), st.sampled_from(ZONES), st.booleans())
def test_the_short_way_refuses_what_the_long_way_refuses(
    starts: list[int], ending: str, values: list[Any], zone: ZoneInfo, is_map: bool
) -> None:
    texts = [(START + timedelta(hours=hour)).isoformat() + ending for hour in starts]
    rows = list(zip(texts, values, strict=False))
    interval = build_node(dict(rows) if is_map else [{"timestamp": text, "count": value} for text, value in rows])
    short = read_refusal(refuse_other_range, interval, QUERY, zone)
    assert short == read_refusal(intervals._refuse_other_range, interval, QUERY, zone)


@pytest.mark.parametrize(("value", "expected"), [([], 0), ({}, 0), ({"a": 1, "b": 2}, 3), ({"a": 1, "b": None}, None)])
def test_buckets_are_summed_and_an_unknown_one_makes_the_sum_unknown(value: Any, expected: int | None) -> None:
    assert sum_interval(build_node(value)) == expected


def test_intervals_of_one_day_take_the_long_way_once(monkeypatch: pytest.MonkeyPatch) -> None:
    long_way = Mock(wraps=intervals._refuse_other_range)
    monkeypatch.setattr(intervals, "_refuse_other_range", long_way)
    first = datetime.fromisoformat(QUERY["from"])
    moments = [(first + timedelta(hours=hour)).isoformat() for hour in range(23)]
    for count in range(5):
        refuse_other_range(build_node(dict.fromkeys(moments, count)), QUERY, ZONES[1])
    assert long_way.call_count == 1
    with pytest.raises(ShapeError, match="outside of the requested range"):
        refuse_other_range(build_node({**dict.fromkeys(moments, 1), "2025-04-02T00:00:00+02:00": 1}), QUERY, ZONES[1])
