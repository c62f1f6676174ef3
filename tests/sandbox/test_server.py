"""The running sandbox: its request log, planned faults, admin endpoints, configuration and command."""

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import httpx
import pytest

from sandbox.config import build_config, build_environment
from sandbox.recorder import Fault
from sandbox.shapes import ResponseShapes
from sandbox.truth import VIEWS, compute_truth

COUNTER = "/v3.0/projects/{id}/conversationcounter"
MARCH = {"year": 2025, "month": 3}


def test_requests_are_recorded_with_their_account(own_client):
    own_client.request("acme-support", COUNTER, MARCH)
    own_client.http.get(own_client.sandbox.base_url("cognigy") + "/v3.0/projects/x/conversationcounter")
    own_client.request("acme-docs", "/query/conversations", json={"select": []})
    first, second, third = own_client.sandbox.requests
    assert (first.provider, first.account, first.method, first.status) == ("cognigy", "acme-support", "GET", 200)
    assert first.query == "year=2025&month=3"
    assert (second.account, second.status) == (None, 401)
    assert (third.provider, third.body, third.status) == ("inkeep", '{"select":[]}', 400)
    assert own_client.sandbox.request_log.count("cognigy") == 2
    assert own_client.sandbox.request_log.count(path="/query", method="POST") == 1


def test_faults_come_in_order_and_are_used_up(own_client):
    own_client.sandbox.plan_faults(
        Fault("conversationcounter", status=429, headers={"Retry-After": "1"}),
        Fault("conversationcounter", status=200, body="<html>", headers={"content-type": "text/html"}),
        Fault("inkeep", times=2),
    )
    first, second, third = (own_client.request("acme-support", COUNTER, MARCH) for _ in range(3))
    assert (first.status_code, first.headers["retry-after"]) == (429, "1")
    assert (second.status_code, second.text) == (200, "<html>")
    assert third.json()["items"]
    statuses = [
        own_client.request("acme-docs", "/query/conversations", json={"select": []}).status_code for _ in range(3)
    ]
    assert statuses == [503, 503, 400]


def test_a_fault_may_let_some_requests_through_first(own_client):
    own_client.sandbox.plan_faults(Fault("conversationcounter", skip=2))
    assert [own_client.request("acme-support", COUNTER, MARCH).status_code for _ in range(4)] == [200, 200, 503, 200]


@pytest.mark.parametrize("kind", ["reset", "cut", "after"])
def test_connections_break(own_client, kind):
    own_client.sandbox.plan_faults(Fault(kind=kind, status=200, body='{"items":[', times=1))
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        own_client.request("acme-support", COUNTER, MARCH)
    assert own_client.sandbox.requests[0].status == 0
    assert own_client.request("acme-support", COUNTER, MARCH).status_code == 200


def test_a_lost_response_still_started_the_export(own_client):
    own_client.sandbox.plan_faults(Fault("/export", kind="after"))
    limits = {"from": "2025-03-01T00:00:00.000Z", "to": "2025-03-01T23:59:59.999Z"}
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        own_client.request("acme-voice", "/v1/chatbots/{id}/statistics/export", limits, method="POST")
    assert len(own_client.sandbox.jobs) == 1


def test_another_process_can_read_and_change_the_sandbox(own_client):
    admin = own_client.sandbox.origin + "/_sandbox"
    assert len(own_client.http.get(f"{admin}/health").json()["accounts"]) == len(own_client.sandbox.world.accounts)
    own_client.http.post(f"{admin}/faults", json=[{"path": "cognigy", "status": 500}])
    assert own_client.request("acme-support", COUNTER, MARCH).status_code == 500
    assert own_client.http.get(f"{admin}/requests", params={"provider": "cognigy"}).json()["count"] == 1
    assert own_client.http.delete(f"{admin}/requests").status_code == 200
    assert own_client.sandbox.requests == []
    assert own_client.http.post(f"{admin}/shapes", json={"numbers": "string"}).json()["numbers"] == "string"
    assert isinstance(own_client.request("acme-support", COUNTER, MARCH).json()["items"][0]["conversations"], str)
    assert own_client.http.post(f"{admin}/shapes", json={"colour": "red"}).status_code == 400
    day = "2025-03-04"
    own_client.http.post(f"{admin}/restate", json={"account": "acme-support", "day": day, "how": "empty"})
    params = {"account": "acme-support", "view": "conversation_daily", "from": day, "to": day}
    (row,) = own_client.http.get(f"{admin}/truth", params=params).json()["rows"]
    assert (row["date"], row["conversations"]) == (day, 0)
    assert own_client.http.get(f"{admin}/jobs").json() == {"jobs": []}
    limits = {"from": "2025-03-01T00:00:00.000Z", "to": "2025-03-01T23:59:59.999Z"}
    own_client.request("acme-voice", "/v1/chatbots/{id}/statistics/export", limits, method="POST")
    (job,) = own_client.http.get(f"{admin}/jobs").json()["jobs"]
    assert (job["account"], job["start"], job["polls"]) == ("acme-voice", limits["from"], 0)


