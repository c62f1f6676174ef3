"""The key figures of all accounts together, each with its number of reporting accounts and its change.

The rows are those of the queries ``totals`` and ``costs``; SQL and HTML do not belong here. Providers define measures
differently, and the notes say so.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal

from pipelines.report.changes import NOT_COMPARABLE, MeasureTotals, compare_rates, compare_values
from pipelines.report.format import NO_VALUE, format_count, format_money, format_number, format_percent, join_names
from pipelines.report.model import Change, Figure, KeyFigure
from pipelines.report.queries import QueryResult

NO_CURRENCY = "no currency reported"
_MAX_CURRENCIES = 3  # with a figure of their own


@dataclass(frozen=True)
class ReportAccounts:
    """The number of accounts in the report, and the names of those with both periods loaded completely."""

    count: int
    complete: Collection[str]


def build_key_figures(results: QueryResult, accounts: ReportAccounts) -> list[KeyFigure]:
    """Build the figures at the head of the page."""
    rows = results["totals"]
    return [
        _build_conversations(MeasureTotals.from_rows(rows, "conversations"), accounts),
        _build_sum("Messages", MeasureTotals.from_rows(rows, "messages"), accounts),
        _build_understood_rate(MeasureTotals.from_rows(rows, "judged"), accounts),
        _build_call_minutes(MeasureTotals.from_rows(rows, "call_seconds"), accounts),
        *_build_costs(results, MeasureTotals.from_rows(rows, "cost_days", "cost_days"), accounts),
    ]


def _build_key_figure(
    name: str,
    figure: Figure,
    totals: MeasureTotals,
    accounts: ReportAccounts,
    change: Change | None,
    more_note: str = "",
) -> KeyFigure:
    if not totals.accounts:
        return KeyFigure(name, figure, "reported by no account")
    reason = NOT_COMPARABLE if accounts.complete and not change else ""
    reporters = f"reported by {len(totals.accounts):,} of {format_count(accounts.count, 'account')}"
    return KeyFigure(name, figure, reporters + more_note, change, reason)


def _build_conversations(totals: MeasureTotals, accounts: ReportAccounts) -> KeyFigure:
    providers = {row["provider"] for row in totals.rows if row["is_current"]}
    more_note = f"; each of {len(providers)} providers counts in its own way" if len(providers) > 1 else ""
    return _build_sum("Conversations", totals, accounts, more_note)


def _build_sum(name: str, totals: MeasureTotals, accounts: ReportAccounts, more_note: str = "") -> KeyFigure:
    figure = Figure(format_number(totals.current), _format_exact(totals.current))
    return _build_key_figure(name, figure, totals, accounts, totals.compare(accounts.complete), more_note)


def _build_understood_rate(totals: MeasureTotals, accounts: ReportAccounts) -> KeyFigure:
    now, before = _understood_rate(totals, is_current=True), _understood_rate(totals, is_current=False)
    change = compare_rates(now, before) if totals.is_comparable(accounts.complete) else None
    figure = Figure(format_percent(now), _format_exact(now))
    return _build_key_figure("Messages understood", figure, totals, accounts, change)


def _understood_rate(totals: MeasureTotals, *, is_current: bool) -> float | None:
    understood, judged = (totals.sum_column(name, is_current=is_current) for name in ("understood", "judged"))
    return float(understood / judged) if judged and understood is not None else None


def _build_call_minutes(totals: MeasureTotals, accounts: ReportAccounts) -> KeyFigure:
    now, before = (None if seconds is None else Decimal(seconds) / 60 for seconds in (totals.current, totals.previous))
    change = compare_values(now, before) if totals.is_comparable(accounts.complete) else None
    figure = Figure(format_number(now), _format_exact(now))
    return _build_key_figure("Call minutes", figure, totals, accounts, change)


def _build_costs(results: QueryResult, totals: MeasureTotals, accounts: ReportAccounts) -> Iterator[KeyFigure]:
    """Yield a figure for each currency, because amounts in different currencies cannot be added."""
    sums: dict[bool, dict[str | None, Decimal]] = {True: {}, False: {}}
    for row in results["costs"]:
        side, currency = sums[row["is_current"]], row["cost_currency"]
        side[currency] = side.get(currency, Decimal()) + row["cost_amount"]
    known = sorted(sums[True], key=lambda currency: (currency is None, currency or ""))
    for currency in known[:_MAX_CURRENCIES]:
        now, before = sums[True][currency], sums[False].get(currency, Decimal())
        figure = Figure(format_money(now), _format_exact(now))
        change = compare_values(now, before, 2) if totals.is_comparable(accounts.complete) else None
        yield _build_key_figure(f"Cost, {currency or NO_CURRENCY}", figure, totals, accounts, change)
    if not known:
        figure = Figure("0", "0") if totals.accounts else Figure(NO_VALUE)
        yield _build_key_figure("Cost", figure, totals, accounts, None)
    if len(known) > _MAX_CURRENCIES:
        others = [f"{name or NO_CURRENCY} {format_money(sums[True][name])}" for name in known[_MAX_CURRENCIES:]]
        yield KeyFigure("Cost, other currencies", Figure(str(len(others))), join_names(others, 8))


def _format_exact(value: object) -> str:
    return "" if value is None else str(value)
