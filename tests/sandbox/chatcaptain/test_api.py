"""ChatCaptain's channels, reports and inbox agree with the truth and refuse what the vendor refuses."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from sandbox.truth import compute_truth

ROOT = "/v1/chatbots/{id}/statistics"
DAY = date(2025, 3, 30)
DAYS = [DAY, date(2025, 3, 31), date(2025, 10, 26)]


@pytest.fixture
def limits(range_helpers):
    span, text = range_helpers

    def made(day, zone="Europe/Berlin", **more):
        start, end = span(day, zone)
        return {"from": text(start), "to": text(end - timedelta(milliseconds=1)), **more}

    return made


def overview(client, limits, day, name="acme-voice"):
    zone = client.sandbox.world.accounts[name].timezone
    params = limits(day, zone, interval=3600, components=",".join(map(str, range(17))))
    return client.request(name, f"{ROOT}/reports/overview", params).json()


def channel(client, limits, day, one, name="acme-voice"):
    zone = client.sandbox.world.accounts[name].timezone
    last = 23 if one["type"] in ("voice", "audiocodes") else 16
    params = limits(day, zone, interval=3600, channelId=one["id"], components=",".join(map(str, range(last))))
    return client.request(name, f"{ROOT}/reports/channel", params).json()


def listed(client, limits, day, name="acme-voice"):
    return client.request(name, f"{ROOT}/channels", limits(day)).json()


def rows(client, view, day, name="acme-voice", **more):
    return compute_truth(client.sandbox.world, name, view, [day], **more)


@pytest.mark.parametrize("name", ["acme-voice", "globex-voice"])
@pytest.mark.parametrize("day", DAYS)
def test_the_overview_agrees_with_the_truth(shared_client, limits, day, name):
    told = overview(shared_client, limits, day, name)
    (row,) = rows(shared_client, "conversation_daily", day, name)
    assert told["CONVERSATION_COUNT"] == row["conversations"]
    assert told["MESSAGE_COUNT"] == row["messages"] == sum(one["count"] for one in told["MESSAGE_COUNT_INTERVAL"])
    assert told["INTERACTION_COUNT"] == row["interactions"]
    types = {code: count for code, count in told["CONVERSATION_BY_CHANNEL_TYPE"].items() if count}
    assert types == {
        one["channel_code"]: one["conversations"] for one in rows(shared_client, "channel_daily", day, name)
    }
    assert sum(types.values()) - types.get("debug", 0) == told["CONVERSATION_COUNT"]
    hits = {one["intent"]: one["hits"] for one in rows(shared_client, "intent_daily", day, name)}
    assert hits == told["INTENT_HITS"]
    languages = {one["language_code"]: one["conversations"] for one in rows(shared_client, "language_daily", day, name)}
    assert languages["de"] == told["CONVERSATION_LANGUAGES"].get("de", 0) + told["CONVERSATION_LANGUAGES"].get("DE", 0)
    assert sum(languages.values()) == row["conversations"]
    metrics = {
        (one["metric"], one["member"]): one["value"]
        for one in rows(shared_client, "metric_daily", day, name)
        if not one["channel_id"]
    }
    assert metrics["intent_count", None] == told["INTENT_COUNT"] == sum(hits.values())
    assert float(metrics["intent_score_median", None]) == told["INTENT_SCORE_MEDIAN"]
    assert metrics["message_length_median", None] == Decimal(str(told["MESSAGE_LENGTH_MEDIAN"]))
    assert {member: value for (name, member), value in metrics.items() if name == "step_executions"} == told[
        "STEP_EXEC_COUNT"
    ]


@pytest.mark.parametrize("day", DAYS)
def test_channel_reports_agree_with_the_truth(shared_client, limits, day):
    told = {one["id"]: (one, channel(shared_client, limits, day, one)) for one in listed(shared_client, limits, day)}
    expected = {one["channel_code"]: one for one in rows(shared_client, "channel_daily", day)}
    for code in ("web", "voice", "audiocodes", "debug"):
        mine = [report for one, report in told.values() if one["type"] == code]
        row = expected.get(code, {"messages": 0, "interactions": 0, "call_duration_seconds": 0})
        assert sum(report["MESSAGE_COUNT_FOR_CHANNEL_ID"] for report in mine) == row["messages"]
        assert sum(report["INTERACTION_COUNT_FOR_CHANNEL_ID"] for report in mine) == row["interactions"]
        if code in ("voice", "audiocodes"):
            called = sum(Decimal(str(report["CALL_DURATION_TOTAL"])) for report in mine)
            assert called == row["call_duration_seconds"]
        else:
            assert row["call_duration_seconds"] in (None, 0)
    unlisted = [row for code, row in expected.items() if code in ("telegram", "qx-new")]
    assert all(row["messages"] is None for row in unlisted)
    assert [row["is_test"] for code, row in sorted(expected.items()) if code == "debug"] in ([], [True])
    reasons = {}
    for _, report in told.values():
        for name, count in report.get("CALL_END_REASON", {}).items():
            reasons[name or "unknown"] = reasons.get(name or "unknown", 0) + count
    assert reasons == {one["end_reason"]: one["conversations"] for one in rows(shared_client, "end_reason_daily", day)}
    (daily,) = rows(shared_client, "conversation_daily", day)
    total = sum(Decimal(str(report.get("CALL_DURATION_TOTAL", 0))) for _, report in told.values())
    assert total == daily["call_duration_seconds"]
    metrics = {
        (one["metric"], one["channel_id"], one["member"]): one["value"]
        for one in rows(shared_client, "metric_daily", day)
    }
    for key, (one, report) in told.items():
        assert metrics["channel_conversations", key, None] == report["CONVERSATION_COUNT_FOR_CHANNEL_ID"]
        if one["type"] == "voice" and report["CALL_DURATION_MEDIAN"] is not None:
            assert float(metrics["channel_call_duration_median", key, None]) == report["CALL_DURATION_MEDIAN"]
    assert len([one for one, _ in told.values() if one["type"] == "web"]) == 2


def test_the_inbox_agrees_with_the_truth(shared_client, limits):
    told = shared_client.request("acme-voice", f"{ROOT}/inbox", limits(DAY)).json()
    assert told == {row["measure"]: row["value"] for row in rows(shared_client, "inbox_daily", DAY)}


def test_without_call_channels_call_seconds_are_unknown(shared_client):
    from sandbox.accounts import CHATCAPTAIN_CHANNELS, SandboxAccount
    from sandbox.world import World

    quiet = SandboxAccount("quiet", "chatcaptain", "UTC", channels=CHATCAPTAIN_CHANNELS[:2])
    (row,) = compute_truth(World(3, [quiet]), "quiet", "conversation_daily", [DAY])
    assert row["call_duration_seconds"] is None
    assert row["conversations"] is not None


def test_what_is_not_pulled_is_unknown(shared_client):
    (row,) = rows(shared_client, "conversation_daily", DAY, streams=("channels", "channel_report"))
    assert row["conversations"] is row["messages"] is None
    assert row["call_duration_seconds"] is not None
    assert {one["conversations"] for one in rows(shared_client, "channel_daily", DAY, streams=("channel_report",))} == {
        None
    }
    assert rows(shared_client, "language_daily", DAY, streams=("export",)) == []


def test_a_quiet_day_has_no_medians(own_client, limits):
    own_client.sandbox.world.restate("acme-voice", DAY, "empty")
    told = overview(own_client, limits, DAY)
    assert told["CONVERSATION_COUNT"] == 0
    assert told["MESSAGE_LENGTH_MEDIAN"] is None
    (row,) = rows(own_client, "conversation_daily", DAY)
    assert (row["conversations"], row["call_duration_seconds"]) == (0, 0)
    assert [one["metric"] for one in rows(own_client, "metric_daily", DAY) if not one["channel_id"]] == ["intent_count"]


def test_forms_of_a_report(own_client, limits):
    plain = overview(own_client, limits, DAY)
    switches = own_client.sandbox.shapes
    switches.report_keys, switches.scalars, switches.numbers = "id", "value", "string"
    switches.breakdowns, switches.breakdown_name, switches.breakdown_value = "list", "id", "value"
    switches.intervals, switches.channels_envelope, switches.inbox_values = "map", True, "value"
    told = overview(own_client, limits, DAY)
    assert told["1"] == {"value": str(plain["CONVERSATION_COUNT"])}
    assert {one["id"] or "": int(one["value"]) for one in told["3"]} == plain["CONVERSATION_LANGUAGES"]
    assert sum(map(int, told["8"].values())) == plain["MESSAGE_COUNT"]
    assert set(listed(own_client, limits, DAY)) == {"channels"}
    assert all(
        set(value) == {"value"}
        for value in own_client.request("acme-voice", f"{ROOT}/inbox", limits(DAY)).json().values()
    )


def test_listed_channels_carry_a_secret(shared_client, limits):
    channels = listed(shared_client, limits, DAY)
    assert all("secret" in one["token"] for one in channels)
    assert not {"telegram", "qx-new"} & {one["type"] for one in channels}


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
def test_parameters_are_checked(shared_client, limits, path, change, status):
    params = limits(DAY, interval=3600, components="1") | change
    assert shared_client.request("acme-voice", f"{ROOT}/{path}", params).status_code == status


def test_credential_bot_and_permission_are_checked(own_client, limits):
    from dataclasses import replace

    url = own_client.sandbox.base_url("chatcaptain") + "/v1/chatbots/c1/statistics/channels"
    assert own_client.http.get(url, params=limits(DAY)).status_code == 401
    assert own_client.request("acme-voice", "/v1/chatbots/c2/statistics/channels", limits(DAY)).status_code == 404
    accounts = own_client.sandbox.world.accounts
    accounts["acme-voice"] = replace(accounts["acme-voice"], permissions=frozenset({"chatbots.statistics.get"}))
    assert own_client.request("acme-voice", f"{ROOT}/channels", limits(DAY)).status_code == 200
    found = own_client.request("acme-voice", f"{ROOT}/export", limits(DAY), method="POST")
    assert (found.status_code, "chatbots.statistics.export" in found.text) == (403, True)
