"""ChatDash's query agrees with the truth, metric by metric, and refuses what the vendor refuses."""

import json
from datetime import UTC, date, timedelta
from decimal import Decimal

import pytest

from sandbox.chatdash.api import METRICS
from sandbox.truth import compute_truth

PATH = "/projects/{id}/analytics/query"
DAYS = [date(2025, 3, 28) + timedelta(days=number) for number in range(5)] + [date(2025, 10, 26)]


def query(client, range_helpers, name, day, metrics=tuple(METRICS)):
    span, text = range_helpers
    account = client.sandbox.world.accounts[name]
    start, end = span(day, account.timezone)
    limits = {"startTime": text(start), "endTime": text(end - timedelta(milliseconds=1))}
    return client.request(name, PATH, json={"query": [{"metrics": list(metrics), "filter": limits}]})


def view(client, name, view, day):
    (*rows,) = compute_truth(
        client.sandbox.world, name, view, [day], shapes=client.sandbox.shapes, keep_message_texts=True
    )
    return rows


@pytest.mark.parametrize("day", DAYS)
def test_a_local_day_agrees_with_the_truth(shared_client, range_helpers, day):
    told = json.loads(query(shared_client, range_helpers, "acme-sales", day).text, parse_float=Decimal)
    (row,) = view(shared_client, "acme-sales", "conversation_daily", day)
    assert told["conversations"]["total"] == row["conversations"]
    assert sum(told["conversations"]["counts"]) == row["conversations"]
    assert told["uniqueIps"]["total"] == row["unique_users"]
    assert round(told["totalCallDuration"]["total"] * 60, 3) == row["call_duration_seconds"]
    assert (told["totalCost"]["total"], told["totalCost"].get("currency")) == (row["cost_amount"], row["cost_currency"])
    assert told["incomingTextMessages"]["total"] == row["user_messages"]
    assert told["interactions"]["total"] == row["interactions"]
    assert told["understoodMessages"]["missed"] == row["misunderstood_messages"]
    assert told["understoodMessages"]["understood"] == row["understood_messages"]
    assert sum(one["count"] for one in told["tokens"]) == row["tokens"]
    assert [(one["name"], one["count"]) for one in told["topIntents"]] == [
        (one["intent"], one["hits"]) for one in view(shared_client, "acme-sales", "intent_daily", day)
    ]
    assert [(one["label"], one["count"]) for one in told["topTopics"]] == [
        (one["topic"], one["conversations"]) for one in view(shared_client, "acme-sales", "topic_daily", day)
    ]
    reasons = {one["reason"] or "unknown": one["count"] for one in told["endedReason"] if one["count"]}
    assert reasons == {
        one["end_reason"]: one["conversations"] for one in view(shared_client, "acme-sales", "end_reason_daily", day)
    }
    countries = {
        one["country_code"]: one["conversations"] for one in view(shared_client, "acme-sales", "country_daily", day)
    }
    assert sum(countries.values()) == sum(one["value"] for one in told["conversationsByCountry"])
    assert all(code == code.upper() for code in countries)
    models = {one["model"]: one["tokens"] for one in view(shared_client, "acme-sales", "token_daily", day)}
    assert models == {one["model"]: one["count"] for one in told["tokens"]}
    metrics = {
        (one["metric"], one["member"]): one["value"] for one in view(shared_client, "acme-sales", "metric_daily", day)
    }
    assert metrics.get(("average_cost", None)) == told["averageCost"]["average"]
    assert metrics.get(("average_interactions", None)) == told["averageInteractions"]
    assert metrics["classified_messages", None] == told["understoodMessages"]["total"]
    texts = {one["label"]: one["count"] for one in told["topMisunderstoodMessages"]}
    assert texts == {member: value for (name, member), value in metrics.items() if name == "misunderstood_texts"}


def test_a_quiet_day_is_told_as_zeros_without_currency(shared_client, range_helpers):
    world = shared_client.sandbox.world
    quiet = next(
        day
        for day in (date(2025, 1, 1) + timedelta(days=n) for n in range(365))
        if not world.conversations_on("acme-sales", day)
    )
    told = query(shared_client, range_helpers, "acme-sales", quiet).json()
    assert told["totalCost"]["total"] == 0
    assert "currency" not in told["totalCost"]
    assert told["averageInteractions"] is None
    (row,) = view(shared_client, "acme-sales", "conversation_daily", quiet)
    assert (row["conversations"], row["cost_amount"], row["cost_currency"], row["tokens"]) == (0, 0, None, 0)


def test_lacking_and_refused_metrics_are_unknown(shared_client, range_helpers):
    day = date(2025, 3, 28)
    refused = query(shared_client, range_helpers, "odd-sales", day)
    assert refused.status_code == 400
    assert "uniqueIps" in refused.json()["message"]
    told = query(
        shared_client, range_helpers, "odd-sales", day, [name for name in METRICS if name != "uniqueIps"]
    ).json()
    assert "tokens" not in told
    (row,) = view(shared_client, "odd-sales", "conversation_daily", day)
    assert row["tokens"] is row["unique_users"] is None
    assert row["conversations"] == told["conversations"]["total"]


@pytest.mark.parametrize("form", ["total", "total_only", "one_count", "neither"])
def test_forms_of_a_series(own_client, range_helpers, form):
    own_client.sandbox.shapes.chatdash_totals = form
    told = query(own_client, range_helpers, "acme-sales", date(2025, 3, 28), ["conversations"]).json()["conversations"]
    (row,) = view(own_client, "acme-sales", "conversation_daily", date(2025, 3, 28))
    if form == "neither":
        assert row["conversations"] is None
        assert "total" not in told
        assert len(told["counts"]) > 1
    else:
        assert told.get("total", told["counts"][0] if told["counts"] else None) == row["conversations"]


@pytest.mark.parametrize("form", ["int", "float", "string"])
def test_forms_of_a_number(own_client, range_helpers, form):
    own_client.sandbox.shapes.numbers = form
    told = query(own_client, range_helpers, "acme-sales", date(2025, 3, 28), ["conversations"]).json()["conversations"][
        "total"
    ]
    assert type(told).__name__ == {"string": "str"}.get(form, form)


def test_a_refusal_may_name_nothing(own_client, range_helpers):
    own_client.sandbox.shapes.chatdash_refusal = "unnamed"
    found = query(own_client, range_helpers, "odd-sales", date(2025, 3, 28))
    assert found.status_code == 400
    assert "uniqueIps" not in found.text


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
    found = shared_client.request("acme-sales", PATH, json=body)
    assert found.status_code == 400
    assert set(found.json()) == {"message"}


def test_credential_and_project_are_checked(shared_client):
    account = shared_client.sandbox.world.accounts["acme-sales"]
    url = shared_client.sandbox.base_url("chatdash") + PATH.format(id=account.external_id)
    for wrong in ({}, {"Authorization": f"Bearer {account.credential}"}):
        assert shared_client.http.post(url, json={}, headers=wrong).status_code == 401
    assert shared_client.request("acme-sales", "/projects/p_other/analytics/query", json={}).status_code == 404


def test_the_local_day_is_not_the_utc_day(shared_client, range_helpers):
    span, _ = range_helpers
    start, _ = span(date(2025, 3, 28), "Asia/Kolkata")
    assert start.astimezone(UTC).hour == 18
