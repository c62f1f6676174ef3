"""The catalog holds every declared table and every view, and says of each column what the declaration says."""

from collections.abc import Mapping

from warehouse.ddl.views import view_queries
from warehouse.docs.catalog import Relation
from warehouse.docs.relations import duckdb_type
from warehouse.model.schema import metadata


def test_every_table_and_view_is_in_it_once(catalog: Mapping[str, Relation]) -> None:
    assert {name for name, relation in catalog.items() if relation.is_view} == set(view_queries())
    assert {name for name, relation in catalog.items() if not relation.is_view} == set(metadata.tables)
    assert all(relation.schema == "main" for relation in catalog.values() if relation.is_view)


def test_tables_are_as_declared(catalog: Mapping[str, Relation]) -> None:
    for table in metadata.tables.values():
        relation = catalog[table.name]
        declared = [(column.name, duckdb_type(column), column.comment) for column in table.columns]
        assert [(column.name, column.type, column.comment) for column in relation.columns] == declared
        assert [column.is_required for column in relation.columns] == [not column.nullable for column in table.columns]
    assert catalog["fact_channel_daily"].column("channel_key").joins == ("dim_channel", "channel_key")
    assert catalog["fact_channel_daily"].column("date").joins == ("dim_date", "date")
    assert catalog["dim_channel"].column("channel_key").is_unique
    assert catalog["fact_metric_daily"].grain == ("account_key", "date", "metric_key", "member", "channel_id")


def test_every_column_has_a_meaning(catalog: Mapping[str, Relation]) -> None:
    missing = [
        f"{relation.name}.{column.name}"
        for relation in catalog.values()
        for column in relation.columns
        if not column.comment
    ]
    assert missing == []
    assert all(relation.comment for relation in catalog.values())


def test_what_adds_up_in_a_view(catalog: Mapping[str, Relation]) -> None:
    def list_additive(view: str) -> list[str]:
        return [column.name for column in catalog[view].columns if column.is_additive]

    assert "conversations" in list_additive("conversation_daily")
    assert "unique_users" not in list_additive("conversation_daily")
    assert list_additive("cost_per_conversation_monthly") == ["conversations", "cost_amount"]
    assert list_additive("inbox_daily") == list_additive("metric_daily") == list_additive("coverage") == []
    assert list_additive("token_daily") == ["tokens"]
    assert list_additive("intent_trend") == ["hits"]
