"""The key figures: of all accounts together, each with who tells it and its change against the days before.

From the answers to ``totals`` and ``costs``. What providers mean by one word differs, and the notes say so.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from decimal import Decimal

from pipelines.report import format as words
from pipelines.report.changes import NOT_COMPARABLE, Totals, change, points
from pipelines.report.model import Change, Figure, KeyFigure
from pipelines.report.queries import Answer

NO_CURRENCY = "no currency told"
_CURRENCIES = 3  # that have a figure of their own


@dataclass(frozen=True)
class Among:
    """How many accounts the report has, and those that are loaded ``whole``, now and before."""

    accounts: int
    whole: Collection[str]


def key_figures(answer: Answer, among: Among) -> list[KeyFigure]:
    """The figures of the head of the page."""
    rows = answer["totals"]
    return [
        _conversations(Totals.of(rows, "conversations"), among),
        _sum("Messages", Totals.of(rows, "messages"), among),
        _understood(Totals.of(rows, "judged"), among),
        _minutes(Totals.of(rows, "call_seconds"), among),
        *_costs(answer, Totals.of(rows, "cost_told", "cost_told"), among),
    ]


def _key(name: str, figure: Figure, told: Totals, among: Among, moved: Change | None, more: str = "") -> KeyFigure:
    if not told.accounts:
        return KeyFigure(name, figure, "told by no account")
    tellers = f"told by {len(told.accounts):,} of {words.plural(among.accounts, 'account')}"
    return KeyFigure(name, figure, tellers + more, moved, NOT_COMPARABLE if among.whole and not moved else "")


def _conversations(told: Totals, among: Among) -> KeyFigure:
    providers = {row["provider"] for row in told.rows if row["is_now"]}
    own = f"; {len(providers)} providers that each count in their own way" if len(providers) > 1 else ""
    return _sum("Conversations", told, among, own)


def _sum(name: str, told: Totals, among: Among, more: str = "") -> KeyFigure:
    figure = Figure(words.number(told.now), _exact(told.now))
    return _key(name, figure, told, among, told.change(among.whole), more)


def _understood(told: Totals, among: Among) -> KeyFigure:
    now, before = _rate(told, is_now=True), _rate(told, is_now=False)
    moved = points(now, before) if told.comparable(among.whole) else None
    return _key("Messages understood", Figure(words.percent(now), _exact(now)), told, among, moved)


def _rate(told: Totals, *, is_now: bool) -> float | None:
    understood, judged = (told.sum_of(name, is_now=is_now) for name in ("understood", "judged"))
    return float(understood / judged) if judged and understood is not None else None


def _minutes(told: Totals, among: Among) -> KeyFigure:
    now, before = (None if each is None else Decimal(each) / 60 for each in (told.now, told.before))
    moved = change(now, before) if told.comparable(among.whole) else None
    return _key("Call minutes", Figure(words.number(now), _exact(now)), told, among, moved)


def _costs(answer: Answer, told: Totals, among: Among) -> Iterator[KeyFigure]:
    """A figure for each currency: sums of different money are no sum."""
    sums: dict[bool, dict[str | None, Decimal]] = {True: {}, False: {}}
    for row in answer["costs"]:
        side, currency = sums[row["is_now"]], row["cost_currency"]
        side[currency] = side.get(currency, Decimal()) + row["cost_amount"]
    known = sorted(sums[True], key=lambda currency: (currency is None, currency or ""))
    for currency in known[:_CURRENCIES]:
        now = sums[True][currency]
        moved = change(now, sums[False].get(currency, Decimal()), 2) if told.comparable(among.whole) else None
        yield _key(f"Cost, {currency or NO_CURRENCY}", Figure(words.amount(now), _exact(now)), told, among, moved)
    if not known:
        yield _key("Cost", Figure("0", "0") if told.accounts else Figure(words.NOTHING), told, among, None)
    if len(known) > _CURRENCIES:
        left = [f"{currency or NO_CURRENCY} {words.amount(sums[True][currency])}" for currency in known[_CURRENCIES:]]
        yield KeyFigure("Cost, other currencies", Figure(str(len(left))), words.listed(left, 8))


def _exact(value: object) -> str:
    return "" if value is None else str(value)
