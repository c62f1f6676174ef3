"""The public surface by day: which columns people get, and what stands in them. Marts: `test_marts`."""

import duckdb
import pytest

from tests.warehouse.filled import FilledStores, load_two_days
from tests.warehouse.sample import DAY, STORE_KINDS, columns_of_views, query_rows
from warehouse.ddl.views import referenced_relations
from warehouse.model.schema import STAGED_FACTS, fact_table
from warehouse.store import Store

COLUMNS = {
    "conversation_daily": "conversations messages user_messages interactions understood_messages "
    "misunderstood_messages unique_users call_duration_seconds cost_amount cost_currency tokens weekday labels",
    "channel_daily": "channel_code channel channel_group is_test conversations messages interactions "
    "call_duration_seconds weekday labels",
    "intent_daily": "intent intent_folded hits rank is_top_n weekday labels",
    "language_daily": "language_code language conversations weekday labels",
    "country_daily": "country_code country conversations weekday labels",
    "metric_daily": "metric member channel_id value unit additivity weekday labels",
    "team_daily": "bot_id bot_version channel_code language conversations weekday labels",
    "conversation": "conversation_id started_at ended_at channel_code channel channel_group is_test language_code "
    "language type project_id integration_id messages user_messages interactions duration_seconds end_reason "
    "transfer_target user_id properties weekday labels",
    "conversation_intent": "conversation_id intent intent_folded hits score weekday labels",
    "flow_transition": "conversation_id transition_id from_step_id from_step_type to_step_id to_step_type depth at "
    "weekday labels",
    "end_reason_daily": "end_reason conversations weekday labels",
    "topic_daily": "topic conversations weekday labels",
    "token_daily": "model tokens weekday labels",
    "type_daily": "type conversations weekday labels",
    "inbox_daily": "measure value weekday labels",
    "account_day": "month week weekday is_weekend hours state is_loaded labels",
    "channel_daily_change": "channel_code channel channel_group is_test conversations previous_conversations "
    "conversations_change weekday labels",
    "conversation_daily_change": "conversations previous_conversations conversations_change conversations_change_rate "
    "messages previous_messages messages_change unique_users previous_unique_users unique_users_change cost_amount "
    "previous_cost_amount cost_amount_change cost_currency weekday labels",
    "conversation_hourly": "hour channel is_test conversations weekday labels",
    "coverage": "state weekday labels",
    "load_ledger": "state batches fetched_at loaded_at rows totals zone external_id run_id schema_version code_version "
    "error error_at landed_at privacy",
    "restatement_log": "view member measure old new age_days logged_at arrival",
    "drift": "stream kind name batch",
    "load_run": "run_id command started_at ended_at planned loaded failed requests retries bytes rows waited_seconds "
    "error",
    "reconciliation": "measure against reported loaded difference verdict reason",
}


