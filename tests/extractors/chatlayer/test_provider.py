"""The requests to Chatlayer, its pages, and the configurations that it cannot serve."""

from collections import Counter
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from extractors import redaction
from extractors.chatlayer.provider import PROVIDER
from extractors.errors import CredentialRefused, RequestRefused, ShapeError
from extractors.landing.batch import Batch
from extractors.landing.zone import LandingZone
from extractors.windows import Window
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from tests.support.chatlayer import NAME, OCTOBER, build_account, build_sandbox, configure_account
from tests.support.pull_account import pull_account

BOT_STREAMS = (
    "conversations",
    "conversations_by_channel",
    "conversations_by_language",
    "messages",
    "users",
    "insights",
    "intents",
)
DAY = Window.of_day(date(2025, 10, 26))


@pytest.fixture
def berlin() -> Iterator[Sandbox]:
    with build_sandbox("Europe/Berlin") as sandbox:
        yield sandbox


@pytest.fixture
def utc() -> Iterator[Sandbox]:
    with build_sandbox() as sandbox:
        yield sandbox


def read_queries(sandbox: Sandbox) -> list[dict[str, str]]:
    return [dict(parse_qsl(record.query)) for record in sandbox.requests]


def list_batches(root: Path, stream: str) -> list[Batch]:
    return LandingZone(root / "landing").list_batches("chatlayer", NAME, stream)


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York", "Europe/Amsterdam", "Asia/Tokyo"])
def test_whole_hour_zones_are_served_whatever_they_were_long_ago(zone: str) -> None:
    assert build_account(timezone=zone).timezone == zone


@pytest.mark.parametrize("zone", ["Asia/Kolkata", "America/St_Johns", "Australia/Lord_Howe", "Asia/Kathmandu"])
def test_part_hour_zones_are_refused_by_name(zone: str) -> None:
    with pytest.raises(ValueError, match=f"timezone: .*{zone}"):
        build_account(timezone=zone, start_date=date(2025, 1, 1))


def test_only_offsets_that_can_be_loaded_decide() -> None:
    assert build_account(timezone="Asia/Pyongyang", start_date=date(2019, 1, 1))
    with pytest.raises(ValueError, match="whole hours"):
        build_account(timezone="Asia/Pyongyang", start_date=date(2017, 1, 1))
    with pytest.raises(ValueError, match="whole hours"):
        build_account(timezone="America/Caracas")


@pytest.mark.parametrize(("zone", "expected"), [("UTC", True), ("Etc/UTC", True), ("Europe/London", False)])
def test_days_of_utc(zone: str, expected: bool) -> None:
    assert build_account(timezone=zone).has_utc_days is expected


