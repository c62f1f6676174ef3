"""ChatDash's responses that do not fit their request, or have another shape: each is refused by name."""

from pathlib import Path
from typing import Any

import pytest

from extractors.errors import ShapeError
from tests.support.chatdash import WHOLE, read_day, transform_bodies
from tests.support.landed_chunks import ChunkBuilder, read_staged_rows


@pytest.fixture
def landings(tmp_path: Path) -> ChunkBuilder:
    return ChunkBuilder(tmp_path)


@pytest.mark.parametrize(
    ("bodies", "sentence"),
    [
        ([{}], "$: holds none of the metrics, saw {}"),
        ([{}, {}], "$: holds none of the metrics, saw {}"),
        ([{"message": "ok"}], "$: holds none of the metrics, saw {'message': 'ok'}"),
        ([WHOLE, {"message": "ok"}], "$: holds none of the metrics, saw {'message': 'ok'}"),
        ([WHOLE, {"tokens": []}], "$.tokens: differs from another response for the same day, saw []"),
        ([{**WHOLE, "projectId": "p_2"}], "$.projectId: is not the requested p_1, saw 'p_2'"),
        (
            [{**WHOLE, "startTime": "2025-02-27T23:00:00.000Z"}],
            "$.startTime: is not the requested 2025-03-29 23:00:00",
        ),
        (
            [{**WHOLE, "filter": {"endTime": "2025-03-30T21:00:00Z"}}],
            "$.filter.endTime: is not the requested 2025-03-30",
        ),
        ([{**WHOLE, "hasMore": True}], "$.hasMore: announces more, which did not come, saw True"),
        ([{**WHOLE, "has_more": "true"}], "$.has_more: announces more, which did not come, saw 'true'"),
        ([{**WHOLE, "truncated": True}], "$.truncated: announces more, which did not come, saw True"),
        ([{**WHOLE, "nextPageToken": "x"}], "$.nextPageToken: announces a next page, which did not come, saw 'x'"),
        ([{"conversations": {"total": 7, "next": "x"}}], "$.conversations.next: announces a next page"),
        ([{**WHOLE, "errors": ["timeout"]}], "$: is no data; the provider says: timeout"),
        (
            [{**WHOLE, "conversations": {"total": None, "error": "timeout"}}],
            "$.conversations.error: is a failure; the provider says: timeout, saw 'timeout'",
        ),
        (
            [{"conversations": {"error": {"message": "timeout"}}}],
            "$.conversations.error: is a failure; the provider says",
        ),
        (
            [{"tokens": [{"model": "a", "count": 1, "error": "?"}]}],
            "$.tokens[].error: is a failure; the provider says: ?",
        ),
        ([b'{"conversations": {"total": 5, "total": 7}}'], "total: stands twice in one object, saw [5, 7]"),
    ],
)
def test_responses_that_are_not_the_requested_data_are_refused(
    landings: ChunkBuilder, bodies: list[Any], sentence: str
) -> None:
    with pytest.raises(ShapeError) as caught:
        transform_bodies(landings, *bodies)
    assert str(caught.value).startswith(f"sales (chatdash.analytics): field {sentence}")


@pytest.mark.parametrize(
    ("body", "table"),
    [
        ({"conversationsByCountry": [{"id": "de", "value": 3}, {"id": "DE", "value": None}]}, "country_daily"),
        ({"topIntents": [{"name": "", "count": 3}, {"name": None, "count": None}]}, "intent_daily"),
        ({"endedReason": [{"reason": "", "count": 3}, {"reason": None, "count": None}]}, "metric_daily"),
        ({"topTopics": [{"id": 1, "label": "a", "count": 3}, {"id": 2, "label": "a", "count": None}]}, "metric_daily"),
        ({"tokens": [{"model": "", "count": 3}, {"model": None, "count": None}]}, "metric_daily"),
    ],
)
def test_a_sum_with_an_unknown_part_is_unknown(landings: ChunkBuilder, body: Any, table: str) -> None:
    staged = transform_bodies(landings, {"conversations": {"total": 9}, **body})
    assert read_staged_rows(staged, table) == []
    assert staged.reconciliations == ()
    assert read_day(staged) == {"conversations": 9}


def test_a_bare_total_beside_the_metrics_is_drift(landings: ChunkBuilder) -> None:
    staged = transform_bodies(landings, {**WHOLE, "totalCount": 500})
    assert [(entry.kind, entry.name) for entry in staged.drift] == [("unknown field", "totalCount")]


