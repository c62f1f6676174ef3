"""Month by month: understanding, containment and cost per conversation, as the monthly views tell them.

From the answers to ``understood``, ``containment`` and ``costs_each``. Months are whole calendar months, also where the
period begins or ends inside of one, and reach back before it.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from typing import Any, Literal

from pipelines.report.changes import QueryRow
from pipelines.report.format import format_bucket, format_count, format_money, format_percent, join_names
from pipelines.report.model import SLOT_COUNT, Card, CardLine, Chart, Mark, Section, Table
from pipelines.report.period import Period
from pipelines.report.queries import QueryResult
from pipelines.report.sections.totals import NO_CURRENCY

_ACCOUNTS = 50  # that a table has
_CURRENCIES = 3  # that have a chart

RowsByMonth = Mapping[str, Mapping[date, QueryRow]]


def build_monthly_section(answer: QueryResult, period: Period) -> Section:
    """A card for each rate that anybody tells."""
    cards = [
        *_shares(
            "Messages understood", "Of the messages that were judged.", answer["understood"], "understood_monthly"
        ),
        *_shares(
            "Containment",
            "Conversations that name no transfer target, of the channels that name any.",
            answer["containment"],
            "containment_monthly",
        ),
        *_costs(answer["costs_each"]),
    ]
    told = {row["month"] for question in ("understood", "containment", "costs_each") for row in answer[question]}
    since = format_bucket(min(told, default=period.first_chart_month), "month")
    lead = f"Whole calendar months since {since}, as far as they are loaded. Scales of shares need not begin at 0%."
    return Section("months", "Months", "Month by month", lead, cards)


def _shares(title: str, note: str, rows: Sequence[QueryRow], view: str) -> Iterator[Card]:
    if rows:
        yield _card(title, note, _series(rows, "account"), "account", view, "percent", format_percent)


def _costs(rows: Sequence[QueryRow]) -> Iterator[Card]:
    currencies: dict[str | None, list[QueryRow]] = defaultdict(list)
    for row in rows:
        currencies[row["cost_currency"]].append(row)
    ranked = sorted(currencies, key=lambda each: (-sum(row["weight"] for row in currencies[each]), each or ""))
    left = ranked[_CURRENCIES:]
    for currency in ranked[:_CURRENCIES]:
        note = "Of the days that tell both; conversations as the provider counts them."
        if left and currency == ranked[0]:
            note += f" Not drawn: {join_names([each or NO_CURRENCY for each in left], 8)}."
        series = _series(currencies[currency], "provider")
        title = f"Cost per conversation, {currency or NO_CURRENCY}"
        yield _card(title, note, series, "provider", "cost_per_conversation_monthly", "amount", format_money)


def _series(rows: Sequence[QueryRow], by: str) -> RowsByMonth:
    """Rows of each member by month, the members with the most behind their rates first."""
    found: dict[str, dict[date, QueryRow]] = defaultdict(dict)
    for row in rows:
        found[row[by]][row["month"]] = row
    weights = {name: sum(row["weight"] for row in months.values()) for name, months in found.items()}
    return {name: found[name] for name in sorted(found, key=lambda name: (-weights[name], name))}


def _card(
    title: str,
    note: str,
    series: RowsByMonth,
    by: str,
    view: str,
    form: Literal["percent", "amount"],
    say: Callable[[Any], str],
) -> Card:
    months = sorted({month for rows in series.values() for month in rows})
    drawn, left = list(series)[:SLOT_COUNT], len(series) - SLOT_COUNT
    marks = [
        Mark(month, slot, float(row["rate"]), f"{name}, {format_bucket(month, 'month')}: {say(row['rate'])}")
        for slot, name in enumerate(drawn, start=1)
        for month, row in sorted(series[name].items())
    ]
    lines = [
        CardLine(name, say(newest["rate"]), format_bucket(newest["month"], "month"), slot=slot)
        for slot, name in enumerate(drawn, start=1)
        for newest in [series[name][max(series[name])]]
    ]
    if left > 0:
        note += (
            f" Drawn are the {SLOT_COUNT} with the most behind them; {format_count(left, f'more {by}')} in the figures."
        )
    return Card(
        title,
        note=note,
        chart=Chart("lines", "month", months, marks, f"Lines: {title.lower()} by {by} and month.", form),
        line_headers=(by, "newest", "month"),
        lines=lines,
        tables=[_table(title, series, by, view, months, say)],
    )


def _table(
    title: str, series: RowsByMonth, by: str, view: str, months: Sequence[date], say: Callable[[Any], str]
) -> Table:
    rows = [
        (name, *(say(told[month]["rate"] if month in told else None) for month in months))
        for name, told in list(series.items())[:_ACCOUNTS]
    ]
    left = len(series) - _ACCOUNTS
    more = f"{format_count(left, f'more {by}')}: see the view {view}" if left > 0 else ""
    return Table(title, (by, *(format_bucket(month, "month") for month in months)), rows, omitted_note=more)
