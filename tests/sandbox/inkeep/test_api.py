"""Inkeep's query agrees with the truth, cuts long answers, and refuses words its language does not have."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from sandbox.truth import compute_truth

PATH = "/query/conversations"
DAY = date(2025, 3, 5)
ROWS = [
    {"type": "field", "field": name}
    for name in ("id", "firstMessageTime", "userMessageCount", "type", "userProperties")
]
ORDER = [{"field": "firstMessageTime", "direction": "asc"}, {"field": "id", "direction": "asc"}]


def condition(field, operator, value=None):
    return {"condition": {"field": field, "operator": operator, "value": value}}


def between(start, end):
    form = "%Y-%m-%dT%H:%M:%S.000Z"
    return {
        "and": [
            condition("firstMessageTime", "gte", start.strftime(form)),
            condition("firstMessageTime", "lt", end.strftime(form)),
        ]
    }


def a_day(day=DAY):
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return between(start, start + timedelta(days=1))


def ask(client, name="acme-docs", **query):
    found = client.request(name, PATH, json=query)
    assert found.status_code == 200, found.text
    assert found.json()["status"] == "ok"
    return found.json()["data"]


def test_rows_agree_with_the_truth(shared_client):
    data = ask(shared_client, select=ROWS, where=a_day(), orderBy=ORDER)
    assert data["total"] == data["count"] == len(data["result"])
    rows = compute_truth(shared_client.sandbox.world, "acme-docs", "conversation", [DAY])
    assert {one["id"]: (one["userMessageCount"], one["type"]) for one in data["result"]} == {
        row["conversation_id"]: (row["user_messages"], row["type"]) for row in rows
    }
    people = [one["userProperties"] or {} for one in data["result"]]
    (daily,) = compute_truth(shared_client.sandbox.world, "acme-docs", "conversation_daily", [DAY])
    assert daily["conversations"] == data["total"]
    users = {str(who.get("userId", who.get("id"))) for who in people if {"id", "userId"} & set(who)}
    assert daily["unique_users"] == len(users)
    assert {type(who.get("userId", "")) for who in people} == {int, str}
    types = {
        row["type"]: row["conversations"]
        for row in compute_truth(shared_client.sandbox.world, "acme-docs", "type_daily", [DAY])
    }
    assert types["unknown"] == sum(one["type"] is None for one in data["result"])
    assert sum(types.values()) == data["total"]


def test_a_long_answer_is_cut_and_halving_finds_everything(shared_client):
    start = datetime(2025, 3, 3, tzinfo=UTC)
    whole = ask(
        shared_client, "burst-docs", select=ROWS, where=between(start, start + timedelta(days=3)), orderBy=ORDER
    )
    assert whole["count"] == whole["pageSize"] == 100
    assert whole["total"] > 300

    def read(begin, end):
        data = ask(shared_client, "burst-docs", select=ROWS, where=between(begin, end), orderBy=ORDER)
        if data["total"] == data["count"]:
            return {one["id"] for one in data["result"]}
        if end - begin > timedelta(seconds=1):
            middle = begin + (end - begin) / 2
            middle = middle.replace(microsecond=0)
            return read(begin, middle) | read(middle, end)
        found, last = set(), ""
        for _ in range(9):
            where = {"and": [between(begin, end), condition("id", "gt", last)]}
            data = ask(shared_client, "burst-docs", select=ROWS, where=where, orderBy=ORDER)
            found |= {one["id"] for one in data["result"]}
            if data["total"] == data["count"]:
                return found
            last = data["result"][-1]["id"]
        raise AssertionError

    days = [date(2025, 3, 3) + timedelta(days=number) for number in range(3)]
    rows = compute_truth(shared_client.sandbox.world, "burst-docs", "conversation", days)
    assert read(start, start + timedelta(days=3)) == {row["conversation_id"] for row in rows}


def test_aggregates_agree_with_the_truth(shared_client):
    select = [
        {"type": "aggregation", "aggregation": "count"},
        {"type": "aggregation", "aggregation": "sum", "field": "userMessageCount"},
        {"type": "aggregation", "aggregation": "countDistinct", "field": "userProperties", "path": ["userId"]},
    ]
    data = ask(shared_client, select=select, where=a_day())
    (row,) = compute_truth(
        shared_client.sandbox.world, "acme-docs", "conversation_daily", [DAY], streams=("conversation_totals",)
    )
    (told,) = data["result"]
    assert set(told) == {"count", "sum_userMessageCount", "countDistinct_userProperties.userId"}
    assert (told["count"], told["sum_userMessageCount"]) == (row["conversations"], row["user_messages"])
    assert row["unique_users"] is None


@pytest.mark.parametrize(
    ("form", "first"),
    [("date", "2025-03-03"), ("instant", "2025-03-03T00:00:00.000Z"), ("space", "2025-03-03 00:00:00+00")],
)
def test_a_time_unit_groups_by_itself(own_client, form, first):
    own_client.sandbox.shapes.inkeep_buckets = form
    start = datetime(2025, 3, 3, tzinfo=UTC)
    select = [
        {"type": "time", "timeUnit": "day", "field": "firstMessageTime"},
        {"type": "aggregation", "aggregation": "count"},
    ]
    data = ask(own_client, select=select, where=between(start, start + timedelta(days=3)))
    assert data["result"][0]["firstMessageTime_day"] == first
    days = [date(2025, 3, 3) + timedelta(days=number) for number in range(3)]
    rows = compute_truth(own_client.sandbox.world, "acme-docs", "conversation_daily", days)
    assert [one["count"] for one in data["result"]] == [row["conversations"] for row in rows if row["conversations"]]


def test_groups_and_json_conditions(shared_client):
    select = [{"type": "field", "field": "type"}, {"type": "aggregation", "aggregation": "count"}]
    groups = [{"field": "type", "includeInSelect": True}]
    data = ask(shared_client, select=select, groupBy=groups, where=a_day())
    assert data["total"] == len(data["result"]) == 4
    person = {"path": ["userId"], "value": "user-3"}
    found = ask(shared_client, select=ROWS, where=condition("userProperties", "eq", person))
    assert found["result"]
    assert {one["userProperties"]["userId"] for one in found["result"]} == {"user-3"}


@pytest.mark.parametrize("word", ["isNull", "isNotNull"])
def test_null_conditions(shared_client, word):
    where = {"and": [a_day(), condition("type", word)]}
    data = ask(shared_client, select=ROWS, where=where)
    assert {one["type"] is None for one in data["result"]} == {word == "isNull"}


def test_either_of_two(shared_client):
    either = {"or": [condition("type", "eq", "openai"), condition("type", "in", ["support_ticket"])]}
    data = ask(
        shared_client, select=ROWS, where={"and": [a_day(), either]}, orderBy=[{"field": "id", "direction": "desc"}]
    )
    assert {one["type"] for one in data["result"]} == {"openai", "support_ticket"}
    ids = [one["id"] for one in data["result"]]
    assert ids == sorted(ids, reverse=True)


@pytest.mark.parametrize(
    "change",
    [
        {"select": []},
        {"select": [{"type": "field", "field": "secret"}]},
        {"select": [{"type": "aggregation", "aggregation": "median", "field": "userMessageCount"}]},
        {"select": [{"type": "aggregation", "aggregation": "count"}, {"type": "field", "field": "id"}]},
        {"select": [{"type": "time", "timeUnit": "year", "field": "firstMessageTime"}]},
        {"limit": 10},
        {"offset": 10},
        {"notes": "n" * 81},
        {"where": {"not": []}},
        {"where": condition("userMessageCount", "like", 3)},
        {"where": condition("firstMessageTime", "gte", "yesterday")},
        {"orderBy": [{"field": "nothing"}]},
        {"orderBy": [{"field": "id", "direction": "up"}]},
    ],
)
def test_unknown_words_are_refused(shared_client, change):
    found = shared_client.request("acme-docs", PATH, json={"select": ROWS, **change})
    assert found.status_code == 400
    assert found.headers["content-type"] == "application/problem+json"
    assert {"title", "status", "detail", "code", "requestId", "error"} <= set(found.json())


def test_the_credential_is_checked(shared_client):
    url = shared_client.sandbox.base_url("inkeep") + PATH
    key = shared_client.sandbox.world.accounts["acme-docs"].credential
    assert shared_client.http.post(url, json={}).status_code == 401
    assert shared_client.http.post(url, json={}, headers={"Authorization": key}).status_code == 401


def test_averages_are_exact(shared_client):
    select = [
        {"type": "aggregation", "aggregation": name, "field": "userMessageCount"}
        for name in ("avg", "sum", "count", "min", "max")
    ]
    (told,) = ask(shared_client, select=select, where=a_day())["result"]
    mean = Decimal(told["sum_userMessageCount"]) / told["count_userMessageCount"]
    assert abs(Decimal(str(told["avg_userMessageCount"])) - mean) < Decimal("0.000001")
    assert told["min_userMessageCount"] <= told["avg_userMessageCount"] <= told["max_userMessageCount"]