def test_default_streams_follow_what_the_account_has() -> None:
    assert build_account().enabled_streams == BOT_STREAMS
    assert build_account(timezone="Europe/Berlin").enabled_streams == tuple(
        stream for stream in BOT_STREAMS if stream != "users"
    )
    assert build_account(timezone="Europe/Berlin", streams=["users"]).enabled_streams == ("users",)
    assert build_account(team_id="t1").enabled_streams == (*BOT_STREAMS, "team_usage")
    assert build_account(conversation_ids=["x"]).enabled_streams == (*BOT_STREAMS, "flow")


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        ({"streams": ["team_usage"]}, "team_id"),
        ({"streams": ["flow"]}, "conversation_ids"),
        ({"version": "live"}, "version"),
        ({"token_id": "a:b"}, "token_id"),
    ],
)
def test_settings_that_cannot_work_are_refused(settings: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        build_account(**settings)


def test_one_account_pulls_a_team() -> None:
    first, second = build_account(name="one", team_id="t1"), build_account(name="two", team_id="t1", bot_id="b2")
    kind = type(first)
    (problem,) = kind.validate_accounts([first, second])
    assert all(word in problem for word in ("one", "two", "t1", "streams"))
    assert not kind.validate_accounts([first, build_account(name="two", team_id="t1", streams=["users"])])
    assert not kind.validate_accounts([first, build_account(name="two", team_id="t2"), build_account(name="three")])


def test_another_bot_or_version_is_another_account() -> None:
    assert build_account().external_id == "b1/LIVE"
    assert build_account(version="DRAFT").external_id == "b1/DRAFT"
    assert build_account(bot_id="b2").external_id == "b2/LIVE"


def test_the_encoded_credential_is_kept_out_of_texts() -> None:
    header = build_account().credential().headers["Authorization"]
    assert header.startswith("Basic ")
    assert redaction.redact(header) == f"Basic {redaction.MASK}"


def test_series_of_a_utc_account_go_by_days(utc: Sandbox, tmp_path: Path) -> None:
    streams = ("conversations", "conversations_by_channel", "conversations_by_language", "messages", "users")
    assert not pull_account(configure_account(utc), OCTOBER, tmp_path, streams)
    times = {"start_time": "2025-10-24T00:00:00Z", "end_time": "2025-11-03T00:00:00Z"}
    assert all(query | times | {"version": "LIVE", "bucket": "1d"} == query for query in read_queries(utc))
    assert Counter(query.get("group_by") for query in read_queries(utc)) == {None: 3, "channel_type": 1, "language": 1}


def test_series_of_another_zone_go_by_hours_from_midnight_to_midnight(berlin: Sandbox, tmp_path: Path) -> None:
    assert not pull_account(configure_account(berlin), OCTOBER, tmp_path, ["messages"])
    (query,) = read_queries(berlin)
    assert (query["bucket"], query["start_time"], query["end_time"]) == (
        "1h",
        "2025-10-23T22:00:00Z",
        "2025-11-02T23:00:00Z",
    )


def test_a_single_utc_day_is_asked_for_with_the_day_before(utc: Sandbox, tmp_path: Path) -> None:
    assert not pull_account(configure_account(utc, team_id="t1"), DAY, tmp_path, ["conversations", "team_usage"])
    assert {query["start_time"] for query in read_queries(utc)} == {"2025-10-25T00:00:00Z"}
    assert [batch.window for batch in list_batches(tmp_path, "conversations")] == [DAY]


@pytest.mark.parametrize("zone", ["UTC", "Europe/Berlin", "America/New_York"])
def test_no_range_is_longer_than_31_days_of_24_hours(zone: str) -> None:
    year = Window(date(2025, 1, 1), date(2026, 1, 1))
    bot = build_account(timezone=zone, team_id="t1", conversation_ids=["x"])
    for stream in bot.enabled_streams:
        windows = PROVIDER.streams[stream].windows(bot, year)
        assert [day for window in windows for day in window.days()] == list(year.days())
        lengths = [window.end_instant(bot.zone) - window.first_instant(bot.zone) for window in windows]
        assert stream == "team_usage" or max(lengths) <= timedelta(hours=744)
        assert max(map(len, windows)) <= 31
        assert len(windows) == (365 if stream in ("insights", "intents") else 12)


def test_a_team_is_asked_for_the_utc_days_of_the_same_name(berlin: Sandbox, tmp_path: Path) -> None:
    assert not pull_account(configure_account(berlin, team_id="t1"), OCTOBER, tmp_path, ["team_usage"])
    assert read_queries(berlin) == [
        {
            "start_time": "2025-10-24T00:00:00Z",
            "end_time": "2025-11-03T00:00:00Z",
            "bucket": "1d",
            "group_by": "bot_id,bot_version,channel_type,language",
        }
    ]


def test_insights_are_asked_by_day_and_stat(berlin: Sandbox, tmp_path: Path) -> None:
    assert not pull_account(
        configure_account(berlin), Window(date(2025, 10, 25), date(2025, 10, 27)), tmp_path, ["insights"]
    )
    requests = Counter((query["stat"], query["start_time"], query["end_time"]) for query in read_queries(berlin))
    assert len(requests) == 6
    assert ("num_messages", "2025-10-25T22:00:00Z", "2025-10-26T23:00:00Z") in requests
    assert [len(batch.parts) for batch in list_batches(tmp_path, "insights")] == [3, 3]


def test_all_pages_of_intents_are_followed(utc: Sandbox, tmp_path: Path) -> None:
    utc.shapes.chatlayer_page = 1
    assert not pull_account(configure_account(utc), DAY, tmp_path, ["intents"])
    (batch,) = list_batches(tmp_path, "intents")
    cursors = [part.request["query"].get("after") for part in batch.parts]
    assert len(cursors) > 2
    assert cursors == [None, *(f"c{page}" for page in range(1, len(cursors)))]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"pagination": {"has_more": true}}', "end_cursor"),
        ('{"pagination": {"has_more": true, "end_cursor": ""}}', "end_cursor"),
        ('{"pagination": {"has_more": "maybe"}}', "has_more"),
        ('{"pagination": {"has_more": null}}', "has_more"),
        ('{"pagination": []}', "pagination"),
        ("[]", r"\$"),
        ('{"pagination": {"has_more": true, "end_cursor": "c7"}}', "after"),
    ],
)
def test_pages_that_lead_nowhere_are_kept_and_refused(utc: Sandbox, tmp_path: Path, body: str, field: str) -> None:
    utc.plan_faults(Fault(path="intents", status=200, body=body, times=3))
    (error,) = pull_account(configure_account(utc), DAY, tmp_path, ["intents"])
    assert isinstance(error, ShapeError)
    with pytest.raises(ShapeError, match=field):
        raise error
    assert [batch.is_complete for batch in list_batches(tmp_path, "intents")] == [False]


