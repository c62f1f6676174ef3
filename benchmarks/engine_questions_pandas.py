"""The ten questions of ``benchmarks/questions`` in pandas: one function each, of the name of the question's file.

`table` returns the rows of a table of the star, with the columns that are named. A dimension's member may stand in
several files of the lake.
"""

# ruff: noqa: D103 - a question is described by the SQL of the same name

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pandas as pd

Table = Callable[..., Any]
"""Returns the ``DataFrame`` of a table, given its name and columns."""

DAY = pd.Timedelta(days=1)
MICRO = 1_000_000


def _of_accounts(table: Table, fact: str, *columns: str) -> Any:
    return table(fact, "account_key", "date", *columns).merge(
        _members(table, "account", "provider", "account"), on="account_key"
    )


def _members(table: Table, dimension: str, *columns: str) -> Any:
    return table(f"dim_{dimension}", f"{dimension}_key", *columns).drop_duplicates(f"{dimension}_key")


def _months(days: Any) -> Any:
    return days.dt.to_period("M").dt.start_time


def _sum(rows: Any, keys: list[str], *columns: str) -> Any:
    return rows.groupby(keys, dropna=False, as_index=False)[list(columns)].sum()


def conversations_by_month_and_provider(table: Table) -> Any:
    rows = _of_accounts(table, "fact_conversation_daily", "conversations")
    return _sum(rows.assign(month=_months(rows.date)), ["month", "provider"], "conversations")


def channels_of_the_last_quarter(table: Table) -> Any:
    rows = _of_accounts(table, "fact_channel_daily", "channel_key", "conversations")
    rows = rows[rows.date > rows.date.max() - 90 * DAY]
    rows = rows.merge(_members(table, "channel", "channel", "channel_group", "is_test"), on="channel_key")
    return _sum(rows[~rows.is_test.astype(bool)], ["channel", "channel_group"], "conversations")


def top_intents_of_an_account(table: Table) -> Any:
    rows = _of_accounts(table, "fact_intent_daily", "intent_key", "hits")
    rows = rows[rows.account == "account-042"]
    rows = rows[rows.date > rows.date.max() - 365 * DAY].merge(_members(table, "intent", "intent"), on="intent_key")
    return _sum(rows, ["intent"], "hits").nlargest(10, "hits")


def understood_rate_by_week(table: Table) -> Any:
    rows = _of_accounts(table, "fact_conversation_daily", "understood_messages", "misunderstood_messages")
    rows["week"] = rows.date.dt.to_period("W").dt.start_time
    sums = _sum(rows, ["week", "account"], "understood_messages", "misunderstood_messages")
    rate = sums.understood_messages / (sums.understood_messages + sums.misunderstood_messages)
    return sums.assign(rate=rate)[["week", "account", "rate"]]


