"""Cognigy's counters as fact rows: every accepted shape, and the refused ones by name."""

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from extractors.cognigy.account import COUNTERS, CognigyAccount
from extractors.errors import ShapeError
from extractors.windows import Window
from tests.support.landed_chunks import ChunkBuilder, FakeResponse, read_staged_rows
from transforms.facts import TransformResult

MARCH = Window(date(2025, 3, 1), date(2025, 4, 1))
THREE = Window(date(2025, 3, 1), date(2025, 3, 4))


def build_account(*streams: str) -> CognigyAccount:
    fields = {"name": "acme", "project_id": "5" * 24, "api_key": "fake", "timezone": "Europe/Berlin"}
    return CognigyAccount.model_validate({**fields, "streams": streams or None})


def item(day: object, **more: Any) -> dict[str, Any]:
    return {"day": day, "month": 3, "year": 2025, **more}


def split(**channels: object) -> list[dict[str, object]]:
    return [{"channel": name, "conversations": count} for name, count in channels.items()]


def transform_items(
    root: Path, items: Iterable[dict[str, Any]], window: Window = THREE, *streams: str
) -> TransformResult:
    acme, landings = build_account(*streams), ChunkBuilder(root)
    for stream in acme.enabled_streams:
        landings.land(acme, stream, window, FakeResponse({"items": list(items)}))
    return landings.transform(acme, window)


def list_daily(staged: TransformResult, measure: str) -> list[Any]:
    return [
        row.get(measure) for row in sorted(read_staged_rows(staged, "conversation_daily"), key=lambda row: row["date"])
    ]


def test_days_and_channels(tmp_path: Path) -> None:
    staged = transform_items(
        tmp_path,
        [
            item(1, conversations=10, perChannel=split(webchat2=6, facebook=4)),
            item(3, conversations=7, perChannel=split(webchat2=5)),
            item(9, conversations=99, perChannel=split(line=99)),
        ],
    )
    assert list_daily(staged, "conversations") == [10, 0, 7]
    assert {
        (row["date"].day, row["channel_code"], row["conversations"])
        for row in read_staged_rows(staged, "channel_daily")
    } == {
        (1, "webchat2", 6),
        (1, "facebook", 4),
        (3, "webchat2", 5),
        (3, "unknown", 2),
    }
    assert {line.verdict for line in staged.reconciliations} == {"ok"}
    assert staged.totals[date(2025, 3, 2)] == {"conversations": 0}


@pytest.mark.parametrize("per_channel", [{}, {"perChannel": None}, {"perChannel": []}])
def test_without_a_split_all_is_unknown(tmp_path: Path, per_channel: dict[str, Any]) -> None:
    staged = transform_items(tmp_path, [item(1, conversations="10", **per_channel)])
    assert [(row["channel_code"], row["conversations"]) for row in read_staged_rows(staged, "channel_daily")] == [
        ("unknown", 10)
    ]


def test_a_split_that_exceeds_the_total_is_loaded_and_unexplained(tmp_path: Path) -> None:
    staged = transform_items(tmp_path, [item(1, conversations=10, perChannel=split(webchat2=12))])
    assert [(row["channel_code"], row["conversations"]) for row in read_staged_rows(staged, "channel_daily")] == [
        ("webchat2", 12)
    ]
    (line,) = (line for line in staged.reconciliations if line.verdict != "ok")
    assert (line.verdict, line.reported, line.loaded) == ("unexplained", 10, 12)


def test_names_are_kept_and_nameless_channels_are_unknown(tmp_path: Path) -> None:
    channels = [
        {"channel": "qx-new", "conversations": 1},
        {"channel": "", "conversations": 2},
        {"channel": None, "conversations": 3},
        {"conversations": 4},
        {"channel": "null", "conversations": 5.0},
        {"channel": "line", "conversations": None},
        {"channel": "alexa", "conversations": 0},
    ]
    staged = transform_items(tmp_path, [item(1, conversations=16, perChannel=channels)])
    assert {row["channel_code"]: row["conversations"] for row in read_staged_rows(staged, "channel_daily")} == {
        "qx-new": 1,
        "unknown": 2 + 3 + 4,
        "null": 5,
    }


