"""ChatDash's query agrees with the truth, metric by metric, and refuses what the vendor refuses."""

import json
from datetime import UTC, date, timedelta
from decimal import Decimal

import pytest

from sandbox.chatdash.api import METRICS
from sandbox.truth import truth

PATH = "/projects/{id}/analytics/query"
DAYS = [date(2025, 3, 28) + timedelta(days=number) for number in range(5)] + [date(2025, 10, 26)]


def query(client, spans, name, day, metrics=tuple(METRICS)):
    span, text = spans
    account = client.sandbox.world.accounts[name]
    start, end = span(day, account.timezone)
    limits = {"startTime": text(start), "endTime": text(end - timedelta(milliseconds=1))}
    return client.ask(name, PATH, json={"query": [{"metrics": list(metrics), "filter": limits}]})


def view(client, name, view, day):
    (*rows,) = truth(client.sandbox.world, name, view, [day], switches=client.sandbox.switches, keep_message_texts=True)
    return rows


@pytest.mark.parametrize("day", DAYS)
def test_a_local_day_agrees_with_the_truth(shared, spans, day):
    told = json.loads(query(shared, spans, "acme-sales", day).text, parse_float=Decimal)
    (row,) = view(shared, "acme-sales", "conversation_daily", day)
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
        (one["intent"], one["hits"]) for one in view(shared, "acme-sales", "intent_daily", day)
    ]
    assert [(one["label"], one["count"]) for one in told["topTopics"]] == [
        (one["topic"], one["conversations"]) for one in view(shared, "acme-sales", "topic_daily", day)
    ]
    reasons = {one["reason"] or "unknown": one["count"] for one in told["endedReason"] if one["count"]}
    assert reasons == {
        one["end_reason"]: one["conversations"] for one in view(shared, "acme-sales", "end_reason_daily", day)
    }
    countries = {one["country_code"]: one["conversations"] for one in view(shared, "acme-sales", "country_daily", day)}
    assert sum(countries.values()) == sum(one["value"] for one in told["conversationsByCountry"])
    assert all(code == code.upper() for code in countries)
    models = {one["model"]: one["tokens"] for one in view(shared, "acme-sales", "token_daily", day)}
    assert models == {one["model"]: one["count"] for one in told["tokens"]}
    metrics = {(one["metric"], one["member"]): one["value"] for one in view(shared, "acme-sales", "metric_daily", day)}
    assert metrics.get(("average_cost", None)) == told["averageCost"]["average"]
    assert metrics.get(("average_interactions", None)) == told["averageInteractions"]
    assert metrics["classified_messages", None] == told["understoodMessages"]["total"]
    texts = {one["label"]: one["count"] for one in told["topMisunderstoodMessages"]}
    assert texts == {member: value for (name, member), value in metrics.items() if name == "misunderstood_texts"}


def test_a_quiet_day_is_told_as_zeros_without_currency(shared, spans):
    world = shared.sandbox.world
    quiet = next(
        day for day in (date(2025, 1, 1) + timedelta(days=n) for n in range(365)) if not world.day("acme-sales", day)
    )
    told = query(shared, spans, "acme-sales", quiet).json()
    assert told["totalCost"]["total"] == 0
    assert "currency" not in told["totalCost"]
    assert told["averageInteractions"] is None
    (row,) = view(shared, "acme-sales", "conversation_daily", quiet)
    assert (row["conversations"], row["cost_amount"], row["cost_currency"], row["tokens"]) == (0, 0, None, 0)


def test_lacking_and_refused_metrics_are_unknown(shared, spans):
    day = date(2025, 3, 28)
    refused = query(shared, spans, "odd-sales", day)
    assert refused.status_code == 400
    assert "uniqueIps" in refused.json()["message"]
    told = query(shared, spans, "odd-sales", day, [name for name in METRICS if name != "uniqueIps"]).json()
    assert "tokens" not in told
    (row,) = view(shared, "odd-sales", "conversation_daily", day)
    assert row["tokens"] is row["unique_users"] is None
    assert row["conversations"] == told["conversations"]["total"]


@pytest.mark.parametrize("form", ["total", "total_only", "one_count", "neither"])
def test_forms_of_a_series(own, spans, form):
    own.sandbox.switches.chatdash_totals = form
    told = query(own, spans, "acme-sales", date(2025, 3, 28), ["conversations"]).json()["conversations"]
    (row,) = view(own, "acme-sales", "conversation_daily", date(2025, 3, 28))
    if form == "neither":
        assert row["conversations"] is None
        assert "total" not in told
        assert len(told["counts"]) > 1
    else:
        assert told.get("total", told["counts"][0] if told["counts"] else None) == row["conversations"]


@pytest.mark.parametrize("form", ["int", "float", "string"])
def test_forms_of_a_number(own, spans, form):
    own.sandbox.switches.numbers = form
    told = query(own, spans, "acme-sales", date(2025, 3, 28), ["conversations"]).json()["conversations"]["total"]
    assert type(told).__name__ == {"string": "str"}.get(form, form)


def test_a_refusal_may_name_nothing(own, spans):
    own.sandbox.switches.chatdash_refusal = "unnamed"
    found = query(own, spans, "odd-sales", date(2025, 3, 28))
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
def test_bodies_are_checked(shared, body):
    found = shared.ask("acme-sales", PATH, json=body)
    assert found.status_code == 400
    assert set(found.json()) == {"message"}


def test_credential_and_project_are_checked(shared):
    account = shared.sandbox.world.accounts["acme-sales"]
    url = shared.sandbox.base_url("chatdash") + PATH.format(id=account.external_id)
    for wrong in ({}, {"Authorization": f"Bearer {account.credential}"}):
        assert shared.http.post(url, json={}, headers=wrong).status_code == 401
    assert shared.ask("acme-sales", "/projects/p_other/analytics/query", json={}).status_code == 404


def test_the_local_day_is_not_the_utc_day(shared, spans):
    span, _ = spans
    start, _ = span(date(2025, 3, 28), "Asia/Kolkata")
    assert start.astimezone(UTC).hour == 18