def cost_per_conversation_by_month(table: Table) -> Any:
    rows = _of_accounts(table, "fact_conversation_daily", "conversations", "cost_amount", "cost_currency")
    rows = rows.dropna(subset=["cost_amount", "conversations"])
    rows = rows.assign(month=_months(rows.date), cost=(rows.cost_amount.astype(float) * MICRO).round().astype("int64"))
    # a day without a cost and a currency has the month's currency, where the month has only one
    currencies = rows.groupby(["account_key", "month"]).cost_currency
    largest = currencies.transform("max")
    rows["unit"] = rows.cost_currency.mask((rows.cost == 0) & (currencies.transform("min") == largest), largest)
    keys = ["month", "provider", "account", "unit"]
    months = _sum(rows.assign(days=1), keys, "days", "conversations", "cost")
    count = months.conversations.where(months.conversations != 0)
    months["cost_per_conversation"] = (months.cost + months.conversations // 2) // count / MICRO
    months["cost"] /= MICRO
    months.insert(5, "days_in_month", months.month.dt.days_in_month)
    return months


def one_account_day_by_day(table: Table) -> Any:
    rows = _of_accounts(table, "fact_conversation_daily", "conversations", "messages", "cost_amount")
    return rows.loc[rows.account == "account-007", ["date", "conversations", "messages", "cost_amount"]]


def languages_against_a_year_ago(table: Table) -> Any:
    rows = _of_accounts(table, "fact_language_daily", "language_key", "conversations")
    rows = rows[rows.date.dt.month == 3].merge(_members(table, "language", "language"), on="language_key")
    return _sum(rows.assign(year=rows.date.dt.year), ["language", "year"], "conversations")


def incomplete_accounts(table: Table) -> Any:
    identity = ["timezone", "external_id", "privacy"]
    columns = ["account", *identity, "start_date", "lookback_days", "is_active"]
    accounts = _members(table, "account", *columns).query("account_key != 0")
    ledger = table("load_ledger", "account", "date", "state", "fetched_at", "zone", "external_id", "privacy")
    days = accounts.merge(ledger.rename(columns={"zone": "timezone"}), on="account", suffixes=("", "_loaded"))
    days = days[days.is_active.astype(bool) | (days.state != "failed")]
    differs = pd.concat([days[name].fillna("") != days[f"{name}_loaded"].fillna("") for name in identity], axis=1)
    settled_from = days.date + pd.to_timedelta(days.lookback_days.astype(int) + 1, unit="D")
    settled_from = pd.concat(
        part.dt.tz_localize(str(zone)).dt.tz_convert("UTC") for zone, part in settled_from.groupby(days.timezone)
    )
    state = pd.Series("loaded", index=days.index)
    state[days.fetched_at > settled_from.reindex(days.index)] = "settled"
    state[differs.any(axis=1) | (days.fetched_at > datetime.now(UTC) + timedelta(minutes=5))] = "stale"
    state[days.state == "failed"] = "failed"
    states = pd.concat([days.assign(state=state)[["account", "state"]], _missing_days(accounts, ledger)])
    return states[states.state != "settled"].value_counts(["account", "state"]).reset_index()


def _missing_days(accounts: Any, ledger: Any) -> Any:
    first = accounts.set_index("account").start_date
    first = pd.to_datetime(first).fillna(ledger.groupby("account").date.min())
    loaded = set(zip(ledger.account, ledger.date, strict=True))
    rows = [
        (row.account, "missing")
        for row in accounts[accounts.is_active.astype(bool) & accounts.timezone.notna()].itertuples()
        for day in pd.date_range(first[row.account], pd.Timestamp.now(row.timezone).tz_localize(None).normalize() - DAY)
        if (row.account, day) not in loaded
    ]
    return pd.DataFrame(rows, columns=["account", "state"])


def end_reasons_by_provider(table: Table) -> Any:
    metrics = _members(table, "metric", "metric").query("metric == 'end_reason'")
    rows = _of_accounts(table, "fact_metric_daily", "metric_key", "member", "value").merge(metrics, on="metric_key")
    rows = rows.assign(end_reason=rows.member.fillna("unknown"), conversations=rows.value.astype(float).round())
    return _sum(rows, ["provider", "end_reason"], "conversations")


def intents_that_grow(table: Table) -> Any:
    month, previous = pd.Timestamp(2025, 12, 1), pd.Timestamp(2025, 11, 1)
    lists = table("fact_intent_daily", "account_key", "date", "intent_key", "hits", "is_top_n")
    lists["is_top_n"] = lists.is_top_n.fillna(value=True).astype(bool)
    empty = table("fact_conversation_daily", "account_key", "date", "conversations").query("conversations == 0")
    days = pd.concat(
        [lists[["account_key", "date", "is_top_n"]], empty[["account_key", "date"]].assign(is_top_n=False)]
    )
    days = days.assign(month=_months(days.date)).groupby(["account_key", "month"], as_index=False)
    days = days.agg(days=("date", "nunique"), is_top_n=("is_top_n", "max"))
    hits = _sum(lists.assign(month=_months(lists.date)), ["account_key", "intent_key", "month"], "hits")
    hits_now, hits_before, days_now, days_before = (
        frame[frame.month == start].drop(columns="month") for frame in (hits, days) for start in (month, previous)
    )
    rows = hits_now.merge(hits_before, on=["account_key", "intent_key"], how="outer", suffixes=("", "_before"))
    rows = rows.merge(days_now, on="account_key")
    rows = rows.merge(days_before, on="account_key", how="left", suffixes=("", "_before"))
    was_cut_off = rows.is_top_n_before.astype("boolean")
    rows = rows[rows.hits.notna() | ~rows.is_top_n].assign(is_top_n_before=was_cut_off)
    rows["hits"] = rows.hits.mask(rows.hits.isna() & ~rows.is_top_n, 0)
    rows["hits_before"] = rows.hits_before.mask(rows.hits_before.isna() & ~rows.is_top_n_before.fillna(value=True), 0)
    for name in ("", "_before"):
        total, count = rows[f"hits{name}"], rows[f"days{name}"]
        rows[f"hits_per_day{name}"] = (2000 * total + count) // (2 * count) / 1000
    rows = rows.merge(_members(table, "account", "provider", "account"), on="account_key")
    rows = rows.merge(_members(table, "intent", "intent"), on="intent_key")
    rows = rows.assign(
        month=month,
        days_in_month=31,
        previous_days_in_month=30,
        hits_change=(rows.hits - rows.hits_before).where(rows.days == rows.days_before),
        hits_per_day_change=rows.hits_per_day - rows.hits_per_day_before,
        is_cut_off=rows.is_top_n | rows.is_top_n_before.fillna(value=False).astype(bool),
    )
    columns = ["month", "provider", "account", "intent", "hits", "days", "days_in_month", "hits_per_day", "hits_before"]
    columns += ["days_before", "previous_days_in_month", "hits_per_day_before", "hits_change", "hits_per_day_change"]
    return rows.sort_values(["provider", "account", "intent"]).head(50)[[*columns, "is_cut_off"]]
