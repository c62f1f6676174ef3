"""The SQL that is shown with each chart: a statement over the views that returns the chart's numbers.

The report itself reads all its numbers with ``queries``, in one statement of one commit. These statements are shorter:
each is about one card, and runs in ``chatmart sql`` or in any tool that reads the warehouse. Nothing is run here.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from string import Template
from textwrap import dedent

from extractors.account import Account
from pipelines.report.period import Period
from pipelines.report.queries import TOP_INTENTS
from warehouse.sql import day_literal, fill, literal

_STATEMENTS = {
    "totals": """
        SELECT
            provider, sum(conversations) AS conversations, sum(messages) AS messages,
            sum(understood_messages) FILTER (misunderstood_messages IS NOT NULL)
                / sum(understood_messages + misunderstood_messages) AS understood_rate,
            sum(call_duration_seconds) / 60 AS call_minutes
        FROM conversation_daily
        WHERE $days
        GROUP BY ALL ORDER BY ALL
    """,
    "conversations": """
        SELECT $bucket, sum(conversations) AS conversations
        FROM conversation_daily
        WHERE $days
        GROUP BY ALL ORDER BY ALL
    """,
    "accounts": """
        SELECT account, $bucket, sum(conversations) AS conversations
        FROM conversation_daily
        WHERE $days
        GROUP BY ALL ORDER BY ALL
    """,
    "weekdays": """
        SELECT weekday, sum(mean) AS conversations
        FROM (
            SELECT account, isodow(date) AS weekday, avg(conversations) AS mean
            FROM conversation_daily
            WHERE $days
            GROUP BY ALL
        )
        GROUP BY ALL ORDER BY ALL
    """,
    "channels": """
        SELECT channel, $bucket, sum(conversations) AS conversations
        FROM channel_daily
        WHERE $days AND NOT is_test
        GROUP BY ALL ORDER BY ALL
    """,
    "models": """
        SELECT model, $bucket, sum(tokens) AS tokens
        FROM token_daily
        WHERE $days
        GROUP BY ALL ORDER BY ALL
    """,
    "costs": """
        SELECT $bucket, coalesce(sum(cost_amount) FILTER (cost_currency $is_currency), 0) AS cost
        FROM conversation_daily
        WHERE $days AND cost_amount IS NOT NULL
        GROUP BY ALL ORDER BY ALL
    """,
    "intents": """
        SELECT account, intent, sum(hits) AS hits
        FROM intent_daily
        WHERE $days
        GROUP BY ALL HAVING sum(hits) > 0
        ORDER BY hits DESC, account, intent LIMIT $most
    """,
    "languages": """
        SELECT language, sum(conversations) AS conversations
        FROM language_daily
        WHERE $days
        GROUP BY ALL ORDER BY conversations DESC, language
    """,
    "countries": """
        SELECT country, sum(conversations) AS conversations
        FROM country_daily
        WHERE $days
        GROUP BY ALL ORDER BY conversations DESC, country
    """,
    "end_reasons": """
        SELECT end_reason, sum(conversations) AS conversations
        FROM end_reason_daily
        WHERE $days
        GROUP BY ALL ORDER BY conversations DESC, end_reason
    """,
    "handovers": """
        SELECT target, sum(handovers) AS handovers
        FROM (
            SELECT transfer_target AS target, count(*) AS handovers
            FROM conversation
            WHERE $days AND NOT is_test AND transfer_target IS NOT NULL
            GROUP BY ALL
            UNION ALL
            SELECT member, CAST(sum(value) AS DECIMAL(38, 0))
            FROM metric_daily
            WHERE $days AND metric = 'channel_call_transfer_targets' AND value > 0
                AND account NOT IN (SELECT account FROM conversation WHERE $days)
            GROUP BY ALL
        )
        GROUP BY ALL ORDER BY handovers DESC, target
    """,
    "coverage": """
        SELECT account, state, count(*) AS days
        FROM coverage
        WHERE $days
        GROUP BY ALL ORDER BY ALL
    """,
    "restatements": """
        SELECT account, "view", measure, count(*) AS numbers
        FROM restatement_log
        WHERE $days
        GROUP BY ALL ORDER BY numbers DESC, account, "view", measure
    """,
    "unexplained": """
        SELECT account, measure, against, count(*) AS days
        FROM reconciliation
        WHERE $days AND verdict = 'unexplained'
        GROUP BY ALL ORDER BY ALL
    """,
    "drift": """
        SELECT kind, name, count(DISTINCT account) AS accounts
        FROM drift
        WHERE $days
        GROUP BY ALL ORDER BY ALL
    """,
    "understood": """
        SELECT account, month, understood_rate
        FROM understood_monthly
        WHERE $months AND understood_rate IS NOT NULL
        ORDER BY ALL
    """,
    "containment": """
        SELECT account, month, containment_rate
        FROM containment_monthly
        WHERE $months AND containment_rate IS NOT NULL
        ORDER BY ALL
    """,
    "monthly_costs": """
        SELECT account, month, cost_per_conversation
        FROM cost_per_conversation_monthly
        WHERE $months AND cost_currency $is_currency AND cost_per_conversation IS NOT NULL
        ORDER BY ALL
    """,
}


@dataclass(frozen=True)
class ChartSql:
    """Writes the statements of a report's charts.

    ``providers_with_others`` are those of which the warehouse has accounts that are not in the report: only then a
    statement names the accounts.
    """

    period: Period
    accounts: Sequence[Account]
    providers_with_others: Collection[str]

    def write(self, name: str, provider: str | None = None, currency: str | None = None) -> str:
        """Return a statement by the name of its query; without a provider it is about the accounts of all providers."""
        unit = self.period.bucket_unit
        ranges = {
            "days": _write_range("date", self.period.first, self.period.last),
            "months": _write_range("month", self.period.first_chart_month, self.period.last),
        }
        conditions = {name: self._list_conditions(of_days, provider) for name, of_days in ranges.items()}
        return fill(
            _insert_conditions(dedent(_STATEMENTS[name]).strip(), conditions),
            bucket="date" if unit == "day" else f"date_trunc('{unit}', date) AS \"{unit}\"",
            is_currency="IS NULL" if currency is None else f"= {literal(currency)}",
            most=str(TOP_INTENTS),
        )

    def _list_conditions(self, of_days: str, provider: str | None) -> list[str]:
        conditions = [] if provider is None else [f"provider = {literal(provider)}"]
        if provider in self.providers_with_others or (provider is None and self.providers_with_others):
            names = [account.name for account in self.accounts if provider in (None, account.provider)]
            conditions.append(f"account IN ({', '.join(map(literal, names))})")
        return [*conditions, of_days]


def _insert_conditions(template: str, conditions: Mapping[str, Sequence[str]]) -> str:
    """Return the template with the conditions in place of their ``$name``, one below the other as deep as its line."""
    lines = []
    for line in template.splitlines():
        indent = " " * (len(line) - len(line.lstrip()))
        joined = {
            name: f"\n{indent}  AND ".join(condition.replace("$", "$$") for condition in own)
            for name, own in conditions.items()
        }
        lines.append(Template(line).safe_substitute(joined))
    return "\n".join(lines)


def _write_range(column: str, first: date, last: date) -> str:
    return f"{column} BETWEEN {day_literal(first)} AND {day_literal(last)}"
