"""An invented warehouse for reports: three accounts with different measures, eight weeks up to 28 March 2025.

``support`` has conversations and channels; ``sales`` has cost, understanding, cut-off intents and countries;
``voice`` begins in March and has channels with a test channel, languages, complete intents and single conversations.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb

from extractors.account import Account
from extractors.chatcaptain.account import ChatcaptainAccount
from extractors.chatdash.account import ChatdashAccount
from extractors.cognigy.account import CognigyAccount
from pipelines.loads.workspace import build_account_row
from tests.warehouse.sample import build_chunk_commit, build_staged_table, consecutive_days
from warehouse.records import MeasureDefinition, ReconciliationEntry
from warehouse.store import Store

NOW = datetime(2025, 3, 29, 12, tzinfo=UTC)
FEBRUARY, MARCH, LAST_DAY = date(2025, 2, 1), date(2025, 3, 1), date(2025, 3, 28)
BOTH_PERIODS = (MARCH - timedelta(days=28), LAST_DAY)
LARGEST_COUNT = 10**18 - 1
HOSTILE_NAME = "</title><script>alert('x')</script>\"&amp; ü"
"""A name that would break a page that does not escape it."""

Row = dict[str, Any]


def build_cognigy_account(name: str, **more: Any) -> CognigyAccount:
    base = {"name": name, "project_id": "0" * 24, "api_key": "fake-key", "start_date": FEBRUARY}
    return CognigyAccount.model_validate({**base, **more})


SUPPORT = build_cognigy_account("support")
SALES = ChatdashAccount.model_validate(
    {"name": "sales", "project_id": "p", "api_key": "fake-key", "start_date": FEBRUARY}
)
VOICE = ChatcaptainAccount.model_validate(
    {"name": "voice", "chatbot_id": "c", "api_key": "fake-key", "start_date": MARCH}
)
ACCOUNTS: tuple[Account, ...] = (SUPPORT, SALES, VOICE)
MEASURE_DEFINITIONS = [
    MeasureDefinition("cognigy", "conversations", "Billable units.", "units", "additive"),
    MeasureDefinition("chatdash", "conversations", "Chats of the project.", "conversations", "additive"),
]


def fill_store(store: Store) -> None:
    """Load and publish all three accounts."""
    store.set_accounts_and_measures([build_account_row(account) for account in ACCOUNTS], MEASURE_DEFINITIONS)
    commit_days(store, SUPPORT, consecutive_days(56, FEBRUARY), _support_facts())
    commit_days(store, SALES, consecutive_days(56, FEBRUARY), _sales_facts())
    reported, loaded = Decimal(12), Decimal(10)
    entry = ReconciliationEntry(MARCH, "conversations", "export", reported, loaded, "unexplained", None)
    commit_days(store, VOICE, consecutive_days(28, MARCH), _voice_facts(), reconciled=(entry,))
    store.publish()


def fill_rich_store(store: Store) -> list[Account]:
    """Load and publish March of four accounts with every breakdown of a report, and return those of the report.

    ``support`` misses the days from 10 to 13 March, reports 0 on the 20th and nothing on the 21st. ``sales`` has tokens
    of models and reasons of ends, ``voice`` targets of handovers, ``second`` those of reports only. A fifth account,
    ``former``, is not in the report.
    """
    second = ChatcaptainAccount.model_validate({**VOICE.model_dump(), "name": "second", "chatbot_id": "d"})
    former = build_cognigy_account("former")
    accounts = [SUPPORT, SALES, VOICE, second]
    store.set_accounts_and_measures(
        [build_account_row(account) for account in (*accounts, former)], MEASURE_DEFINITIONS
    )
    march = consecutive_days(28, MARCH)
    support = [day for day in march if not 10 <= day.day <= 13]
    totals = [{"date": day, "conversations": {20: 0, 21: None}.get(day.day, day.day)} for day in support]
    webchat = [{"date": day, "channel_code": "webchat", "conversations": day.day} for day in support if day.day < 20]
    commit_days(store, SUPPORT, support, {"conversation_daily": totals, "channel_daily": webchat})
    commit_days(store, former, march, {"conversation_daily": [{"date": day, "conversations": 99} for day in march]})
    sales = {name: [row for row in rows if row["date"] >= MARCH] for name, rows in _sales_facts().items()}
    sales["metric_daily"] = [
        {"date": day, "metric": metric, "member": member, "value": Decimal(value)}
        for day in march
        for metric, member, value in (
            ("tokens", "small-model", 100 + day.day),
            ("tokens", "large-model", 2000),
            ("end_reason", "hangup", 12),
            ("end_reason", "transfer", 8),
        )
    ]
    commit_days(store, SALES, march, sales)
    commit_days(store, VOICE, march, _voice_facts())
    calls = [
        {"date": MARCH, "metric": metric, "member": member, "channel_id": "c-1", "value": Decimal(value)}
        for metric, member, value in (
            ("channel_conversations", None, 9),
            ("channel_call_transfer_targets", "hotline", 2),
            ("channel_call_transfer_targets", "office", 1),
        )
    ]
    few = [{"date": day, "conversations": 5} for day in march]
    commit_days(store, second, march, {"conversation_daily": few, "metric_daily": calls})
    store.publish()
    return accounts


def commit_days(
    store: Store, account: Account, slices: Sequence[date], facts: Mapping[str, Sequence[Row]], **more: Any
) -> None:
    """Commit these days of an account; a day without a row of totals gets one without measures."""
    reported_days = {row["date"] for row in facts.get("conversation_daily", ())}
    totals = [*facts.get("conversation_daily", ()), *({"date": day} for day in slices if day not in reported_days)]
    tables = {name: build_staged_table(name, rows) for name, rows in {**facts, "conversation_daily": totals}.items()}
    store.commit(
        build_chunk_commit(list(slices), dict(tables), account=build_account_row(account), loaded_at=NOW, **more)
    )


def _support_facts() -> dict[str, list[Row]]:
    return {
        "conversation_daily": [
            {"date": day, "conversations": 1000 + 10 * day.day, "call_duration_seconds": Decimal(90)}
            for day in _all_days()
        ],
        "channel_daily": [
            {"date": day, "channel_code": code, "conversations": count}
            for day in _all_days()
            for code, count in (("webchat", 900), ("whatsapp", 100))
        ],
    }


def _sales_facts() -> dict[str, list[Row]]:
    return {
        "conversation_daily": [
            {
                "date": day,
                "conversations": 20,
                "understood_messages": 9 if day < MARCH else 8,
                "misunderstood_messages": 1,
                "cost_amount": Decimal("0.5") if day.day % 2 else Decimal(3),
                "cost_currency": "EUR" if day.day % 2 else "USD",
            }
            for day in _all_days()
        ],
        "intent_daily": [
            {"date": day, "intent": intent, "hits": hits, "rank": rank, "is_top_n": True}
            for day in _all_days()
            for rank, (intent, hits) in enumerate(((HOSTILE_NAME, 5), ("prices", 3)), start=1)
        ],
        "country_daily": [
            {"date": day, "country_code": "NA", "conversations": 7 if day < MARCH else 14} for day in _all_days()
        ],
    }


def _voice_facts() -> dict[str, list[Row]]:
    march = consecutive_days(28, MARCH)
    start = datetime(2025, 3, 1, 12, tzinfo=UTC)
    return {
        "conversation_daily": [{"date": day, "conversations": 50, "messages": 300} for day in march],
        "channel_daily": [
            {"date": day, "channel_code": code, "conversations": count}
            for day in march
            for code, count in (("webchat", 50), ("debug", 4))
        ],
        "language_daily": [{"date": day, "language_code": "pt-BR", "conversations": 50} for day in march],
        "intent_daily": [{"date": day, "intent": "refund", "hits": 2, "rank": 1, "is_top_n": False} for day in march],
        "conversation": [
            {
                "date": MARCH,
                "conversation_id": f"c{number}",
                "started_at": start,
                "channel_code": "webchat",
                "transfer_target": "hotline" if number == 0 else None,
            }
            for number in range(4)
        ],
    }


def _all_days() -> Iterator[date]:
    yield from consecutive_days(56, FEBRUARY)


def enlarge_numbers(store: Store, account: str) -> None:
    """Set every measure of an account in the published DuckDB file to the largest value that its column can take."""
    with duckdb.connect(str(store.location)) as con:
        columns = con.execute(
            "SELECT 'star.' || table_name, column_name, data_type FROM duckdb_columns() "
            "WHERE schema_name = 'star' AND starts_with(table_name, 'fact_') "
            "AND NOT ends_with(column_name, '_key') AND (data_type = 'BIGINT' OR starts_with(data_type, 'DECIMAL'))"
        ).fetchall()
        for table, column, kind in columns:
            largest = str(LARGEST_COUNT) if kind == "BIGINT" else _largest_decimal(kind)
            con.execute(
                f'UPDATE {table} SET "{column}" = {largest} WHERE "{column}" IS NOT NULL '
                "AND account_key = (SELECT account_key FROM dim_account WHERE account = ?)",
                [account],
            )


def _largest_decimal(kind: str) -> str:
    """Return the largest number of a type such as ``DECIMAL(18,3)``."""
    precision, scale = (int(digits) for digits in kind.removeprefix("DECIMAL(").removesuffix(")").split(","))
    return f"{'9' * (precision - scale)}.{'9' * scale}"
