"""ChatCaptain's reports and inbox: accepted and refused bodies, and sums over channels."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.errors import ShapeError
from tests.support.chatcaptain_reports import DAY, WHERE, channel, find_row, transform_reports
from tests.support.landed_chunks import FakeResponse, read_staged_rows
from transforms.chatcaptain.component_report import ComponentReport
from transforms.chatcaptain.components import CHANNEL_COMPONENTS, OVERVIEW_COMPONENTS
from transforms.reading import Node


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
            {"name": "web", "value": 3},
            {"name": "", "value": "2"},
            {"name": "WEB", "value": 1},
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
        ({"4": [{"key": "web", "count": 1}, {"key": "web", "count": 1}]}, r"4\[1\]: names a member a second time"),
        ({"1": -1}, r"\$.1: is negative, saw -1"),
        ({"4": {"web": -1}}, r"\$.4.web: is negative"),
        ({"6": -0.5}, r"\$.6: is negative"),
        ({"10": {"value": -1}}, r"\$.10.value: is negative"),
        ({"12": -1}, r"\$.12: is negative"),
        ({"1": 1, "hasMore": True}, "hasMore: announces more, which did not come"),
        ({"1": 1, "next": "/reports?page=2"}, "next: announces a next page"),
    ],
)
def test_refused_reports_name_the_field(tmp_path: Path, body: object, field: str) -> None:
    with pytest.raises(ShapeError, match=f"overview_report.*{field}"):
        transform_reports(tmp_path, overview_report=[FakeResponse(body)])


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"1": 3, "error": "timed out"}, r"\$: is no data; the provider says: timed out"),
        (
            {"1": 3, "errors": [{"message": "shard 3"}, "shard 4"]},
            r"\$: is no data; the provider says: shard 3; shard 4",
        ),
        ({"data": {}, "error": {"message": "timed out"}}, r"\$: is no data; the provider says: timed out"),
        ({"code": 8, "message": "quota is used up"}, r"\$: is no data; the provider says: quota is used up \(code 8\)"),
        ({"1": {"error": "timed out"}}, r"\$.1: is no data; the provider says: timed out"),
        ({"1": {"value": 0, "error": "timed out"}}, r"\$.1: is no data; the provider says: timed out"),
        ({"1": {"value": 0, "error": 5}}, r"\$.1.error: is a failure; the provider says: 5"),
        ({"1": {"value": 0, "status": "failed"}}, r"\$.1: is no data; the provider says: status failed"),
        ({"4": {"error": {"message": "timed out"}}}, r"\$.4: is no data; the provider says: timed out"),
        ({"4": {"web": 3, "errors": ["timed out"]}}, r"\$.4: is no data; the provider says: timed out"),
        ({"4": {"web": {"count": 3, "error": "cut"}}}, r"\$.4.\*.error: is a failure; the provider says: cut"),
        ({"4": [{"key": "web", "count": 3, "error": "cut"}]}, r"\$.4\[\].error: is a failure; the provider says: cut"),
        ({"1": 3, "5": {"error": "timed out"}}, r"\$.5: is no data; the provider says: timed out"),
        ({"1": 3, "2": [{"date": "2025-03-30", "count": 3, "error": "cut"}]}, r"\$.2\[\].error: is a failure; .*: cut"),
    ],
)
def test_a_failure_inside_a_report_is_refused(tmp_path: Path, body: object, problem: str) -> None:
    with pytest.raises(ShapeError, match=rf"^a \(chatcaptain.overview_report\): field {problem}"):
        transform_reports(tmp_path, overview_report=[FakeResponse(body)])


@pytest.mark.parametrize("number", [5, "5", {"count": 5}])
def test_a_member_called_error_is_data(tmp_path: Path, number: object) -> None:
    staged = transform_reports(tmp_path, overview_report=[FakeResponse({"11": {"error": number, "fault": 1}})])
    hits = {row["intent"]: row["hits"] for row in read_staged_rows(staged, "intent_daily")}
    assert hits == {"error": 5, "fault": 1}


@pytest.mark.parametrize(
    ("own", "problem"),
    [
        ({"from": "2025-03-28T23:00:00.000Z"}, r"from: is not the requested 2025-03-29 23:00:00"),
        ({"to": "2025-03-31T21:59:59.999Z"}, r"to: is not the requested 2025-03-30 21:59:59.999"),
        ({"date": "2025-03-31"}, r"date: is not the requested"),
        ({"interval": 86400}, r"interval: is not the requested 3600, saw 86400"),
        ({"channelId": "w2"}, r"channelId: is not the requested w1, saw 'w2'"),
        ({"channel_id": "w2"}, r"channel_id: is not the requested w1, saw 'w2'"),
        ({"chatbotId": "another"}, r"chatbotId: is not the requested c, saw 'another'"),
    ],
)
def test_a_report_that_names_another_request_is_refused(tmp_path: Path, own: dict[str, Any], problem: str) -> None:
    report = channel("w1", "web", c12=3)
    with pytest.raises(ShapeError, match=rf"^a \(chatcaptain.channel_report\): field \$.{problem}"):
        transform_reports(tmp_path, channel_report=[replace(report, body={**report.body, **own})])


def test_a_report_that_repeats_its_request_is_accepted(tmp_path: Path) -> None:
    own = {
        "from": "2025-03-30T00:00:00+01:00",
        "to": "2025-03-30T21:59:59Z",
        "date": "2025-03-30",
        "interval": "3600",
        "chatbotId": "c",
        "channelId": "w1",
    }
    report = channel("w1", "web", c12=3)
    staged = transform_reports(tmp_path, channel_report=[replace(report, body={**report.body, **own})])
    assert find_row(staged, "channel_daily", channel_code="web")["messages"] == 3


def test_a_list_of_channels_that_announces_more_is_refused(tmp_path: Path) -> None:
    listing = FakeResponse({"channels": [{"id": "w1", "type": "web"}], "total": 2})
    problem = r"^a \(chatcaptain.channel_report\): field \$.total: announces more than the 1 that came, saw 2"
    with pytest.raises(ShapeError, match=problem):
        transform_reports(tmp_path, channel_report=[listing, channel("w1", "web", c12=3)])


def test_a_key_that_stands_twice_is_refused(tmp_path: Path) -> None:
    body = b'{"CONVERSATION_COUNT": 5, "CONVERSATION_COUNT": 7}'
    problem = r"^a \(chatcaptain.overview_report\): field CONVERSATION_COUNT: stands twice in one object, saw \[5, 7\]"
    with pytest.raises(ShapeError, match=problem):
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


def test_the_inbox_keeps_names_and_reported_zeros(tmp_path: Path) -> None:
    staged = transform_reports(tmp_path, inbox=[FakeResponse({"open now": 0, "closed": {"value": "3"}, "NA": None})])
    values = {row["member"]: row["value"] for row in read_staged_rows(staged, "metric_daily")}
    assert values == {"open now": 0, "closed": 3}


@pytest.mark.parametrize(
    "body",
    [
        [3],
        {},
        {"open": None, "closed": {"value": None}},
        {"open": "some"},
        {"open": {"a": 1}},
        {"open": [1]},
        {"open": 3, "errors": ["timed out"]},
        {"open": {"value": 3, "error": "timed out"}},
        {"open": 3, "from": 1743375600},
        {"open": 3, "to": "2025-04-30T21:59:59.999Z"},
        {"open": 3, "hasMore": True},
        {"open": 3, "next": "/inbox?page=2"},
    ],
)
def test_refused_inboxes(tmp_path: Path, body: object) -> None:
    with pytest.raises(ShapeError, match="inbox"):
        transform_reports(tmp_path, inbox=[FakeResponse(body)])
