"""Invented slices of many accounts and years, as a transform stages them, made by one SQL query per table.

No clock and no store comes in here. The same seed makes the same rows.
"""

from datetime import UTC, date, datetime, time, timedelta
from itertools import cycle

import duckdb
import pyarrow as pa

from extractors.registry import PROVIDERS
from warehouse.model.schema import member_schema, staged_schema
from warehouse.records import AccountRow, ChunkCommit, MeasureDefinition, SliceInfo

CHANNELS = (
    ("web", "webchat", "web"),
    ("wa", "whatsapp", "messaging"),
    ("tel", "voice", "voice"),
    ("api", "api", "api"),
)
LANGUAGES = ("de", "en", "fr", "it")
COUNTRIES = ("DE", "AT", "CH", "FR")
METRICS = (("end_reason", 4), ("topic", 12), ("tokens", 3), ("type", 3), ("inbox", 5))
INTENTS = 20
ROWS_PER_SLICE = 1 + len(CHANNELS) + INTENTS + len(LANGUAGES) + len(COUNTRIES) + sum(count for _, count in METRICS)

_NUMBER = "CAST(hash(d.date, {seed}, {salt}) % {below} AS INTEGER)"
_DAYS = "(SELECT CAST(unnest(generate_series(DATE '{first}', DATE '{last}', INTERVAL 1 DAY)) AS DATE) AS date) AS d"
_TABLES = {
    "conversation_daily": """
SELECT date, 40 + {n} AS conversations, 400 + {n} AS messages, 200 + {n} AS user_messages, NULL AS interactions,
    150 + {n} AS understood_messages, 20 AS misunderstood_messages, 30 + {n} AS unique_users,
    60 * {n} AS call_duration_seconds, 0.02 * {n} AS cost_amount, 'EUR' AS cost_currency, 1000 * {n} AS tokens
FROM {days}""",
    "channel_daily": """
SELECT date, m.name AS channel_code, 10 + {n} AS conversations, 100 + {n} AS messages, NULL AS interactions,
    NULL AS call_duration_seconds
FROM {days}, (SELECT unnest({channels}) AS name, generate_subscripts({channels}, 1) AS number) AS m""",
    "intent_daily": """
SELECT date, 'intent ' || m.number AS intent, {n} AS hits, m.number AS rank, m.number <= 10 AS is_top_n
FROM {days}, (SELECT unnest(range(1, {intents})) AS number) AS m""",
    "language_daily": """
SELECT date, m.name AS language_code, 10 + {n} AS conversations
FROM {days}, (SELECT unnest({languages}) AS name, generate_subscripts({languages}, 1) AS number) AS m""",
    "country_daily": """
SELECT date, m.name AS country_code, 10 + {n} AS conversations
FROM {days}, (SELECT unnest({countries}) AS name, generate_subscripts({countries}, 1) AS number) AS m""",
    "metric_daily": """
SELECT date, m.name AS metric, m.name || ' ' || m.number AS member, NULL AS channel_id, {n} AS value
FROM {days}, (SELECT name, unnest(range(1, size + 1)) AS number FROM (VALUES {metrics}) AS t(name, size)) AS m""",
}


def build_accounts(count: int, first: date) -> list[AccountRow]:
    """Build `count` accounts, of all providers in turn."""
    return [
        AccountRow(f"account-{number:03}", provider, f"id-{number}", "Europe/Berlin", first, 3)
        for number, provider in zip(range(count), cycle(PROVIDERS), strict=False)
    ]


def build_measures() -> list[MeasureDefinition]:
    """Build one definition per provider."""
    return [
        MeasureDefinition(name, "conversations", "conversations", "conversations", "additive") for name in PROVIDERS
    ]


def build_chunk(account: AccountRow, first: date, last: date, *, seed: int = 1) -> ChunkCommit:
    """Build the chunk that a load of the local days from ``first`` to ``last`` commits to a store."""
    days = [first + timedelta(number) for number in range((last - first).days + 1)]
    loaded_at = datetime.combine(last + timedelta(days=seed), time(6), UTC)
    slices = tuple(SliceInfo(day, loaded_at, loaded_at, (f"{account.account}/{day}/{seed}",), {}) for day in days)
    number = int(account.account.rpartition("-")[2])
    tables = {name: _build_table(name, first, last, number * 1000 + seed) for name in _TABLES}
    return ChunkCommit(account, slices, tables, _build_members(), (), loaded_at, f"run-{seed}", "benchmark")


def _build_table(name: str, first: date, last: date, seed: int) -> pa.Table:
    salt = "0" if name == "conversation_daily" else "m.number"
    query = _TABLES[name].format(
        n=_NUMBER.format(seed=seed, salt=salt, below=400),
        days=_DAYS.format(first=first, last=last),
        channels=[code for code, _, _ in CHANNELS],
        languages=list(LANGUAGES),
        countries=list(COUNTRIES),
        metrics=", ".join(map(str, METRICS)),
        intents=INTENTS + 1,
    )
    con = duckdb.connect()
    try:
        return con.sql(query).to_arrow_table().cast(staged_schema(name))
    finally:
        con.close()


def _build_members() -> dict[str, pa.Table]:
    rows: dict[str, list[tuple[object, ...]]] = {
        "channel": [(*channel, False) for channel in CHANNELS],
        "language": [(language, language) for language in LANGUAGES],
        "country": [(country, country) for country in COUNTRIES],
        "metric": [(metric, "conversations", "additive", metric) for metric, _ in METRICS],
    }
    return {
        name: pa.Table.from_pylist(
            [dict(zip(member_schema(name).names, row, strict=True)) for row in values], schema=member_schema(name)
        )
        for name, values in rows.items()
    }
