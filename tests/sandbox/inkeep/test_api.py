"""Inkeep's query agrees with the truth, limits a response to one page, and refuses words that it does not know."""

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


def build_condition(field, operator, value=None):
    return {"condition": {"field": field, "operator": operator, "value": value}}


def build_range_condition(start, end):
    form = "%Y-%m-%dT%H:%M:%S.000Z"
    return {
        "and": [
            build_condition("firstMessageTime", "gte", start.strftime(form)),
            build_condition("firstMessageTime", "lt", end.strftime(form)),
        ]
    }


def build_day_condition(day=DAY):
    start = datetime(day.year, day.month, day.day, tzinfo=UTC)
    return build_range_condition(start, start + timedelta(days=1))


def run_query(client, name="acme-docs", **query):
    response = client.request(name, PATH, json=query)
    assert response.status_code == 200, response.text
    assert response.json()["status"] == "ok"
    return response.json()["data"]


def test_rows_agree_with_the_truth(shared_client):
    data = run_query(shared_client, select=ROWS, where=build_day_condition(), orderBy=ORDER)
    assert data["total"] == data["count"] == len(data["result"])
    rows = compute_truth(shared_client.sandbox.world, "acme-docs", "conversation", [DAY])
    assert {row["id"]: (row["userMessageCount"], row["type"]) for row in data["result"]} == {
        row["conversation_id"]: (row["user_messages"], row["type"]) for row in rows
    }
    people = [row["userProperties"] or {} for row in data["result"]]
    (daily,) = compute_truth(shared_client.sandbox.world, "acme-docs", "conversation_daily", [DAY])
    assert daily["conversations"] == data["total"]
    users = {str(person.get("userId", person.get("id"))) for person in people if {"id", "userId"} & set(person)}
    assert daily["unique_users"] == len(users)
    assert {type(person.get("userId", "")) for person in people} == {int, str}
    types = {
        row["type"]: row["conversations"]
        for row in compute_truth(shared_client.sandbox.world, "acme-docs", "type_daily", [DAY])
    }
    assert types["unknown"] == sum(row["type"] is None for row in data["result"])
    assert sum(types.values()) == data["total"]


def test_a_long_response_is_cut_and_halving_finds_everything(shared_client):
    start = datetime(2025, 3, 3, tzinfo=UTC)
    whole = run_query(
        shared_client,
        "burst-docs",
        select=ROWS,
        where=build_range_condition(start, start + timedelta(days=3)),
        orderBy=ORDER,
    )
    assert whole["count"] == whole["pageSize"] == 100
    assert whole["total"] > 300

    def read_ids(begin, end):
        data = run_query(
            shared_client, "burst-docs", select=ROWS, where=build_range_condition(begin, end), orderBy=ORDER
        )
        if data["total"] == data["count"]:
            return {row["id"] for row in data["result"]}
        if end - begin > timedelta(seconds=1):
            middle = begin + (end - begin) / 2
            middle = middle.replace(microsecond=0)
            return read_ids(begin, middle) | read_ids(middle, end)
        ids, last = set(), ""
        for _ in range(9):
            where = {"and": [build_range_condition(begin, end), build_condition("id", "gt", last)]}
            data = run_query(shared_client, "burst-docs", select=ROWS, where=where, orderBy=ORDER)
            ids |= {row["id"] for row in data["result"]}
            if data["total"] == data["count"]:
                return ids
            last = data["result"][-1]["id"]
        raise AssertionError

    days = [date(2025, 3, 3) + timedelta(days=number) for number in range(3)]
    rows = compute_truth(shared_client.sandbox.world, "burst-docs", "conversation", days)
    assert read_ids(start, start + timedelta(days=3)) == {row["conversation_id"] for row in rows}


def test_aggregates_agree_with_the_truth(shared_client):
    select = [
        {"type": "aggregation", "aggregation": "count"},
        {"type": "aggregation", "aggregation": "sum", "field": "userMessageCount"},
        {"type": "aggregation", "aggregation": "countDistinct", "field": "userProperties", "path": ["userId"]},
    ]
    data = run_query(shared_client, select=select, where=build_day_condition())
    (row,) = compute_truth(
        shared_client.sandbox.world, "acme-docs", "conversation_daily", [DAY], streams=("conversation_totals",)
    )
    (totals,) = data["result"]
    assert set(totals) == {"count", "sum_userMessageCount", "countDistinct_userProperties.userId"}
    assert (totals["count"], totals["sum_userMessageCount"]) == (row["conversations"], row["user_messages"])
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
    data = run_query(own_client, select=select, where=build_range_condition(start, start + timedelta(days=3)))
    assert data["result"][0]["firstMessageTime_day"] == first
    days = [date(2025, 3, 3) + timedelta(days=number) for number in range(3)]
    rows = compute_truth(own_client.sandbox.world, "acme-docs", "conversation_daily", days)
    assert [row["count"] for row in data["result"]] == [row["conversations"] for row in rows if row["conversations"]]


def test_groups_and_json_conditions(shared_client):
    select = [{"type": "field", "field": "type"}, {"type": "aggregation", "aggregation": "count"}]
    groups = [{"field": "type", "includeInSelect": True}]
    data = run_query(shared_client, select=select, groupBy=groups, where=build_day_condition())
    assert data["total"] == len(data["result"]) == 4
    person = {"path": ["userId"], "value": "user-3"}
    data = run_query(shared_client, select=ROWS, where=build_condition("userProperties", "eq", person))
    assert data["result"]
    assert {row["userProperties"]["userId"] for row in data["result"]} == {"user-3"}


@pytest.mark.parametrize("word", ["isNull", "isNotNull"])
def test_null_conditions(shared_client, word):
    where = {"and": [build_day_condition(), build_condition("type", word)]}
    data = run_query(shared_client, select=ROWS, where=where)
    assert {row["type"] is None for row in data["result"]} == {word == "isNull"}


def test_either_of_two(shared_client):
    either = {"or": [build_condition("type", "eq", "openai"), build_condition("type", "in", ["support_ticket"])]}
    data = run_query(
        shared_client,
        select=ROWS,
        where={"and": [build_day_condition(), either]},
        orderBy=[{"field": "id", "direction": "desc"}],
    )
    assert {row["type"] for row in data["result"]} == {"openai", "support_ticket"}
    ids = [row["id"] for row in data["result"]]
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
        {"where": build_condition("userMessageCount", "like", 3)},
        {"where": build_condition("firstMessageTime", "gte", "yesterday")},
        {"orderBy": [{"field": "nothing"}]},
        {"orderBy": [{"field": "id", "direction": "up"}]},
    ],
)
def test_unknown_words_are_refused(shared_client, change):
    response = shared_client.request("acme-docs", PATH, json={"select": ROWS, **change})
    assert response.status_code == 400
    assert response.headers["content-type"] == "application/problem+json"
    assert {"title", "status", "detail", "code", "requestId", "error"} <= set(response.json())


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
    (totals,) = run_query(shared_client, select=select, where=build_day_condition())["result"]
    mean = Decimal(totals["sum_userMessageCount"]) / totals["count_userMessageCount"]
    assert abs(Decimal(str(totals["avg_userMessageCount"])) - mean) < Decimal("0.000001")
    assert totals["min_userMessageCount"] <= totals["avg_userMessageCount"] <= totals["max_userMessageCount"]
