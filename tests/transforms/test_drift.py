"""Drift: an unknown field is recorded by its place, never by a value, and is no error."""

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.account import Account
from extractors.chatcaptain.account import ChatcaptainAccount
from extractors.chatdash.account import ChatdashAccount
from extractors.chatlayer.account import ChatlayerAccount
from extractors.cognigy.account import CognigyAccount
from extractors.errors import ErrorLocation, ShapeError
from extractors.http.messages import Request, Response
from extractors.inkeep.account import InkeepAccount
from extractors.landing.batch import BatchKey
from extractors.landing.zone import LandingZone
from extractors.windows import Window
from tests.support.landed_chunks import FIRST_LANDED_AT, ChunkBuilder, FakeResponse
from transforms.drift import (
    MAX_NAMES,
    UNKNOWN_COLUMN,
    UNKNOWN_FIELD,
    Drift,
    NamedMembers,
    find_unknown_fields,
    flat_object,
    refuse_nested_failure,
)

DAY = date(2025, 3, 30)
NEXT = date(2025, 3, 31)
WINDOW = Window.of_day(DAY)
WHERE = ErrorLocation("chatcaptain", "voice", "export", "batch-1")

BASE = {"name": "a", "api_key": "fake-key"}
COGNIGY = CognigyAccount.model_validate({**BASE, "project_id": "0" * 24})
CHATDASH = ChatdashAccount.model_validate({**BASE, "project_id": "p_1"})
CHATCAPTAIN = ChatcaptainAccount.model_validate({**BASE, "chatbot_id": "c"})
INKEEP = InkeepAccount.model_validate(BASE)
CHATLAYER = ChatlayerAccount.model_validate(
    {"name": "a", "bot_id": "b", "token_id": "i", "token_secret": "s", "conversation_ids": ["c1"]}
)
SERIES = {"query": {"bucket": "1d", "start_time": "2025-03-29T00:00:00Z", "end_time": "2025-03-31T00:00:00Z"}}
REPORT = {
    "query": {"from": "2025-03-30T00:00:00.000Z", "to": "2025-03-30T23:59:59.999Z", "interval": "3600"},
}
NEW = {"secret": "Jane Doe"}


def list_drift(
    root: Path, account: Account, stream: str, window: Window, *responses: FakeResponse
) -> list[tuple[Any, ...]]:
    """Land the responses and transform them; return day of month, kind and name of each drift entry of the stream."""
    landings = ChunkBuilder(root)
    landings.land(account, stream, window, *responses)
    staged = landings.transform(account, window)
    assert {entry.batch.split("/")[2] for entry in staged.drift} <= {stream}
    assert "Jane" not in str(staged.drift)
    return [(entry.date.day, entry.kind, entry.name) for entry in staged.drift if entry.stream == stream]


def build_month(*channels: str) -> dict[str, Any]:
    split = [{"channel": name, "conversations": 1, "new": NEW} for name in channels]
    return {"items": [{"conversations": 9, "day": 31, "month": 3, "year": 2025, "perChannel": split}], "mood": NEW}


def test_cognigy(tmp_path: Path) -> None:
    window = Window(DAY, date(2025, 4, 1))
    drift = list_drift(
        tmp_path, COGNIGY, "conversation_counter", window, FakeResponse(build_month("webchat3", "qx-new", "Qx-Other"))
    )
    fields = [(day, UNKNOWN_FIELD, name) for day in (30, 31) for name in ("items[].perChannel[].new", "mood")]
    channels = [(31, "unknown channel", name) for name in ("Qx-Other", "qx-new")]
    assert sorted(drift) == sorted([*fields, *channels])


def test_chatdash_and_its_refused_metrics(tmp_path: Path) -> None:
    body = {
        "conversations": {"total": 1, "counts": [{"count": 1, "when": "?"}], "new": NEW},
        "topTopics": [{"id": "1", "label": "a", "count": 1, "new": NEW}],
        "mood": NEW,
    }
    names = ["conversations.new", "mood", "topTopics[].new"]
    assert list_drift(tmp_path / "1", CHATDASH, "analytics", WINDOW, FakeResponse(body)) == [
        (30, UNKNOWN_FIELD, name) for name in names
    ]
    landings = ChunkBuilder(tmp_path / "2")
    key = BatchKey("chatdash", "a", "analytics", "p_1", "UTC", WINDOW)
    with LandingZone(tmp_path / "2" / "landing").open_writer(key) as writer:
        writer.add(Response(Request("POST", "/"), 200, {}, FIRST_LANDED_AT, b'{"conversations": {"total": 1}}'))
        writer.finish(FIRST_LANDED_AT, remarks={"refused": ["tokens", "uniqueIps"]})
    drift = landings.transform(CHATDASH, WINDOW).drift
    assert [(entry.kind, entry.name) for entry in drift] == [
        ("refused metric", "tokens"),
        ("refused metric", "uniqueIps"),
    ]


