"""What is compared with the days before, and when: only what all accounts tell, on all days, in both windows.

A change is no judgement: more may be better or worse. No SQL, no HTML.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pipelines.report import format as words
from pipelines.report.model import Change

NOT_COMPARABLE = "not comparable"
Row = Mapping[str, Any]
Exact = int | Decimal


@dataclass(frozen=True)
class Totals:
    """One measure of some accounts in both windows, from rows of the question ``totals``."""

    rows: tuple[Row, ...]
    measure: str

    @classmethod
    def of(cls, rows: Iterable[Row], measure: str, told: str | None = None) -> "Totals":
        """Of the accounts that tell the measure, on as many days as the column ``told`` says."""
        days = told or f"{measure}_told"
        return cls(tuple({**row, "told": row[days]} for row in rows if row[days]), measure)

    @property
    def now(self) -> Exact | None:
        """The sum over the period; None where nobody tells it."""
        return self.sum_of(self.measure)

    @property
    def before(self) -> Exact | None:
        """The sum over the days before."""
        return self.sum_of(self.measure, is_now=False)

    def sum_of(self, measure: str, *, is_now: bool = True) -> Exact | None:
        """The sum of any column over one of the windows."""
        told = [row[measure] for row in self.rows if row["is_now"] == is_now and row[measure] is not None]
        return sum(told) if told else None

    @property
    def accounts(self) -> frozenset[str]:
        """Who tells it in the period."""
        return frozenset(row["account"] for row in self.rows if row["is_now"])

    def comparable(self, whole: Collection[str]) -> bool:
        """Whether the same accounts tell it on the same number of days, of windows that are loaded as a whole."""
        days: dict[bool, dict[str, int]] = {True: {}, False: {}}
        for row in self.rows:
            days[row["is_now"]][row["account"]] = row["told"]
        return bool(days[True]) and days[True] == days[False] and days[True].keys() <= set(whole)

    def change(self, whole: Collection[str]) -> Change | None:
        """The change of the sum, None where it is not comparable."""
        return change(self.now, self.before) if self.comparable(whole) else None


def change(now: Exact | None, before: Exact | None, digits: int = 0) -> Change | None:
    """How much more or less than before; None where either is not told."""
    if now is None or before is None:
        return None
    said = words.number(before, digits)
    if now == before:
        return Change("no change", said)
    if before == 0:
        return Change("▲ from 0", said)
    moved = words.percent(abs(Decimal(now) / Decimal(before) - 1))
    return Change(_arrow(now > before, "under 0.1%" if moved == "0.0%" else moved), said)


def points(now: float | None, before: float | None) -> Change | None:
    """The change of a rate, in percentage points; None where either is not told."""
    if now is None or before is None:
        return None
    moved = f"{abs(now - before) * 100:.1f}"
    if moved == "0.0":
        return Change("no change", words.percent(before))
    return Change(_arrow(now > before, f"{moved} points"), words.percent(before))


def _arrow(is_up: bool, much: str) -> str:
    return f"{'▲' if is_up else '▼'} {much}"
