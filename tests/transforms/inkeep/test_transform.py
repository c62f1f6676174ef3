"""Inkeep's answers as fact rows: every accepted shape, and the refused ones by name."""

import hashlib
import hmac
import json
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.errors import ShapeError
from extractors.inkeep.provider import InkeepAccount
from extractors.windows import Window
from tests.support.landed_chunks import ChunkBuilder, FakeResponse, read_staged_rows
from transforms.facts import TransformResult
from transforms.inkeep.transform import TRANSFORM

DAY = date(2025, 3, 30)
WINDOW = Window.of_day(DAY)
BOTH = Window(DAY, DAY + timedelta(days=2))
ROWS_ONLY = ("conversations",)


@pytest.fixture
def landings(tmp_path: Path) -> ChunkBuilder:
    return ChunkBuilder(tmp_path)


def account(**more: Any) -> InkeepAccount:
    return InkeepAccount.model_validate({"name": "docs", "api_key": "fake-key", **more})


def row(number: int = 1, at: str = "2025-03-30T10:00:00.000Z", **more: Any) -> dict[str, Any]:
    told = {"id": f"c{number}", "firstMessageTime": at, "userMessageCount": 2, "type": "openai"}
    return {**told, "projectId": None, "integrationId": None, "properties": None, "userProperties": None, **more}


def page(*result: Any) -> FakeResponse:
    return FakeResponse({"status": "ok", "data": {"result": list(result), "total": len(result), "count": len(result)}})


def totals(*result: Any, days: Window = WINDOW, by_day: bool = False) -> FakeResponse:
    return FakeResponse(page(*result).body, context={"days": str(days), "by_day": by_day})


def told_rows(landings: ChunkBuilder, *result: Any, **settings: Any) -> TransformResult:
    docs = account(streams=ROWS_ONLY, **settings)
    landings.land(docs, "conversations", WINDOW, page(*result))
    return landings.transform(docs, WINDOW)


def daily(staged: TransformResult, *columns: str) -> Any:
    (found,) = read_staged_rows(staged, "conversation_daily", columns)
    return tuple(found.get(column) for column in columns)


def test_a_conversation(landings: ChunkBuilder) -> None:
    told = row(at="2025-03-30T10:00:00.123456Z", type="support_ticket", projectId="p", integrationId="i")
    staged = told_rows(landings, told)
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
    staged = told_rows(landings)
    assert daily(staged, "conversations", "user_messages", "unique_users", "messages") == (0, 0, 0, None)
    assert set(staged.tables) == {"conversation_daily"}


def test_days_are_local_and_of_claimed_days_only(landings: ChunkBuilder) -> None:
    berlin = account(streams=ROWS_ONLY, timezone="Europe/Berlin")
    times = ("2025-03-29T23:00:00Z", "2025-03-30T21:59:59.999Z", "2025-03-30 22:00:00+00", "2025-03-31T23:59:59+02:00")
    landings.land(berlin, "conversations", BOTH, page(*(row(number, at) for number, at in enumerate(times))))
    staged = landings.transform(berlin, BOTH)
    assert [found["conversations"] for found in read_staged_rows(staged, "conversation_daily")] == [2, 2]
    landings.land(berlin, "conversations", WINDOW, page(row(9)))  # newer, of the first day
    staged = landings.transform(berlin, BOTH)
    assert sorted(found["conversation_id"] for found in read_staged_rows(staged, "conversation")) == ["c2", "c3", "c9"]


def test_of_a_conversation_that_came_twice_the_later_one_counts(landings: ChunkBuilder) -> None:
    docs = account(streams=ROWS_ONLY)
    user = {"userId": "a"}
    landings.land(
        docs, "conversations", WINDOW, page(row(1), row(2)), page(row(2, userMessageCount=7, userProperties=user))
    )
    staged = landings.transform(docs, WINDOW)
    assert daily(staged, "conversations", "user_messages", "unique_users") == (2, 9, 1)


