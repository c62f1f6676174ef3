"""Inkeep's responses as fact rows: every accepted shape, and the refused ones by name."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.windows import Window
from tests.support.inkeep import (
    BOTH,
    DAY,
    ROWS_ONLY,
    WINDOW,
    build_account,
    page,
    read_day,
    row,
    totals,
    transform_rows,
)
from tests.support.landed_chunks import ChunkBuilder, FakeResponse, read_staged_rows
from transforms.inkeep.transform import TRANSFORM
from transforms.privacy import conceal

PRIVACY_KEY = "fake-key-of-pseudonyms"


@pytest.fixture
def landings(tmp_path: Path) -> ChunkBuilder:
    return ChunkBuilder(tmp_path)


def test_a_conversation(landings: ChunkBuilder) -> None:
    ticket = row(at="2025-03-30T10:00:00.123456Z", type="support_ticket", projectId="p", integrationId="i")
    staged = transform_rows(landings, ticket)
    assert read_staged_rows(staged, "conversation") == [
        {
            "date": DAY,
            "conversation_id": "c1",
            "started_at": datetime(2025, 3, 30, 10, 0, 0, 123456, UTC),
            "type": "support_ticket",
            "project_id": "p",
            "integration_id": "i",
            "user_messages": 2,
        }
    ]
    assert set(staged.tables) == {"conversation_daily", "conversation", "metric_daily"}


def test_a_day_without_conversations_is_zero(landings: ChunkBuilder) -> None:
    staged = transform_rows(landings)
    assert read_day(staged, "conversations", "user_messages", "unique_users", "messages") == (0, 0, 0, None)
    assert set(staged.tables) == {"conversation_daily"}


def test_days_are_local_and_of_claimed_days_only(landings: ChunkBuilder) -> None:
    berlin = build_account(streams=ROWS_ONLY, timezone="Europe/Berlin")
    times = ("2025-03-29T23:00:00Z", "2025-03-30T21:59:59.999Z", "2025-03-30 22:00:00+00", "2025-03-31T23:59:59+02:00")
    landings.land(berlin, "conversations", BOTH, page(*(row(number, at) for number, at in enumerate(times))))
    staged = landings.transform(berlin, BOTH)
    assert [values["conversations"] for values in read_staged_rows(staged, "conversation_daily")] == [2, 2]
    landings.land(berlin, "conversations", WINDOW, page(row(9)))  # newer, of the first day
    staged = landings.transform(berlin, BOTH)
    assert sorted(values["conversation_id"] for values in read_staged_rows(staged, "conversation")) == [
        "c2",
        "c3",
        "c9",
    ]


def test_a_conversation_of_two_batches_counts_for_its_day(landings: ChunkBuilder) -> None:
    docs = build_account(streams=ROWS_ONLY)
    landings.land(docs, "conversations", BOTH, page(row(1), row(2, at="2025-03-31T10:00:00Z")))
    landings.land(docs, "conversations", WINDOW, page(row(1, userMessageCount=7), row(2)))
    staged = landings.transform(docs, BOTH)
    assert [values["user_messages"] for values in read_staged_rows(staged, "conversation_daily")] == [2, 9]


@pytest.mark.parametrize(
    ("people", "users"),
    [
        ([None, {}, {"userId": None}, {"userId": ""}, {"supportAgentName": "x"}], 0),
        ([{"userId": 1}, {"userId": "1"}, {"userId": 1.0}, {"id": 1}], 1),
        ([{"userId": "a"}, {"userId": "A"}, {"userId": " a"}], 3),
        ([{"userId": "a", "id": "b"}, {"id": "b"}, {"userId": None, "id": "b"}, {"userId": "", "id": "b"}], 2),
        ([{"userId": 0}, {"userId": 12345678901234567890}], 2),
        ([{"userId": 1.5}, {"userId": "1.5"}], 1),
        ([{"userId": -1}, {"userId": -1.0}, {"userId": "-1"}], 1),
    ],
)
def test_unique_users_are_counted_as_text(landings: ChunkBuilder, people: list[Any], users: int) -> None:
    staged = transform_rows(landings, *(row(number, userProperties=person) for number, person in enumerate(people)))
    assert read_day(staged, "unique_users") == (users,)


@pytest.mark.parametrize(
    ("privacy", "is_hashed"),
    [({}, False), ({"key": PRIVACY_KEY}, True), ({"key": PRIVACY_KEY, "user_ids": "drop"}, False)],
)
def test_user_ids_are_pseudonyms_or_nothing(landings: ChunkBuilder, privacy: dict[str, str], is_hashed: bool) -> None:
    people = [{"userId": 7, "supportAgentName": "Jane"}, {"id": "7"}, None]
    rows = [row(number, userProperties=person, properties={"a": 1}) for number, person in enumerate(people)]
    staged = transform_rows(landings, *rows, privacy=privacy)
    expected = conceal(build_account(privacy=privacy), "user_id", "7") if is_hashed else None
    user_ids = {values["conversation_id"]: values.get("user_id") for values in read_staged_rows(staged, "conversation")}
    assert user_ids == {"c0": expected, "c1": expected, "c2": None}
    assert read_day(staged, "unique_users") == (1,)
    assert not any("properties" in values for values in read_staged_rows(staged, "conversation"))


def test_properties_are_kept_on_request_without_the_user_s_ids(landings: ChunkBuilder) -> None:
    properties = {"page": "/é/😀", "cut": "\ud83d", "n": [1, 1.25, None]}
    staged = transform_rows(
        landings,
        row(1, properties=properties, userProperties={"userId": "secret", "id": "secret", "supportAgentName": "Jane"}),
        row(2, userProperties={"id": "secret"}),
        privacy={"properties": "keep"},
    )
    first, second = read_staged_rows(staged, "conversation", ["conversation_id", "properties"])
    assert json.loads(first["properties"]) == {
        "properties": {**properties, "cut": "\N{REPLACEMENT CHARACTER}"},
        "userProperties": {"supportAgentName": "Jane"},
    }
    assert "/é/😀" in first["properties"]
    assert "properties" not in second


def test_properties_keep_the_digits_of_every_number(landings: ChunkBuilder) -> None:
    properties = '{"cost": 0.10, "size": 1e400, "id": 12345678901234567890}'
    body = json.dumps(page(row(properties="?")).body).replace('"?"', properties).encode()
    docs = build_account(streams=ROWS_ONLY, privacy={"properties": "keep"})
    landings.land(docs, "conversations", WINDOW, FakeResponse(body))
    [values] = read_staged_rows(landings.transform(docs, WINDOW), "conversation", ["properties"])
    assert values["properties"] == '{"properties":{"cost":0.10,"size":1E+400,"id":12345678901234567890}}'


def test_types(landings: ChunkBuilder) -> None:
    kinds = ["openai", None, "", "new kind", "openai", "unknown"]
    staged = transform_rows(landings, *(row(number, type=kind) for number, kind in enumerate(kinds)))
    counts = {values["member"]: values["value"] for values in read_staged_rows(staged, "metric_daily")}
    assert counts == {"openai": 2, "unknown": 3, "new kind": 1}
    assert [values.get("type") for values in read_staged_rows(staged, "conversation")] == [
        kind or None for kind in kinds
    ]
    assert {metric.name for metric in TRANSFORM.metrics} == {"type"}


@given(number=st.integers(0, 10**15), form=st.sampled_from([int, float, str, Decimal]))
def test_counts_in_every_number_form(tmp_path_factory: pytest.TempPathFactory, number: int, form: type) -> None:
    landings = ChunkBuilder(tmp_path_factory.mktemp("numbers"))
    staged = transform_rows(landings, row(userMessageCount=form(number)))
    assert read_day(staged, "user_messages") == (number,)


def test_an_unknown_count_is_null_not_zero(landings: ChunkBuilder) -> None:
    assert read_day(transform_rows(landings, row(userMessageCount=None)), "conversations", "user_messages") == (1, None)
    assert read_day(transform_rows(landings, row(1, userMessageCount=None), row(2)), "user_messages") == (None,)


def test_rows_are_reconciled_with_the_totals(landings: ChunkBuilder) -> None:
    docs = build_account()
    landings.land(docs, "conversations", WINDOW, page(row(1), row(2)))
    landings.land(docs, "conversation_totals", WINDOW, totals({"count": "3", "sum_userMessageCount": 4}))
    staged = landings.transform(docs, WINDOW)
    assert read_day(staged, "conversations", "user_messages") == (2, 4)
    assert [(line.measure, line.reported, line.loaded, line.verdict) for line in staged.reconciliations] == [
        ("conversations", 3, 2, "unexplained"),
        ("user_messages", 4, 4, "ok"),
    ]
    assert staged.totals[DAY] == {"conversations": 3, "user_messages": 4}


BUCKETS = ["2025-03-30", "2025-03-30T00:00:00.000Z", "2025-03-30 00:00:00+00", "2025-03-30 00:00:00"]


@pytest.mark.parametrize("bucket", BUCKETS)
def test_totals_alone_fill_the_day(landings: ChunkBuilder, bucket: str) -> None:
    docs = build_account(detail=False)
    total = {"firstMessageTime_day": bucket, "count": 5, "sum_userMessageCount": "12"}
    landings.land(docs, "conversation_totals", BOTH, totals(total, days=BOTH, by_day=True))
    staged = landings.transform(docs, BOTH)
    assert sorted(read_staged_rows(staged, "conversation_daily"), key=lambda values: values["date"]) == [
        {"date": DAY, "conversations": 5, "user_messages": 12},
        {"date": DAY + timedelta(days=1), "conversations": 0, "user_messages": 0},
    ]
    assert set(staged.tables) == {"conversation_daily"}
    assert staged.reconciliations == ()


def test_halves_of_a_window_do_not_overwrite_each_other(landings: ChunkBuilder) -> None:
    docs = build_account(detail=False)
    parts = [Window.of_day(day) for day in BOTH.days()]
    landings.land(
        docs,
        "conversation_totals",
        BOTH,
        *(
            totals(
                {"firstMessageTime_day": str(part.start), "count": 1, "sum_userMessageCount": 1},
                days=part,
                by_day=by_day,
            )
            for part, by_day in zip(parts, (True, False), strict=True)
        ),
    )
    staged = landings.transform(docs, BOTH)
    assert [values["conversations"] for values in read_staged_rows(staged, "conversation_daily")] == [1, 1]


@pytest.mark.parametrize(
    ("result", "expected"),
    [
        ([], (0, 0)),
        ([{"count": 0, "sum_userMessageCount": None}], (0, 0)),
        ([{"count": 2, "sum_userMessageCount": None}], (2, None)),
        ([{"count": None, "sum_userMessageCount": 3}], (None, 3)),
    ],
)
def test_totals_that_are_empty_or_null(landings: ChunkBuilder, result: list[Any], expected: Any) -> None:
    docs = build_account(detail=False)
    landings.land(docs, "conversation_totals", WINDOW, totals(*result))
    assert read_day(landings.transform(docs, WINDOW), "conversations", "user_messages") == expected


def test_conversation_ids_are_hashed_on_request(landings: ChunkBuilder) -> None:
    privacy = {"key": PRIVACY_KEY, "conversation_ids": "hash"}
    staged = transform_rows(landings, row(1), row(2), privacy=privacy)
    expected = {conceal(build_account(privacy=privacy), "conversation_id", f"c{number}") for number in (1, 2)}
    assert {values["conversation_id"] for values in read_staged_rows(staged, "conversation")} == expected
