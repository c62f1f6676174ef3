"""The key figures: of all accounts together, each with who tells it and its change against the days before.

From the answers to ``totals`` and ``costs``. What providers mean by one word differs, and the notes say so.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal

from pipelines.report.changes import NOT_COMPARABLE, MeasureTotals, compare_rates, compare_values
from pipelines.report.format import NO_VALUE, format_count, format_money, format_number, format_percent, join_names
from pipelines.report.model import Change, Figure, KeyFigure
from pipelines.report.queries import QueryResult

NO_CURRENCY = "no currency told"
_CURRENCIES = 3  # that have a figure of their own


@dataclass(frozen=True)
class ReportAccounts:
    """How many accounts the report has, and those that are loaded ``whole``, now and before."""

    count: int
    complete: Collection[str]


def build_key_figures(answer: QueryResult, among: ReportAccounts) -> list[KeyFigure]:
    """The figures of the head of the page."""
    rows = answer["totals"]
    return [
        _conversations(MeasureTotals.from_rows(rows, "conversations"), among),
        _sum("Messages", MeasureTotals.from_rows(rows, "messages"), among),
        _understood(MeasureTotals.from_rows(rows, "judged"), among),
        _minutes(MeasureTotals.from_rows(rows, "call_seconds"), among),
        *_costs(answer, MeasureTotals.from_rows(rows, "cost_told", "cost_told"), among),
    ]


def _key(
    name: str, figure: Figure, told: MeasureTotals, among: ReportAccounts, moved: Change | None, more: str = ""
) -> KeyFigure:
    if not told.accounts:
        return KeyFigure(name, figure, "told by no account")
    tellers = f"told by {len(told.accounts):,} of {format_count(among.count, 'account')}"
    return KeyFigure(name, figure, tellers + more, moved, NOT_COMPARABLE if among.complete and not moved else "")


def _conversations(told: MeasureTotals, among: ReportAccounts) -> KeyFigure:
    providers = {row["provider"] for row in told.rows if row["is_now"]}
    own = f"; {len(providers)} providers that each count in their own way" if len(providers) > 1 else ""
    return _sum("Conversations", told, among, own)


def _sum(name: str, told: MeasureTotals, among: ReportAccounts, more: str = "") -> KeyFigure:
    figure = Figure(format_number(told.current), _exact(told.current))
    return _key(name, figure, told, among, told.compare(among.complete), more)


def _understood(told: MeasureTotals, among: ReportAccounts) -> KeyFigure:
    now, before = _rate(told, is_now=True), _rate(told, is_now=False)
    moved = compare_rates(now, before) if told.is_comparable(among.complete) else None
    return _key("Messages understood", Figure(format_percent(now), _exact(now)), told, among, moved)


def _rate(told: MeasureTotals, *, is_now: bool) -> float | None:
    understood, judged = (told.sum_column(name, is_current=is_now) for name in ("understood", "judged"))
    return float(understood / judged) if judged and understood is not None else None


def _minutes(told: MeasureTotals, among: ReportAccounts) -> KeyFigure:
    now, before = (None if each is None else Decimal(each) / 60 for each in (told.current, told.previous))
    moved = compare_values(now, before) if told.is_comparable(among.complete) else None
    return _key("Call minutes", Figure(format_number(now), _exact(now)), told, among, moved)


def _costs(answer: QueryResult, told: MeasureTotals, among: ReportAccounts) -> Iterator[KeyFigure]:
    """A figure for each currency: sums of different money are no sum."""
    sums: dict[bool, dict[str | None, Decimal]] = {True: {}, False: {}}
    for row in answer["costs"]:
        side, currency = sums[row["is_now"]], row["cost_currency"]
        side[currency] = side.get(currency, Decimal()) + row["cost_amount"]
    known = sorted(sums[True], key=lambda currency: (currency is None, currency or ""))
    for currency in known[:_CURRENCIES]:
        now = sums[True][currency]
        moved = (
            compare_values(now, sums[False].get(currency, Decimal()), 2) if told.is_comparable(among.complete) else None
        )
        yield _key(f"Cost, {currency or NO_CURRENCY}", Figure(format_money(now), _exact(now)), told, among, moved)
    if not known:
        yield _key("Cost", Figure("0", "0") if told.accounts else Figure(NO_VALUE), told, among, None)
    if len(known) > _CURRENCIES:
        left = [f"{currency or NO_CURRENCY} {format_money(sums[True][currency])}" for currency in known[_CURRENCIES:]]
        yield KeyFigure("Cost, other currencies", Figure(str(len(left))), join_names(left, 8))


def _exact(value: object) -> str:
    return "" if value is None else str(value)