def test_chatlayer_series(tmp_path: Path) -> None:
    serie = {"values": [1], "mean": 1, "max": 1, "min": 1, "sum": 1, "labels": {"channel_type": "qx-new"}, "new": NEW}
    body = {"data": {"series": [serie], "x_values": ["2025-03-30"], "series_labels": ["?"], "unit": NEW}}
    drift = list_drift(tmp_path, CHATLAYER, "conversations_by_channel", WINDOW, FakeResponse(body, **SERIES))
    assert drift == [
        (30, "unknown channel", "qx-new"),
        (30, UNKNOWN_FIELD, "data.series[].new"),
        (30, UNKNOWN_FIELD, "data.unit"),
    ]


def test_chatlayer_intents_and_flow(tmp_path: Path) -> None:
    intents = {"data": [{"intent_id": "a", "count": 1, "rank": 1, "new": NEW}], "pagination": {"page": 1}}
    assert list_drift(tmp_path / "1", CHATLAYER, "intents", WINDOW, FakeResponse(intents)) == [
        (30, UNKNOWN_FIELD, "data[].new"),
        (30, UNKNOWN_FIELD, "pagination.page"),
    ]
    step = {"id": "s", "type": "t", "name": NEW}
    move = {"id": "1", "from_step": step, "to_step": step, "timestamp": "2025-03-30T10:00:00Z", "depth": 1}
    flow = {"bot_id": "b", "conversation_id": "c1", "user_id": "u", "transitions": [move], "new": NEW}
    response = FakeResponse(flow, context={"found": True, "conversation_id": "c1"})
    assert list_drift(tmp_path / "2", CHATLAYER, "flow", WINDOW, response) == [
        (30, UNKNOWN_FIELD, "new"),
        (30, UNKNOWN_FIELD, "transitions[].from_step.name"),
        (30, UNKNOWN_FIELD, "transitions[].to_step.name"),
    ]


def test_chatcaptain_reports(tmp_path: Path) -> None:
    overview = {
        "conversation_count": {"value": 1, "unit": NEW},
        "CONVERSATION_COUNT_INTERVAL": [{"timestamp": "2025-03-30T00:00:00Z", "count": 1, "new": NEW}],
        "CONVERSATION_COUNT_PERIODIC_TREND": {"whatever": NEW},
        "4": {"qx-new": 1, "web": {"count": 0, "new": NEW}},
        "11": [{"id": "Jane Doe", "count": 1, "new": NEW}],
        "SENTIMENT": NEW,
    }
    drift = list_drift(tmp_path / "1", CHATCAPTAIN, "overview_report", WINDOW, FakeResponse(overview, **REPORT))
    names = ["11[].new", "4.*.new", "CONVERSATION_COUNT_INTERVAL[].new", "SENTIMENT", "conversation_count.unit"]
    assert drift == [(30, "unknown channel", "qx-new"), *((30, UNKNOWN_FIELD, name) for name in names)]
    response = FakeResponse({"12": 3, "23": 1}, context={"channel_id": "7", "channel_type": "qx-new"})
    drift = list_drift(
        tmp_path / "2", CHATCAPTAIN, "channel_report", WINDOW, FakeResponse([{"id": "7", "shape": NEW}]), response
    )
    assert drift == [(30, "unknown channel", "qx-new"), (30, UNKNOWN_FIELD, "23")]
    inbox = {"open": 1, "Jane Doe": {"value": 2}, "late": {"value": 3, "new": NEW}}
    assert list_drift(tmp_path / "3", CHATCAPTAIN, "inbox", WINDOW, FakeResponse(inbox)) == [
        (30, UNKNOWN_FIELD, "*.new")
    ]


def test_requested_components_that_a_report_lacks(tmp_path: Path) -> None:
    query = {**REPORT["query"], "components": "1,2,7"}
    response = FakeResponse({"CONVERSATION_COUNT": None, "MESSAGE_COUNT": 3}, query)
    drift = list_drift(tmp_path, CHATCAPTAIN, "overview_report", WINDOW, response)
    assert drift == [(30, "missing field", "2 CONVERSATION_COUNT_INTERVAL")]


