from datetime import date
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.landed_chunks import read_staged_rows
from transforms.facts import Facts, ValueOutOfRange
from transforms.metrics import ADDITIVE, NOT_ADDITIVE, Metric
from warehouse.model.schema import STAGED_FACTS, staged_schema

ONE, TWO = date(2025, 3, 1), date(2025, 3, 2)
METRICS = {
    "calls": Metric("calls", "calls", ADDITIVE, "Calls."),
    "end_reason": Metric("end_reason", "conversations", ADDITIVE, "Reasons."),
    "median": Metric("median", "messages", NOT_ADDITIVE, "A median."),
    "inbox": Metric("inbox", "as named", NOT_ADDITIVE, "Numbers.", keeps_zero=True),
}


@pytest.fixture
def facts() -> Facts:
    return Facts((ONE, TWO), METRICS)


def test_every_day_has_its_row_also_when_nothing_happened(facts: Facts) -> None:
    staged = facts.build()
    assert read_staged_rows(staged, "conversation_daily") == [{"date": ONE}, {"date": TWO}]
    assert set(staged.tables) == {"conversation_daily"}
    assert staged.members == {}


def test_several_streams_fill_one_row(facts: Facts) -> None:
    facts.set("conversation_daily", ONE, {"conversations": 5})
    facts.set("conversation_daily", ONE, {"messages": None, "call_duration_seconds": Decimal("1.5")})
    facts.set("conversation_daily", ONE, {"messages": 0, "conversations": None})
    (row,) = read_staged_rows(facts.build(), "conversation_daily", None)[:1]
    assert row == {"date": ONE, "conversations": 5, "messages": 0, "call_duration_seconds": Decimal("1.500")}
    assert facts.value("conversation_daily", ONE, "conversations") == 5
    assert facts.value("conversation_daily", TWO, "conversations") is None
    assert facts.value("channel_daily", ONE, "conversations", channel_code="x") is None


def test_a_measure_that_is_set_twice_is_refused(facts: Facts) -> None:
    facts.set("conversation_daily", ONE, {"conversations": 5})
    with pytest.raises(ValueError, match="conversations is set twice"):
        facts.set("conversation_daily", ONE, {"conversations": 5})


def test_members_that_conform_to_one_are_added_up(facts: Facts) -> None:
    for value in (1, Decimal(2), 4):
        facts.add("language_daily", ONE, {"conversations": value}, language_code="en")
    facts.add("language_daily", TWO, {"conversations": 8}, language_code="en")
    assert [row["conversations"] for row in read_staged_rows(facts.build(), "language_daily")] == [7, 8]
    assert facts.total("language_daily", ONE, "conversations") == 7
    assert facts.total("language_daily", date(2025, 3, 3), "conversations") == 0


@pytest.mark.parametrize("parts", [(1, None), (None, 1), (1, None, 2)])
def test_a_sum_with_an_unknown_part_is_unknown(facts: Facts, parts: tuple[int | None, ...]) -> None:
    for value in parts:
        facts.add("language_daily", ONE, {"conversations": value}, language_code="en")
        facts.record_metric(ONE, "end_reason", value, "hangup")
    facts.add("language_daily", ONE, {"conversations": 8}, language_code="de")
    assert facts.total("language_daily", ONE, "conversations") is None
    assert facts.value("language_daily", ONE, "conversations", language_code="en") is None
    staged = facts.build()
    assert [row["language_code"] for row in read_staged_rows(staged, "language_daily")] == ["de"]
    assert read_staged_rows(staged, "metric_daily") == []


def test_a_member_that_counts_nothing_is_no_row(facts: Facts) -> None:
    facts.add("channel_daily", ONE, {"conversations": 0, "messages": None}, channel_code="line")
    facts.add("channel_daily", ONE, {"conversations": 0, "messages": 2}, channel_code="web")
    facts.set("intent_daily", ONE, {"hits": 0, "rank": 1, "is_top_n": True}, intent="a")
    staged = facts.build()
    assert [row["channel_code"] for row in read_staged_rows(staged, "channel_daily")] == ["web"]
    assert "intent_daily" not in staged.tables
    assert staged.members["channel"].column("channel_code").to_pylist() == ["web"]


def test_a_negative_number_is_loaded_unchanged(facts: Facts) -> None:
    facts.add("channel_daily", ONE, {"conversations": -3}, channel_code="web")
    assert [row["conversations"] for row in read_staged_rows(facts.build(), "channel_daily")] == [-3]