def test_the_rest_beside_an_unknown_part_of_the_split_is_unknown(tmp_path: Path) -> None:
    staged = transform_items(
        tmp_path,
        [
            item(1, conversations=10, perChannel=split(line=4, alexa=None)),
            item(2, conversations=10, perChannel=split(line=10, alexa=None)),
            item(3, conversations=10, perChannel=split(line=4, alexa=0)),
        ],
    )
    rows = {
        (row["date"].day, row["channel_code"]): row["conversations"]
        for row in read_staged_rows(staged, "channel_daily")
    }
    assert rows == {(1, "line"): 4, (2, "line"): 10, (3, "line"): 4, (3, "unknown"): 6}
    assert [line.date.day for line in staged.reconciliations] == [3]
    assert list_daily(staged, "conversations") == [10, 10, 10]


def test_an_unknown_part_of_a_channel_proves_no_repetition(tmp_path: Path) -> None:
    twice = [{"channel": "line", "conversations": count} for count in (10, None)]
    with pytest.raises(ShapeError, match=r"perChannel\[1\]: comes a second time"):
        transform_items(tmp_path, [item(1, conversations=10, perChannel=twice)])


def test_an_unknown_total_is_null_and_not_zero(tmp_path: Path) -> None:
    staged = transform_items(
        tmp_path, [item(1, conversations=None, perChannel=split(webchat2=3)), item(2, perChannel=[])]
    )
    assert list_daily(staged, "conversations") == [None, None, 0]
    assert [row["conversations"] for row in read_staged_rows(staged, "channel_daily")] == [3]
    assert [line.date.day for line in staged.reconciliations] == [3]


def test_calls_and_queries(tmp_path: Path) -> None:
    acme, landings = build_account(*COUNTERS), ChunkBuilder(tmp_path)
    call = {"callMinutes": 1.1, "processedCalls": 3, "billableCalls": "2", "maxConcurrency": 2}
    landings.land(acme, "conversation_counter", THREE, FakeResponse({"items": []}))
    landings.land(acme, "call_counter", THREE, FakeResponse({"items": [item(1, **call), item(2, callMinutes=None)]}))
    landings.land(acme, "knowledge_query_counter", THREE, FakeResponse({"items": [item(1, queries=7)]}))
    staged = landings.transform(acme, THREE)
    assert list_daily(staged, "call_duration_seconds") == [Decimal("66.000"), None, Decimal("0.000")]
    values = {(row["date"].day, row["metric"]): row["value"] for row in read_staged_rows(staged, "metric_daily")}
    assert values == {
        (1, "calls"): 3,
        (1, "billable_calls"): 2,
        (1, "max_concurrent_calls"): 2,
        (1, "knowledge_queries"): 7,
        (2, "knowledge_queries"): 0,
        (3, "calls"): 0,
        (3, "billable_calls"): 0,
        (3, "max_concurrent_calls"): 0,
        (3, "knowledge_queries"): 0,
    }


