import pyarrow as pa
import pytest

from warehouse.model.schema import (
    STAGED_FACTS,
    STAGED_MEMBERS,
    fact_table,
    member_schema,
    metadata,
    staged_grain,
    staged_schema,
)

GRAINS = {
    "conversation_daily": ("date",),
    "channel_daily": ("date", "channel_code"),
    "intent_daily": ("date", "intent"),
    "language_daily": ("date", "language_code"),
    "country_daily": ("date", "country_code"),
    "metric_daily": ("date", "metric", "member", "channel_id"),
    "team_daily": ("date", "bot_id", "bot_version", "channel_code", "language_code"),
    "conversation": ("date", "conversation_id"),
    "conversation_intent": ("date", "conversation_id", "intent"),
    "flow_transition": ("date", "conversation_id", "transition_id"),
}


def test_every_table_and_column_is_commented() -> None:
    silent = [table.name for table in metadata.sorted_tables if not table.comment]
    silent += [str(column) for table in metadata.sorted_tables for column in table.columns if not column.comment]
    assert silent == []


def test_grains_begin_with_the_day() -> None:
    assert {name: staged_grain(name) for name in STAGED_FACTS} == GRAINS


@pytest.mark.parametrize("name", STAGED_FACTS)
def test_staged_tables_are_natural(name: str) -> None:
    schema = staged_schema(name)
    assert schema.names[0] == "date"
    assert not [column for column in schema.names if column.endswith("_key")]


def test_staged_types() -> None:
    schema = staged_schema("conversation")
    assert schema.field("started_at").type == pa.timestamp("us", tz="UTC")
    assert schema.field("duration_seconds").type == pa.decimal128(18, 3)
    assert schema.field("channel_code").type == pa.string()
    assert staged_schema("intent_daily").field("rank").type == pa.int32()
    assert staged_schema("metric_daily").field("value").type == pa.decimal128(28, 9)


def test_every_measure_says_unit_and_additivity() -> None:
    measures = [
        c for name in STAGED_FACTS for c in fact_table(name).columns if c.info["role"] in {"measure", "position"}
    ]
    assert all(column.info["unit"] and column.info["additivity"] for column in measures)


def test_members() -> None:
    assert {name: member_schema(name).names for name in STAGED_MEMBERS} == {
        "channel": ["channel_code", "channel", "channel_group", "is_test"],
        "language": ["language_code", "language"],
        "country": ["country_code", "country"],
        "metric": ["metric", "unit", "additivity", "description"],
    }
