"""Inkeep's responses that do not fit their request, or have another shape: each is refused by name."""

from pathlib import Path
from typing import Any

import pytest

from extractors.errors import ShapeError
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
from tests.support.landed_chunks import ChunkBuilder, FakeResponse


@pytest.fixture
def landings(tmp_path: Path) -> ChunkBuilder:
    return ChunkBuilder(tmp_path)


@pytest.mark.parametrize("pages", [[page(row(1), row(2), row(2))], [page(row(1)), page(row(2), row(3)), page(row(2))]])
def test_a_conversation_that_comes_twice_is_refused(landings: ChunkBuilder, pages: list[FakeResponse]) -> None:
    docs = build_account(streams=ROWS_ONLY)
    landings.land(docs, "conversations", WINDOW, *pages)
    with pytest.raises(
        ShapeError, match=r"^docs \(inkeep\.conversations\): field .*\.id: comes a second time, saw 'c2'"
    ):
        landings.transform(docs, WINDOW)


@pytest.mark.parametrize(
    ("beside_data", "in_data"),
    [
        ({"totalCount": 3}, {}),
        ({"total": "9"}, {}),
        ({"hasMore": True}, {}),
        ({"meta": {"total": 3}}, {}),
        ({}, {"totalCount": 3}),
        ({}, {"hasMore": True}),
    ],
)
def test_rows_beside_which_more_is_announced_are_refused(
    landings: ChunkBuilder, beside_data: dict[str, Any], in_data: dict[str, Any]
) -> None:
    body = page(row(1), row(2)).body
    docs = build_account(streams=ROWS_ONLY)
    whole = {**body, **beside_data, "data": {**body["data"], **in_data}}
    landings.land(docs, "conversations", WINDOW, FakeResponse(whole))
    with pytest.raises(ShapeError, match=r"^docs \(inkeep\.conversations\): field \$\..*: announces more"):
        landings.transform(docs, WINDOW)


def test_a_total_of_all_pages_may_stand_beside_a_page(landings: ChunkBuilder) -> None:
    body = page(row(1), row(2)).body
    docs = build_account(streams=ROWS_ONLY)
    landings.land(docs, "conversations", WINDOW, FakeResponse({**body, "totalCount": 2}))
    assert read_day(landings.transform(docs, WINDOW), "conversations") == (2,)


@pytest.mark.parametrize(("count", "is_refused"), [(5, False), (6, True)])
def test_a_total_beside_aggregates_may_be_their_count(landings: ChunkBuilder, count: int, is_refused: bool) -> None:
    docs = build_account(detail=False)
    response = totals({"count": 5, "sum_userMessageCount": 12})
    landings.land(
        docs,
        "conversation_totals",
        WINDOW,
        FakeResponse({**response.body, "totalCount": count}, context=response.context),
    )
    if not is_refused:
        assert read_day(landings.transform(docs, WINDOW), "conversations") == (5,)
        return
    with pytest.raises(ShapeError, match=r"field \$\.totalCount: announces more than the 1 that came, saw 6"):
        landings.transform(docs, WINDOW)


def ask(start: str, end: str) -> dict[str, Any]:
    """The body of a request for the rows of a range."""
    limits = (("gte", start), ("lt", end))
    conditions = [{"condition": {"field": "firstMessageTime", "operator": name, "value": at}} for name, at in limits]
    return {"where": {"and": conditions}}


@pytest.mark.parametrize(
    ("at", "is_refused"),
    [
        ("2025-03-30T05:59:59.999Z", True),
        ("2025-03-30T06:00:00Z", False),
        ("2025-03-30T12:00:00Z", False),  # rounded from the last microseconds of the range
        ("2025-03-30T12:00:00.001Z", True),
        ("2025-03-30T23:00:00Z", True),
    ],
)
def test_rows_outside_of_the_requested_half_are_refused(landings: ChunkBuilder, at: str, is_refused: bool) -> None:
    docs = build_account(streams=ROWS_ONLY)
    response = page(row(1, at=at))
    half = FakeResponse(response.body, request_body=ask("2025-03-30T06:00:00.000Z", "2025-03-30T12:00:00.000Z"))
    landings.land(docs, "conversations", WINDOW, half)
    if not is_refused:
        assert read_day(landings.transform(docs, WINDOW), "conversations") == (1,)
        return
    with pytest.raises(ShapeError, match=r"result\[0\]\.firstMessageTime: lies outside of the requested range, saw"):
        landings.transform(docs, WINDOW)


def envelope(rows: list[Any], **data: Any) -> dict[str, Any]:
    return {"status": "ok", "data": {"result": rows, "total": len(rows), "count": len(rows), **data}}


