"""Cognigy's endpoints agree with the truth and refuse what the vendor refuses."""

from datetime import date, timedelta

import pytest

from sandbox.truth import compute_truth

COUNTER = "/v3.0/projects/{id}/conversationcounter"


def list_march_days() -> list[date]:
    return [date(2025, 3, 1) + timedelta(days=number) for number in range(31)]


@pytest.mark.parametrize("name", ["acme-support", "globex-support", "kolkata-support"])
def test_a_month_agrees_with_the_truth(shared_client, name):
    items = shared_client.request(name, COUNTER, {"year": 2025, "month": 3}).json()["items"]
    items_by_day = {date(item["year"], item["month"], item["day"]): item for item in items}
    for row in compute_truth(shared_client.sandbox.world, name, "conversation_daily", list_march_days()):
        assert items_by_day.get(row["date"], {"conversations": 0})["conversations"] == row["conversations"]
    channels = {
        (day, channel["channel"]): channel["conversations"]
        for day, item in items_by_day.items()
        for channel in item["perChannel"]
    }
    expected = {
        (row["date"], row["channel_code"]): row["conversations"]
        for row in compute_truth(shared_client.sandbox.world, name, "channel_daily", list_march_days())
    }
    assert {key: count for key, count in channels.items() if count} == {
        key: count for key, count in expected.items() if key[1] != "unknown"
    }
    residual = {
        day: item["conversations"] - sum(channel["conversations"] for channel in item["perChannel"])
        for day, item in items_by_day.items()
    }
    assert {(day, "unknown"): count for day, count in residual.items() if count} == {
        key: count for key, count in expected.items() if key[1] == "unknown"
    }
    assert len(items_by_day) < 31, "a quiet day is omitted"


def test_quiet_days_are_zero_if_the_shape_says_so(own_client):
    own_client.sandbox.shapes.cognigy_empty_days = "zero"
    items = own_client.request("acme-support", COUNTER, {"year": 2025, "month": 3}).json()["items"]
    assert [item["day"] for item in items] == list(range(1, 32))


@pytest.mark.parametrize("form", ["absent", "empty"])
def test_without_a_split_everything_is_in_the_unknown_channel(own_client, form):
    own_client.sandbox.shapes.cognigy_per_channel = form
    item = own_client.request("acme-support", COUNTER, {"year": 2025, "month": 3}).json()["items"][0]
    assert not item.get("perChannel")
    day = [date(2025, 3, item["day"])]
    rows = compute_truth(
        own_client.sandbox.world, "acme-support", "channel_daily", day, shapes=own_client.sandbox.shapes
    )
    assert [(row["channel_code"], row["conversations"]) for row in rows] == [("unknown", item["conversations"])]


def test_calls_and_knowledge_queries_agree_with_the_truth(shared_client):
    streams = ("call_counter", "knowledge_query_counter")
    calls = shared_client.request("acme-support", "/v3.0/projects/{id}/callcounter", {"year": 2025, "month": 3}).json()[
        "items"
    ]
    queries = shared_client.request(
        "acme-support", "/v2.0/projects/{id}/knowledgequerycounter", {"year": 2025, "month": 3}
    ).json()
    reported = {("calls", item["day"]): item["processedCalls"] for item in calls}
    reported |= {("billable_calls", item["day"]): item["billableCalls"] for item in calls}
    reported |= {("max_concurrent_calls", item["day"]): item["maxConcurrency"] for item in calls}
    reported |= {("knowledge_queries", item["day"]): item["queries"] for item in queries["items"]}
    rows = compute_truth(
        shared_client.sandbox.world, "acme-support", "metric_daily", list_march_days(), streams=streams
    )
    assert {(row["metric"], row["date"].day): row["value"] for row in rows if row["value"]} == {
        key: value for key, value in reported.items() if value
    }
    assert len(rows) == 4 * 31
    daily = compute_truth(
        shared_client.sandbox.world, "acme-support", "conversation_daily", list_march_days(), streams=streams
    )
    minutes = {item["day"]: item["callMinutes"] for item in calls}
    for row in daily:
        assert row["conversations"] is None
        assert round(minutes.get(row["date"].day, 0) * 60, 3) == float(row["call_duration_seconds"])


def test_without_a_month_items_have_no_day(shared_client):
    items = shared_client.request("acme-support", COUNTER, {"year": 2025}).json()["items"]
    assert len(items) == 12
    assert not any("day" in item for item in items)


def test_without_the_media_type_the_response_is_hal(shared_client):
    account = shared_client.sandbox.world.accounts["acme-support"]
    url = shared_client.sandbox.base_url("cognigy") + COUNTER.format(id=account.external_id)
    response = shared_client.http.get(url, params={"year": 2025, "month": 3}, headers={"X-API-Key": account.credential})
    assert response.headers["content-type"] == "application/hal+json"
    assert "_embedded" in response.json()


@pytest.mark.parametrize(
    ("params", "status"),
    [
        ({}, 400),
        ({"year": 2025, "month": 0}, 400),
        ({"year": 2025, "month": 13}, 400),
        ({"year": "x"}, 400),
        ({"year": 2025, "day": 3}, 400),
        ({"year": 2025, "channel": "pigeon"}, 400),
        ({"year": 2025, "month": 1, "api_key": "second"}, 400),
        ({"year": 2025, "month": 1, "channel": "webchat2"}, 200),
    ],
)
def test_parameters_are_checked(shared_client, params, status):
    response = shared_client.request("acme-support", COUNTER, params)
    assert response.status_code == status
    if status != 200:
        assert set(response.json()) == {"type", "title", "status", "detail", "code", "traceId", "details"}


def test_a_body_on_the_get_is_forbidden(shared_client):
    assert shared_client.request("acme-support", COUNTER, {"year": 2025}, json={}, method="GET").status_code == 403


def test_projects_and_keys_are_checked(shared_client):
    assert (
        shared_client.request("acme-support", "/v3.0/projects/short/conversationcounter", {"year": 2025}).status_code
        == 400
    )
    other = shared_client.sandbox.world.accounts["globex-support"].external_id
    assert (
        shared_client.request("acme-support", f"/v3.0/projects/{other}/conversationcounter", {"year": 2025}).status_code
        == 404
    )
    account = shared_client.sandbox.world.accounts["acme-support"]
    url = shared_client.sandbox.base_url("cognigy") + COUNTER.format(id=account.external_id)
    assert shared_client.http.get(url, params={"year": 2025}).status_code == 401
    assert shared_client.http.get(url, params={"year": 2025}, headers={"X-API-Key": "wrong"}).status_code == 401
    for arguments in (
        {"params": {"year": 2025, "api_key": account.credential}},
        {"headers": {"Authorization": f"Bearer {account.credential}"}},
    ):
        response = shared_client.http.get(url, **{"params": {"year": 2025}, **arguments})
        assert response.status_code == 200
