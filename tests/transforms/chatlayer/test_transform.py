"""Chatlayer's responses as facts: the columns that each stream fills, and all streams compared with the truth."""

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from extractors.chatlayer.buckets import UTC_ZONE, build_bucket_query
from extractors.errors import ShapeError
from sandbox.truth import compute_truth
from tests.support.chatlayer import (
    FIRST_DAY,
    NAME,
    OCTOBER,
    ONE_DAY,
    SECOND_DAY,
    TWO_DAYS,
    build_account,
    build_sandbox,
    configure_account,
    series_body,
    transform_bodies,
)
from tests.support.landed_chunks import ChunkBuilder, FakeResponse, read_staged_rows
from tests.support.pull_account import pull_account

Rows = list[dict[str, Any]]


@pytest.mark.parametrize(
    ("series", "titles", "expected"),
    [
        (
            [{"labels": {"channel_type": "qx-new"}}, {"labels": {"channel_type": ""}}],
            ["Title", "Title"],
            ["qx-new", "unknown"],
        ),
        ([{}, {"labels": {}}], ["null", ""], ["null", "unknown"]),
        ([{"labels": {"other": "x"}}, {"labels": {"channel_type": "web"}}], None, ["unknown", "web"]),
        ([{}, {}], ["NA", ""], ["NA", "unknown"]),
    ],
)
def test_channels_by_label_then_by_title(tmp_path: Path, series: Rows, titles: Any, expected: list[str]) -> None:
    body = series_body(*({**labels, "values": [1, 0]} for labels in series), series_labels=titles)
    rows = read_staged_rows(transform_bodies(tmp_path, "conversations_by_channel", body), "channel_daily")
    assert [row["channel_code"] for row in rows] == expected
    assert sum(row["conversations"] for row in rows) == 2


def test_a_breakdown_without_groups_is_empty(tmp_path: Path) -> None:
    staged = transform_bodies(tmp_path, "conversations_by_channel", series_body(), query={"group_by": "channel_type"})
    assert not read_staged_rows(staged, "channel_daily")


def test_a_breakdown_by_another_field_is_refused(tmp_path: Path) -> None:
    body = series_body({"values": [1, 0], "labels": {"language": "de"}})
    with pytest.raises(ShapeError, match="labels: is grouped by language, but channel_type was requested"):
        transform_bodies(tmp_path, "conversations_by_channel", body)
    body = series_body({"values": [1, 0], "labels": {"campaign_id": "c"}})
    with pytest.raises(ShapeError, match=r"labels: is grouped by campaign_id, but bot_id, .* was requested"):
        transform_bodies(tmp_path, "team_usage", body, context={"team_id": "t1"}, team_id="t1")


def test_languages_that_conform_to_one_tag_are_added_up(tmp_path: Path) -> None:
    series = ({"values": [1, 0], "labels": {"language": tag}} for tag in ("DE", "de", "pt-br", ""))
    staged = transform_bodies(tmp_path, "conversations_by_language", series_body(*series))
    assert {row["language_code"]: row["conversations"] for row in read_staged_rows(staged, "language_daily")} == {
        "de": 2,
        "pt-BR": 1,
        "unknown": 1,
    }


def test_messages_by_kind(tmp_path: Path) -> None:
    body = series_body(
        {"values": [3, 0], "labels": {"message_type": "user"}},
        {"values": [4, 1]},
        {"values": [10, 0]},
        series_labels=["ignored", "bot", ""],
    )
    staged = transform_bodies(tmp_path, "messages", body)
    assert [row["messages"] for row in read_staged_rows(staged, "conversation_daily")] == [17, 1]
    kinds = {(row["date"], row["member"]): row["value"] for row in read_staged_rows(staged, "metric_daily")}
    assert kinds == {(FIRST_DAY, "user"): 3, (FIRST_DAY, "bot"): 4, (SECOND_DAY, "bot"): 1}


def test_users_are_loaded_for_days_of_utc_only(tmp_path: Path) -> None:
    body = series_body({"values": [3, 0]}, {"values": [4, 1]}, series_labels=["new", "returning"])
    utc = transform_bodies(tmp_path / "utc", "users", body)
    assert [row["unique_users"] for row in read_staged_rows(utc, "conversation_daily")] == [7, 1]
    body["data"]["x_values"] = ["2025-03-01T00:00:00Z", "2025-03-02T01:00:00Z"]
    berlin = transform_bodies(tmp_path / "berlin", "users", body, timezone="Europe/Berlin")
    assert [set(row) for row in read_staged_rows(berlin, "conversation_daily")] == [{"date"}, {"date"}]