def test_metrics_are_added_up_where_they_may_be(facts: Facts) -> None:
    for value in (1, 2):
        facts.record_metric(ONE, "calls", value)
        facts.record_metric(ONE, "end_reason", value, "hangup")
    facts.record_metric(ONE, "end_reason", 0, "never")
    facts.record_metric(ONE, "inbox", 0, "open")
    facts.record_metric(TWO, "calls", 0)
    facts.record_metric(ONE, "median", None)
    facts.record_metric(ONE, "median", Decimal("1.25"), channel_id="c1")
    facts.record_metric(ONE, "median", Decimal("2.25"), channel_id="c2")
    values = {
        (row["date"], row["metric"], row.get("member"), row.get("channel_id")): row.get("value")
        for row in read_staged_rows(facts.build(), "metric_daily")
    }
    assert values == {
        (ONE, "calls", None, None): 3,
        (TWO, "calls", None, None): 0,
        (ONE, "end_reason", "hangup", None): 3,
        (ONE, "inbox", "open", None): 0,
        (ONE, "median", None, "c1"): Decimal("1.25"),
        (ONE, "median", None, "c2"): Decimal("2.25"),
    }
    with pytest.raises(ValueError, match="set twice"):
        facts.record_metric(ONE, "median", Decimal(1), channel_id="c1")
    with pytest.raises(KeyError):
        facts.record_metric(ONE, "undeclared", 1)


def test_differences_are_recorded_with_their_verdict(facts: Facts) -> None:
    facts.reconcile(ONE, "conversations", "channels", 5, Decimal("5.0"))
    facts.reconcile(ONE, "conversations", "channels", 5, 4)
    facts.reconcile(ONE, "conversations", "channels", 5, 4, reason="tests")
    facts.reconcile(ONE, "conversations", "channels", None, 4)
    facts.reconcile(ONE, "conversations", "channels", 4, None)
    lines = facts.build().reconciliations
    assert [(line.verdict, line.reason) for line in lines] == [
        ("ok", None),
        ("unexplained", None),
        ("explained", "tests"),
    ]


def test_provider_totals_go_to_the_ledger(facts: Facts) -> None:
    facts.record_provider_total(ONE, "conversations", 5)
    facts.record_provider_total(ONE, "messages", None)
    assert facts.build().totals == {ONE: {"conversations": 5, "messages": None}}


@given(st.decimals(-(10**11), 10**11, allow_nan=False, allow_infinity=False))
def test_numbers_are_rounded_half_up_to_their_column(value: Decimal) -> None:
    facts = Facts((ONE,), METRICS)
    facts.set("conversation_daily", ONE, {"call_duration_seconds": value, "cost_amount": value})
    row = read_staged_rows(facts.build(), "conversation_daily")[0]
    assert abs(row["call_duration_seconds"] - value) <= Decimal("0.0005")
    assert abs(row["cost_amount"] - value) <= Decimal("0.0000005")


@pytest.mark.parametrize(
    ("measure", "value"),
    [
        ("conversations", Decimal("1.5")),
        ("conversations", 10**19),
        ("call_duration_seconds", 10**16),
        ("cost_amount", Decimal(10**13)),
        ("cost_currency", "\ud800"),
    ],
)
def test_a_value_out_of_its_column_s_range_is_named_and_not_cut(facts: Facts, measure: str, value: object) -> None:
    facts.set("conversation_daily", ONE, {measure: value})
    with pytest.raises(ValueOutOfRange, match=f"conversation_daily.{measure} cannot hold") as caught:
        facts.build()
    assert caught.value.value == value


def test_a_file_takes_the_place_of_rows(facts: Facts, tmp_path: Path) -> None:
    path = tmp_path / "conversation.parquet"
    facts.attach("conversation", path, channels=["web", "debug"], languages=["de"])
    staged = facts.build()
    assert staged.tables["conversation"] == path
    assert staged.members["channel"].column("channel_code").to_pylist() == ["debug", "web"]
    facts.attach("conversation", tmp_path / "another.parquet")
    with pytest.raises(ValueError, match="cannot be mixed"):
        facts.build()


def test_staged_tables_have_the_declared_columns(facts: Facts) -> None:
    facts.add(
        "team_daily", ONE, {"conversations": 1}, bot_id="b", bot_version="LIVE", channel_code="w", language_code="d"
    )
    facts.add("country_daily", ONE, {"conversations": 1}, country_code="DE")
    facts.set("intent_daily", ONE, {"hits": 1, "rank": 1, "is_top_n": False}, intent="a")
    for name, table in facts.build().tables.items():
        assert name in STAGED_FACTS
        assert isinstance(table, pa.Table)
        assert table.schema == staged_schema(name)
