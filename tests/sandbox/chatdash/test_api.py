"""ChatDash's query agrees with the truth, metric by metric, and refuses what the vendor refuses."""

import json
from datetime import UTC, date, timedelta
from decimal import Decimal

import pytest

from sandbox.chatdash.api import METRICS
from sandbox.truth import compute_truth

PATH = "/projects/{id}/analytics/query"
DAYS = [date(2025, 3, 28) + timedelta(days=number) for number in range(5)] + [date(2025, 10, 26)]


def send_query(client, range_helpers, name, day, metrics=tuple(METRICS)):
    span, text = range_helpers
    account = client.sandbox.world.accounts[name]
    start, end = span(day, account.timezone)
    limits = {"startTime": text(start), "endTime": text(end - timedelta(milliseconds=1))}
    return client.request(name, PATH, json={"query": [{"metrics": list(metrics), "filter": limits}]})


def compute_rows(client, name, view, day):
    shapes = client.sandbox.shapes
    return compute_truth(client.sandbox.world, name, view, [day], shapes=shapes, keep_message_texts=True)


@pytest.mark.parametrize("day", DAYS)
def test_a_local_day_agrees_with_the_truth(shared_client, range_helpers, day):
    body = json.loads(send_query(shared_client, range_helpers, "acme-sales", day).text, parse_float=Decimal)
    (row,) = compute_rows(shared_client, "acme-sales", "conversation_daily", day)
    assert body["conversations"]["total"] == row["conversations"]
    assert sum(body["conversations"]["counts"]) == row["conversations"]
    assert body["uniqueIps"]["total"] == row["unique_users"]
    assert round(body["totalCallDuration"]["total"] * 60, 3) == row["call_duration_seconds"]
    assert (body["totalCost"]["total"], body["totalCost"].get("currency")) == (row["cost_amount"], row["cost_currency"])
    assert body["incomingTextMessages"]["total"] == row["user_messages"]
    assert body["interactions"]["total"] == row["interactions"]
    assert body["understoodMessages"]["missed"] == row["misunderstood_messages"]
    assert body["understoodMessages"]["understood"] == row["understood_messages"]
    assert sum(member["count"] for member in body["tokens"]) == row["tokens"]
    assert [(member["name"], member["count"]) for member in body["topIntents"]] == [
        (row["intent"], row["hits"]) for row in compute_rows(shared_client, "acme-sales", "intent_daily", day)
    ]
    assert [(member["label"], member["count"]) for member in body["topTopics"]] == [
        (row["topic"], row["conversations"]) for row in compute_rows(shared_client, "acme-sales", "topic_daily", day)
    ]
    reasons = {member["reason"] or "unknown": member["count"] for member in body["endedReason"] if member["count"]}
    assert reasons == {
        row["end_reason"]: row["conversations"]
        for row in compute_rows(shared_client, "acme-sales", "end_reason_daily", day)
    }
    countries = {
        row["country_code"]: row["conversations"]
        for row in compute_rows(shared_client, "acme-sales", "country_daily", day)
    }
    assert sum(countries.values()) == sum(member["value"] for member in body["conversationsByCountry"])
    assert all(code == code.upper() for code in countries)
    models = {row["model"]: row["tokens"] for row in compute_rows(shared_client, "acme-sales", "token_daily", day)}
    assert models == {member["model"]: member["count"] for member in body["tokens"]}
    metrics = {
        (row["metric"], row["member"]): row["value"]
        for row in compute_rows(shared_client, "acme-sales", "metric_daily", day)
    }
    assert metrics.get(("average_cost", None)) == body["averageCost"]["average"]
    assert metrics.get(("average_interactions", None)) == body["averageInteractions"]
    assert metrics["classified_messages", None] == body["understoodMessages"]["total"]
    texts = {member["label"]: member["count"] for member in body["topMisunderstoodMessages"]}
    assert texts == {member: value for (name, member), value in metrics.items() if name == "misunderstood_texts"}