def test_intents_of_all_pages(tmp_path: Path) -> None:
    pages = (
        {"data": [{"intent_id": " a ", "count": "3", "rank": "1"}, {"intent_id": "null", "count": 1, "rank": 2}]},
        {
            "data": [{"intent_id": "a", "count": 2, "rank": 3}, {"count": 1, "rank": 4}, {"intent_id": "zero"}],
            "pagination": {"total": 5},
        },
        {"pagination": {"has_more": False}},
        {},
    )
    rows = read_staged_rows(transform_bodies(tmp_path, "intents", *pages, window=ONE_DAY), "intent_daily")
    assert {row["intent"]: (row["hits"], row["rank"]) for row in rows} == {
        " a ": (3, 1),
        "null": (1, 2),
        "a": (2, 3),
        "unknown": (1, 4),
    }
    assert not any(row["is_top_n"] for row in rows)


@pytest.mark.parametrize(
    ("pages", "problem"),
    [
        (
            [{"data": [{"intent_id": "a", "count": 3}]}, {"data": [{"intent_id": "a", "count": 2}]}],
            r"data\[0\].intent_id: comes a second time, on this page or an earlier one, saw 'a'",
        ),
        ([{"data": [{"intent_id": "a"}, {"intent_id": "a"}]}], r"data\[1\].intent_id: comes a second time"),
        ([{"data": [{"count": 1}, {"intent_id": "", "count": 1}]}], r"data\[1\].intent_id: comes a second time"),
        ([{"data": [{"intent_id": "a", "count": -1}]}], r"data\[0\].count: is negative"),
        ([{"data": [{"intent_id": "a", "count": None}]}], r"data\[0\].count: is missing"),
        ([{"data": [{"intent_id": "a", "count": 1, "rank": None}]}], r"data\[0\].rank: is missing"),
        ([{"data": [{"intent_id": "a"}], "pagination": {"total": 2}}], "total: announces more than the 1 that came"),
        ([{"data": [{"intent_id": "a"}], "pagination": {"has_more": True}}], "has_more: announces more"),
        ([{"data": [{"intent_id": "a", "error": "timed out"}]}], r"data\[\].error: is a failure; .*: timed out"),
        ([{"data": [{"intent_id": "a"}], "bot_id": "b2"}], r"bot_id: is not the requested b1"),
    ],
)
def test_intents_that_are_not_one_whole_list_are_refused(tmp_path: Path, pages: list[Any], problem: str) -> None:
    with pytest.raises(ShapeError, match=rf"^{NAME} \(chatlayer.intents\): field .*{problem}"):
        transform_bodies(tmp_path, "intents", *pages, window=ONE_DAY)


@pytest.mark.parametrize(
    "body",
    [
        {"intents": []},
        {"data": {}},
        {"data": ["a"]},
        {"data": [{"intent_id": "a", "hits": 3}]},
        {"data": [{"rank": 2**31}]},
    ],
)
def test_intents_of_another_shape_are_refused(tmp_path: Path, body: Any) -> None:
    with pytest.raises(ShapeError, match=r"chatlayer.intents"):
        transform_bodies(tmp_path, "intents", body, window=ONE_DAY)


@pytest.mark.parametrize(
    ("stat", "metric"),
    [
        ("num_conversations", "users_by_conversations"),
        ("duration_seconds", "conversations_by_duration"),
        ("num_messages", "conversations_by_messages"),
    ],
)
def test_insights_by_bin(tmp_path: Path, stat: str, metric: str) -> None:
    body = series_body({"values": ["5", 0, 1, 1]}, x_values=["0-1", "2", 30, ""])
    staged = transform_bodies(tmp_path, "insights", body, window=ONE_DAY, query={"stat": stat})
    values = {(row["metric"], row["member"]): row["value"] for row in read_staged_rows(staged, "metric_daily")}
    assert values == {(metric, "0-1"): 5, (metric, "30"): 1, (metric, "unknown"): 1}
    assert not read_staged_rows(
        transform_bodies(tmp_path / "empty", "insights", {}, window=ONE_DAY, query={"stat": stat}), "metric_daily"
    )


def test_a_bin_that_comes_twice_is_refused(tmp_path: Path) -> None:
    body = series_body({"values": [5, 5]}, x_values=["0-1", "0-1"])
    with pytest.raises(ShapeError, match=r"x_values\[1\]: comes a second time"):
        transform_bodies(tmp_path, "insights", body, window=ONE_DAY, query={"stat": "num_messages"})


def usage(bot: str, values: list[int], **labels: str) -> dict[str, Any]:
    return {"values": values, "labels": {"bot_id": bot, **labels}}


