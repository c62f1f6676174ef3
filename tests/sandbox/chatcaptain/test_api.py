"""ChatCaptain's channels, reports and inbox agree with the truth and refuse what the vendor refuses."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pytest

from sandbox.account import SandboxAccount
from sandbox.chatcaptain.channels import CHATCAPTAIN_CHANNELS
from sandbox.truth import compute_truth
from sandbox.world import World

ROOT = "/v1/chatbots/{id}/statistics"
DAY = date(2025, 3, 30)
DAYS = [DAY, date(2025, 3, 31), date(2025, 10, 26)]


@pytest.fixture
def build_limits(range_helpers):
    span, text = range_helpers

    def build(day, zone="Europe/Berlin", **more):
        start, end = span(day, zone)
        return {"from": text(start), "to": text(end - timedelta(milliseconds=1)), **more}

    return build


def get_overview(client, build_limits, day, name="acme-voice"):
    zone = client.sandbox.world.accounts[name].timezone
    params = build_limits(day, zone, interval=3600, components=",".join(map(str, range(17))))
    return client.request(name, f"{ROOT}/reports/overview", params).json()


def get_channel_report(client, build_limits, day, channel, name="acme-voice"):
    zone = client.sandbox.world.accounts[name].timezone
    last = 23 if channel["type"] in ("voice", "audiocodes") else 16
    params = build_limits(day, zone, interval=3600, channelId=channel["id"], components=",".join(map(str, range(last))))
    return client.request(name, f"{ROOT}/reports/channel", params).json()


def list_channels(client, build_limits, day, name="acme-voice"):
    return client.request(name, f"{ROOT}/channels", build_limits(day)).json()


def compute_rows(client, view, day, name="acme-voice", **more):
    return compute_truth(client.sandbox.world, name, view, [day], **more)


@pytest.mark.parametrize("name", ["acme-voice", "globex-voice"])
@pytest.mark.parametrize("day", DAYS)
def test_the_overview_agrees_with_the_truth(shared_client, build_limits, day, name):
    report = get_overview(shared_client, build_limits, day, name)
    (row,) = compute_rows(shared_client, "conversation_daily", day, name)
    assert report["CONVERSATION_COUNT"] == row["conversations"]
    assert report["MESSAGE_COUNT"] == row["messages"]
    assert row["messages"] == sum(point["count"] for point in report["MESSAGE_COUNT_INTERVAL"])
    assert report["INTERACTION_COUNT"] == row["interactions"]
    types = {code: count for code, count in report["CONVERSATION_BY_CHANNEL_TYPE"].items() if count}
    assert types == {
        row["channel_code"]: row["conversations"] for row in compute_rows(shared_client, "channel_daily", day, name)
    }
    assert sum(types.values()) - types.get("debug", 0) == report["CONVERSATION_COUNT"]
    hits = {row["intent"]: row["hits"] for row in compute_rows(shared_client, "intent_daily", day, name)}
    assert hits == report["INTENT_HITS"]
    languages = {
        row["language_code"]: row["conversations"] for row in compute_rows(shared_client, "language_daily", day, name)
    }
    reported_languages = report["CONVERSATION_LANGUAGES"]
    assert languages["de"] == reported_languages.get("de", 0) + reported_languages.get("DE", 0)
    assert sum(languages.values()) == row["conversations"]
    metrics = {
        (row["metric"], row["member"]): row["value"]
        for row in compute_rows(shared_client, "metric_daily", day, name)
        if not row["channel_id"]
    }
    assert metrics["intent_count", None] == report["INTENT_COUNT"] == sum(hits.values())
    assert float(metrics["intent_score_median", None]) == report["INTENT_SCORE_MEDIAN"]
    assert metrics["message_length_median", None] == Decimal(str(report["MESSAGE_LENGTH_MEDIAN"]))
    assert {member: value for (name, member), value in metrics.items() if name == "step_executions"} == report[
        "STEP_EXEC_COUNT"
    ]


@pytest.mark.parametrize("day", DAYS)
def test_channel_reports_agree_with_the_truth(shared_client, build_limits, day):
    channels = {channel["id"]: channel for channel in list_channels(shared_client, build_limits, day)}
    reports = {key: get_channel_report(shared_client, build_limits, day, channel) for key, channel in channels.items()}
    expected = {row["channel_code"]: row for row in compute_rows(shared_client, "channel_daily", day)}
    for code in ("web", "voice", "audiocodes", "debug"):
        of_type = [report for key, report in reports.items() if channels[key]["type"] == code]
        row = expected.get(code, {"messages": 0, "interactions": 0, "call_duration_seconds": 0})
        assert sum(report["MESSAGE_COUNT_FOR_CHANNEL_ID"] for report in of_type) == row["messages"]
        assert sum(report["INTERACTION_COUNT_FOR_CHANNEL_ID"] for report in of_type) == row["interactions"]
        if code in ("voice", "audiocodes"):
            call_seconds = sum(Decimal(str(report["CALL_DURATION_TOTAL"])) for report in of_type)
            assert call_seconds == row["call_duration_seconds"]
        else:
            assert row["call_duration_seconds"] in (None, 0)
    unlisted = [row for code, row in expected.items() if code in ("telegram", "qx-new")]
    assert all(row["messages"] is None for row in unlisted)
    assert [row["is_test"] for code, row in sorted(expected.items()) if code == "debug"] in ([], [True])
    reasons = {}
    for report in reports.values():
        for name, count in report.get("CALL_END_REASON", {}).items():
            reasons[name or "unknown"] = reasons.get(name or "unknown", 0) + count
    assert reasons == {
        row["end_reason"]: row["conversations"] for row in compute_rows(shared_client, "end_reason_daily", day)
    }
    (daily,) = compute_rows(shared_client, "conversation_daily", day)
    total = sum(Decimal(str(report.get("CALL_DURATION_TOTAL", 0))) for report in reports.values())
    assert total == daily["call_duration_seconds"]
    metrics = {
        (row["metric"], row["channel_id"], row["member"]): row["value"]
        for row in compute_rows(shared_client, "metric_daily", day)
    }
    for key, report in reports.items():
        assert metrics["channel_conversations", key, None] == report["CONVERSATION_COUNT_FOR_CHANNEL_ID"]
        if channels[key]["type"] == "voice" and report["CALL_DURATION_MEDIAN"] is not None:
            assert float(metrics["channel_call_duration_median", key, None]) == report["CALL_DURATION_MEDIAN"]
    assert len([channel for channel in channels.values() if channel["type"] == "web"]) == 2


def test_the_inbox_agrees_with_the_truth(shared_client, build_limits):
    inbox = shared_client.request("acme-voice", f"{ROOT}/inbox", build_limits(DAY)).json()
    assert inbox == {row["measure"]: row["value"] for row in compute_rows(shared_client, "inbox_daily", DAY)}


def test_without_call_channels_call_seconds_are_unknown(shared_client):
    quiet = SandboxAccount("quiet", "chatcaptain", "UTC", channels=CHATCAPTAIN_CHANNELS[:2])
    (row,) = compute_truth(World(3, [quiet]), "quiet", "conversation_daily", [DAY])
    assert row["call_duration_seconds"] is None
    assert row["conversations"] is not None


def test_measures_of_streams_that_are_not_pulled_are_unknown(shared_client):
    (row,) = compute_rows(shared_client, "conversation_daily", DAY, streams=("channels", "channel_report"))
    assert row["conversations"] is row["messages"] is None
    assert row["call_duration_seconds"] is not None
    assert {
        row["conversations"] for row in compute_rows(shared_client, "channel_daily", DAY, streams=("channel_report",))
    } == {None}
    assert compute_rows(shared_client, "language_daily", DAY, streams=("export",)) == []


def test_a_quiet_day_has_no_medians(own_client, build_limits):
    own_client.sandbox.world.restate("acme-voice", DAY, "empty")
    report = get_overview(own_client, build_limits, DAY)
    assert report["CONVERSATION_COUNT"] == 0
    assert report["MESSAGE_LENGTH_MEDIAN"] is None
    (row,) = compute_rows(own_client, "conversation_daily", DAY)
    assert (row["conversations"], row["call_duration_seconds"]) == (0, 0)
    assert [row["metric"] for row in compute_rows(own_client, "metric_daily", DAY) if not row["channel_id"]] == [
        "intent_count"
    ]


def test_each_form_of_a_report_holds_the_same_numbers(own_client, build_limits):
    plain = get_overview(own_client, build_limits, DAY)
    shapes = own_client.sandbox.shapes
    shapes.report_keys, shapes.scalars, shapes.numbers = "id", "value", "string"
    shapes.breakdowns, shapes.breakdown_name, shapes.breakdown_value = "list", "id", "value"
    shapes.intervals, shapes.channels_envelope, shapes.inbox_values = "map", True, "value"
    report = get_overview(own_client, build_limits, DAY)
    assert report["1"] == {"value": str(plain["CONVERSATION_COUNT"])}
    assert {member["id"] or "": int(member["value"]) for member in report["3"]} == plain["CONVERSATION_LANGUAGES"]
    assert sum(map(int, report["8"].values())) == plain["MESSAGE_COUNT"]
    assert set(list_channels(own_client, build_limits, DAY)) == {"channels"}
    assert all(
        set(value) == {"value"}
        for value in own_client.request("acme-voice", f"{ROOT}/inbox", build_limits(DAY)).json().values()
    )


def test_listed_channels_carry_a_secret(shared_client, build_limits):
    channels = list_channels(shared_client, build_limits, DAY)
    assert all("secret" in channel["token"] for channel in channels)
    assert not {"telegram", "qx-new"} & {channel["type"] for channel in channels}


@pytest.mark.parametrize(
    ("path", "change", "status"),
    [
        ("reports/overview", {"components": "17"}, 400),
        ("reports/overview", {"components": ""}, 400),
        ("reports/overview", {"interval": "60"}, 400),
        ("reports/overview", {"from": "2025-03-31"}, 400),
        ("reports/overview", {"to": "2025-01-01T00:00:00.000Z"}, 400),
        ("reports/channel", {}, 400),
        ("reports/channel", {"channelId": "nowhere"}, 404),
        ("reports/channel", {"channelId": "ch-web-1", "components": "16"}, 400),
        ("reports/channel", {"channelId": "ch-voice-1", "components": "22"}, 200),
        ("reports/channel", {"channelId": "gone-telegram"}, 404),
    ],
)
def test_parameters_are_checked(shared_client, build_limits, path, change, status):
    params = build_limits(DAY, interval=3600, components="1") | change
    assert shared_client.request("acme-voice", f"{ROOT}/{path}", params).status_code == status


def test_credential_bot_and_permission_are_checked(own_client, build_limits):
    url = own_client.sandbox.base_url("chatcaptain") + "/v1/chatbots/c1/statistics/channels"
    assert own_client.http.get(url, params=build_limits(DAY)).status_code == 401
    assert own_client.request("acme-voice", "/v1/chatbots/c2/statistics/channels", build_limits(DAY)).status_code == 404
    accounts = own_client.sandbox.world.accounts
    accounts["acme-voice"] = replace(accounts["acme-voice"], permissions=frozenset({"chatbots.statistics.get"}))
    assert own_client.request("acme-voice", f"{ROOT}/channels", build_limits(DAY)).status_code == 200
    response = own_client.request("acme-voice", f"{ROOT}/export", build_limits(DAY), method="POST")
    assert (response.status_code, "chatbots.statistics.export" in response.text) == (403, True)