def test_what_is_not_pulled_is_null(tmp_path: Path) -> None:
    staged = transform_items(tmp_path, [item(1, queries=7)], THREE, "knowledge_query_counter")
    assert all(set(row) == {"date"} for row in read_staged_rows(staged, "conversation_daily"))
    assert "channel_daily" not in staged.tables


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, r"\$\.items: is not an array"),
        ([], r"\$: is not an object"),
        ({"_embedded": {"conversationCounter": []}}, r"\$\.items: is not an array"),
        ({"items": [{"month": 3, "year": 2025, "conversations": 5}]}, r"\$\.items\[0\]: is of month grain"),
        ({"items": [item(0, conversations=5)]}, "is of month grain"),
        ({"items": [item(32, conversations=5)]}, "is no calendar day"),
        ({"items": [{"day": 1, "month": 3, "conversations": 5}]}, "is no calendar day"),
        ({"items": [item(1)]}, r"\$\.items\[0\]: has none of conversations, perChannel, saw"),
        ({"items": [item(1, queries=5)]}, r"\$\.items\[0\]: has none of conversations, perChannel, saw"),
        ({"items": [item(1, conversations=-1)]}, r"\$\.items\[0\]\.conversations: is negative, saw -1"),
        ({"items": [item(1, conversations="1,234")]}, "is not a number, saw '1,234'"),
        ({"items": [item(1, conversations="1 234")]}, "is not a number, saw '1 234'"),
        ({"items": [item(1, conversations="1.234")]}, "is not certain"),
        (
            {"items": [item(1, conversations=9, perChannel=split(line=3) * 2)]},
            r"perChannel\[1\]: comes a second time",
        ),
        (
            {"items": [item(1, conversations=9, perChannel=split(line=-3))]},
            r"perChannel\[0\]\.conversations: is negative",
        ),
        (
            {"items": [{**item(1, conversations=5), "error": "partial"}]},
            r"\$\.items\[\]\.error: is a failure; .*partial",
        ),
        ({"items": [], "errors": ["out of memory"]}, r"\$: is no data; the provider says: out of memory"),
        (b'{"items": [{"day": 1, "month": 3, "year": 2025, "conversations": 5, "conversations": 7}]}', "stands twice"),
        ({"items": [item(1, conversations=5), item(1, conversations=5)]}, "reports 2025-03-01 a second time"),
        ({"items": [item(1, conversations=1.5)]}, "is not a whole number"),
        ({"items": [item(1, conversations=True)]}, "is not a number"),
        ({"items": [item(1, conversations=10**19)]}, "is not a number that can be kept"),
        ({"items": [item(1, conversations=1, perChannel={"webchat2": 1})]}, "perChannel: is not an array"),
        ({"items": [item(1, conversations=1, perChannel=["webchat2"])]}, "is not an object"),
        (
            {"items": [item(1, conversations=1, perChannel=[{"channel": "line"}])]},
            r"perChannel\[0\]: has no conversations",
        ),
        (
            {"items": [item(1, conversations=1, perChannel=[{"name": "line", "conversations": 1}])]},
            r"perChannel\[0\]: has no channel, saw",
        ),
        (b"<html>", "is no JSON"),
        (b"", "is no JSON"),
    ],
)
def test_other_shapes_are_refused_by_name(tmp_path: Path, body: Any, field: str) -> None:
    acme, landings = build_account(), ChunkBuilder(tmp_path)
    landings.land(acme, "conversation_counter", THREE, FakeResponse(body))
    with pytest.raises(ShapeError, match=field) as caught:
        landings.transform(acme, THREE)
    assert str(caught.value).startswith("acme (cognigy.conversation_counter): field ")


def test_a_channel_that_comes_twice_is_added_up_when_the_split_is_then_the_total(tmp_path: Path) -> None:
    for number, counts in enumerate([(3, 7), (5, 5)]):
        doubled = [entry for count in counts for entry in split(line=count)]
        staged = transform_items(tmp_path / str(number), [item(1, conversations=10, perChannel=doubled)])
        assert [row["conversations"] for row in read_staged_rows(staged, "channel_daily")] == [10]


ANOTHER_MONTH = [
    ({"month": 2}, r"\$\.items\[0\]\.month: is not the requested 3, saw 2"),
    ({"month": 4}, r"\$\.items\[0\]\.month: is not the requested 3, saw 4"),
    ({"year": 25}, r"\$\.items\[0\]\.year: is not the requested 2025, saw 25"),
    ({"year": "2024"}, r"\$\.items\[0\]\.year: is not the requested 2025, saw '2024'"),
    ({"year": 10**12}, r"\$\.items\[0\]\.year: is not the requested 2025, saw"),
    ({"projectId": "6" * 24}, r"\$\.items\[0\]\.projectId: is not the requested 555"),
]


@pytest.mark.parametrize(("change", "field"), ANOTHER_MONTH)
def test_items_outside_of_the_request_are_refused_and_no_month_of_zeros(
    tmp_path: Path, change: dict[str, Any], field: str
) -> None:
    with pytest.raises(ShapeError, match=rf"^acme \(cognigy\.conversation_counter\): field {field}"):
        transform_items(tmp_path, [{**item(1, conversations=5), **change}])