@pytest.mark.parametrize(
    ("people", "users"),
    [
        ([None, {}, {"userId": None}, {"userId": ""}, {"supportAgentName": "x"}], 0),
        ([{"userId": 1}, {"userId": "1"}, {"userId": 1.0}, {"id": 1}], 1),
        ([{"userId": "a"}, {"userId": "A"}, {"userId": " a"}], 3),
        ([{"userId": "a", "id": "b"}, {"id": "b"}, {"userId": None, "id": "b"}, {"userId": "", "id": "b"}], 2),
        ([{"userId": 0}, {"userId": 12345678901234567890}], 2),
        ([{"userId": 1.5}, {"userId": "1.5"}], 1),
    ],
)
def test_unique_users_are_counted_as_text(landings: ChunkBuilder, people: list[Any], users: int) -> None:
    staged = told_rows(landings, *(row(number, userProperties=who) for number, who in enumerate(people)))
    assert daily(staged, "unique_users") == (users,)


@pytest.mark.parametrize(
    ("privacy", "hashed"), [({}, False), ({"key": "k"}, True), ({"key": "k", "user_ids": "drop"}, False)]
)
def test_user_ids_are_pseudonyms_or_nothing(landings: ChunkBuilder, privacy: dict[str, str], hashed: bool) -> None:
    people = [{"userId": 7, "supportAgentName": "Jane"}, {"id": "7"}, None]
    told = [row(number, userProperties=who, properties={"a": 1}) for number, who in enumerate(people)]
    staged = told_rows(landings, *told, privacy=privacy)
    expected = hmac.new(b"k", b"7", hashlib.sha256).hexdigest() if hashed else None
    found = {each["conversation_id"]: each.get("user_id") for each in read_staged_rows(staged, "conversation")}
    assert found == {"c0": expected, "c1": expected, "c2": None}
    assert daily(staged, "unique_users") == (1,)
    assert not any("properties" in each for each in read_staged_rows(staged, "conversation"))


def test_properties_are_kept_on_request_without_the_user_s_ids(landings: ChunkBuilder) -> None:
    told = {"page": "/é/😀", "cut": "\ud83d", "n": [1, 1.25, None]}
    staged = told_rows(
        landings,
        row(1, properties=told, userProperties={"userId": "secret", "id": "secret", "supportAgentName": "Jane"}),
        row(2, userProperties={"id": "secret"}),
        privacy={"properties": "keep"},
    )
    first, second = read_staged_rows(staged, "conversation", ["conversation_id", "properties"])
    assert json.loads(first["properties"]) == {
        "properties": {**told, "cut": "\N{REPLACEMENT CHARACTER}"},
        "userProperties": {"supportAgentName": "Jane"},
    }
    assert "/é/😀" in first["properties"]
    assert "properties" not in second


def test_types(landings: ChunkBuilder) -> None:
    kinds = ["openai", None, "", "new kind", "openai", "unknown"]
    staged = told_rows(landings, *(row(number, type=kind) for number, kind in enumerate(kinds)))
    found = {each["member"]: each["value"] for each in read_staged_rows(staged, "metric_daily")}
    assert found == {"openai": 2, "unknown": 3, "new kind": 1}
    assert [each.get("type") for each in read_staged_rows(staged, "conversation")] == [kind or None for kind in kinds]
    assert {metric.name for metric in TRANSFORM.metrics} == {"type"}


@given(number=st.integers(0, 10**15), form=st.sampled_from([int, float, str, Decimal]))
def test_counts_in_every_number_form(tmp_path_factory: pytest.TempPathFactory, number: int, form: type) -> None:
    landings = ChunkBuilder(tmp_path_factory.mktemp("numbers"))
    staged = told_rows(landings, row(userMessageCount=form(number)))
    assert daily(staged, "user_messages") == (number,)


def test_an_unknown_count_is_null_not_zero(landings: ChunkBuilder) -> None:
    assert daily(told_rows(landings, row(userMessageCount=None)), "conversations", "user_messages") == (1, None)
    assert daily(told_rows(landings, row(1, userMessageCount=None), row(2)), "user_messages") == (2,)


def test_rows_are_reconciled_with_the_totals(landings: ChunkBuilder) -> None:
    docs = account()
    landings.land(docs, "conversations", WINDOW, page(row(1), row(2)))
    landings.land(docs, "conversation_totals", WINDOW, totals({"count": "3", "sum_userMessageCount": 4}))
    staged = landings.transform(docs, WINDOW)
    assert daily(staged, "conversations", "user_messages") == (2, 4)
    assert [(line.measure, line.reported, line.loaded, line.verdict) for line in staged.reconciliations] == [
        ("conversations", 3, 2, "unexplained"),
        ("user_messages", 4, 4, "ok"),
    ]
    assert staged.totals[DAY] == {"conversations": 3, "user_messages": 4}


