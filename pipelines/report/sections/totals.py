"""The key figures of each provider, each with its change and with its number of reporting accounts.

The rows are those of the queries ``totals`` and ``costs``; SQL and HTML do not belong here, nor sums over providers,
which define every measure in their own way. Amounts in different currencies are not added either.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial

from pipelines.report.changes import NOT_COMPARABLE, MeasureTotals, compare_rates, compare_values
from pipelines.report.format import NO_VALUE, format_count, format_money, format_number, format_percent, join_names
from pipelines.report.model import Change, Figure, KeyFigure, KeyFigureRow, KeyFigureTable
from pipelines.report.queries import QueryResult, QueryRow

NO_CURRENCY = "no currency reported"
_MAX_CURRENCIES = 3  # with a column of their own

_Costs = Mapping[str | None, Decimal]


@dataclass(frozen=True)
class ReportAccounts:
    """The number of accounts in the report by provider, and the names of those with both periods loaded completely."""

    counts: Mapping[str, int]
    complete: Collection[str]


@dataclass(frozen=True)
class _ProviderRows:
    """The rows of one provider, and its costs by currency: in the period (True) and in the days before (False)."""

    rows: Sequence[QueryRow]
    costs: Mapping[bool, _Costs]
    account_count: int
    complete_accounts: Collection[str]

    def totals(self, measure: str, days_column: str | None = None) -> MeasureTotals:
        return MeasureTotals.from_rows(self.rows, measure, days_column)


_Column = tuple[str, Callable[[_ProviderRows], KeyFigure]]


def build_key_figures(results: QueryResult, accounts: ReportAccounts, sql: str) -> KeyFigureTable:
    """Build the figures at the head of the page: a row for each provider, a column for each measure that any reports.

    The column of conversations is always there. ``sql`` is the statement that is shown with the table.
    """
    providers = {
        provider: _ProviderRows(
            [row for row in results["totals"] if row["provider"] == provider],
            {is_current: _sum_costs(results, provider, is_current=is_current) for is_current in (True, False)},
            count,
            accounts.complete,
        )
        for provider, count in accounts.counts.items()
    }
    columns: list[_Column] = [
        ("Conversations", partial(_build_sum, measure="conversations")),
        ("Messages", partial(_build_sum, measure="messages")),
        ("Messages understood", _build_understood_rate),
        ("Call minutes", _build_call_minutes),
        *_list_cost_columns(providers.values()),
    ]
    cells = [[build(rows) for rows in providers.values()] for _, build in columns]
    shown = [at for at, column in enumerate(cells) if at == 0 or any(cell.figure.text != NO_VALUE for cell in column)]
    return KeyFigureTable(
        headers=[columns[at][0] for at in shown],
        rows=[
            KeyFigureRow(provider, format_count(rows.account_count, "account"), [cells[at][number] for at in shown])
            for number, (provider, rows) in enumerate(providers.items())
        ],
        sql=sql,
    )


def _build_figure(provider: _ProviderRows, totals: MeasureTotals, figure: Figure, change: Change | None) -> KeyFigure:
    if not any(row["is_current"] for row in provider.rows):
        return KeyFigure(Figure(NO_VALUE), "not loaded", is_loaded=False)
    if not totals.accounts:
        return KeyFigure(Figure(NO_VALUE), "not reported")
    reason = NOT_COMPARABLE if provider.complete_accounts and not change else ""
    is_reported_by_all = len(totals.accounts) == provider.account_count
    note = (
        ""
        if is_reported_by_all
        else f"of {len(totals.accounts):,} of {format_count(provider.account_count, 'account')}"
    )
    return KeyFigure(figure, note, change, reason)


def _build_sum(provider: _ProviderRows, measure: str) -> KeyFigure:
    totals = provider.totals(measure)
    figure = Figure(format_number(totals.current), _format_exact(totals.current))
    return _build_figure(provider, totals, figure, totals.compare(provider.complete_accounts))


def _build_understood_rate(provider: _ProviderRows) -> KeyFigure:
    totals = provider.totals("judged")
    now, before = _understood_rate(totals, is_current=True), _understood_rate(totals, is_current=False)
    change = compare_rates(now, before) if totals.is_comparable(provider.complete_accounts) else None
    return _build_figure(provider, totals, Figure(format_percent(now), _format_exact(now)), change)


def _understood_rate(totals: MeasureTotals, *, is_current: bool) -> float | None:
    understood, judged = (totals.sum_column(name, is_current=is_current) for name in ("understood", "judged"))
    return float(understood / judged) if judged and understood is not None else None


def _build_call_minutes(provider: _ProviderRows) -> KeyFigure:
    totals = provider.totals("call_seconds")
    now, before = (None if seconds is None else Decimal(seconds) / 60 for seconds in (totals.current, totals.previous))
    change = compare_values(now, before) if totals.is_comparable(provider.complete_accounts) else None
    return _build_figure(provider, totals, Figure(format_number(now), _format_exact(now)), change)


def _sum_costs(results: QueryResult, provider: str, *, is_current: bool) -> _Costs:
    sums: dict[str | None, Decimal] = defaultdict(Decimal)
    for row in results["costs"]:
        if row["provider"] == provider and row["is_current"] == is_current:
            sums[row["cost_currency"]] += row["cost_amount"]
    return dict(sums)


def _list_cost_columns(providers: Collection[_ProviderRows]) -> list[_Column]:
    """Return a column for each of the first currencies, one for the others, and one for costs of 0 in none."""
    known = {currency for provider in providers for currency in provider.costs[True]}
    currencies = sorted(known, key=lambda currency: (currency is None, currency or ""))
    columns: list[_Column] = [
        (f"Cost, {currency or NO_CURRENCY}", partial(_build_cost, currency=currency))
        for currency in currencies[:_MAX_CURRENCIES]
    ]
    others = currencies[_MAX_CURRENCIES:]
    if others:
        columns.append(("Cost, other currencies", partial(_build_other_costs, currencies=others)))
    return columns or [("Cost", partial(_build_cost, currency=None))]


def _build_cost(provider: _ProviderRows, currency: str | None) -> KeyFigure:
    totals = provider.totals("cost_days", "cost_days")
    now, before = (provider.costs[is_current].get(currency, Decimal()) for is_current in (True, False))
    change = compare_values(now, before, 2) if totals.is_comparable(provider.complete_accounts) else None
    return _build_figure(provider, totals, Figure(format_money(now) if now else "0", _format_exact(now)), change)


def _build_other_costs(provider: _ProviderRows, currencies: Sequence[str | None]) -> KeyFigure:
    own = [currency for currency in currencies if currency in provider.costs[True]]
    amounts = [f"{name or NO_CURRENCY} {format_money(provider.costs[True][name])}" for name in own]
    if not own:
        return KeyFigure(Figure(NO_VALUE), "not reported")
    return KeyFigure(Figure(str(len(own)), str(len(own))), join_names(amounts, 8))


def _format_exact(value: object) -> str:
    return "" if value is None else str(value)
