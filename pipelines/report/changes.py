"""What is compared with the days before, and when: only what all accounts tell, on all days, in both windows.

A change is no judgement: more may be better or worse. No SQL, no HTML.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pipelines.report.format import format_number, format_percent
from pipelines.report.model import Change

NOT_COMPARABLE = "not comparable"
QueryRow = Mapping[str, Any]
Exact = int | Decimal


@dataclass(frozen=True)
class MeasureTotals:
    """One measure of some accounts in both windows, from rows of the question ``totals``."""

    rows: tuple[QueryRow, ...]
    measure: str

    @classmethod
    def from_rows(cls, rows: Iterable[QueryRow], measure: str, days_column: str | None = None) -> "MeasureTotals":
        """Of the accounts that tell the measure, on as many days as the column ``told`` says."""
        days = days_column or f"{measure}_told"
        return cls(tuple({**row, "told": row[days]} for row in rows if row[days]), measure)

    @property
    def current(self) -> Exact | None:
        """The sum over the period; None where nobody tells it."""
        return self.sum_column(self.measure)

    @property
    def previous(self) -> Exact | None:
        """The sum over the days before."""
        return self.sum_column(self.measure, is_current=False)

    def sum_column(self, measure: str, *, is_current: bool = True) -> Exact | None:
        """The sum of any column over one of the windows."""
        told = [row[measure] for row in self.rows if row["is_now"] == is_current and row[measure] is not None]
        return sum(told) if told else None

    @property
    def accounts(self) -> frozenset[str]:
        """Who tells it in the period."""
        return frozenset(row["account"] for row in self.rows if row["is_now"])

    def is_comparable(self, whole: Collection[str]) -> bool:
        """Whether the same accounts tell it on the same number of days, of windows that are loaded as a whole."""
        days: dict[bool, dict[str, int]] = {True: {}, False: {}}
        for row in self.rows:
            days[row["is_now"]][row["account"]] = row["told"]
        return bool(days[True]) and days[True] == days[False] and days[True].keys() <= set(whole)

    def compare(self, whole: Collection[str]) -> Change | None:
        """The change of the sum, None where it is not comparable."""
        return compare_values(self.current, self.previous) if self.is_comparable(whole) else None


def compare_values(now: Exact | None, before: Exact | None, digits: int = 0) -> Change | None:
    """How much more or less than before; None where either is not told."""
    if now is None or before is None:
        return None
    said = format_number(before, digits)
    if now == before:
        return Change("no change", said)
    if before == 0:
        return Change("▲ from 0", said)
    moved = format_percent(abs(Decimal(now) / Decimal(before) - 1))
    return Change(_arrow(now > before, "under 0.1%" if moved == "0.0%" else moved), said)


def compare_rates(now: float | None, before: float | None) -> Change | None:
    """The change of a rate, in percentage points; None where either is not told."""
    if now is None or before is None:
        return None
    moved = f"{abs(now - before) * 100:.1f}"
    if moved == "0.0":
        return Change("no change", format_percent(before))
    return Change(_arrow(now > before, f"{moved} points"), format_percent(before))


def _arrow(is_up: bool, much: str) -> str:
    return f"{'▲' if is_up else '▼'} {much}"