BUCKETS = ["2025-03-30", "2025-03-30T00:00:00.000Z", "2025-03-30 00:00:00+00", "2025-03-30 00:00:00"]


@pytest.mark.parametrize("bucket", BUCKETS)
def test_totals_alone_stand_for_the_day(landings: ChunkBuilder, bucket: str) -> None:
    docs = account(detail=False)
    told = {"firstMessageTime_day": bucket, "count": 5, "sum_userMessageCount": "12"}
    landings.land(docs, "conversation_totals", BOTH, totals(told, days=BOTH, by_day=True))
    staged = landings.transform(docs, BOTH)
    assert sorted(read_staged_rows(staged, "conversation_daily"), key=lambda found: found["date"]) == [
        {"date": DAY, "conversations": 5, "user_messages": 12},
        {"date": DAY + timedelta(days=1), "conversations": 0, "user_messages": 0},
    ]
    assert set(staged.tables) == {"conversation_daily"}
    assert staged.reconciliations == ()


def test_halves_of_a_window_do_not_wipe_each_other_out(landings: ChunkBuilder) -> None:
    docs = account(detail=False)
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
    assert [found["conversations"] for found in read_staged_rows(staged, "conversation_daily")] == [1, 1]


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
    docs = account(detail=False)
    landings.land(docs, "conversation_totals", WINDOW, totals(*result))
    assert daily(landings.transform(docs, WINDOW), "conversations", "user_messages") == expected


@pytest.mark.parametrize(
    ("told", "field"),
    [
        (row(id=None), "id"),
        (row(at=None), "firstMessageTime"),  # type: ignore[arg-type]
        (row(at="2025-03-30T10:00:00"), "firstMessageTime"),
        (row(at="2025-03-31T10:00:00Z"), "firstMessageTime"),
        (row(userMessageCount="two"), "userMessageCount"),
        (row(userMessageCount=1.5), "userMessageCount"),
        (row(type=["openai"]), "type"),
        (row(userProperties="{}"), "userProperties"),
        (row(userProperties={"userId": {"a": 1}}), "userProperties.userId"),
        (row(userProperties={"userId": True}), "userProperties.userId"),
        (row(projectId=True), "projectId"),
    ],
)
def test_other_rows_are_refused_by_name(landings: ChunkBuilder, told: Any, field: str) -> None:
    with pytest.raises(ShapeError) as caught:
        told_rows(landings, told)
    assert caught.value.field == f"$.data.result[0].{field}"
    assert "docs (inkeep.conversations)" in str(caught.value)


@pytest.mark.parametrize(
    ("result", "by_day", "field"),
    [
        ([{"COUNT": 1, "sum_userMessageCount": 1}], False, "[0]"),
        ([{"count": 1}], False, "[0]"),
        ([{"count": 1, "sum_userMessageCount": 1}] * 2, False, ""),
        ([{"count": 1, "sum_userMessageCount": 1}], True, "[0].firstMessageTime_day"),
        *(
            ([{"firstMessageTime_day": day, "count": 1, "sum_userMessageCount": 1}], True, "[0].firstMessageTime_day")
            for day in ("2025-04-02", "2025-03-30T01:00:00Z", "2025-03-30T00:00:00+02:00", "Sunday", "2025-13-01")
        ),
        (
            [{"firstMessageTime_day": "2025-03-30", "count": 1, "sum_userMessageCount": 1}] * 2,
            True,
            "[1].firstMessageTime_day",
        ),
    ],
)
def test_other_totals_are_refused_by_name(landings: ChunkBuilder, result: list[Any], by_day: bool, field: str) -> None:
    docs = account(detail=False)
    landings.land(docs, "conversation_totals", BOTH, totals(*result, days=BOTH, by_day=by_day))
    with pytest.raises(ShapeError) as caught:
        landings.transform(docs, BOTH)
    assert caught.value.field == f"$.data.result{field}"
