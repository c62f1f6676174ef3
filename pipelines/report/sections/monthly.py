"""Month by month: understanding, containment and cost per conversation, from the monthly views.

The rows are those of the queries ``understood``, ``containment`` and ``monthly_costs``; SQL and HTML do not belong
here. Months are calendar months, even where the period begins or ends inside one, and reach back before it. A
month in part is drawn as a hollow point, and says of how many of its days it is. A line breaks at a month without a
rate.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from pipelines.report.content import Content
from pipelines.report.format import (
    NO_VALUE,
    format_bucket,
    format_count,
    format_money,
    format_part,
    format_percent,
    join_names,
)
from pipelines.report.model import SLOT_COUNT, Card, CardLine, Chart, Gap, Mark, Section, Table
from pipelines.report.period import next_month
from pipelines.report.queries import QueryRow
from pipelines.report.sections.totals import NO_CURRENCY

_MAX_MEMBERS = 50  # rows of a table
_MAX_CURRENCIES = 3  # with a chart of their own
_PARTIAL_NOTE = "Hollow points are months in part: not all of their days are over, loaded and reported."

RowsByMonth = Mapping[str, Mapping[date, QueryRow]]


def build_monthly_section(content: Content) -> Section:
    """Build a card for each rate that any account reports."""
    results, period = content.results, content.period
    cards = [
        *_build_share_card(
            "Messages understood",
            "Of the messages that the provider rated as understood or not understood.",
            _RateSource("understood", "understood_monthly"),
            content,
        ),
        *_build_share_card(
            "Containment",
            "Conversations without a transfer target, in channels that report transfer targets.",
            _RateSource("containment", "containment_monthly"),
            content,
        ),
        *_build_cost_cards(content),
    ]
    months = {row["month"] for query in ("understood", "containment", "monthly_costs") for row in results[query]}
    since = format_bucket(min(months, default=period.first_chart_month), "month")
    lead = f"Calendar months since {since}, by account. Scales of shares may not begin at 0%."
    has_partial_months = any(mark.is_partial for card in cards if card.chart for mark in card.chart.marks)
    return Section("months", "Months", "Month by month", lead, cards, _PARTIAL_NOTE if has_partial_months else "")


@dataclass(frozen=True)
class _RateSource:
    """The query and the view that a rate comes from, and the format of its values."""

    query: str
    view: str
    value_format: Literal["percent", "amount"] = "percent"
    currency: str | None = None

    def format_rate(self, rate: Any) -> str:
        return format_money(rate) if self.value_format == "amount" else format_percent(rate)


def _build_share_card(title: str, note: str, source: _RateSource, content: Content) -> Iterator[Card]:
    rows = content.results[source.query]
    if rows:
        yield _build_rate_card(title, note, _group_by_month(rows), source, content)


def _build_cost_cards(content: Content) -> Iterator[Card]:
    currencies: dict[str | None, list[QueryRow]] = defaultdict(list)
    for row in content.results["monthly_costs"]:
        currencies[row["cost_currency"]].append(row)
    ranked = sorted(
        currencies, key=lambda currency: (-sum(row["weight"] for row in currencies[currency]), currency or "")
    )
    left = ranked[_MAX_CURRENCIES:]
    for currency in ranked[:_MAX_CURRENCIES]:
        note = "From days with both figures. Conversations are as the provider counts them."
        if left and currency == ranked[0]:
            note += f" Not drawn: {join_names([name or NO_CURRENCY for name in left], 8)}."
        source = _RateSource("monthly_costs", "cost_per_conversation_monthly", "amount", currency)
        title = f"Cost per conversation, {currency or NO_CURRENCY}"
        yield _build_rate_card(title, note, _group_by_month(currencies[currency]), source, content)


def _group_by_month(rows: Sequence[QueryRow]) -> RowsByMonth:
    """Return the rows of each account by month, accounts with the largest weights first."""
    series: dict[str, dict[date, QueryRow]] = defaultdict(dict)
    for row in rows:
        series[row["account"]][row["month"]] = row
    weights = {name: sum(row["weight"] for row in months.values()) for name, months in series.items()}
    return {name: series[name] for name in sorted(series, key=lambda name: (-weights[name], name))}


def _build_rate_card(title: str, note: str, series: RowsByMonth, source: _RateSource, content: Content) -> Card:
    months = _list_months({month for rows in series.values() for month in rows})
    format_rate = source.format_rate
    drawn, left = list(series)[:SLOT_COUNT], len(series) - SLOT_COUNT
    marks = [
        Mark(
            month,
            slot,
            float(row["rate"]),
            f"{name}, {format_bucket(month, 'month')}{_format_part(row)}: {format_rate(row['rate'])}",
            _is_partial(row),
        )
        for slot, name in enumerate(drawn, start=1)
        for month, row in sorted(series[name].items())
    ]
    lines = [
        CardLine(
            name,
            format_rate(newest["rate"]),
            format_bucket(newest["month"], "month"),
            note=_format_part(newest).strip(" ()"),
            slot=slot,
        )
        for slot, name in enumerate(drawn, start=1)
        for newest in [series[name][max(series[name])]]
    ]
    if left > 0:
        more = format_count(left, "more account")
        note += f" The chart shows the {SLOT_COUNT} largest by count; the figures have {more}."
    return Card(
        title,
        note=note,
        chart=Chart(
            "lines",
            "month",
            months,
            marks,
            f"Lines: {title.lower()} by account and month.",
            source.value_format,
            _find_month_gaps(months, {mark.bucket_date for mark in marks}),
        ),
        line_headers=("account", "newest", "month"),
        lines=lines,
        tables=[_build_table(title, series, source.view, months, format_rate)],
        sql=content.sql.write(source.query, currency=source.currency),
    )


def _list_months(months: Collection[date]) -> list[date]:
    """Return all months from the first to the last, so that one without a rate is seen to be missing."""
    month, listed = min(months), []
    while month <= max(months):
        listed.append(month)
        month = next_month(month)
    return listed


def _find_month_gaps(months: Sequence[date], months_with_rate: Collection[date]) -> list[Gap]:
    return [
        Gap(month, month, f"{format_bucket(month, 'month')}: no rate")
        for month in months
        if month not in months_with_rate
    ]


def _build_table(
    title: str, series: RowsByMonth, view: str, months: Sequence[date], format_rate: Callable[[Any], str]
) -> Table:
    rows = [
        (
            name,
            *(
                f"{format_rate(by_month[month]['rate'])}{_format_part(by_month[month])}"
                if month in by_month
                else NO_VALUE
                for month in months
            ),
        )
        for name, by_month in list(series.items())[:_MAX_MEMBERS]
    ]
    left = len(series) - _MAX_MEMBERS
    more = f"{format_count(left, 'more account')}: see the view {view}" if left > 0 else ""
    return Table(title, ("account", *(format_bucket(month, "month") for month in months)), rows, omitted_note=more)


def _is_partial(row: QueryRow) -> bool:
    return bool(row["days"] < row["days_in_month"])


def _format_part(row: QueryRow) -> str:
    return f" ({format_part(row['days'], row['days_in_month'])})" if _is_partial(row) else ""