def test_inkeep(tmp_path: Path) -> None:
    row = {"id": "1", "firstMessageTime": "2025-03-30T10:00:00Z", "properties": {"Jane": 1}, "rating": NEW}
    body = {
        "status": "ok",
        "data": {"result": [row, {**row, "id": "2"}], "total": 2, "count": 2, "pageSize": 9},
        "warnings": [NEW],
    }
    drift = list_drift(tmp_path / "1", INKEEP, "conversations", WINDOW, FakeResponse(body))
    assert drift == [(30, UNKNOWN_FIELD, "data.result[].rating"), (30, UNKNOWN_FIELD, "warnings")]
    total = {"count": 1, "sum_userMessageCount": 1, "countDistinct_userProperties.userId": 1, "avg": 1}
    context = {"days": str(WINDOW), "by_day": False}
    response = FakeResponse({"data": {"result": [total]}}, context=context)
    assert list_drift(tmp_path / "2", INKEEP, "conversation_totals", WINDOW, response) == [
        (30, UNKNOWN_FIELD, "data.result[].avg")
    ]


def test_a_newer_response_replaces_the_drift_of_an_older_one(tmp_path: Path) -> None:
    landings, window = ChunkBuilder(tmp_path), Window(DAY, date(2025, 4, 1))
    landings.land(COGNIGY, "conversation_counter", window, FakeResponse({"items": [], "old": 1}))
    landings.land(COGNIGY, "conversation_counter", Window.of_day(NEXT), FakeResponse({"items": [], "new": 1}))
    entries = landings.transform(COGNIGY, window).drift
    assert [(entry.date, entry.name) for entry in entries] == [(DAY, "old"), (NEXT, "new")]


@pytest.mark.parametrize(("count", "more"), [(MAX_NAMES, None), (MAX_NAMES + 12, "(12 more)")])
def test_names_are_capped(count: int, more: str | None) -> None:
    drift = Drift()
    drift.record([DAY], WHERE, UNKNOWN_COLUMN, (f"c{number:03}" for number in reversed(range(count))))
    drift.record([DAY], WHERE, UNKNOWN_FIELD, ["x" * 500, "", "\ud800"])
    names = [entry.name for entry in drift.entries() if entry.kind == UNKNOWN_COLUMN]
    assert names == [*(f"c{number:03}" for number in range(MAX_NAMES)), *([more] if more else [])]
    others = [entry.name for entry in drift.entries() if entry.kind == UNKNOWN_FIELD]
    assert others == ["(no name)", "x" * 99 + "…", "\N{REPLACEMENT CHARACTER}"]


JSON = st.recursive(
    st.none() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("abcd"), inner, max_size=4),
)


@given(JSON)
def test_any_value_can_be_examined(value: object) -> None:
    known = {"a": {"b": flat_object("c")}, "b": NamedMembers(flat_object("a"), flat_object("b")), "c": None}
    assert all(isinstance(name, str) for name in find_unknown_fields(value, known))
    assert list(find_unknown_fields(value, None)) == []


FAILURES_OF_PARTS = {"rows": flat_object("error", "n"), "names": NamedMembers(None), "free": None}


@pytest.mark.parametrize(
    ("value", "sentence"),
    [
        ({"errors": ["out of memory"]}, r"field \$\.errors: is a failure; the provider says: out of memory"),
        ({"rows": {"fault": {"message": "gone"}}}, r"field \$\.rows\.fault: is a failure; the provider says: gone"),
        ({"rows": [{"n": 1}, {"errors": {"code": 7}}]}, r'field \$\.rows\[\]\.errors: .*says: \{"code":7\}'),
        ({"rows": [{"error": "known"}], "error": "new"}, r"field \$\.error: .*says: new"),
    ],
)
def test_a_failure_of_a_part_is_refused_with_the_provider_s_words(value: object, sentence: str) -> None:
    with pytest.raises(ShapeError, match=rf"^voice \(chatcaptain\.export\): {sentence}, saw "):
        refuse_nested_failure(value, FAILURES_OF_PARTS, WHERE)


@pytest.mark.parametrize(
    "value",
    [
        {"rows": [{"error": "known"}], "error": None, "errors": [], "fault": ""},
        {"names": {"error": 3}},  # a member that is called so
        {"free": {"error": "not examined"}},
        [],
        None,
    ],
)
def test_empty_failures_and_names_of_members_are_none(value: object) -> None:
    refuse_nested_failure(value, FAILURES_OF_PARTS, WHERE)
