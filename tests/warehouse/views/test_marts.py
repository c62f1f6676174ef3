"""The monthly answers that people ask for first, against figures worked out by hand."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tests.warehouse.sample import (
    LOADED_AT,
    STORE_KINDS,
    build_chunk_commit,
    build_staged_table,
    columns_of_views,
    consecutive_days,
    open_sample_store,
    query_rows,
)
from warehouse.ddl.views import view_queries
from warehouse.model.columns import NOT_ADDITIVE
from warehouse.model.schema import STAGED_FACTS, fact_table
from warehouse.records import AccountRow
from warehouse.store import Store

COLUMNS = {
    "conversation_monthly": "days days_in_month conversations messages user_messages interactions understood_messages "
    "misunderstood_messages call_duration_seconds cost_amount cost_currency tokens labels",
    "channel_monthly": "channel channel_group is_test days days_in_month conversations messages interactions "
    "call_duration_seconds labels",
    "understood_monthly": "days days_in_month understood_messages misunderstood_messages understood_rate labels",
    "containment_monthly": "source days days_in_month conversations handed_over contained containment_rate labels",
    "intent_trend": "intent intent_folded hits days days_in_month hits_per_day previous_hits previous_days "
    "previous_days_in_month previous_hits_per_day hits_change hits_per_day_change is_top_n labels",
    "cost_per_conversation_monthly": "cost_currency days days_in_month conversations cost_amount "
    "cost_per_conversation labels",
    "peak_hour_monthly": "days days_in_month hour conversations all_conversations hour_share labels",
}
WEEKLY_COLUMNS = {
    "conversation_weekly": "iso_year iso_week days conversations messages user_messages interactions "
    "understood_messages misunderstood_messages call_duration_seconds cost_amount cost_currency tokens labels",
    "channel_weekly": "iso_year iso_week channel channel_group is_test days conversations messages interactions "
    "call_duration_seconds labels",
    "understood_weekly": "iso_year iso_week days understood_messages misunderstood_messages understood_rate labels",
    "intent_weekly": "intent intent_folded hits days previous_hits previous_days hits_change is_top_n labels",
}
_TREND = "* EXCLUDE (provider, account, intent_folded, labels)"
FEBRUARY, MARCH, APRIL = date(2025, 2, 1), date(2025, 3, 1), date(2025, 4, 1)
SHOP = AccountRow("shop", "chatdash", "p-1", "Europe/Berlin", FEBRUARY, 3)
VOICE = AccountRow("voice", "chatcaptain", "c-1", "Europe/Berlin", FEBRUARY, 3)
MUTE = AccountRow("mute", "cognigy", "m-1", "Europe/Berlin", FEBRUARY, 3)
SLICES = [*consecutive_days(2, date(2025, 2, 27)), *consecutive_days(3, MARCH), *consecutive_days(3, APRIL)]

Row = dict[str, object]


def cost_columns(amount: str, currency: str | None, conversations: int | None = 10) -> Row:
    return {"cost_amount": Decimal(amount), "cost_currency": currency, "conversations": conversations}


def load_facts(store: Store, account: AccountRow, **facts: list[Row]) -> None:
    days = {row["date"] for row in facts.get("conversation_daily", [])}
    facts["conversation_daily"] = [
        *facts.get("conversation_daily", []),
        *({"date": day} for day in SLICES if day not in days),
    ]
    tables = {name: build_staged_table(name, lines) for name, lines in facts.items()}
    store.commit(build_chunk_commit(SLICES, dict(tables), account=account, loaded_at=LOADED_AT))


def row_of_day(day: date, **row: object) -> Row:
    return {"date": day, **row}


@pytest.fixture(scope="module", params=sorted(STORE_KINDS))
def loaded_store(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Store:
    store = open_sample_store(tmp_path_factory.mktemp("marts"), request.param)
    load_facts(store, MUTE)
    load_facts(
        store,
        SHOP,
        conversation_daily=[
            row_of_day(date(2025, 2, 27), **cost_columns("1.000001", "EUR"), unique_users=7, understood_messages=2),
            row_of_day(date(2025, 2, 28), **cost_columns("0", None, 5), unique_users=7),
            row_of_day(
                date(2025, 3, 1), **cost_columns("1.5", "EUR", 3), understood_messages=2, misunderstood_messages=1
            ),
            row_of_day(
                date(2025, 3, 2), **cost_columns("2", "USD", 4), understood_messages=0, misunderstood_messages=3
            ),
            row_of_day(date(2025, 3, 3), **cost_columns("9", "USD", None), misunderstood_messages=50),
            row_of_day(date(2025, 4, 1), **cost_columns("3", None, 6), understood_messages=0, misunderstood_messages=0),
            row_of_day(date(2025, 4, 2), conversations=100, call_duration_seconds=Decimal("0.5"), tokens=8),
            row_of_day(date(2025, 4, 3), **cost_columns("1", "EUR", 4)),
        ],
        intent_daily=[
            row_of_day(date(2025, 2, 27), intent="prices", hits=5, rank=1, is_top_n=True),
            row_of_day(date(2025, 3, 1), intent="prices", hits=2, rank=1, is_top_n=False),
            row_of_day(date(2025, 3, 1), intent="hours", hits=1, rank=2, is_top_n=False),
            row_of_day(date(2025, 4, 1), intent="prices", hits=4, rank=1, is_top_n=True),
        ],
    )
    load_facts(store, VOICE, **_voice())
    store.publish()
    return store


def _voice() -> dict[str, list[Row]]:
    single = [(date(2025, 2, 27), "whatsapp", None)]
    single += [(date(2025, 3, 1), "whatsapp", target) for target in ("desk", "NA", None, None, None, None)]
    single += [(date(2025, 3, 1), channel, None) for channel in ("webchat", "webchat", "debug")]
    single += [(date(2025, 4, 1), "whatsapp", None), (date(2025, 3, 2), "debug", "desk")]
    reported = [(date(2025, 2, 27), "c-1", 5, 1), (date(2025, 3, 1), "c-1", 50, 9), (date(2025, 2, 27), "c-2", 8, None)]
    metrics = [
        row_of_day(day, metric=metric, member=member, channel_id=channel, value=Decimal(value))
        for day, channel, calls, handed_over in reported
        for metric, member, value in (
            ("channel_conversations", None, calls),
            ("channel_call_transfer_targets", "desk", handed_over),
        )
        if value is not None
    ]
    return {
        "conversation_daily": [row_of_day(APRIL, **cost_columns("3", None, None))],
        "conversation": [
            row_of_day(
                day,
                conversation_id=f"c{number}",
                channel_code=channel,
                transfer_target=target,
                started_at=datetime(day.year, day.month, day.day, 9, tzinfo=UTC),
            )
            for number, (day, channel, target) in enumerate(single)
        ],
        "metric_daily": metrics,
        "intent_daily": [
            row_of_day(date(2025, 2, 27), intent="prices", hits=5, rank=1, is_top_n=False),
            row_of_day(date(2025, 2, 28), intent="prices", hits=1, rank=1, is_top_n=False),
            row_of_day(date(2025, 2, 28), intent="hours", hits=7, rank=2, is_top_n=False),
            row_of_day(date(2025, 3, 1), intent="prices", hits=8, rank=1, is_top_n=False),
            row_of_day(date(2025, 3, 1), intent="unknown", hits=1, rank=2, is_top_n=False),
        ],
        "channel_daily": [
            row_of_day(date(2025, 3, 1), channel_code="webchat", conversations=4, messages=9),
            row_of_day(date(2025, 3, 2), channel_code="webchat", conversations=6, call_duration_seconds=Decimal("1.5")),
            row_of_day(date(2025, 3, 2), channel_code="debug", conversations=2),
            row_of_day(date(2025, 4, 1), channel_code="webchat", conversations=1),
        ],
    }


@pytest.mark.parametrize("view", [*COLUMNS, *WEEKLY_COLUMNS])
def test_columns(loaded_store: Store, view: str) -> None:
    table = loaded_store.read(f"SELECT * FROM {view}")
    period, names = ("month", COLUMNS[view]) if view in COLUMNS else ("week", WEEKLY_COLUMNS[view])
    assert table.column_names == [period, "provider", "account", *names.split()]
    assert table.num_rows


@pytest.fixture(scope="module")
def view_columns(loaded_store: Store) -> dict[str, dict[str, str]]:
    return columns_of_views(loaded_store)


def test_every_monthly_view_is_listed(view_columns: dict[str, dict[str, str]]) -> None:
    first = {view: next(iter(columns)) for view, columns in view_columns.items()}
    assert set(first.values()) == {"date", "week", "month", "table_schema"}
    assert {view for view, column in first.items() if column == "month"} == set(COLUMNS)
    assert {view for view, column in first.items() if column == "week"} == set(WEEKLY_COLUMNS)


def test_every_column_of_every_view_is_explained(loaded_store: Store) -> None:
    silent = (
        "SELECT table_name, column_name FROM duckdb_columns() JOIN duckdb_views() ON view_name = table_name "
        "WHERE NOT duckdb_views.internal AND trim(coalesce(duckdb_columns.comment, '')) = ''"
    )
    assert {name for name, _ in query_rows(loaded_store, silent)}.isdisjoint(view_queries())


def test_a_view_explains_only_columns_that_it_has(loaded_store: Store, view_columns: dict[str, dict[str, str]]) -> None:
    for view, text in view_queries().items():
        explained = {line[5:].split(":")[0] for line in text.splitlines() if line.startswith("--   ")}
        assert explained <= view_columns[view].keys(), view
    comments = query_rows(loaded_store, "SELECT view_name, comment FROM duckdb_views() WHERE NOT internal")
    assert [view for view, comment in comments if "--" in str(comment) or ": Days" in str(comment)] == []


def test_no_view_answers_in_a_type_that_other_tools_take_for_a_float(view_columns: dict[str, dict[str, str]]) -> None:
    for view, columns in view_columns.items():
        assert columns, view
        assert not set(columns.values()) & {"HUGEINT", "DOUBLE", "FLOAT"}, view


def test_totals_are_of_the_additive_measures_alone() -> None:
    totals = fact_table("conversation_daily").columns
    additive = [c.name for c in totals if c.info["role"] == "measure" and c.info["additivity"] != NOT_ADDITIVE]
    shown = COLUMNS["conversation_monthly"].split()
    assert [name for name in shown if name not in {"days", "days_in_month", "cost_currency", "labels"}] == additive
    never = {
        c.name for name in STAGED_FACTS for c in fact_table(name).columns if c.info.get("additivity") == NOT_ADDITIVE
    }
    assert "unique_users" in never
    assert not never & {name for names in COLUMNS.values() for name in names.split()}


def test_months_are_totals_of_their_loaded_days(loaded_store: Store) -> None:
    sql = (
        "SELECT month, days, conversations, misunderstood_messages, call_duration_seconds, tokens "
        "FROM conversation_monthly WHERE account = 'shop' ORDER BY month"
    )
    assert query_rows(loaded_store, sql) == [
        (FEBRUARY, 2, 15, None, None, None),
        (MARCH, 3, 7, 54, None, None),
        (APRIL, 3, 110, 0, Decimal("0.500"), 8),
    ]


def test_what_a_provider_does_not_tell_is_not_zero(loaded_store: Store) -> None:
    sql = "SELECT days, conversations, cost_amount FROM conversation_monthly WHERE account = 'mute' ORDER BY month"
    assert query_rows(loaded_store, sql) == [(2, None, None), (3, None, None), (3, None, None)]


def test_currencies_are_never_mixed(loaded_store: Store) -> None:
    sql = "SELECT month, cost_amount, cost_currency FROM conversation_monthly WHERE account = '{}' ORDER BY month"
    assert query_rows(loaded_store, sql.format("shop")) == [
        (FEBRUARY, Decimal("1.000001"), "EUR"),
        (MARCH, None, None),
        (APRIL, None, None),
    ]
    assert query_rows(loaded_store, sql.format("voice"))[2] == (APRIL, Decimal(3), None)


def test_a_conversation_costs_by_currency_where_both_are_told(loaded_store: Store) -> None:
    sql = (
        "SELECT * EXCLUDE (provider, account, labels) FROM cost_per_conversation_monthly ORDER BY month, cost_currency"
    )
    assert query_rows(loaded_store, sql) == [
        (FEBRUARY, "EUR", 2, 28, 15, Decimal("1.000001"), Decimal("0.066667")),
        (MARCH, "EUR", 1, 31, 3, Decimal("1.5"), Decimal("0.5")),
        (MARCH, "USD", 1, 31, 4, Decimal(2), Decimal("0.5")),
        (APRIL, "EUR", 1, 30, 4, Decimal(1), Decimal("0.25")),
        (APRIL, None, 1, 30, 6, Decimal(3), Decimal("0.5")),
    ]


def test_channels_are_conformed_and_tests_are_marked(loaded_store: Store) -> None:
    sql = (
        "SELECT month, channel, channel_group, is_test, conversations, messages, call_duration_seconds "
        "FROM channel_monthly ORDER BY month, is_test"
    )
    assert query_rows(loaded_store, sql) == [
        (MARCH, "webchat", "web", False, 10, 9, Decimal("1.5")),
        (MARCH, "webchat", "test", True, 2, None, None),
        (APRIL, "webchat", "web", False, 1, None, None),
    ]


def test_a_rate_of_understanding_is_of_days_that_tell_both(loaded_store: Store) -> None:
    sql = "SELECT * EXCLUDE (provider, account, labels) FROM understood_monthly WHERE account = '{}' ORDER BY month"
    assert query_rows(loaded_store, sql.format("shop")) == [
        (FEBRUARY, 0, 28, None, None, None),
        (MARCH, 2, 31, 2, 4, Decimal("0.333333")),
        (APRIL, 1, 30, 0, 0, None),
    ]
    assert {(line[1], *line[3:]) for line in query_rows(loaded_store, sql.format("mute"))} == {(0, None, None, None)}


def test_containment_is_of_channels_and_months_that_tell_transfers(loaded_store: Store) -> None:
    sql = "SELECT * EXCLUDE (provider, labels) FROM containment_monthly ORDER BY month"
    assert query_rows(loaded_store, sql) == [
        (FEBRUARY, "voice", "reports", 1, 28, 5, 1, 4, Decimal("0.8")),
        (MARCH, "voice", "conversations", 2, 31, 6, 2, 4, Decimal("0.666667")),
    ]


def test_an_intent_is_compared_by_day_where_months_have_other_days(loaded_store: Store) -> None:
    sql = f"SELECT {_TREND} FROM intent_trend WHERE account = 'voice' ORDER BY month, intent"
    before = (None, None, 31, None, None, None)
    assert query_rows(loaded_store, sql) == [
        (FEBRUARY, "hours", 7, 2, 28, Decimal("3.5"), *before, False),
        (FEBRUARY, "prices", 6, 2, 28, Decimal(3), *before, False),
        (MARCH, "hours", 0, 1, 31, 0, 7, 2, 28, Decimal("3.5"), None, Decimal("-3.5"), False),
        (MARCH, "prices", 8, 1, 31, 8, 6, 2, 28, 3, None, 5, False),
        (MARCH, "unknown", 1, 1, 31, 1, 0, 2, 28, 0, None, 1, False),
    ]


def test_what_a_cut_off_list_leaves_out_is_unknown(loaded_store: Store) -> None:
    sql = f"SELECT {_TREND} FROM intent_trend WHERE account = 'shop' ORDER BY month, intent"
    assert query_rows(loaded_store, sql) == [
        (FEBRUARY, "prices", 5, 1, 28, 5, None, None, 31, None, None, None, True),
        (MARCH, "hours", 1, 1, 31, 1, None, 1, 28, None, None, None, True),
        (MARCH, "prices", 2, 1, 31, 2, 5, 1, 28, 5, -3, -3, True),
        (APRIL, "prices", 4, 1, 30, 4, 2, 1, 31, 2, 2, 2, True),
    ]


def test_every_monthly_view_says_of_how_many_of_how_many_days_it_is(view_columns: dict[str, dict[str, str]]) -> None:
    for view in COLUMNS:
        assert {"days", "days_in_month"} <= view_columns[view].keys(), view