def test_a_value_that_its_column_cannot_hold_is_refused_with_its_stream(landings: ChunkBuilder) -> None:
    with pytest.raises(
        ShapeError, match=r"^sales \(chatdash\.analytics\): field conversation_daily.cost_amount: cannot"
    ):
        transform_bodies(landings, {"totalCost": {"total": 10**15}})


def test_what_a_response_repeats_of_its_request_is_no_failure(landings: ChunkBuilder) -> None:
    repeated = {
        "projectId": "p_1",
        "startTime": "2025-03-29T23:00:00Z",
        "filter": {"endTime": "2025-03-30T21:59:59.999Z"},
    }
    assert read_day(transform_bodies(landings, {**WHOLE, **repeated})) == read_day(transform_bodies(landings, WHOLE))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([WHOLE], "$"),
        *(({key: {"total": -1}}, f"$.{key}.total") for key, value in WHOLE.items() if "total" in str(value)),
        ({"averageCost": {"average": -0.5}}, "$.averageCost.average"),
        ({"averageInteractions": -1}, "$.averageInteractions"),
        ({"understoodMessages": {"missed": -1}}, "$.understoodMessages.missed"),
        ({"conversationsByCountry": [{"id": "DE", "value": -1}]}, "$.conversationsByCountry[0].value"),
        ({"topIntents": [{"name": "a", "count": 2}] * 2}, "$.topIntents[1]"),
        ({"tokens": [{"model": "a", "count": 2}, {"model": "a", "count": 3}]}, "$.tokens[1]"),
        ({"endedReason": [{"reason": None, "count": 2}, {"reason": None, "count": 3}]}, "$.endedReason[1]"),
        ({"topTopics": [{"id": 1, "label": "a", "count": 2}, {"id": 1, "label": "a", "count": 3}]}, "$.topTopics[1]"),
        (
            {"conversationsByCountry": [{"id": "DE", "value": 2}, {"id": "DE", "value": 3}]},
            "$.conversationsByCountry[1]",
        ),
        ({"message": "try again"}, "$"),
        ({"data": WHOLE}, "$"),
        ({"conversations": 7}, "$.conversations"),
        ({"conversations": {"sum": 7}}, "$.conversations"),
        ({"conversations": {"total": "many"}}, "$.conversations.total"),
        ({"conversations": {"total": True}}, "$.conversations.total"),
        ({"conversations": {"total": 1.5}}, "$.conversations.total"),
        ({"conversations": {"counts": 7}}, "$.conversations.counts"),
        ({"conversations": {"counts": [{"n": 7}]}}, "$.conversations.counts[0]"),
        ({"conversations": {"counts": [{"count": 7, "value": 8}]}}, "$.conversations.counts[0]"),
        ({"totalCallDuration": {"total": "1:30"}}, "$.totalCallDuration.total"),
        ({"totalCost": {"total": 1, "currency": {}}}, "$.totalCost.currency"),
        ({"averageCost": 1}, "$.averageCost"),
        ({"averageCost": {"mean": 1}}, "$.averageCost"),
        ({"averageInteractions": {"average": 1}}, "$.averageInteractions"),
        ({"understoodMessages": {"ok": 1}}, "$.understoodMessages"),
        ({"understoodMessages": {"understood": []}}, "$.understoodMessages.understood"),
        ({"conversationsByCountry": {"DE": 1}}, "$.conversationsByCountry"),
        ({"conversationsByCountry": [{"id": "DE", "count": 1}]}, "$.conversationsByCountry[0]"),
        ({"endedReason": [{"name": "x", "count": 1}]}, "$.endedReason[0]"),
        ({"endedReason": ["x"]}, "$.endedReason[0]"),
        ({"endedReason": [{"reason": {}, "count": 1}]}, "$.endedReason[0].reason"),
        ({"topTopics": [{"label": "x", "value": 1}]}, "$.topTopics[0]"),
        ({"tokens": [{"model": "a", "count": -0.5}]}, "$.tokens[0].count"),
        ({"topIntents": [{"intent": "a", "count": 1}]}, "$.topIntents[0]"),
    ],
)
def test_other_shapes_are_refused_by_name(landings: ChunkBuilder, body: Any, field: str) -> None:
    with pytest.raises(ShapeError) as caught:
        transform_bodies(landings, body)
    assert caught.value.field == field
    assert "sales (chatdash.analytics)" in str(caught.value)
