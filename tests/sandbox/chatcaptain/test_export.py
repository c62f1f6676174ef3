"""Exports pass through their states, their links expire on another origin, and the file agrees with the truth."""

import csv
import gzip
import io
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import httpx
import pytest

from sandbox.truth import compute_truth

ROOT = "/v1/chatbots/{id}/statistics"
FIRST = date(2025, 3, 29)
DAYS = [FIRST + timedelta(days=number) for number in range(4)]


@pytest.fixture
def limits(range_helpers):
    span, text = range_helpers
    start, end = span(FIRST, "Europe/Berlin", len(DAYS))
    return {"from": text(start), "to": text(end - timedelta(milliseconds=1))}


def start_export(client, limits):
    response = client.request("acme-voice", f"{ROOT}/export", limits, method="POST")
    assert response.status_code == 202
    return response


def get_status(client, export):
    return client.request("acme-voice", f"{ROOT}/export/{export}").json()


def finish_export(client, limits):
    export = start_export(client, limits).json()["exportId"]
    for _ in range(5):
        body = get_status(client, export)
        if "downloadUrl" in body:
            return body["downloadUrl"]
    raise AssertionError(body)


def parse_table(text, delimiter=","):
    return list(csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter))


def test_states_and_links(own_client, limits):
    export = start_export(own_client, limits).json()["exportId"]
    assert get_status(own_client, export) == {"status": "pending"}
    assert get_status(own_client, export) == {"status": "running"}
    first, second = get_status(own_client, export), get_status(own_client, export)
    assert first["status"] == second["status"] == "completed"
    assert first["downloadUrl"] != second["downloadUrl"]
    assert first["downloadUrl"].startswith(own_client.sandbox.download_origin + "/")
    assert own_client.sandbox.download_origin != own_client.sandbox.origin
    (job,) = own_client.sandbox.jobs
    assert (job.id, job.account, job.polls) == (export, "acme-voice", 4)
    assert own_client.request("acme-voice", f"{ROOT}/export/nobody").status_code == 404
    assert own_client.request("globex-voice", f"{ROOT}/export/{export}").status_code == 404


def test_the_file_agrees_with_the_truth(own_client, limits):
    lines = parse_table(own_client.http.get(finish_export(own_client, limits)).text)
    rows = {
        row["conversation_id"]: row
        for row in compute_truth(own_client.sandbox.world, "acme-voice", "conversation", DAYS)
    }
    assert {line["conversationId"] for line in lines} == set(rows)
    for line in lines:
        row = rows[line["conversationId"]]
        assert datetime.fromisoformat(line["startedAt"]) == row["started_at"]
        assert line["channelType"] == row["channel_code"]
        assert (line["channelType"] == "debug") == row["is_test"]
        assert (line["endReason"] or None, line["transferTarget"] or None) == (
            row["end_reason"],
            row["transfer_target"],
        )
        assert (Decimal(line["durationSeconds"]) if line["durationSeconds"] else None) == row["duration_seconds"]
        assert [int(line[name]) for name in ("messages", "userMessages", "interactions")] == [
            row["messages"],
            row["user_messages"],
            row["interactions"],
        ]
    hits = Counter((line["conversationId"], name) for line in lines for name in line["intents"].split("|") if name)
    expected = compute_truth(own_client.sandbox.world, "acme-voice", "conversation_intent", DAYS)
    assert hits == Counter({(row["conversation_id"], row["intent"]): row["hits"] for row in expected})
    assert {row["hits"] for row in expected} == {1, 2}
    assert any(row["score"] is None for row in expected)
    assert any(row["score"] is not None for row in expected)
    assert any("\n" in line["transferTarget"] for line in lines)


def test_a_credential_sent_to_the_storage_host_is_refused_and_recorded(own_client, limits):
    link = finish_export(own_client, limits)
    assert own_client.http.get(link, headers={"x-chatcaptain-key": "fake"}).status_code == 400
    assert own_client.sandbox.jobs[0].leaked_credentials == 1
    assert own_client.http.get(link).status_code == 200


