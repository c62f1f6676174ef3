"""The SQL of the report: one statement over views and bookkeeping tables, so that all figures are of one commit.

Texts, HTML and calculations on the rows do not belong here. ``is_current`` is true in rows of the period and false in
rows of the days before it. Placeholders are conditions on account and date: ``$in_period``, ``$both`` (the period and
the days before it), ``$months`` (the charted months); ``$bucket`` is the bucket of a date.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from pipelines.report.period import Period
from warehouse.errors import NothingPublished
from warehouse.sql import day_literal, fill, ident, literal
from warehouse.store import Store

QueryRow = Mapping[str, Any]

_MEMBERS = """
        SELECT
            provider, $member AS member, list(DISTINCT account) AS accounts, list(DISTINCT $code) AS codes,
            CAST(sum(conversations) FILTER (WHERE date >= $first) AS DECIMAL(38, 0)) AS conversations,
            CAST(sum(conversations) FILTER (WHERE date < $first) AS DECIMAL(38, 0)) AS conversations_before
        FROM $view WHERE $both AND conversations IS NOT NULL GROUP BY ALL
    """
"""Conversations by one kind of member, in the period and in the days before; ``codes`` are its exact spellings."""


def _fill_members(member: str, view: str, code: str) -> str:
    return _MEMBERS.replace("$member", member).replace("$view", view).replace("$code", code)


_AS_COLUMN = "(SELECT list(result) FROM ($query) AS result) AS $name"
"""All rows of a query as one column, so that one statement holds all queries."""

_QUERIES = {
    # Sums by account and window; *_days counts the days that report the measure.
    "totals": """
        SELECT
            provider, account, date >= $first AS is_current,
            count(conversations) AS conversations_days, CAST(sum(conversations) AS DECIMAL(38, 0)) AS conversations,
            count(messages) AS messages_days, CAST(sum(messages) AS DECIMAL(38, 0)) AS messages,
            count(understood_messages + misunderstood_messages) AS judged_days,
            CAST(sum(understood_messages) FILTER (WHERE misunderstood_messages IS NOT NULL) AS DECIMAL(38, 0))
                AS understood,
            CAST(sum(understood_messages + misunderstood_messages) AS DECIMAL(38, 0)) AS judged,
            count(call_duration_seconds) AS call_seconds_days, sum(call_duration_seconds) AS call_seconds,
            count(cost_amount) AS cost_days
        FROM conversation_daily WHERE $both GROUP BY ALL
    """,
    "costs": """
        SELECT provider, account, cost_currency, date >= $first AS is_current, sum(cost_amount) AS cost_amount
        FROM conversation_daily WHERE $both AND cost_amount <> 0 GROUP BY ALL
    """,
    # days are the loaded ones of the bucket; reported_days those with a number.
    "conversations": """
        SELECT
            provider, account, $bucket AS bucket, CAST(sum(conversations) AS DECIMAL(38, 0)) AS conversations,
            count(conversations) AS reported_days, count(*) AS days
        FROM conversation_daily WHERE $in_period GROUP BY ALL
    """,
    # An account's mean of each weekday; a provider's is the sum of these, so that missing days lower none.
    "weekdays": """
        SELECT
            provider, account, isodow(date) AS weekday, avg(conversations) AS mean, count(conversations) AS days
        FROM conversation_daily WHERE $in_period AND conversations IS NOT NULL GROUP BY ALL
    """,
    # Costs of 0 have no currency.
    "bucket_costs": """
        SELECT
            provider, $bucket AS bucket, CASE WHEN cost_amount <> 0 THEN cost_currency END AS currency,
            sum(cost_amount) AS cost, count(*) AS days, bool_or(cost_amount <> 0) AS has_cost
        FROM conversation_daily WHERE $in_period AND cost_amount IS NOT NULL GROUP BY ALL
    """,
    "models": """
        SELECT
            provider, model, CASE WHEN date >= $first THEN $bucket END AS bucket,
            CAST(sum(tokens) AS DECIMAL(38, 0)) AS tokens, list(DISTINCT account) AS accounts
        FROM token_daily WHERE $both AND tokens IS NOT NULL GROUP BY ALL
    """,
    # Targets of single conversations; of the reports of channels for accounts without single ones.
    "handovers": """
        SELECT provider, transfer_target AS target, count(*) AS handovers
        FROM conversation WHERE $in_period AND NOT is_test AND transfer_target IS NOT NULL GROUP BY ALL
        UNION ALL
        SELECT provider, member, CAST(sum(value) AS DECIMAL(38, 0))
        FROM metric_daily
        WHERE $in_period AND metric = 'channel_call_transfer_targets' AND value > 0
            AND account NOT IN (SELECT account FROM conversation WHERE $in_period)
        GROUP BY ALL
    """,
    "channels": """
        SELECT
            provider, channel, is_test, CASE WHEN date >= $first THEN $bucket END AS bucket,
            CAST(sum(conversations) AS DECIMAL(38, 0)) AS conversations, list(DISTINCT account) AS accounts
        FROM channel_daily WHERE $both AND conversations IS NOT NULL GROUP BY ALL
    """,
    # Days whose members are known: those with any member, and those without any conversation.
    "breakdown_days": """
        SELECT breakdown, account, date >= $first AS is_current, count(DISTINCT date) AS days
        FROM (
            SELECT 'channel' AS breakdown, account, date FROM channel_daily WHERE $both
            UNION ALL SELECT 'language', account, date FROM language_daily WHERE $both
            UNION ALL SELECT 'country', account, date FROM country_daily WHERE $both
            UNION ALL SELECT 'intent', account, date FROM intent_daily WHERE $both
            UNION ALL SELECT 'end_reason', account, date FROM end_reason_daily WHERE $both
            UNION ALL SELECT 'model', account, date FROM token_daily WHERE $both
            UNION ALL
            SELECT unnest(['channel', 'language', 'country', 'intent', 'end_reason', 'model']), account, date
            FROM conversation_daily WHERE $both AND conversations = 0
        )
        GROUP BY ALL
    """,
    # The most frequent intents of each provider; intent_counts has the number of all.
    "intents": """
        SELECT *, bool_or(is_top_n) OVER (PARTITION BY account) AS is_cut
        FROM (
            SELECT
                provider, account, intent, coalesce(bool_or(is_top_n), true) AS is_top_n,
                CAST(sum(hits) FILTER (WHERE date >= $first) AS DECIMAL(38, 0)) AS hits,
                CAST(sum(hits) FILTER (WHERE date < $first) AS DECIMAL(38, 0)) AS hits_before
            FROM intent_daily WHERE $both GROUP BY ALL
        )
        WHERE hits > 0
        QUALIFY row_number() OVER (PARTITION BY provider ORDER BY hits DESC, account, intent) <= $most
    """,
    "intent_counts": """
        SELECT provider, count(DISTINCT (account, intent)) AS intents FROM intent_daily WHERE $in_period AND hits > 0
        GROUP BY ALL
    """,
    "languages": _fill_members("language", "language_daily", "language_code"),
    "countries": _fill_members("country", "country_daily", "country_code"),
    "end_reasons": _fill_members("end_reason", "end_reason_daily", "end_reason"),
    "understood": """
        SELECT
            month, account, understood_rate AS rate, understood_messages + misunderstood_messages AS weight,
            days, days_in_month
        FROM understood_monthly WHERE $months AND understood_rate IS NOT NULL
    """,
    "containment": """
        SELECT month, account, containment_rate AS rate, conversations AS weight, days, days_in_month
        FROM containment_monthly WHERE $months AND containment_rate IS NOT NULL
    """,
    "monthly_costs": """
        SELECT
            month, cost_currency, account, cost_per_conversation AS rate, conversations AS weight,
            days, days_in_month
        FROM cost_per_conversation_monthly WHERE $months AND cost_per_conversation IS NOT NULL
    """,
    "restatements": """
        SELECT
            account, "view", measure, count(*) AS numbers, count(DISTINCT date) AS days, max(logged_at) AS newest,
            max(age_days) AS age_days
        FROM restatement_log WHERE $in_period GROUP BY ALL
    """,
    "verdicts": "SELECT verdict, reason, count(*) AS numbers FROM reconciliation WHERE $in_period GROUP BY ALL",
    "unexplained": """
        SELECT
            account, measure, against, count(*) AS days, CAST(sum(reported) AS DOUBLE) AS reported,
            CAST(sum(loaded) AS DOUBLE) AS loaded, CAST(sum(abs(difference)) AS DOUBLE) AS difference
        FROM reconciliation WHERE $in_period AND verdict = 'unexplained' GROUP BY ALL
    """,
    "drift": """
        SELECT account, stream, kind, name, count(DISTINCT date) AS days FROM drift WHERE $in_period GROUP BY ALL
    """,
    "meanings": """
        SELECT provider, measure, meaning, unit FROM measure_definition
        WHERE provider IN ($providers) AND measure IN ($measures)
    """,
    # The providers of accounts that are in the warehouse and not in the report.
    "other_accounts": """
        SELECT provider, count(*) AS accounts FROM dim_account
        WHERE account_key <> 0 AND account NOT IN ($accounts) GROUP BY ALL
    """,
    "others": """
        SELECT account, provider, count(*) AS days FROM conversation_daily
        WHERE date BETWEEN $first AND $last AND account NOT IN ($accounts) GROUP BY ALL
    """,
}

DESCRIBED_MEASURES = (
    "conversations",
    "messages",
    "call_duration_seconds",
    "cost_amount",
    "understood_messages",
    "misunderstood_messages",
)
"""The measures whose definitions the report lists."""

TOP_INTENTS = 10
"""The number of intents listed for each provider."""


@dataclass(frozen=True)
class QueryResult:
    """The rows of each query by its name; every query is empty when nothing was ever published."""

    rows: Mapping[str, Sequence[QueryRow]] = field(default_factory=dict)

    def __getitem__(self, name: str) -> Sequence[QueryRow]:
        return self.rows.get(name, ())


def run_queries(store: Store, period: Period, accounts: Sequence[str], providers: Sequence[str]) -> QueryResult:
    """Run all queries about the period and these accounts on one state of the published warehouse.

    An unpublished warehouse gives an empty result. Raises WarehouseError when the warehouse cannot be read.
    """
    parameters = _build_parameters(period, accounts, providers)
    columns = ", ".join(
        fill(_AS_COLUMN, query=fill(query, **parameters), name=ident(name)) for name, query in _QUERIES.items()
    )
    try:
        [lists_by_name] = store.read(f"SELECT {columns}").to_pylist()
    except NothingPublished:
        return QueryResult()
    return QueryResult({name: list(map(_read_counts, rows or ())) for name, rows in lists_by_name.items()})


def _read_counts(row: QueryRow) -> QueryRow:
    """Return a row whose sums of counts are ints: the query gives them as whole decimals, which never overflow."""
    return {
        name: int(value) if isinstance(value, Decimal) and value.as_tuple().exponent == 0 else value
        for name, value in row.items()
    }


def _build_parameters(period: Period, accounts: Sequence[str], providers: Sequence[str]) -> dict[str, str]:
    names = ", ".join(map(literal, accounts))
    first, last = day_literal(period.first), day_literal(period.last)
    of_accounts = f"account IN ({names})"
    return {
        "accounts": names,
        "providers": ", ".join(map(literal, providers)),
        "measures": ", ".join(map(literal, DESCRIBED_MEASURES)),
        "first": first,
        "last": last,
        "bucket": f"CAST(date_trunc({literal(period.bucket_unit)}, date) AS DATE)",
        "in_period": f"{of_accounts} AND date BETWEEN {first} AND {last}",
        "both": f"{of_accounts} AND date BETWEEN {day_literal(period.previous.start)} AND {last}",
        "months": f"{of_accounts} AND month BETWEEN {day_literal(period.first_chart_month)} AND {last}",
        "most": str(TOP_INTENTS),
    }
