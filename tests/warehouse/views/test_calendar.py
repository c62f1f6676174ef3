"""Weeks, weekdays, local hours and comparisons with the week before, against figures worked out by hand."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from tests.warehouse.sample import STORE_KINDS, build_chunk_commit, build_staged_table, open_sample_store, query_rows
from warehouse.records import AccountRow
from warehouse.store import Store

MONDAY = date(2025, 3, 24)
"""Of the week at whose end clocks go forward in Berlin; Lord Howe's half hour goes back on April 6th."""
LABELS = '{"brand": "Aurora", "customer": "Acme"}'
BERLIN = AccountRow("berlin", "chatcaptain", "b", "Europe/Berlin", MONDAY, 3, labels=LABELS)
HOWE = AccountRow("howe", "chatcaptain", "h", "Australia/Lord_Howe", date(2025, 4, 5), 3)


def days_from(first: date, *offsets: int) -> list[date]:
    return [first + timedelta(offset) for offset in offsets]


@pytest.fixture(scope="module", params=sorted(STORE_KINDS))
def loaded_store(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Store:
    store = open_sample_store(tmp_path_factory.mktemp("calendar"), request.param)
    days = days_from(MONDAY, 0, 1, 6, 7, 9, 13)  # the second Tuesday is missing
    totals = [
        {
            "date": day,
            "conversations": count,
            "messages": messages,
            "cost_amount": Decimal(count),
            "cost_currency": "EUR",
        }
        for day, count, messages in zip(days, (10, 20, 0, 15, 8, 3), (1, None, 3, 4, 5, 6), strict=True)
    ]
    channels = [(days[0], "webchat", 6), (days[0], "whatsapp", 4), (days[3], "webchat", 15), (days[5], "webchat", 3)]
    hours = [(0, 30), (0, 45), (1, 30), (22, 30)]
    tables = {
        "conversation_daily": build_staged_table("conversation_daily", totals),
        "channel_daily": build_staged_table(
            "channel_daily",
            [{"date": day, "channel_code": code, "conversations": count} for day, code, count in channels],
        ),
        "intent_daily": build_staged_table(
            "intent_daily",
            [
                {"date": day, "intent": intent, "hits": hits, "is_top_n": False}
                for day, intent, hits in (
                    (days[0], "Öffnungszeiten", 1),
                    (days[0], "öffnungszeiten", 2),
                    (days[3], "OFFNUNGSZEITEN", 4),
                )
            ],
        ),
        "conversation": build_staged_table(
            "conversation",
            [
                {
                    "date": days[2] + timedelta(hour == 22),
                    "conversation_id": f"{hour}:{minute}",
                    "started_at": datetime(2025, 3, 30, hour, minute, tzinfo=UTC),
                    "channel_code": "webchat",
                }
                for hour, minute in hours
            ],
        ),
    }
    store.commit(build_chunk_commit(days, tables, account=BERLIN))
    store.commit(build_chunk_commit(days_from(HOWE.start_date or MONDAY, 0, 1), {}, account=HOWE))
    store.publish()
    return store


def test_the_calendar_has_no_holes(loaded_store: Store) -> None:
    query = "SELECT min(date), max(date), count(*), count(DISTINCT date) FROM dim_date"
    assert query_rows(loaded_store, query) == [(MONDAY, date(2025, 4, 6), 14, 14)]


def test_a_local_day_has_the_hours_of_its_zone(loaded_store: Store) -> None:
    query = "SELECT account, date, hours FROM account_day WHERE hours <> 24 AND date < '2025-04-30' ORDER BY ALL"
    assert query_rows(loaded_store, query) == [
        ("berlin", date(2025, 3, 30), Decimal(23)),
        ("howe", date(2025, 4, 6), Decimal("24.5")),
    ]
    query = (
        "SELECT date, weekday, is_weekend, is_loaded FROM account_day "
        "WHERE account = 'berlin' AND date BETWEEN '2025-03-29' AND '2025-04-01' ORDER BY date"
    )
    assert query_rows(loaded_store, query) == [
        (date(2025, 3, 29), 6, True, False),
        (date(2025, 3, 30), 7, True, True),
        (date(2025, 3, 31), 1, False, True),
        (date(2025, 4, 1), 2, False, False),
    ]


def test_weeks_are_of_iso_8601_and_name_their_days(loaded_store: Store) -> None:
    query = "SELECT week, iso_year, iso_week, days, conversations, messages FROM conversation_weekly"
    assert query_rows(loaded_store, f"{query} WHERE account = 'berlin' ORDER BY week") == [
        (MONDAY, 2025, 13, 3, 30, 4),
        (MONDAY + timedelta(7), 2025, 14, 3, 26, 15),
    ]
    query = "SELECT week, channel, days, conversations FROM channel_weekly ORDER BY ALL"
    assert query_rows(loaded_store, query) == [
        (MONDAY, "webchat", 2, 6),  # Monday has channels, Sunday no conversation
        (MONDAY, "whatsapp", 2, 4),
        (MONDAY + timedelta(7), "webchat", 2, 18),
    ]


def test_a_day_is_compared_with_the_same_weekday(loaded_store: Store) -> None:
    query = (
        "SELECT date, conversations, previous_conversations, conversations_change, conversations_change_rate, "
        "messages_change, cost_amount_change FROM conversation_daily_change WHERE account = 'berlin' ORDER BY date"
    )
    rows = {row[0]: row[1:] for row in query_rows(loaded_store, query)}
    assert rows[MONDAY] == (10, None, None, None, None, None)
    assert rows[MONDAY + timedelta(7)] == (15, 10, 5, Decimal("0.5"), 3, Decimal(5))
    assert rows[MONDAY + timedelta(9)] == (8, None, None, None, None, None), "the day before is not loaded"
    assert rows[MONDAY + timedelta(13)] == (3, 0, 3, None, 3, Decimal(3))
    query = (
        "SELECT date, channel, conversations, previous_conversations, conversations_change FROM channel_daily_change "
        "ORDER BY ALL"
    )
    assert query_rows(loaded_store, query) == [
        (MONDAY, "webchat", 6, None, None),
        (MONDAY, "whatsapp", 4, None, None),
        (MONDAY + timedelta(7), "webchat", 15, 6, 9),
        (MONDAY + timedelta(7), "whatsapp", 0, 4, -4),
        (MONDAY + timedelta(13), "webchat", 3, 0, 3),
    ]


def test_spellings_of_an_intent_are_folded(loaded_store: Store) -> None:
    query = "SELECT intent_folded, CAST(sum(hits) AS BIGINT), count(DISTINCT intent) FROM intent_daily GROUP BY ALL"
    assert query_rows(loaded_store, query) == [("offnungszeiten", 7, 3)]
    query = "SELECT week, intent, hits, days, previous_hits, hits_change FROM intent_weekly ORDER BY ALL"
    assert query_rows(loaded_store, query) == [
        (MONDAY, "Öffnungszeiten", 1, 2, None, None),
        (MONDAY, "öffnungszeiten", 2, 2, None, None),
        (MONDAY + timedelta(7), "OFFNUNGSZEITEN", 4, 1, 0, None),
        (MONDAY + timedelta(7), "Öffnungszeiten", 0, 1, 1, None),
        (MONDAY + timedelta(7), "öffnungszeiten", 0, 1, 2, None),
    ]


def test_hours_are_those_of_the_local_clock(loaded_store: Store) -> None:
    query = "SELECT date, hour, channel, conversations FROM conversation_hourly ORDER BY ALL"
    assert query_rows(loaded_store, query) == [
        (date(2025, 3, 30), 1, "webchat", 2),
        (date(2025, 3, 30), 3, "webchat", 1),  # 01:30 UTC, after the change
        (date(2025, 3, 31), 0, "webchat", 1),
    ]
    query = "SELECT month, days, hour, conversations, all_conversations, hour_share FROM peak_hour_monthly"
    assert query_rows(loaded_store, query) == [(date(2025, 3, 1), 2, 1, 2, 4, Decimal("0.5"))]


def test_labels_are_in_every_view_of_an_account(loaded_store: Store) -> None:
    query = (
        "SELECT labels ->> '$.customer' AS customer, CAST(sum(conversations) AS BIGINT) FROM conversation_monthly "
        "GROUP BY ALL ORDER BY ALL"
    )
    assert query_rows(loaded_store, query) == [("Acme", 56)]
