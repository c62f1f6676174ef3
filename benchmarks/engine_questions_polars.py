"""The ten questions of ``benchmarks/questions`` in polars: one function each, of the name of the question's file.

`table` returns the rows of a table of the star, lazily. A dimension's member may stand in several files of the lake.
"""

# ruff: noqa: D103 - a question is described by the SQL of the same name

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl  # type: ignore[import-not-found,unused-ignore]

Table = Callable[[str], Any]
"""Returns the ``LazyFrame`` of a table."""

DAY = pl.duration(days=1)
MICRO = 1_000_000


def _of_accounts(table: Table, fact: str) -> Any:
    return table(fact).join(_members(table, "account").select("account_key", "provider", "account"), on="account_key")


def _members(table: Table, dimension: str) -> Any:
    return table(f"dim_{dimension}").unique(f"{dimension}_key")


def _month(column: str = "date") -> Any:
    return pl.col(column).dt.truncate("1mo")


def conversations_by_month_and_provider(table: Table) -> Any:
    rows = _of_accounts(table, "fact_conversation_daily")
    return rows.group_by(_month().alias("month"), "provider").agg(pl.col("conversations").sum())


def channels_of_the_last_quarter(table: Table) -> Any:
    rows = _of_accounts(table, "fact_channel_daily").filter(pl.col("date") > pl.col("date").max() - 90 * DAY)
    channels = _members(table, "channel").select("channel_key", "channel", "channel_group", "is_test")
    rows = rows.join(channels, on="channel_key").filter(~pl.col("is_test"))
    return rows.group_by("channel", "channel_group").agg(pl.col("conversations").sum())


def top_intents_of_an_account(table: Table) -> Any:
    rows = _of_accounts(table, "fact_intent_daily").filter(pl.col("account") == "account-042")
    rows = rows.filter(pl.col("date") > pl.col("date").max() - 365 * DAY)
    intents = _members(table, "intent").select("intent_key", "intent")
    return rows.join(intents, on="intent_key").group_by("intent").agg(pl.col("hits").sum()).top_k(10, by="hits")


def understood_rate_by_week(table: Table) -> Any:
    understood, misunderstood = pl.col("understood_messages").sum(), pl.col("misunderstood_messages").sum()
    return (
        _of_accounts(table, "fact_conversation_daily")
        .group_by(pl.col("date").dt.truncate("1w").alias("week"), "account")
        .agg((understood / (understood + misunderstood)).alias("understood_rate"))
    )


