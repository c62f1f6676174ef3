"""Compare figures of the period with the days before: only for the same accounts with the same number of days.

SQL and HTML do not belong here. A change is not rated: more may be better or worse.
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from decimal import Decimal

from pipelines.report.format import format_number, format_percent
from pipelines.report.model import Change
from pipelines.report.queries import QueryRow

NOT_COMPARABLE = "not comparable"
Exact = int | Decimal


@dataclass(frozen=True)
class MeasureTotals:
    """One measure of some accounts in the period and in the days before, from rows of the query ``totals``."""

    rows: tuple[QueryRow, ...]
    measure: str

    @classmethod
    def from_rows(cls, rows: Iterable[QueryRow], measure: str, days_column: str | None = None) -> "MeasureTotals":
        """Keep the rows that have the measure on any day; ``days_column`` (``<measure>_days``) counts those days."""
        column = days_column or f"{measure}_days"
        return cls(tuple({**row, "days": row[column]} for row in rows if row[column]), measure)

    @property
    def current(self) -> Exact | None:
        """The sum over the period; None when no account reports it."""
        return self.sum_column(self.measure)

    @property
    def previous(self) -> Exact | None:
        """The sum over the days before; None when no account reports it."""
        return self.sum_column(self.measure, is_current=False)

    def sum_column(self, measure: str, *, is_current: bool = True) -> Exact | None:
        """Sum any column over the period or over the days before; None when it has no value."""
        values = [row[measure] for row in self.rows if row["is_current"] == is_current and row[measure] is not None]
        return sum(values) if values else None

    @property
    def accounts(self) -> frozenset[str]:
        """The names of the accounts that report it in the period."""
        return frozenset(row["account"] for row in self.rows if row["is_current"])

    def is_comparable(self, complete_accounts: Collection[str]) -> bool:
        """Return whether the same accounts report it on equally many days of both windows, and all are complete."""
        days: dict[bool, dict[str, int]] = {True: {}, False: {}}
        for row in self.rows:
            days[row["is_current"]][row["account"]] = row["days"]
        return bool(days[True]) and days[True] == days[False] and days[True].keys() <= set(complete_accounts)

    def compare(self, complete_accounts: Collection[str]) -> Change | None:
        """Return the change of the sum; None when it is not comparable."""
        return compare_values(self.current, self.previous) if self.is_comparable(complete_accounts) else None


def list_comparable_accounts(
    breakdown_days: Iterable[QueryRow], breakdown: str, complete_accounts: Collection[str]
) -> frozenset[str]:
    """Return the complete accounts whose members are known on equally many days of both windows.

    The rows are those of the query ``breakdown_days``. A stream that was enabled later is thus not taken for growth.
    """
    days: dict[bool, dict[str, int]] = {True: {}, False: {}}
    for row in breakdown_days:
        if row["breakdown"] == breakdown:
            days[row["is_current"]][row["account"]] = row["days"]
    return frozenset(name for name in complete_accounts if days[True].get(name) == days[False].get(name))


def compare_values(now: Exact | None, before: Exact | None, digits: int = 0) -> Change | None:
    """Return the relative change in per cent; None when either value is missing.

    >>> compare_values(110, 100)
    Change(text='▲ 10.0%', previous='100')
    """
    if now is None or before is None:
        return None
    previous = format_number(before, digits)
    if now == before:
        return Change("no change", previous)
    if before == 0:
        return Change("▲ from 0", previous)
    percent = format_percent(abs(Decimal(now) / Decimal(before) - 1))
    return Change(_format_change(now > before, "under 0.1%" if percent == "0.0%" else percent), previous)


def compare_rates(now: float | None, before: float | None) -> Change | None:
    """Return the change of a rate (0 to 1) in percentage points; None when either rate is missing."""
    if now is None or before is None:
        return None
    points = f"{abs(now - before) * 100:.1f}"
    if points == "0.0":
        return Change("no change", format_percent(before))
    return Change(_format_change(now > before, f"{points} points"), format_percent(before))


def _format_change(is_up: bool, amount: str) -> str:
    return f"{'▲' if is_up else '▼'} {amount}"