def test_restatement_reaches_endpoint_and_truth(own_client):
    day, body = date(2025, 3, 4), {"select": [{"type": "aggregation", "aggregation": "count"}], "where": None}
    body["where"] = {
        "and": [
            {"condition": {"field": "firstMessageTime", "operator": "gte", "value": "2025-03-04T00:00:00.000Z"}},
            {"condition": {"field": "firstMessageTime", "operator": "lt", "value": "2025-03-05T00:00:00.000Z"}},
        ]
    }
    counts = []
    for how in ("late", "smaller", "empty"):
        own_client.sandbox.world.restate("acme-docs", day, how)
        count = own_client.request("acme-docs", "/query/conversations", json=body).json()["data"]["result"][0]["count"]
        (row,) = compute_truth(own_client.sandbox.world, "acme-docs", "conversation_daily", [day])
        assert count == row["conversations"]
        counts.append(count)
    assert counts[0] > counts[1] > counts[2] == 0


def test_the_configuration_holds_no_secret(own_client):
    accounts = list(own_client.sandbox.world.accounts.values())
    config = build_config(
        own_client.sandbox, accounts, {"acme-bot": {"lookback_days": 1}}, warehouse="duckdb://w.duckdb"
    )
    variables = build_environment(accounts)
    assert config["warehouse"] == "duckdb://w.duckdb"
    by_name = {entry["name"]: entry for entry in config["accounts"]}
    assert by_name["acme-bot"]["lookback_days"] == 1
    assert by_name["acme-support"]["api_key"] == "${SANDBOX_ACME_SUPPORT_KEY}"
    assert by_name["acme-voice"]["base_url"] == own_client.sandbox.base_url("chatcaptain")
    for secret in variables.values():
        assert "fake" in secret
        assert secret not in str(config)
    references = {
        value[2:-1] for entry in config["accounts"] for value in entry.values() if str(value).startswith("${")
    }
    assert references == set(variables)


def test_every_view_of_every_account_has_a_truth(shared_client):
    for name, account in shared_client.sandbox.world.accounts.items():
        for view in VIEWS:
            for row in compute_truth(shared_client.sandbox.world, name, view, [date(2025, 3, 4)]):
                assert list(row)[:3] == ["date", "provider", "account"]
                assert (row["provider"], row["account"]) == (account.provider, name)
        assert len(compute_truth(shared_client.sandbox.world, name, "conversation_daily", [date(2025, 3, 4)])) == 1
    with pytest.raises(ValueError, match="weather"):
        compute_truth(shared_client.sandbox.world, "acme-docs", "weather", [])


def test_the_command_runs_until_a_signal_ends_it():
    command = [sys.executable, "-W", "error", "-m", "sandbox", "--seed", "5"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ}) as process:
        assert process.stderr is not None
        lines = [process.stderr.readline() for _ in range(8)]
        assert lines[7].split()[3:] == ["project_id=5f0c2f4e8a1b2c3d4e5f6a7b", "fake-key-acme-support-not-real"]
        origin = lines[0].split()[1].removesuffix("/cognigy/new")
        assert httpx.get(f"{origin}/_sandbox/health").json()["seed"] == 5
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_the_highest_number_of_concurrent_requests_is_known(own_client):
    own_client.sandbox.shapes = ResponseShapes(delay_seconds=0.05)
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: own_client.request("acme-support", COUNTER, MARCH).status_code, range(8)))
    assert 2 <= own_client.sandbox.request_log.max_concurrent["cognigy"] <= 4
