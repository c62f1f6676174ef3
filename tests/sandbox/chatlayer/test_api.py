"""Chatlayer's endpoints agree with the truth, in UTC and in a whole-hour zone, and refuse what the vendor refuses."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from sandbox.truth import compute_truth

BOT = "/v1/bots/{id}"
WEEK = [date(2025, 3, 27) + timedelta(days=number) for number in range(7)]


def build_range(since, days=7, **more):
    start = datetime(since.year, since.month, since.day, tzinfo=UTC)
    end = start + timedelta(days=days)
    return {
        "version": "LIVE",
        "start_time": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "end_time": f"{end:%Y-%m-%dT%H:%M:%SZ}",
        **more,
    }


def count_by_bucket(body, field=None):
    """Return the counts by (bucket, group) of a SeriesData body."""
    data = body.get("data", {})
    counts = Counter()
    for number, series in enumerate(data.get("series", [])):
        names = data.get("series_labels") or [""] * len(data["series"])
        labels = series.get("labels", {})
        group = labels.get(field) or (next(iter(labels.values()), "") or names[number])
        for at, value in zip(data["x_values"], series.get("values", []), strict=bool(series.get("values"))):
            counts[at, group or "unknown"] += int(value)
    return Counter({key: value for key, value in counts.items() if value})


@pytest.mark.parametrize("labels", ["both", "labels", "series_labels"])
@pytest.mark.parametrize(
    ("field", "view", "column"),
    [("channel_type", "channel_daily", "channel_code"), ("language", "language_daily", "language_code")],
)
def test_groups_agree_with_the_truth(own_client, labels, field, view, column):
    own_client.sandbox.shapes.chatlayer_labels = labels
    counts = count_by_bucket(
        own_client.request(
            "acme-bot", f"{BOT}/conversations", build_range(WEEK[0], bucket="1d", group_by=field)
        ).json(),
        field,
    )
    rows = compute_truth(own_client.sandbox.world, "acme-bot", view, WEEK)
    if field == "channel_type":
        assert {(f"{row['date']}T00:00:00Z", row[column]): row["conversations"] for row in rows} == counts
    days = Counter()
    for (at, _), value in counts.items():
        days[at[:10]] += value
    assert days == Counter(str(row["date"]) for row in rows for _ in range(row["conversations"]))


def test_hours_of_a_zone_add_up_to_local_days(shared_client):
    conversations = Counter()
    body = shared_client.request(
        "berlin-bot", f"{BOT}/conversations", build_range(WEEK[0] - timedelta(days=1), 9, bucket="1h")
    ).json()
    for (at, _), value in count_by_bucket(body).items():
        local = datetime.fromisoformat(at).astimezone(ZoneInfo("Europe/Berlin")).date()
        conversations[local] += value
    for row in compute_truth(shared_client.sandbox.world, "berlin-bot", "conversation_daily", WEEK):
        assert conversations[row["date"]] == row["conversations"]
        assert row["unique_users"] is None


def test_messages_and_users_agree_with_the_truth(shared_client):
    messages = count_by_bucket(
        shared_client.request("acme-bot", f"{BOT}/messages", build_range(WEEK[0], bucket="1d")).json()
    )
    users = count_by_bucket(shared_client.request("acme-bot", f"{BOT}/users", build_range(WEEK[0], bucket="1d")).json())
    kinds = {
        (f"{row['date']}T00:00:00Z", row["member"]): row["value"]
        for row in compute_truth(shared_client.sandbox.world, "acme-bot", "metric_daily", WEEK)
        if row["metric"] == "messages_by_kind"
    }
    assert kinds == messages
    for row in compute_truth(shared_client.sandbox.world, "acme-bot", "conversation_daily", WEEK):
        at = f"{row['date']}T00:00:00Z"
        assert sum(value for (when, _), value in messages.items() if when == at) == row["messages"]
        assert users[at, "new"] + users[at, "returning"] == row["unique_users"]


@pytest.mark.parametrize("stat", ["num_conversations", "duration_seconds", "num_messages"])
def test_insights_agree_with_the_truth(shared_client, stat):
    names = {
        "num_conversations": "users_by_conversations",
        "duration_seconds": "conversations_by_duration",
        "num_messages": "conversations_by_messages",
    }
    day = WEEK[1]
    bins = count_by_bucket(
        shared_client.request("acme-bot", f"{BOT}/conversations/insights", build_range(day, 1, stat=stat)).json()
    )
    rows = compute_truth(shared_client.sandbox.world, "acme-bot", "metric_daily", [day])
    expected = {row["member"]: row["value"] for row in rows if row["metric"] == names[stat]}
    assert {at: value for (at, _), value in bins.items()} == expected


def test_intents_come_in_pages(shared_client):
    intents, after = [], None
    for _ in range(20):
        params = build_range(WEEK[1], 1, first=50) | ({"after": after} if after else {})
        body = shared_client.request("acme-bot", f"{BOT}/intents", params).json()
        intents += [(intent["intent_id"], int(intent["count"]), intent["rank"]) for intent in body.get("data", [])]
        after = body["pagination"]["end_cursor"]
        if not body["pagination"].get("has_more"):
            break
    rows = compute_truth(shared_client.sandbox.world, "acme-bot", "intent_daily", [WEEK[1]])
    assert intents == [(row["intent"], row["hits"], row["rank"]) for row in rows]
    assert len(intents) > shared_client.sandbox.shapes.chatlayer_page


def test_flows_of_conversations_named_by_events_agree_with_the_truth(shared_client):
    ids, token = set(), ""
    for _ in range(50):
        body = shared_client.request(
            "acme-bot", f"{BOT}/events/stream", build_range(WEEK[1], 1, page_size=10, page_token=token)
        ).json()
        ids |= {event["conversation_id"] for event in body.get("events", [])}
        token = body.get("next_page_token")
        if not token:
            break
    live = [
        item.id for item in shared_client.sandbox.world.conversations_on("acme-bot", WEEK[1]) if item.version == "LIVE"
    ]
    assert ids == set(live)
    transitions = set()
    for conversation_id in ids:
        body = shared_client.request(
            "acme-bot", f"{BOT}/conversations/{conversation_id}/flow", build_range(WEEK[1], 1)
        ).json()
        transitions |= {
            (conversation_id, move["id"], int(move.get("depth", 0))) for move in body.get("transitions", [])
        }
    rows = compute_truth(
        shared_client.sandbox.world, "acme-bot", "flow_transition", [WEEK[1]], conversation_ids=sorted(ids)
    )
    assert transitions == {(row["conversation_id"], row["transition_id"], row["depth"]) for row in rows}
    assert transitions
    unknown = shared_client.request("acme-bot", f"{BOT}/conversations/nobody/flow", build_range(WEEK[1], 1))
    assert unknown.status_code == 404


def test_team_usage_holds_all_bots_and_versions(shared_client):
    groups = "bot_id,bot_version,channel_type,language"
    body = shared_client.request(
        "utc-bot", "/v1/teams/t1/conversations", build_range(WEEK[0], bucket="1d", group_by=groups)
    ).json()["data"]
    counts = Counter()
    for series in body["series"]:
        key = tuple(series["labels"].get(name) or "unknown" for name in groups.split(",")[:3])
        for at, value in zip(body["x_values"], series["values"], strict=True):
            counts[at[:10], *key] += int(value)
    expected = Counter()
    for row in compute_truth(shared_client.sandbox.world, "utc-bot", "team_daily", WEEK):
        expected[str(row["date"]), row["bot_id"], row["bot_version"], row["channel_code"]] += row["conversations"]
    assert +counts == expected
    assert {key[1] for key in expected} == {"bot-utc-bot", "bot-berlin-bot", "ghost-bot-t1"}
    assert {key[2] for key in expected} == {"LIVE", "DRAFT"}
    assert compute_truth(shared_client.sandbox.world, "acme-bot", "team_daily", WEEK) == []


@pytest.mark.parametrize("form", ["rfc3339", "rfc3339_offset", "date", "epoch_s", "epoch_ms"])
@pytest.mark.parametrize("buckets", ["all", "sparse"])
def test_buckets_come_in_each_form(own_client, form, buckets):
    own_client.sandbox.shapes.chatlayer_x_values, own_client.sandbox.shapes.chatlayer_buckets = form, buckets
    data = own_client.request("acme-bot", f"{BOT}/conversations", build_range(WEEK[0], bucket="1d")).json()["data"]
    assert len(data["series"]) == 1
    assert len(data["series"][0]["values"]) == len(data["x_values"])
    first = {
        "rfc3339": "2025-03-27T00:00:00Z",
        "rfc3339_offset": "2025-03-27T02:00:00+02:00",
        "date": "2025-03-27",
        "epoch_s": "1743033600",
        "epoch_ms": "1743033600000",
    }[form]
    assert data["x_values"][0] == first


@pytest.mark.parametrize(("form", "body"), [("bare", {}), ("data", {"data": {}})])
def test_an_empty_response_has_either_form(own_client, form, body):
    own_client.sandbox.shapes.chatlayer_empty = form
    for day in WEEK[:3]:
        own_client.sandbox.world.restate("acme-bot", day, "empty")
    assert own_client.request("acme-bot", f"{BOT}/conversations", build_range(WEEK[0], 3, bucket="1d")).json() == body


def test_a_group_of_zeros_has_no_values(shared_client):
    data = shared_client.request(
        "acme-bot", f"{BOT}/conversations", build_range(WEEK[0], bucket="1d", group_by="channel_type")
    ).json()["data"]
    assert {"labels": {"channel_type": "sms"}} in data["series"]
    assert [series for series in data["series"] if "labels" not in series], "the empty group has no label"


@pytest.mark.parametrize(
    ("path", "change", "status"),
    [
        ("conversations", {"version": "OLD"}, 400),
        ("conversations", {"bucket": "2d"}, 400),
        ("conversations", {"group_by": "colour"}, 400),
        ("conversations", {"end_time": "2025-03-28T00:00:00Z", "bucket": "1d"}, 400),
        ("conversations", {"end_time": "2025-03-28T00:00:00Z", "bucket": "1h"}, 200),
        ("conversations", {"end_time": "2025-03-01T00:00:00Z"}, 400),
        ("conversations", {"end_time": "2025-04-27T00:00:00Z"}, 200),
        ("conversations", {"end_time": "2025-04-27T01:00:00Z"}, 400),
        ("conversations", {"start_time": "2025-03-27"}, 400),
        ("conversations/insights", {}, 400),
        ("conversations/insights", {"stat": "luck"}, 400),
        ("intents", {"first": "0"}, 400),
        ("intents", {"after": "x"}, 400),
        ("events/stream", {"page_size": "101"}, 400),
    ],
)
def test_parameters_are_checked(shared_client, path, change, status):
    response = shared_client.request("acme-bot", f"{BOT}/{path}", build_range(WEEK[0]) | change)
    assert response.status_code == status
    if status != 200:
        assert response.json()["code"] == 3


def test_credential_bot_and_team_are_checked(shared_client):
    url = shared_client.sandbox.base_url("chatlayer") + "/v1/bots/b1/conversations"
    assert shared_client.http.get(url).json() == {"code": 16, "message": "unauthenticated", "details": []}
    assert shared_client.http.get(url, headers={"Authorization": "Basic !!"}).status_code == 401
    assert shared_client.request("acme-bot", "/v1/bots/b2/conversations", build_range(WEEK[0])).status_code == 404
    assert (
        shared_client.request("acme-bot", "/v1/teams/t1/conversations", build_range(WEEK[0], bucket="1d")).status_code
        == 404
    )
    assert shared_client.request("utc-bot", "/v1/teams/t1/conversations", build_range(WEEK[0])).status_code == 400