def cost_per_conversation_by_month(table: Table) -> Any:
    # a day without a cost and a currency has the month's currency, where the month has only one
    currency = pl.col("cost_currency")
    in_month = ["account_key", "month"]
    is_of_one = currency.min().over(in_month) == currency.max().over(in_month)
    days = (
        table("fact_conversation_daily")
        .filter(pl.col("cost_amount").is_not_null() & pl.col("conversations").is_not_null())
        .with_columns(
            _month().alias("month"), (pl.col("cost_amount").cast(float) * MICRO).round().cast(int).alias("cost")
        )
        .with_columns(
            pl.when((pl.col("cost") == 0) & is_of_one)
            .then(currency.max().over(in_month))
            .otherwise(currency)
            .alias("unit")
        )
    )
    months = days.group_by(*in_month, "unit").agg(
        pl.len().alias("days"), pl.col("conversations").sum(), pl.col("cost").sum()
    )
    count = pl.when(pl.col("conversations") != 0).then(pl.col("conversations"))
    return months.join(_members(table, "account"), on="account_key").select(
        *("month", "provider", "account", "unit", "days"),
        pl.col("month").dt.month_end().dt.day().alias("days_in_month"),
        "conversations",
        pl.col("cost") / MICRO,
        ((pl.col("cost") + pl.col("conversations") // 2) // count / MICRO).alias("cost_per_conversation"),
    )


def one_account_day_by_day(table: Table) -> Any:
    rows = _of_accounts(table, "fact_conversation_daily").filter(pl.col("account") == "account-007")
    return rows.select("date", "conversations", "messages", "cost_amount")


def languages_against_a_year_ago(table: Table) -> Any:
    languages = _members(table, "language").select("language_key", "language")
    rows = _of_accounts(table, "fact_language_daily").filter(pl.col("date").dt.month() == 3)
    rows = rows.join(languages, on="language_key")
    return rows.group_by("language", pl.col("date").dt.year().alias("year")).agg(pl.col("conversations").sum())


def incomplete_accounts(table: Table) -> Any:
    ledger = table("load_ledger").select("account", "date", "state", "fetched_at", "zone", "external_id", "privacy")
    accounts = _members(table, "account").filter(pl.col("account_key") != 0)
    accounts = accounts.join(ledger.group_by("account").agg(pl.col("date").min().alias("first_day")), "account", "left")
    accounts = accounts.with_columns(pl.coalesce("start_date", "first_day").alias("first_day")).collect()
    days = (
        accounts.lazy()
        .join(ledger, on="account", suffix="_loaded")
        .filter(pl.col("is_active") | (pl.col("state") != "failed"))
    )
    in_five_minutes = datetime.now(UTC) + timedelta(minutes=5)
    differs = [pl.col(own).ne_missing(pl.col(loaded)) for own, loaded in _IDENTITY.items()]
    settled_from = pl.col("date").cast(pl.Datetime("us")) + (pl.col("lookback_days") + 1) * DAY
    states = []
    for (zone,), group in accounts.group_by("timezone"):
        of_zone = days.filter(pl.col("timezone").eq_missing(pl.lit(zone, pl.String)))
        is_settled = (
            pl.col("fetched_at") > settled_from.dt.replace_time_zone(zone).dt.convert_time_zone("UTC")
            if zone
            else pl.lit(False)
        )
        state = (
            pl.when(pl.col("state") == "failed").then(pl.lit("failed"))
            .when(pl.any_horizontal(differs) | (pl.col("fetched_at") > in_five_minutes)).then(pl.lit("stale"))
            .when(is_settled).then(pl.lit("settled")).otherwise(pl.lit("loaded"))
        )  # fmt: skip
        states.append(of_zone.select("account", state.alias("state")))
        if zone:
            states.append(_missing_days(group.lazy(), ledger, datetime.now(ZoneInfo(zone)).date()))
    rows = pl.concat(states).filter(pl.col("state") != "settled")
    return rows.group_by("account", "state").agg(pl.len().alias("days"))


_IDENTITY = {"timezone": "zone", "external_id": "external_id_loaded", "privacy": "privacy_loaded"}
"""By column of an account, that of the ledger with which it is compared."""


def _missing_days(accounts: Any, ledger: Any, today: date) -> Any:
    active = accounts.filter(pl.col("is_active") & (pl.col("first_day") < today))
    days = active.select("account", pl.date_ranges("first_day", today - timedelta(days=1)).alias("date")).explode(
        "date"
    )
    return days.join(ledger, on=["account", "date"], how="anti").select("account", pl.lit("missing").alias("state"))


def end_reasons_by_provider(table: Table) -> Any:
    metrics = _members(table, "metric").filter(pl.col("metric") == "end_reason").select("metric_key")
    rows = _of_accounts(table, "fact_metric_daily").join(metrics, on="metric_key")
    reason = pl.col("member").fill_null("unknown").alias("end_reason")
    return rows.group_by("provider", reason).agg(pl.col("value").cast(float).round().cast(int).sum())


def intents_that_grow(table: Table) -> Any:
    month, previous = date(2025, 12, 1), date(2025, 11, 1)
    lists = table("fact_intent_daily").with_columns(_month().alias("month"), pl.col("is_top_n").fill_null(value=True))
    empty = table("fact_conversation_daily").filter(pl.col("conversations") == 0)
    no_lists = empty.select("account_key", "date", _month().alias("month"), pl.lit(value=False).alias("is_top_n"))
    days = pl.concat([lists.select("account_key", "date", "month", "is_top_n"), no_lists])
    days = days.group_by("account_key", "month").agg(
        pl.col("date").n_unique().cast(int).alias("days"), pl.col("is_top_n").any()
    )
    hits = lists.group_by("account_key", "intent_key", "month").agg(pl.col("hits").sum())
    hits_now, hits_before, days_now, days_before = (
        frame.filter(pl.col("month") == start).drop("month") for frame in (hits, days) for start in (month, previous)
    )
    pairs = hits_now.join(hits_before, on=["account_key", "intent_key"], how="full", coalesce=True, suffix="_before")
    rows = (
        pairs.join(days_now, on="account_key")
        .join(days_before, on="account_key", how="left", suffix="_before")
        .filter(pl.col("hits").is_not_null() | ~pl.col("is_top_n"))
        .join(_members(table, "account").select("account_key", "provider", "account"), on="account_key")
        .join(_members(table, "intent").select("intent_key", "intent"), on="intent_key")
        .with_columns(_zero_if_complete("hits", "is_top_n"), _zero_if_complete("hits_before", "is_top_n_before"))
        .with_columns(_per_day("hits", "days"), _per_day("hits_before", "days_before"))
    )
    change = pl.when(pl.col("days") == pl.col("days_before")).then(pl.col("hits") - pl.col("hits_before"))
    columns = [
        pl.lit(month).alias("month"),
        *("provider", "account", "intent", "hits", "days"),
        pl.lit(31).alias("days_in_month"),
        *("hits_per_day", "hits_before", "days_before"),
        pl.lit(30).alias("previous_days_in_month"),
        "hits_before_per_day",
        change.alias("hits_change"),
        (pl.col("hits_per_day") - pl.col("hits_before_per_day")).alias("hits_per_day_change"),
        pl.col("is_top_n") | pl.col("is_top_n_before").fill_null(value=False),
    ]
    return rows.select(columns).sort("provider", "account", "intent").head(50)


def _zero_if_complete(hits: str, is_top_n: str) -> Any:
    return pl.when(pl.col(hits).is_null() & ~pl.col(is_top_n)).then(0).otherwise(pl.col(hits)).alias(hits)


def _per_day(hits: str, days: str) -> Any:
    thousandths = (2000 * pl.col(hits) + pl.col(days)) // (2 * pl.col(days))
    return (thousandths / 1000).alias(f"{hits}_per_day")
