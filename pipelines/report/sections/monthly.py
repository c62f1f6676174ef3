"""Month by month: understanding, containment and cost per conversation, from the monthly views.

The rows are those of the queries ``understood``, ``containment`` and ``monthly_costs``; SQL and HTML do not belong
here. Months are whole calendar months. They include months before the period, and days outside it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Literal

from pipelines.report.format import format_bucket, format_count, format_money, format_percent, join_names
from pipelines.report.model import SLOT_COUNT, Card, CardLine, Chart, Mark, Section, Table
from pipelines.report.period import Period
from pipelines.report.queries import QueryResult, QueryRow
from pipelines.report.sections.totals import NO_CURRENCY

_MAX_MEMBERS = 50  # rows of a table
_MAX_CURRENCIES = 3  # with a chart of their own

RowsByMonth = Mapping[str, Mapping[date, QueryRow]]


def build_monthly_section(results: QueryResult, period: Period) -> Section:
    """Build a card for each rate that any account reports."""
    cards = [
        *_build_share_card(
            "Messages understood",
            "Of the messages that the provider rated as understood or not understood.",
            results["understood"],
            "understood_monthly",
        ),
        *_build_share_card(
            "Containment",
            "Conversations without a transfer target, in channels that report transfer targets.",
            results["containment"],
            "containment_monthly",
        ),
        *_build_cost_cards(results["monthly_costs"]),
    ]
    months = {row["month"] for query in ("understood", "containment", "monthly_costs") for row in results[query]}
    since = format_bucket(min(months, default=period.first_chart_month), "month")
    lead = f"Whole calendar months since {since}, as far as they are loaded. Scales of shares may not begin at 0%."
    return Section("months", "Months", "Month by month", lead, cards)


def _build_share_card(title: str, note: str, rows: Sequence[QueryRow], view: str) -> Iterator[Card]:
    if rows:
        yield _build_rate_card(
            title, note, _group_by_month(rows, "account"), "account", view, "percent", format_percent
        )


def _build_cost_cards(rows: Sequence[QueryRow]) -> Iterator[Card]:
    currencies: dict[str | None, list[QueryRow]] = defaultdict(list)
    for row in rows:
        currencies[row["cost_currency"]].append(row)
    ranked = sorted(
        currencies, key=lambda currency: (-sum(row["weight"] for row in currencies[currency]), currency or "")
    )
    left = ranked[_MAX_CURRENCIES:]
    for currency in ranked[:_MAX_CURRENCIES]:
        note = "From days with both figures. Conversations are as the provider counts them."
        if left and currency == ranked[0]:
            note += f" Not drawn: {join_names([name or NO_CURRENCY for name in left], 8)}."
        series = _group_by_month(currencies[currency], "provider")
        title = f"Cost per conversation, {currency or NO_CURRENCY}"
        yield _build_rate_card(title, note, series, "provider", "cost_per_conversation_monthly", "amount", format_money)


def _group_by_month(rows: Sequence[QueryRow], by: str) -> RowsByMonth:
    """Return the rows of each member by month, members with the largest weights first."""
    series: dict[str, dict[date, QueryRow]] = defaultdict(dict)
    for row in rows:
        series[row[by]][row["month"]] = row
    weights = {name: sum(row["weight"] for row in months.values()) for name, months in series.items()}
    return {name: series[name] for name in sorted(series, key=lambda name: (-weights[name], name))}


def _build_rate_card(
    title: str,
    note: str,
    series: RowsByMonth,
    by: str,
    view: str,
    value_format: Literal["percent", "amount"],
    format_rate: Callable[[Any], str],
) -> Card:
    months = sorted({month for rows in series.values() for month in rows})
    drawn, left = list(series)[:SLOT_COUNT], len(series) - SLOT_COUNT
    marks = [
        Mark(month, slot, float(row["rate"]), f"{name}, {format_bucket(month, 'month')}: {format_rate(row['rate'])}")
        for slot, name in enumerate(drawn, start=1)
        for month, row in sorted(series[name].items())
    ]
    lines = [
        CardLine(name, format_rate(newest["rate"]), format_bucket(newest["month"], "month"), slot=slot)
        for slot, name in enumerate(drawn, start=1)
        for newest in [series[name][max(series[name])]]
    ]
    if left > 0:
        note += (
            f" The chart shows the {SLOT_COUNT} largest by count; the figures have {format_count(left, f'more {by}')}."
        )
    return Card(
        title,
        note=note,
        chart=Chart("lines", "month", months, marks, f"Lines: {title.lower()} by {by} and month.", value_format),
        line_headers=(by, "newest", "month"),
        lines=lines,
        tables=[_build_table(title, series, by, view, months, format_rate)],
    )


def _build_table(
    title: str, series: RowsByMonth, by: str, view: str, months: Sequence[date], format_rate: Callable[[Any], str]
) -> Table:
    rows = [
        (name, *(format_rate(by_month[month]["rate"] if month in by_month else None) for month in months))
        for name, by_month in list(series.items())[:_MAX_MEMBERS]
    ]
    left = len(series) - _MAX_MEMBERS
    more = f"{format_count(left, f'more {by}')}: see the view {view}" if left > 0 else ""
    return Table(title, (by, *(format_bucket(month, "month") for month in months)), rows, omitted_note=more)
