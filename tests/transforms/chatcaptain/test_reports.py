"""ChatCaptain's reports and inbox: accepted and refused bodies, sums over channels, and the comparisons."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.chatcaptain.account import ChatcaptainAccount
from extractors.errors import ErrorLocation, ShapeError
from extractors.windows import Window
from tests.support.landed_chunks import ChunkBuilder, FakeResponse, read_staged_rows
from transforms.chatcaptain.components import CHANNEL_COMPONENTS, OVERVIEW_COMPONENTS
from transforms.chatcaptain.reports import ComponentReport
from transforms.facts import TransformResult
from transforms.reading import Node

DAY = date(2025, 3, 30)
WINDOW = Window.of_day(DAY)
WHERE = ErrorLocation("chatcaptain", "a", "overview_report")


def transform_reports(
    root: Path, settings: dict[str, Any] | None = None, **streams: list[FakeResponse]
) -> TransformResult:
    fields = {"name": "a", "chatbot_id": "c", "api_key": "fake-key", "timezone": "Europe/Berlin", **(settings or {})}
    account = ChatcaptainAccount.model_validate({**fields, "streams": [*streams]})
    landings = ChunkBuilder(root)
    for stream, responses in streams.items():
        landings.land(account, stream, WINDOW, *responses)
    return landings.transform(account, WINDOW)


def channel(channel_id: str, kind: str, **components: Any) -> FakeResponse:
    body = {name.removeprefix("c"): value for name, value in components.items()}
    return FakeResponse(body, context={"channel_id": channel_id, "channel_type": kind})


def find_row(staged: TransformResult, table: str, **members: Any) -> dict[str, Any]:
    (match,) = [
        row for row in read_staged_rows(staged, table) if all(row.get(name) == value for name, value in members.items())
    ]
    return match


@pytest.mark.parametrize("key", ["CONVERSATION_COUNT", "conversation_count", "1"])
@pytest.mark.parametrize("value", [7, 7.0, "7", {"value": 7}, {"count": "7"}])
def test_scalars(tmp_path: Path, key: str, value: object) -> None:
    staged = transform_reports(tmp_path, overview_report=[FakeResponse({key: value})])
    assert read_staged_rows(staged, "conversation_daily") == [{"date": DAY, "conversations": 7}]


@pytest.mark.parametrize("value", [None, {"value": None}])
def test_null_is_unknown_and_not_zero(tmp_path: Path, value: object) -> None:
    staged = transform_reports(tmp_path, overview_report=[FakeResponse({"1": value, "7": 0, "12": value})])
    assert read_staged_rows(staged, "conversation_daily") == [{"date": DAY, "messages": 0}]
    assert read_staged_rows(staged, "metric_daily") == []


@pytest.mark.parametrize(
    "split",
    [
        {"web": 3, "": 2, "WEB": 1, "debug": 0},
        [{"key": "web", "count": 3}, {"key": None, "count": 2}, {"key": "WEB", "count": 1}],
        [
            {"name": "web", "value": 2},
            {"name": "", "value": "2"},
            {"name": "WEB", "value": 1},
            {"name": "web", "value": 1},
        ],
        [{"id": "web", "count": 3.0}, {"id": "", "count": 2}, {"id": "WEB", "count": 1}],
    ],
)
def test_breakdowns(tmp_path: Path, split: object) -> None:
    staged = transform_reports(tmp_path, overview_report=[FakeResponse({"CONVERSATION_BY_CHANNEL_TYPE": split})])
    conversations = {row["channel_code"]: row["conversations"] for row in read_staged_rows(staged, "channel_daily")}
    assert conversations == {"web": 3, "unknown": 2, "WEB": 1}


def test_languages_that_conform_to_one_tag_are_added(tmp_path: Path) -> None:
    staged = transform_reports(tmp_path, overview_report=[FakeResponse({"3": {"DE": 1, "de": 2, "pt-br": 4, "": 8}})])
    conversations = {row["language_code"]: row["conversations"] for row in read_staged_rows(staged, "language_daily")}
    assert conversations == {"de": 3, "pt-BR": 4, "unknown": 8}


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ([], r"\$"),
        ({}, r"\$"),
        ({"data": {"1": 3}}, r"\$"),
        ({"1": 3, "CONVERSATION_COUNT": 3}, "CONVERSATION_COUNT"),
        ({"1": 1.5}, "1"),
        ({"1": True}, "1"),
        ({"1": "many"}, "1"),
        ({"1": {"value": 1, "count": 1}}, "1"),
        ({"1": {"total": 1}}, "1"),
        ({"1": [3]}, "1"),
        ({"4": 3}, "4"),
        ({"4": [{"channel": "web", "count": 1}]}, r"4\[0\]"),
        ({"4": [{"key": "web", "number": 1}]}, r"4\[0\]"),
        ({"4": {"web": {"a": 1}}}, "4.web"),
        ({"1": 1, "2": [{"at": "x", "count": 1}]}, r"2\[0\]"),
    ],
)
def test_refused_reports_name_the_field(tmp_path: Path, body: object, field: str) -> None:
    with pytest.raises(ShapeError, match=f"overview_report.*{field}"):
        transform_reports(tmp_path, overview_report=[FakeResponse(body)])


def test_a_component_id_means_another_thing_in_each_report(tmp_path: Path) -> None:
    staged = transform_reports(
        tmp_path, overview_report=[FakeResponse({"9": {"trend": "up"}})], channel_report=[channel("x", "web", c9=4)]
    )
    assert find_row(staged, "channel_daily", channel_code="web")["interactions"] == 4


@given(order=st.permutations(range(17)))
def test_names_and_ids_are_the_same_components(order: list[int]) -> None:
    by_name = ComponentReport.from_root(
        Node({OVERVIEW_COMPONENTS[number].title(): number for number in order}, "$", WHERE), OVERVIEW_COMPONENTS
    )
    by_id = ComponentReport.from_root(Node({str(number): number for number in order}, "$", WHERE), OVERVIEW_COMPONENTS)
    assert [by_name.count(n) for n in range(17)] == [by_id.count(n) for n in range(17)] == [*range(17)]
    assert len(CHANNEL_COMPONENTS) == 23


def test_channels_of_a_type_are_summed_and_calls_are_of_voice_types(tmp_path: Path) -> None:
    staged = transform_reports(
        tmp_path,
        channel_report=[
            FakeResponse([{"id": "w1"}], context={}),
            channel("w1", "web", c12=3, c9=1, c1=2),
            channel("w2", "web", c12="4", c9=2, c1=1),
            channel("v", "voice", c12=5, c9=0, c16="12.5", c18=6.25, c21={"hangup": 2}),
            channel("a", "audiocodes", c12=0, c9=0, c16=0, c21=[{"key": "hangup", "count": 1}]),
            channel("d", "debug", c12=9, c9=9),
        ],
    )
    assert find_row(staged, "channel_daily", channel_code="web") == {
        "date": DAY,
        "channel_code": "web",
        "messages": 7,
        "interactions": 3,
    }
    assert find_row(staged, "channel_daily", channel_code="debug")["messages"] == 9
    assert find_row(staged, "conversation_daily")["call_duration_seconds"] == Decimal("12.500")
    assert find_row(staged, "metric_daily", metric="end_reason")["value"] == 3
    assert find_row(staged, "metric_daily", metric="channel_conversations", channel_id="w2")["value"] == 1


def test_a_channel_without_a_number_makes_the_sum_of_its_type_unknown(tmp_path: Path) -> None:
    responses = [
        channel("w1", "web", c12=3, c9=1),
        channel("w2", "web", c12=None, c9=2),
        channel("v", "voice", c16=None),
    ]
    staged = transform_reports(tmp_path, channel_report=responses)
    assert find_row(staged, "channel_daily", channel_code="web") == {
        "date": DAY,
        "channel_code": "web",
        "interactions": 3,
    }
    assert read_staged_rows(staged, "conversation_daily") == [{"date": DAY}]


@pytest.mark.parametrize(("split", "conversations"), [({"telegram": 2}, 0), ({}, 0), (None, None)])
def test_a_listed_type_that_the_split_omits_is_zero(
    tmp_path: Path, split: dict[str, int] | None, conversations: int | None
) -> None:
    reports = [channel("w1", "web", c12=3), channel("w2", "web", c12=0)]
    staged = transform_reports(tmp_path, overview_report=[FakeResponse({"1": 2, "4": split})], channel_report=reports)
    web = find_row(staged, "channel_daily", channel_code="web")
    assert (web.get("conversations"), web["messages"]) == (conversations, 3)


@pytest.mark.parametrize(("unit", "seconds"), [("seconds", "90"), ("minutes", "5400"), ("milliseconds", "0.09")])
def test_the_unit_of_call_durations_is_a_setting(tmp_path: Path, unit: str, seconds: str) -> None:
    settings = {"call_duration_unit": unit}
    staged = transform_reports(tmp_path, settings, channel_report=[channel("v", "voice", c16=90, c18=90)])
    assert find_row(staged, "conversation_daily")["call_duration_seconds"] == Decimal(seconds)
    assert find_row(staged, "metric_daily", metric="channel_call_duration_median")["value"] == Decimal(seconds)


@pytest.mark.parametrize(("types", "call_seconds"), [([], None), (["web"], None), (["voice"], 0)])
def test_no_channel_with_calls_is_unknown_and_no_call_is_zero(
    tmp_path: Path, types: list[str], call_seconds: int | None
) -> None:
    responses = [FakeResponse({"channels": []}), *(channel(kind, kind, c12=0, c16=0) for kind in types)]
    staged = transform_reports(tmp_path, channel_report=responses)
    assert read_staged_rows(staged, "conversation_daily")[0].get("call_duration_seconds") == call_seconds


@pytest.mark.parametrize(
    ("total", "types", "verdict", "reason"),
    [
        (5, {"web": 5}, "ok", None),
        (5, {"web": 5, "debug": 2}, "explained", "the difference is the test channel"),
        (7, {"web": 5, "debug": 2}, "explained", "provider counts tests"),
        (6, {"web": 5, "debug": 2}, "unexplained", None),
        (6, {"web": 5}, "unexplained", None),
        (0, {}, "ok", None),
    ],
)
def test_the_total_is_compared_with_its_split(
    tmp_path: Path, total: int, types: dict[str, int], verdict: str, reason: str | None
) -> None:
    staged = transform_reports(tmp_path, overview_report=[FakeResponse({"1": total, "4": types})])
    assert [(line.verdict, line.reason) for line in staged.reconciliations] == [(verdict, reason)]
    assert find_row(staged, "conversation_daily")["conversations"] == total  # nothing is subtracted


@pytest.mark.parametrize(
    ("messages", "types", "verdict", "reason"),
    [
        (7, {"web": 1, "gone": 1}, "ok", None),
        (9, {"web": 1, "gone": 1, "debug": 4}, "explained", "not listed: gone"),
        (9, {"web": 1, "debug": 4}, "unexplained", None),
    ],
)
def test_messages_are_compared_with_the_listed_channels(
    tmp_path: Path, messages: int, types: dict[str, int], verdict: str, reason: str | None
) -> None:
    staged = transform_reports(
        tmp_path,
        overview_report=[FakeResponse({"7": messages, "4": types})],
        channel_report=[channel("w", "web", c12=7), channel("d", "debug", c12=3)],
    )
    (line,) = [line for line in staged.reconciliations if line.measure == "messages"]
    assert (line.verdict, line.reason) == (verdict, reason)


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        ([{"timestamp": "2025-03-29T23:00:00Z", "count": 2}, {"timestamp": 1743292800, "count": "3"}], "ok"),
        ([{"date": "2025-03-30", "value": 5}], "ok"),
        ({"2025-03-30": 4}, "unexplained"),
        ([], "unexplained"),
    ],
)
def test_intervals_are_checked_against_the_total(tmp_path: Path, interval: object, verdict: str) -> None:
    staged = transform_reports(tmp_path, overview_report=[FakeResponse({"1": 5, "2": interval})])
    assert [line.verdict for line in staged.reconciliations] == [verdict]


def test_the_inbox_keeps_names_and_reported_zeros(tmp_path: Path) -> None:
    staged = transform_reports(tmp_path, inbox=[FakeResponse({"open now": 0, "closed": {"value": "3"}, "NA": None})])
    values = {row["member"]: row["value"] for row in read_staged_rows(staged, "metric_daily")}
    assert values == {"open now": 0, "closed": 3}


@pytest.mark.parametrize("body", [[3], {"open": "some"}, {"open": {"a": 1}}, {"open": [1]}])
def test_refused_inboxes(tmp_path: Path, body: object) -> None:
    with pytest.raises(ShapeError, match="inbox"):
        transform_reports(tmp_path, inbox=[FakeResponse(body)])
