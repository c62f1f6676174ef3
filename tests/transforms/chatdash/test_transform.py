"""ChatDash's responses as fact rows: every accepted shape, and the refused ones by name."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.chatdash import DAY, WHOLE, WINDOW, build_account, read_day, read_metric, transform_bodies
from tests.support.landed_chunks import ChunkBuilder, FakeResponse, read_staged_rows


@pytest.fixture
def landings(tmp_path: Path) -> ChunkBuilder:
    return ChunkBuilder(tmp_path)


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
        ([{"model": "a", "count": 1}, {"model": "A", "count": 2}, {"count": 4}], 7, {"a": 1, "A": 2, "unknown": 4}),
        ([{"model": "a", "count": 1}, {"model": "b", "count": None}], None, {"a": 1}),
    ],
)
def test_tokens(landings: ChunkBuilder, tokens: Any, total: int | None, by_model: dict[str, int]) -> None:
    staged = transform_bodies(landings, {"tokens": tokens})
    assert read_day(staged).get("tokens") == total
    assert read_metric(staged, "tokens") == by_model


def test_intents_without_a_name_are_added_up_and_keep_the_first_rank(landings: ChunkBuilder) -> None:
    listed = [{"name": name, "count": 0 if name == "gone" else 2} for name in ["a", "b", "", None, "gone"]]
    staged = transform_bodies(landings, {"topIntents": listed})
    intents = {row["intent"]: (row["hits"], row["rank"]) for row in read_staged_rows(staged, "intent_daily")}
    assert intents == {"a": (2, 1), "b": (2, 2), "unknown": (4, 3)}


def test_a_requested_metric_that_is_missing_is_drift(landings: ChunkBuilder) -> None:
    context = {"metrics": ["conversations", "conversationByCountry", "tokens"]}
    landings.land(build_account(), "analytics", WINDOW, FakeResponse({"conversations": {"total": 1}}, context=context))
    drift = landings.transform(build_account(), WINDOW).drift
    assert [(line.kind, line.name) for line in drift] == [
        ("missing field", "conversationsByCountry"),
        ("missing field", "tokens"),
    ]


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