def test_a_quiet_day_is_reported_as_zeros_without_currency(shared_client, range_helpers):
    world = shared_client.sandbox.world
    quiet = next(
        day
        for day in (date(2025, 1, 1) + timedelta(days=n) for n in range(365))
        if not world.conversations_on("acme-sales", day)
    )
    body = send_query(shared_client, range_helpers, "acme-sales", quiet).json()
    assert body["totalCost"]["total"] == 0
    assert "currency" not in body["totalCost"]
    assert body["averageInteractions"] is None
    (row,) = compute_rows(shared_client, "acme-sales", "conversation_daily", quiet)
    assert (row["conversations"], row["cost_amount"], row["cost_currency"], row["tokens"]) == (0, 0, None, 0)


def test_absent_and_refused_metrics_are_unknown(shared_client, range_helpers):
    day = date(2025, 3, 28)
    refused = send_query(shared_client, range_helpers, "odd-sales", day)
    assert refused.status_code == 400
    assert "uniqueIps" in refused.json()["message"]
    body = send_query(
        shared_client, range_helpers, "odd-sales", day, [name for name in METRICS if name != "uniqueIps"]
    ).json()
    assert "tokens" not in body
    (row,) = compute_rows(shared_client, "odd-sales", "conversation_daily", day)
    assert row["tokens"] is row["unique_users"] is None
    assert row["conversations"] == body["conversations"]["total"]


@pytest.mark.parametrize("form", ["total", "total_only", "one_count", "neither"])
def test_each_form_of_a_series_holds_the_total_or_none(own_client, range_helpers, form):
    own_client.sandbox.shapes.chatdash_totals = form
    body = send_query(own_client, range_helpers, "acme-sales", date(2025, 3, 28), ["conversations"]).json()
    series = body["conversations"]
    (row,) = compute_rows(own_client, "acme-sales", "conversation_daily", date(2025, 3, 28))
    if form == "neither":
        assert row["conversations"] is None
        assert "total" not in series
        assert len(series["counts"]) > 1
    else:
        assert series.get("total", series["counts"][0] if series["counts"] else None) == row["conversations"]


@pytest.mark.parametrize("form", ["int", "float", "string"])
def test_numbers_come_in_each_form(own_client, range_helpers, form):
    own_client.sandbox.shapes.numbers = form
    body = send_query(own_client, range_helpers, "acme-sales", date(2025, 3, 28), ["conversations"]).json()
    assert type(body["conversations"]["total"]).__name__ == {"string": "str"}.get(form, form)


def test_a_refusal_may_name_nothing(own_client, range_helpers):
    own_client.sandbox.shapes.chatdash_refusal = "unnamed"
    response = send_query(own_client, range_helpers, "odd-sales", date(2025, 3, 28))
    assert response.status_code == 400
    assert "uniqueIps" not in response.text


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"query": []},
        {"query": [{"metrics": [], "filter": {}}]},
        {"query": [{"metrics": ["conversations"]}]},
        {"query": [{"metrics": ["conversations"], "filter": {"startTime": "2025-01-01", "endTime": "2025-01-02"}}]},
        {
            "query": [
                {
                    "metrics": ["conversationsByCountry"],
                    "filter": {"startTime": "2025-01-01T00:00:00Z", "endTime": "2025-01-02T00:00:00Z"},
                }
            ]
        },
    ],
)
def test_bodies_are_checked(shared_client, body):
    response = shared_client.request("acme-sales", PATH, json=body)
    assert response.status_code == 400
    assert set(response.json()) == {"message"}


def test_credential_and_project_are_checked(shared_client):
    account = shared_client.sandbox.world.accounts["acme-sales"]
    url = shared_client.sandbox.base_url("chatdash") + PATH.format(id=account.external_id)
    for headers in ({}, {"Authorization": f"Bearer {account.credential}"}):
        assert shared_client.http.post(url, json={}, headers=headers).status_code == 401
    assert shared_client.request("acme-sales", "/projects/p_other/analytics/query", json={}).status_code == 404


def test_the_local_day_is_not_the_utc_day(shared_client, range_helpers):
    span, _ = range_helpers
    start, _ = span(date(2025, 3, 28), "Asia/Kolkata")
    assert start.astimezone(UTC).hour == 18