TOTAL = {"count": 5, "sum_userMessageCount": 12}


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        ({"status": "ok", "data": None}, "$.data: is not an object, saw None"),
        ({"status": "partial", "data": {"result": []}}, "$.status: is not ok, saw 'partial'"),
        ({"status": None, "data": {"result": []}}, "$.status: is not ok, saw None"),
        ({**envelope([]), "error": "timeout"}, "$: is no data; the provider says: timeout"),
        (envelope([], error={"message": "timeout"}), "$.data.error: is a failure; the provider says: timeout"),
        (envelope([], errors=["timeout"]), "$.data.errors: is a failure; the provider says: timeout"),
        (envelope([], hasMore=True), "$.data.hasMore: announces more, which did not come"),
        ({**envelope([]), "next": "x"}, "$.next: announces a next page, which did not come, saw 'x'"),
    ],
)
@pytest.mark.parametrize("stream", ["conversations", "conversation_totals"])
def test_responses_that_are_no_whole_data_are_refused(
    landings: ChunkBuilder, stream: str, body: Any, sentence: str
) -> None:
    docs = build_account(streams=[stream])
    landings.land(docs, stream, WINDOW, FakeResponse(body, context={"days": str(WINDOW), "by_day": False}))
    with pytest.raises(ShapeError) as caught:
        landings.transform(docs, WINDOW)
    assert str(caught.value).startswith(f"docs (inkeep.{stream}): field {sentence}")


@pytest.mark.parametrize(
    ("rows", "by_day", "data", "sentence"),
    [
        ([TOTAL], False, {"total": 2}, "$.data.total: announces more than the 1 that came, saw 2"),
        ([TOTAL], False, {"count": 2}, "$.data.count: announces more than the 1 that came, saw 2"),
        ([], False, {"total": 7}, "$.data.total: announces more than the 0 that came, saw 7"),
        ([{**TOTAL, "firstMessageTime_day": str(DAY)}], True, {"total": 5}, "$.data.total: announces more than the 1"),
        (
            [{**TOTAL, "firstMessageTime_day": "2025-03-29"}],
            False,
            {},
            "$.data.result[0].firstMessageTime_day: is not the requested 2025-03-30, saw '2025-03-29'",
        ),
        ([{**TOTAL, "count": -1}], False, {}, "$.data.result[0].count: is negative, saw -1"),
        (
            [{**TOTAL, "sum_userMessageCount": "1.000"}],
            False,
            {},
            "$.data.result[0].sum_userMessageCount: is not certain",
        ),
        ([{**TOTAL, "error": "?"}], False, {}, "$.data.result[].error: is a failure; the provider says: ?"),
    ],
)
def test_totals_that_do_not_fit_are_refused(
    landings: ChunkBuilder, rows: list[Any], by_day: bool, data: dict[str, Any], sentence: str
) -> None:
    docs = build_account(detail=False)
    context = {"days": str(WINDOW), "by_day": by_day}
    landings.land(docs, "conversation_totals", WINDOW, FakeResponse(envelope(rows, **data), context=context))
    with pytest.raises(ShapeError) as caught:
        landings.transform(docs, WINDOW)
    assert str(caught.value).startswith(f"docs (inkeep.conversation_totals): field {sentence}")


def test_a_total_may_be_that_of_the_conversations(landings: ChunkBuilder) -> None:
    docs = build_account(detail=False)
    context = {"days": str(WINDOW), "by_day": False}
    landings.land(docs, "conversation_totals", WINDOW, FakeResponse(envelope([TOTAL], total=5), context=context))
    assert read_day(landings.transform(docs, WINDOW), "conversations", "user_messages") == (5, 12)


@pytest.mark.parametrize(
    ("refused_row", "field"),
    [
        (row(id=None), "id"),
        (row(at=None), "firstMessageTime"),  # type: ignore[arg-type]
        (row(at="2025-03-30T10:00:00"), "firstMessageTime"),
        (row(at="2025-03-31T10:00:00Z"), "firstMessageTime"),
        (row(userMessageCount="two"), "userMessageCount"),
        (row(userMessageCount=1.5), "userMessageCount"),
        (row(userMessageCount=-1), "userMessageCount"),
        (row(userMessageCount="1,234"), "userMessageCount"),
        (row(type=["openai"]), "type"),
        (row(userProperties="{}"), "userProperties"),
        (row(userProperties={"userId": {"a": 1}}), "userProperties.userId"),
        (row(userProperties={"userId": True}), "userProperties.userId"),
        (row(projectId=True), "projectId"),
    ],
)
def test_other_rows_are_refused_by_name(landings: ChunkBuilder, refused_row: Any, field: str) -> None:
    with pytest.raises(ShapeError) as caught:
        transform_rows(landings, refused_row)
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
    docs = build_account(detail=False)
    landings.land(docs, "conversation_totals", BOTH, totals(*result, days=BOTH, by_day=by_day))
    with pytest.raises(ShapeError) as caught:
        landings.transform(docs, BOTH)
    assert caught.value.field == f"$.data.result{field}"
