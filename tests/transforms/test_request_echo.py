"""What a response repeats of its request is compared with it; what it does not repeat says nothing."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from extractors.errors import ErrorLocation, ShapeError
from transforms.reading import Node
from transforms.request_echo import RequestedValues, refuse_other_request

REQUESTED: RequestedValues = {
    "projectId": "p_1",
    "year": 2025,
    "month": 3,
    "startTime": datetime(2025, 3, 29, 23, tzinfo=UTC),
}


def build_node(value: Any) -> Node:
    return Node(value, "$", ErrorLocation("chatdash", "sales", "analytics"))


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"projectId": "p_2"}, "$.projectId: is not the requested p_1, saw 'p_2'"),
        ({"project_id": "P_1"}, "$.project_id: is not the requested p_1, saw 'P_1'"),
        ({"year": 25}, "$.year: is not the requested 2025, saw 25"),
        ({"month": "04"}, "$.month: is not the requested 3, saw '04'"),
        ({"month": "March"}, "$.month: is not a number, saw 'March'"),
        ({"startTime": "2025-03-29T00:00:00Z"}, "$.startTime: is not the requested 2025-03-29 23:00:00+00:00, saw "),
        ({"startTime": "2025-03-29T23:00:02Z"}, "$.startTime: is not the requested 2025-03-29 23:00:00+00:00, saw "),
        ({"startTime": "2025-03-28"}, "$.startTime: is not the requested 2025-03-29 23:00:00+00:00, saw "),
        ({"startTime": "2025-03-31"}, "$.startTime: is not the requested 2025-03-29 23:00:00+00:00, saw "),
        ({"filter": {"startTime": "2025-03-28T23:00:00Z"}}, "$.filter.startTime: is not the requested "),
        ({"request": {"query": {"month": 2}}}, "$.request.query.month: is not the requested 3, saw 2"),
    ],
)
def test_another_value_than_the_requested_one_is_refused(value: Any, sentence: str) -> None:
    with pytest.raises(ShapeError) as caught:
        refuse_other_request(build_node(value), REQUESTED, ZoneInfo("Europe/Berlin"))
    assert str(caught.value).startswith(f"sales (chatdash.analytics): field {sentence}")


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"projectId": "p_1", "year": "2025", "month": "03", "startTime": "2025-03-30T00:00:00+01:00"},
        {"projectId": None, "filter": None, "query": "odd", "other": {"month": 1}},
        {"start_time": 1743289200000, "month": Decimal("3.0")},
        {"start_time": "2025-03-29T22:59:59.001Z", "project_id": ""},
        {"start_time": "2025-03-29"},
        {"start_time": "2025-03-30"},
    ],
)
def test_the_requested_values_in_any_form_and_silence_are_accepted(value: Any) -> None:
    refuse_other_request(build_node(value), REQUESTED, ZoneInfo("Europe/Berlin"))