def test_flows_of_named_conversations(utc: Sandbox, tmp_path: Path) -> None:
    conversation_id = utc.world.conversations_on(NAME, DAY.start)[0].id
    bot = configure_account(utc, conversation_ids=[conversation_id, "gone/for ever", conversation_id])
    assert not pull_account(bot, OCTOBER, tmp_path, ["flow"])
    (batch,) = list_batches(tmp_path, "flow")
    assert [(part.context["conversation_id"], part.context["found"]) for part in batch.parts] == [
        (conversation_id, True),
        ("gone/for ever", False),
    ]
    assert "/gone%2Ffor%20ever/" in batch.parts[1].request["path"]
    assert batch.manifest["facts"] == {"conversations": 2, "not_found": 1}


@pytest.mark.parametrize(("status", "kind"), [(403, CredentialRefused), (400, RequestRefused)])
def test_other_refusals_of_a_flow_are_errors(utc: Sandbox, tmp_path: Path, status: int, kind: type) -> None:
    utc.plan_faults(Fault(path="/flow", status=status, body='{"code": 3, "message": "no", "details": []}'))
    (error,) = pull_account(configure_account(utc, conversation_ids=["x"]), DAY, tmp_path, ["flow"])
    assert isinstance(error, kind)


def test_events_are_asked_once_for_both_streams(utc: Sandbox, tmp_path: Path) -> None:
    bot = configure_account(utc, streams=["flow", "events"])
    assert not pull_account(bot, DAY, tmp_path)
    (events,), (flow,) = list_batches(tmp_path, "events"), list_batches(tmp_path, "flow")
    assert utc.request_log.count(path="/events/stream") == len(events.parts)
    begin = datetime.fromisoformat("2025-10-25T22:00:00+00:00")
    talked = [
        item.id
        for item in utc.world.conversations_between(NAME, begin, DAY.end_instant(bot.zone))
        if item.version == "LIVE"
    ]
    assert [part.context["conversation_id"] for part in flow.parts] == talked


def test_events_come_in_pages(utc: Sandbox, tmp_path: Path) -> None:
    page = '{"items": [{"meta": {"conversation_id": "a"}}], "next_page_token": "2"}'
    utc.plan_faults(Fault(path="/events/stream", status=200, body=page))
    assert not pull_account(configure_account(utc, streams=["events", "flow"]), DAY, tmp_path)
    tokens = [query.get("page_token") for query in read_queries(utc) if "page_size" in query]
    assert tokens[:2] == [None, "2"]
    assert list_batches(tmp_path, "flow")[0].parts[0].context["conversation_id"] == "a"


def test_a_quiet_day_has_no_flow_and_is_landed(utc: Sandbox, tmp_path: Path) -> None:
    before = Window.of_day(date(2023, 6, 1))
    assert not pull_account(configure_account(utc, streams=["events", "flow"]), before, tmp_path)
    (batch,) = list_batches(tmp_path, "flow")
    assert batch.is_complete
    assert list(batch.iter_bodies()) == []


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ('{"events": [{"id": "e1"}]}', "conversation_id"),
        ('{"events": [], "next_page_token": {}}', "next_page_token"),
        ("[]", r"\$"),
    ],
)
def test_events_of_another_shape_are_refused(utc: Sandbox, tmp_path: Path, body: str, field: str) -> None:
    utc.plan_faults(Fault(path="/events/stream", status=200, body=body))
    errors = pull_account(configure_account(utc, streams=["events", "flow"]), DAY, tmp_path)
    assert all(isinstance(error, ShapeError) for error in errors)
    with pytest.raises(ShapeError, match=field):
        raise errors[-1]
    assert len(list_batches(tmp_path, "events")) == 1
    assert list_batches(tmp_path, "flow") == []
