"""ChatDash's responses as fact rows: every accepted shape, and the refused ones by name."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.chatdash.account import ChatdashAccount
from extractors.errors import ShapeError
from extractors.windows import Window
from tests.support.landed_chunks import ChunkBuilder, FakeResponse, read_staged_rows
from transforms.facts import TransformResult

DAY = date(2025, 3, 30)
WINDOW = Window.of_day(DAY)


@pytest.fixture
def landings(tmp_path: Path) -> ChunkBuilder:
    return ChunkBuilder(tmp_path)


def transform_bodies(landings: ChunkBuilder, *bodies: Any, **settings: Any) -> TransformResult:
    account = ChatdashAccount.model_validate(
        {"name": "sales", "project_id": "p_1", "api_key": "fake-key", "timezone": "Europe/Berlin", **settings}
    )
    landings.land(account, "analytics", WINDOW, *(FakeResponse(body) for body in bodies))
    return landings.transform(account, WINDOW)


def read_day(staged: TransformResult) -> dict[str, Any]:
    (row,) = read_staged_rows(staged, "conversation_daily")
    assert row.pop("date") == DAY
    return row


def read_metric(staged: TransformResult, metric: str) -> dict[str | None, Any]:
    rows = read_staged_rows(staged, "metric_daily")
    return {row.get("member"): row["value"] for row in rows if row["metric"] == metric}


WHOLE: dict[str, Any] = {
    "conversations": {"counts": [1, 2, 4], "total": 7},
    "uniqueIps": {"counts": [], "total": 5},
    "totalCallDuration": {"counts": [], "total": 1.2345},
    "totalCost": {"counts": [], "total": 0.1234567, "currency": "EUR"},
    "averageCost": {"counts": [], "average": 0.03, "currency": "EUR"},
    "interactions": {"total": "20"},
    "incomingTextMessages": {"total": 9.0},
    "understoodMessages": {"total": 9, "understood": 5, "missed": 2},
    "conversationsByCountry": [{"id": "de", "value": 3}, {"id": "DE", "value": 1}, {"id": "NA", "value": 2}],
    "endedReason": [{"reason": "hangup", "count": 3}, {"reason": None, "count": 1}, {"reason": "never", "count": 0}],
    "topMisunderstoodMessages": [{"id": "m0", "label": "où?", "count": 2}],
    "topTopics": [{"id": "1", "label": "Billing", "count": 2}, {"id": "2", "label": "Billing", "count": 1}],
    "tokens": [{"model": "m-1", "count": 10}, {"model": "m-2", "count": 5}],
    "topIntents": [{"name": "null", "count": 4}, {"name": "NA", "count": 4}],
    "averageInteractions": 2.857142,
}


def test_a_whole_response(landings: ChunkBuilder) -> None:
    staged = transform_bodies(landings, WHOLE)
    assert read_day(staged) == {
        "conversations": 7,
        "unique_users": 5,
        "call_duration_seconds": Decimal("74.070"),
        "cost_amount": Decimal("0.123457"),
        "cost_currency": "EUR",
        "interactions": 20,
        "user_messages": 9,
        "understood_messages": 5,
        "misunderstood_messages": 2,
        "tokens": 15,
    }
    assert read_staged_rows(staged, "country_daily", ["country_code", "conversations"]) == [
        {"conversations": 2, "country_code": "NA"},
        {"conversations": 4, "country_code": "DE"},
    ]
    assert read_staged_rows(staged, "intent_daily", ["intent", "hits", "rank", "is_top_n"]) == [
        {"intent": "NA", "hits": 4, "rank": 2, "is_top_n": True},
        {"intent": "null", "hits": 4, "rank": 1, "is_top_n": True},
    ]
    assert read_metric(staged, "end_reason") == {"hangup": 3, "unknown": 1}
    assert read_metric(staged, "topic") == {"Billing": 3}
    assert read_metric(staged, "tokens") == {"m-1": 10, "m-2": 5}
    assert read_metric(staged, "classified_messages") == {None: 9}
    assert read_metric(staged, "average_cost") == {None: Decimal("0.03")}
    assert read_metric(staged, "average_interactions") == {None: Decimal("2.857142")}
    assert read_metric(staged, "misunderstood_texts") == {}
    assert set(staged.tables) == {"conversation_daily", "country_daily", "intent_daily", "metric_daily"}
    assert staged.totals[DAY]["conversations"] == 7


def test_message_texts_are_kept_on_request_only(landings: ChunkBuilder) -> None:
    staged = transform_bodies(landings, WHOLE, privacy={"message_texts": "keep"})
    assert read_metric(staged, "misunderstood_texts") == {"où?": 2}


def test_several_responses_of_a_day_are_merged(landings: ChunkBuilder) -> None:
    halves = [{key: WHOLE[key] for key in list(WHOLE)[part::2]} for part in (0, 1)]
    whole, apart = transform_bodies(landings, WHOLE), transform_bodies(landings, *halves)
    assert {name: table.to_pylist() for name, table in apart.tables.items()} == {
        name: table.to_pylist() for name, table in whole.tables.items()
    }
    assert apart.reconciliations == whole.reconciliations


@pytest.mark.parametrize("nothing", [[dict.fromkeys(WHOLE)], [{"conversations": {}}, {}], [{}, {"tokens": None}]])
def test_a_metric_that_is_not_reported_is_null_and_has_no_rows(landings: ChunkBuilder, nothing: list[Any]) -> None:
    staged = transform_bodies(landings, *nothing)
    assert read_day(staged) == {}
    assert set(staged.tables) == {"conversation_daily"}
    assert staged.reconciliations == ()


@pytest.mark.parametrize(
    ("series", "expected"),
    [
        ({"total": 3, "counts": [1, 2]}, 3),
        ({"total": 3, "counts": None}, 3),
        ({"counts": [3]}, 3),
        ({"total": None, "counts": ["3"]}, 3),
        ({"counts": [{"count": 3}]}, 3),
        ({"counts": [{"date": "2025-03-30", "value": "3"}]}, 3),
        ({"counts": [{"timestamp": 1, "total": 3.0}]}, 3),
        ({"counts": [{"count": None}]}, None),
        ({"counts": [1, 2]}, None),
        ({"counts": []}, None),
        ({"total": None}, None),
        ({}, None),
        ({"total": 0, "counts": []}, 0),
    ],
)
def test_totals_and_only_counts(landings: ChunkBuilder, series: Any, expected: int | None) -> None:
    names = ("conversations", "uniqueIps", "interactions", "incomingTextMessages", "totalCallDuration", "totalCost")
    row = read_day(transform_bodies(landings, dict.fromkeys(names, series)))
    columns = ("conversations", "unique_users", "interactions", "user_messages")
    assert [row.get(column) for column in columns] == [expected] * 4
    assert row.get("cost_amount") == expected
    assert row.get("call_duration_seconds") == (None if expected is None else expected * 60)


@pytest.mark.parametrize(
    ("cost", "expected"),
    [
        ({"total": 0, "counts": []}, (0, None)),
        ({"total": 0, "currency": "USD"}, (0, "USD")),
        ({"total": "12.5", "currency": None}, (Decimal("12.5"), None)),
        ({"total": 1, "currency": ""}, (1, None)),
        ({"counts": [1, 2], "currency": "USD"}, (None, None)),
    ],
)
def test_money_has_a_currency_only_when_reported(landings: ChunkBuilder, cost: Any, expected: Any) -> None:
    row = read_day(transform_bodies(landings, {"totalCost": cost, "averageCost": {"average": 1, "currency": "GBP"}}))
    assert (row.get("cost_amount"), row.get("cost_currency")) == expected


def test_money_never_passes_through_a_float(landings: ChunkBuilder) -> None:
    body = (
        b'{"totalCost": {"total": 123456789012.123456, "currency": "USD"}, "totalCallDuration": {"total": 0.0166675}}'
    )
    row = read_day(transform_bodies(landings, body))
    assert row["cost_amount"] == Decimal("123456789012.123456")
    assert row["call_duration_seconds"] == Decimal("1.000")


@pytest.mark.parametrize(
    ("tokens", "total", "by_model"),
    [
        (None, None, {}),
        ([], 0, {}),
        ([{"model": "a", "count": 0}], 0, {}),
        ([{"model": "a", "count": 1}, {"model": "a", "count": 2}, {"count": 4}], 7, {"a": 3, "unknown": 4}),
        ([{"model": "a", "count": 1}, {"model": "b", "count": None}], None, {"a": 1}),
    ],
)
def test_tokens(landings: ChunkBuilder, tokens: Any, total: int | None, by_model: dict[str, int]) -> None:
    staged = transform_bodies(landings, {"tokens": tokens})
    assert read_day(staged).get("tokens") == total
    assert read_metric(staged, "tokens") == by_model


def test_an_intent_that_is_listed_twice_keeps_its_first_rank(landings: ChunkBuilder) -> None:
    counts = {"a": 2, "b": 2, "": 2, None: 2, "gone": 0}
    listed = [{"name": name, "count": count} for name, count in counts.items()]
    listed.insert(2, {"name": "a", "count": 3})
    staged = transform_bodies(landings, {"topIntents": listed})
    intents = {row["intent"]: (row["hits"], row["rank"]) for row in read_staged_rows(staged, "intent_daily")}
    assert intents == {"a": (5, 1), "b": (2, 2), "unknown": (4, 4)}


@pytest.mark.parametrize("name", ["e\u0301", "\u00e9", " a ", "NA", "null", "😀", "A", "x" * 5000])
def test_names_are_kept_code_point_for_code_point(landings: ChunkBuilder, name: str) -> None:
    staged = transform_bodies(
        landings, {"topTopics": [{"id": 1, "label": name, "count": 1}], "topIntents": [{"name": name, "count": 1}]}
    )
    assert read_metric(staged, "topic") == {name: 1}
    assert [row["intent"] for row in read_staged_rows(staged, "intent_daily")] == [name]


def test_half_an_emoji_becomes_a_replacement_character(landings: ChunkBuilder) -> None:
    staged = transform_bodies(landings, {"topTopics": [{"id": 1, "label": "cut \ud83d", "count": 1}]})
    assert read_metric(staged, "topic") == {"cut \N{REPLACEMENT CHARACTER}": 1}


def test_a_topic_without_a_label_is_unknown(landings: ChunkBuilder) -> None:
    assert read_metric(transform_bodies(landings, {"topTopics": [{"id": "7", "count": 2}]}), "topic") == {"unknown": 2}


@pytest.mark.parametrize(
    ("total", "countries", "verdict"),
    [
        (3, [{"id": "DE", "value": 3}], "ok"),
        (3, [{"id": "DE", "value": 2}], "explained"),
        (3, [], "explained"),
        (3, [{"id": "DE", "value": 4}], "unexplained"),
        (0, [], "ok"),
        (None, [{"id": "DE", "value": 4}], None),
        (3, None, None),
    ],
)
def test_countries_are_reconciled(landings: ChunkBuilder, total: Any, countries: Any, verdict: str | None) -> None:
    staged = transform_bodies(landings, {"conversations": {"total": total}, "conversationsByCountry": countries})
    assert [line.verdict for line in staged.reconciliations] == ([verdict] if verdict else [])
    assert all((line.reason is not None) == (verdict == "explained") for line in staged.reconciliations)


def test_the_newest_batch_of_a_day_counts(landings: ChunkBuilder) -> None:
    transform_bodies(landings, WHOLE)
    assert read_day(transform_bodies(landings, {"conversations": {"total": 0}})) == {"conversations": 0}


@given(number=st.integers(0, 10**15), form=st.sampled_from([int, float, str, lambda n: f"{n}.0"]))
def test_counts_in_every_number_form(tmp_path_factory: pytest.TempPathFactory, number: int, form: Any) -> None:
    landings = ChunkBuilder(tmp_path_factory.mktemp("numbers"))
    body = {"conversations": {"total": form(number)}, "tokens": [{"model": "a", "count": form(number)}]}
    assert read_day(transform_bodies(landings, body)) == {"conversations": number, "tokens": number}


@pytest.mark.parametrize(
    ("bodies", "sentence"),
    [
        ([{}], "$: holds none of the metrics, saw {}"),
        ([{}, {}], "$: holds none of the metrics, saw {}"),
        ([{"message": "ok"}], "$: holds none of the metrics, saw {'message': 'ok'}"),
        ([WHOLE, {"message": "ok"}], "$: holds none of the metrics, saw {'message': 'ok'}"),
        ([WHOLE, {"tokens": []}], "$.tokens: differs from another response for the same day, saw []"),
        ([{**WHOLE, "projectId": "p_2"}], "$.projectId: is not the requested p_1, saw 'p_2'"),
        ([{**WHOLE, "startTime": "2025-02-27T23:00:00.000Z"}], "$.startTime: is not the requested 2025-03-29 23:00:00"),
        (
            [{**WHOLE, "filter": {"endTime": "2025-03-30T21:00:00Z"}}],
            "$.filter.endTime: is not the requested 2025-03-30",
        ),
        ([{**WHOLE, "hasMore": True}], "$.hasMore: announces more, which did not come, saw True"),
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
        ({"tokens": [{"model": "a", "count": 2}] * 2}, "$.tokens[1]"),
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
