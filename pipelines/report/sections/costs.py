"""Cost over the period, and the tokens of each language model, for providers that report them.

The rows are those of the queries ``bucket_costs``, ``totals``, ``costs`` and ``models``; SQL and HTML do not belong
here. A provider reports its cost for all models together: it is not divided among them.
"""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

from pipelines.report.changes import list_comparable_accounts
from pipelines.report.content import Content
from pipelines.report.format import format_bucket, format_money
from pipelines.report.model import Card, Chart, Figure, Mark, Section
from pipelines.report.sections.buckets import (
    find_gaps,
    find_partial_buckets,
    format_reported_part,
    name_bucket,
    write_chart_notes,
)
from pipelines.report.sections.stacks import Breakdown, StackRows, build_stack_card
from pipelines.report.sections.totals import NO_CURRENCY

_MODELS = Breakdown("model", "tokens", "models", "further models")
_MAX_CURRENCIES = 3  # of a provider, with a chart of their own


def build_cost_section(content: Content) -> Section:
    """Build the cards of cost by provider and currency, then those of tokens by model."""
    cards = [
        card
        for provider in content.providers
        for card in (*_build_cost_cards(content, provider), *_build_model_card(content, provider))
    ]
    lead = (
        "As the providers report them. Models are ordered by their tokens; a cost is reported for all models of an "
        "account together, so there is no cost of one model."
    )
    return Section("costs", "Cost", "Cost and language models", lead, cards, write_chart_notes(cards))


def _build_cost_cards(content: Content, provider: str) -> Iterator[Card]:
    rows = content.list_rows("bucket_costs", provider)
    sums: dict[str | None, Decimal] = {}
    for row in rows:
        if row["has_cost"]:
            sums[row["currency"]] = sums.get(row["currency"], Decimal()) + row["cost"]
    ranked = sorted(sums, key=lambda currency: (-sums[currency], currency or ""))
    for currency in ranked[:_MAX_CURRENCIES]:
        amounts: dict[date, Decimal] = {}
        for row in rows:  # a bucket whose cost is 0, or in another currency, cost nothing in this one
            own = row["cost"] if row["has_cost"] and row["currency"] == currency else Decimal()
            amounts[row["bucket"]] = amounts.get(row["bucket"], Decimal()) + own
        yield _build_cost_card(content, provider, currency, amounts)


def _build_cost_card(content: Content, provider: str, currency: str | None, amounts: dict[date, Decimal]) -> Card:
    period, unit = content.period, currency or NO_CURRENCY
    partial = _find_partial_costs(content, provider)
    gaps = find_gaps(content.coverage, content.coverage.accounts_of[provider], amounts)
    marks = [
        Mark(
            bucket,
            1,
            float(amount),
            f"{name_bucket(bucket, period, partial)}: {format_money(amount)} {unit}",
            bucket in partial,
        )
        for bucket, amount in sorted(amounts.items())
    ]
    highest = max(amounts, key=amounts.__getitem__)
    alt_text = (
        f"Bars: cost of {provider} per {period.bucket_unit}, {unit}. Highest {format_money(amounts[highest])} "
        f"({format_bucket(highest, period.bucket_unit)})."
    )
    total = sum(amounts.values(), Decimal())
    return Card(
        f"Cost, {provider}",
        Figure(format_money(total), str(total)),
        unit=unit,
        chart=Chart("bars", period.bucket_unit, period.bucket_dates, marks, alt_text, "amount", gaps),
        sql=content.sql.write("costs", provider, currency),
    )


def _find_partial_costs(content: Content, provider: str) -> dict[date, str]:
    """Return the buckets of a part of their days, also those that lack the cost of days of accounts that report it."""
    partial = find_partial_buckets(content, provider)
    accounts = {
        row["account"] for row in content.list_rows("totals", provider) if row["is_current"] and row["cost_days"]
    }
    days: dict[date, int] = {}
    for row in content.list_rows("bucket_costs", provider):
        days[row["bucket"]] = days.get(row["bucket"], 0) + row["days"]
    for bucket, reported in days.items():
        loaded = sum(content.coverage.loaded_days[account][bucket] for account in accounts)
        if reported < loaded:
            partial.setdefault(bucket, format_reported_part(reported, loaded))
    return partial


def _build_model_card(content: Content, provider: str) -> Iterator[Card]:
    rows = content.list_rows("models", provider)
    if any(row["bucket"] is not None for row in rows):
        comparable = list_comparable_accounts(content.results["breakdown_days"], "model", content.complete_accounts)
        stack = StackRows(provider, rows, _MODELS.choose_slots(rows), comparable)
        yield build_stack_card(content, _MODELS, stack, f"Tokens by model, {provider}")