def test_wrong_and_dead_links(own_client, limits):
    own_client.sandbox.shapes.export_dead_links = 1
    export = start_export(own_client, limits).json()["exportId"]
    links = [get_status(own_client, export).get("downloadUrl") for _ in range(4)]
    assert own_client.http.get(links[2]).status_code == 403
    assert own_client.http.get(links[3]).status_code == 200
    assert own_client.http.get(links[3] + "x").status_code == 403
    assert own_client.http.get(f"{own_client.sandbox.download_origin}/exports/nothing.csv").status_code == 404


@pytest.mark.parametrize("form", ["id", "location"])
def test_the_id_comes_in_each_form(own_client, limits, form):
    own_client.sandbox.shapes.export_id = form
    response = start_export(own_client, limits)
    export = response.json()["id"] if form == "id" else response.headers["location"].rsplit("/", 1)[-1]
    assert get_status(own_client, export) == {"status": "pending"}


def test_a_failed_job_and_unusual_words(own_client, limits):
    shapes = own_client.sandbox.shapes
    shapes.export_words, shapes.export_link = ("queued", "baking", "done"), "downloadLink"
    export = start_export(own_client, limits).json()["exportId"]
    assert [get_status(own_client, export)["status"] for _ in range(3)] == ["queued", "baking", "done"]
    assert "downloadLink" in get_status(own_client, export)
    shapes.export_error = "out of paper"
    assert get_status(own_client, export) == {"status": "failed", "error": "out of paper"}


def test_each_dialect_of_the_file_holds_the_same_lines(own_client, limits):
    plain = parse_table(own_client.http.get(finish_export(own_client, limits)).text)
    shapes = own_client.sandbox.shapes
    shapes.csv_delimiter, shapes.csv_bom, shapes.csv_gzip, shapes.csv_decimal_comma = ";", True, True, True
    shapes.csv_headers, shapes.csv_order, shapes.csv_extra_column = "snake", "reversed", True
    with own_client.http.stream("GET", finish_export(own_client, limits)) as response:
        raw = b"".join(response.iter_raw())
    assert response.headers["content-encoding"] == "gzip"
    assert int(response.headers["content-length"]) == len(raw)
    text = gzip.decompress(raw).decode()
    assert text.startswith("\ufeff")
    lines = parse_table(text[1:], ";")
    assert next(iter(lines[0])) == "agent_notes"
    assert [line["conversation_id"] for line in lines] == [line["conversationId"] for line in plain]
    assert [line["duration_seconds"] for line in lines] == [line["durationSeconds"].replace(".", ",") for line in plain]


def test_times_without_an_offset_are_local(own_client, limits):
    own_client.sandbox.shapes.csv_times = "local"
    line = parse_table(own_client.http.get(finish_export(own_client, limits)).text)[0]
    assert line["startedAt"] == "2025-03-29T00:00:00.000"
    assert (
        datetime(2025, 3, 28, 23, tzinfo=UTC)
        == own_client.sandbox.world.conversations_on("acme-voice", FIRST)[0].started_at
    )


def test_totals_instead_of_conversations(own_client, limits):
    own_client.sandbox.shapes.csv_grain = "total"
    lines = parse_table(own_client.http.get(finish_export(own_client, limits)).text)
    streams, shapes = ("export",), own_client.sandbox.shapes
    rows = compute_truth(own_client.sandbox.world, "acme-voice", "channel_daily", DAYS, streams=streams, shapes=shapes)
    assert {(line["date"], line["channelType"]): int(line["conversations"]) for line in lines} == {
        (str(row["date"]), row["channel_code"]): row["conversations"] for row in rows
    }
    assert compute_truth(own_client.sandbox.world, "acme-voice", "conversation", DAYS, shapes=shapes) == []


def test_a_file_cut_short_and_one_without_a_length(own_client, limits):
    own_client.sandbox.shapes.csv_length = False
    assert "content-length" not in own_client.http.get(finish_export(own_client, limits)).headers
    own_client.sandbox.shapes.csv_length, own_client.sandbox.shapes.csv_cut_bytes = True, 50
    with pytest.raises(httpx.RemoteProtocolError):
        own_client.http.get(finish_export(own_client, limits))