def test_team_usage_goes_by_utc_days_in_every_zone(tmp_path: Path) -> None:
    body = series_body(
        usage("b1", [3, 0], bot_version="LIVE", channel_type="webchat", language="EN"), usage("b2", [0, 5])
    )
    own = {"team_id": "t1", "timezone": "Europe/Berlin"}
    staged = transform_bodies(tmp_path, "team_usage", body, context={"team_id": "t1"}, **own)
    first, second = read_staged_rows(staged, "team_daily")
    assert first == {
        "date": FIRST_DAY,
        "bot_id": "b1",
        "bot_version": "LIVE",
        "channel_code": "webchat",
        "language_code": "en",
        "conversations": 3,
    }
    assert (second["date"], second["bot_id"], second["bot_version"], second["conversations"]) == (
        SECOND_DAY,
        "b2",
        "unknown",
        5,
    )
    elsewhere = transform_bodies(tmp_path / "moved", "team_usage", body, context={"team_id": "t0"}, **own)
    assert not read_staged_rows(elsewhere, "team_daily")


def test_breakdowns_are_reconciled_with_the_total(tmp_path: Path) -> None:
    streams = ["conversations", "conversations_by_channel", "conversations_by_language", "team_usage"]
    bot = build_account(streams=streams, team_id="t1")
    landings = ChunkBuilder(tmp_path)
    team = series_body(usage("b1", [4, 2], bot_version="LIVE"), usage("b1", [9, 9], bot_version="DRAFT"))
    for stream, body in zip(
        streams, (series_body({"values": [4, 2]}), series_body({"values": [4, 1]}), {}, team), strict=True
    ):
        query = build_bucket_query(TWO_DAYS, UTC_ZONE, "1d")
        landings.land(bot, stream, TWO_DAYS, FakeResponse(body, query, {"team_id": "t1"}))
    staged = landings.transform(bot, TWO_DAYS)
    assert [(line.date, line.against, line.loaded, line.verdict) for line in staged.reconciliations] == [
        (FIRST_DAY, "channel_daily", 4, "ok"),
        (FIRST_DAY, "language_daily", 0, "unexplained"),
        (FIRST_DAY, "team_daily", 4, "ok"),
        (SECOND_DAY, "channel_daily", 1, "unexplained"),
        (SECOND_DAY, "language_daily", 0, "unexplained"),
        (SECOND_DAY, "team_daily", 2, "ok"),
    ]
    assert staged.totals[FIRST_DAY] == {"conversations": 4}


@pytest.mark.parametrize(
    ("body", "problem"),
    [
        ({"events": [], "has_more": True}, "has_more: announces more"),
        ({"events": [], "error": "timed out"}, "is no data; the provider says: timed out"),
    ],
)
def test_events_that_are_not_whole_are_refused(tmp_path: Path, body: Any, problem: str) -> None:
    with pytest.raises(ShapeError, match=rf"^{NAME} \(chatlayer.events\): field .*{problem}"):
        transform_bodies(tmp_path, "events", body)


SHAPES: list[tuple[str, dict[str, Any]]] = [
    ("UTC", {}),
    ("UTC", {"chatlayer_x_values": "date", "chatlayer_buckets": "sparse", "chatlayer_short_range": "allow"}),
    (
        "Europe/Berlin",
        {"chatlayer_labels": "series_labels", "chatlayer_x_values": "rfc3339_offset", "chatlayer_page": 2},
    ),
    ("America/New_York", {"chatlayer_labels": "labels", "chatlayer_zeros": "keep", "chatlayer_x_values": "epoch_ms"}),
    ("Asia/Tokyo", {"chatlayer_int64": "number", "numbers": "string", "chatlayer_x_values": "epoch_s"}),
]


@pytest.mark.parametrize(("zone", "shape"), SHAPES)
def test_a_pulled_month_is_the_truth(tmp_path: Path, zone: str, shape: dict[str, Any]) -> None:
    with build_sandbox(zone, **shape) as running:
        ids = [item.id for item in running.world.conversations_on(NAME, OCTOBER.start)]
        bot = configure_account(running, team_id="t1", conversation_ids=ids)
        assert not pull_account(bot, OCTOBER, tmp_path)
        staged = ChunkBuilder(tmp_path).transform(bot, OCTOBER)
        for view in (
            "conversation_daily",
            "channel_daily",
            "language_daily",
            "intent_daily",
            "metric_daily",
            "team_daily",
            "flow_transition",
        ):
            truth = compute_truth(
                running.world, NAME, view, OCTOBER.days(), streams=bot.enabled_streams, conversation_ids=ids
            )
            assert list_comparable(read_staged_rows(staged, view)) == list_comparable(
                truth, staged.tables[view].schema.names
            ), view
    assert {line.verdict for line in staged.reconciliations} == {"ok"}


def list_comparable(rows: Rows, columns: list[str] | None = None) -> list[str]:
    def normalize(value: Any) -> Any:
        if isinstance(value, Decimal):
            return format(value.normalize(), "f")
        return value.astimezone(UTC).isoformat() if isinstance(value, datetime) else value

    filled = [{name: normalize(value) for name, value in row.items() if value is not None} for row in rows]
    picked = [{name: row[name] for name in columns or row if name in row} for row in filled]
    return sorted(json.dumps(row, default=str, sort_keys=True) for row in picked)