@pytest.mark.parametrize(
    ("envelope", "field"),
    [
        ({"total": 30}, r"\$\.total: announces more than the 2 that came, saw 30"),
        ({"count": 3}, r"\$\.count: announces more than the 2 that came, saw 3"),
        ({"pagination": {"totalPages": 2}}, r"\$\.pagination\.totalPages: announces further pages, which did not come"),
        ({"has_more": True}, r"\$\.has_more: announces more, which did not come, saw True"),
        ({"_links": {"next": {"href": "/?page=2"}}}, r"\$\._links\.next: announces a next page, which did not come"),
        ({"nextCursor": "x"}, r"\$\.nextCursor: announces a next page, which did not come, saw 'x'"),
        ({"month": 2}, r"\$\.month: is not the requested 3, saw 2"),
        ({"projectId": "6" * 24}, r"\$\.projectId: is not the requested 555"),
    ],
)
def test_a_month_that_is_cut_off_or_another_s_is_refused(tmp_path: Path, envelope: dict[str, Any], field: str) -> None:
    acme, landings = build_account(), ChunkBuilder(tmp_path)
    items = [item(1, conversations=5), item(2, conversations=6)]
    landings.land(acme, "conversation_counter", THREE, FakeResponse({"items": items, **envelope}))
    with pytest.raises(ShapeError, match=rf"^acme \(cognigy\.conversation_counter\): field {field}"):
        landings.transform(acme, THREE)


@pytest.mark.parametrize(
    "envelope", [{"total": 2}, {"total": 11}, {"count": "2"}, {"has_more": False}, {"next": None}, {"month": "03"}]
)
def test_a_month_that_says_it_is_whole_is_loaded(tmp_path: Path, envelope: dict[str, Any]) -> None:
    acme, landings = build_account(), ChunkBuilder(tmp_path)
    items = [item(1, conversations=5), item(2, conversations=6)]
    landings.land(acme, "conversation_counter", THREE, FakeResponse({"items": items, **envelope}))
    assert list_daily(landings.transform(acme, THREE), "conversations") == [5, 6, 0]


@pytest.mark.parametrize(
    ("figures", "field"),
    [
        ({"callMinutes": -1}, r"callMinutes: is negative, saw -1"),
        ({"maxConcurrency": -1}, r"maxConcurrency: is negative, saw -1"),
        ({"processedCalls": -1}, r"processedCalls: is negative, saw -1"),
        ({"billableCalls": -1}, r"billableCalls: is negative, saw -1"),
        (
            {"conversations": 5},
            r"\$\.items\[0\]: has none of processedCalls, billableCalls, callMinutes, maxConcurrency",
        ),
    ],
)
def test_calls_that_make_no_sense_are_refused(tmp_path: Path, figures: dict[str, Any], field: str) -> None:
    with pytest.raises(ShapeError, match=field):
        transform_items(tmp_path, [item(1, **figures)], THREE, "call_counter")


def test_minutes_too_many_for_their_column_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(
        ShapeError, match=r"^acme \(cognigy\.call_counter\): field conversation_daily.call_duration_seconds: cannot"
    ):
        transform_items(tmp_path, [item(1, callMinutes=9e15)], THREE, "call_counter")


COUNTS = st.integers(0, 10**6)


@settings(max_examples=30, deadline=None)
@given(
    st.dictionaries(
        st.integers(1, 31),
        st.tuples(COUNTS, st.dictionaries(st.sampled_from(["webchat2", "line", "qx", "", "unknown"]), COUNTS)),
    ),
    st.sampled_from([int, float, str]),
)
def test_totals_are_as_reported_and_channels_add_up(
    tmp_path_factory: pytest.TempPathFactory, days: dict[int, tuple[int, dict[str, int]]], form: Any
) -> None:
    items = [
        item(form(day), conversations=form(total), perChannel=split(**{n: form(c) for n, c in channels.items()}))
        for day, (total, channels) in days.items()
    ]
    staged = transform_items(tmp_path_factory.mktemp("cognigy"), items, MARCH)
    totals = {row["date"].day: row["conversations"] for row in read_staged_rows(staged, "conversation_daily")}
    assert totals == {day: days.get(day, (0, {}))[0] for day in range(1, 32)}
    loaded: dict[int, int] = dict.fromkeys(range(1, 32), 0)
    for row in read_staged_rows(staged, "channel_daily"):
        assert row["conversations"] > 0
        loaded[row["date"].day] += row["conversations"]
    assert loaded == {day: max(days.get(day, (0, {}))[0], sum(days.get(day, (0, {}))[1].values())) for day in loaded}