@pytest.fixture(scope="module", params=sorted(STORE_KINDS))
def loaded_store(
    filled_stores: FilledStores, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Store:
    return filled_stores.copy(request.param, load_two_days, tmp_path_factory.mktemp("views"))


@pytest.mark.parametrize("view", COLUMNS)
def test_columns(loaded_store: Store, view: str) -> None:
    expected = ["date", "provider", "account", *COLUMNS[view].split()]
    assert loaded_store.read(f"SELECT * FROM {view}").column_names == expected


def test_no_view_by_day_is_unlisted(loaded_store: Store) -> None:
    daily = {view for view, columns in columns_of_views(loaded_store).items() if "date" in columns}
    assert daily < set(COLUMNS)


@pytest.mark.parametrize("name", STAGED_FACTS)
def test_every_fact_key_joins_its_dimension(loaded_store: Store, name: str) -> None:
    table = fact_table(name)
    [(total,)] = query_rows(loaded_store, f"SELECT count(*) FROM {table.name}")
    assert total
    for column in table.columns:
        if column.info["role"] == "key":
            dimension = column.info["dimension"]
            [(joined,)] = query_rows(
                loaded_store, f"SELECT count(*) FROM {table.name} JOIN {dimension} USING ({column.name})"
            )
            assert joined == total
    [(dated,)] = query_rows(loaded_store, f"SELECT count(*) FROM {table.name} JOIN dim_date USING (date)")
    assert dated == total


@pytest.mark.parametrize("name", ["account", "channel", "intent", "language", "country", "metric"])
def test_unknown_is_the_one_row_with_key_0(loaded_store: Store, name: str) -> None:
    natural = {"account": "account", "channel": "channel_code", "language": "language_code", "country": "country_code"}
    sql = f"SELECT {natural.get(name, name)} FROM dim_{name} WHERE {name}_key = 0"
    assert query_rows(loaded_store, sql) == [("unknown",)]


def test_names_are_kept_code_point_for_code_point(loaded_store: Store) -> None:
    sql = "SELECT intent, hits, rank FROM intent_daily WHERE date = '2025-03-01' ORDER BY rank"
    assert query_rows(loaded_store, sql) == [("null", 10, 1), (" Öffnungszeiten ", 1, 2), ("unknown", 1, 3)]


def test_a_conversation_without_channel_has_the_unknown_one(loaded_store: Store) -> None:
    sql = "SELECT DISTINCT channel_code, language_code, language, is_test FROM conversation"
    assert query_rows(loaded_store, sql) == [("whatsapp", "unknown", "unknown", False)]


def test_named_metrics(loaded_store: Store) -> None:
    where = "WHERE date = '2025-03-01'"
    assert query_rows(loaded_store, f"SELECT end_reason, conversations FROM end_reason_daily {where}") == [
        ("hangup", 10)
    ]
    assert query_rows(loaded_store, f"SELECT model, tokens FROM token_daily {where}") == [("model-a", 10)]
    assert query_rows(loaded_store, f"SELECT topic, conversations FROM topic_daily {where}") == [("prices", 10)]
    assert query_rows(loaded_store, f"SELECT type, conversations FROM type_daily {where}") == [("unknown", 10)]
    assert query_rows(loaded_store, f"SELECT measure, value * 2 FROM inbox_daily {where}") == [("open", 3)]
    sql = f"SELECT count(*), count(value) FROM metric_daily {where} AND metric = 'messages_median'"
    assert query_rows(loaded_store, sql) == [(2, 1)]


def test_a_team_is_counted_by_base_language(loaded_store: Store) -> None:
    sql = "SELECT language, conversations, typeof(conversations) FROM team_daily WHERE date = '2025-03-01'"
    assert query_rows(loaded_store, sql) == [("pt", 2, "BIGINT")]


def test_dates_are_described(loaded_store: Store) -> None:
    sql = "SELECT year, quarter, month, iso_week, weekday, weekday_name, is_weekend FROM dim_date ORDER BY date LIMIT 1"
    assert query_rows(loaded_store, sql) == [(2025, 1, 3, 9, 6, "Saturday", True)]


def test_the_catalog_explains_views_and_columns(loaded_store: Store) -> None:
    sql = (
        "SELECT comment FROM duckdb_columns() WHERE table_name = 'conversation_daily' AND column_name = 'conversations'"
    )
    assert "billable units" in str(query_rows(loaded_store, sql))
    unexplained = "SELECT view_name FROM duckdb_views() WHERE NOT internal AND comment IS NULL"
    assert query_rows(loaded_store, unexplained) == []


@pytest.mark.parametrize("kind", ["duckdb"], indirect=True)
def test_any_duckdb_tool_opens_the_published_file(one_day: Store) -> None:
    with duckdb.connect(str(one_day.location), read_only=True) as con:
        row = con.execute("SELECT count(*) FROM conversation_daily WHERE date = ?", [DAY]).fetchone()
        assert row == (1,)
        tags = con.execute("SELECT tags FROM duckdb_databases() WHERE NOT internal").fetchone()
        assert "v1.4.0" in str(tags)


def test_a_query_needs_the_relations_that_it_names() -> None:
    assert referenced_relations("SELECT 1 FROM dim_date") == {"dim_date"}
    assert referenced_relations('SELECT 1 FROM (SELECT 1 FROM "fact_channel_daily")') == {"fact_channel_daily"}
    assert {"channel_daily", "fact_channel_daily"} < (referenced_relations('SELECT 1 FROM "channel_daily"') or set())
    for query in ("SELECT 1", "SELECT 1 FROM duckdb_views()", 'SELECT 1 FROM "main"."dim_date"', "SHOW TABLES"):
        assert referenced_relations(query) is None, query
