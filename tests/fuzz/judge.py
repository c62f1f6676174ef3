"""Decides whether the outcome of a changed answer is right, by the effect that the change declares.

An outcome is: refused, with account, stream and field; or loaded, with the facts and their differences from the facts
of the unchanged answers.
"""

import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from extractors.errors import ExtractionError, ShapeError
from tests.support.view_columns import map_view_columns
from transforms.facts import TransformResult
from warehouse.model.schema import staged_grain

TOLERANCE = Decimal("0.0011")
RowKey = tuple[str, tuple[Any, ...]]
"""Staged table and the values of its grain."""


@dataclass(frozen=True)
class Snapshot:
    """The facts as values that can be compared."""

    rows: Mapping[RowKey, Mapping[str, Any]]
    unexplained: frozenset[Any]
    drift: frozenset[Any]
    totals: Any

    @classmethod
    def of(cls, staged: TransformResult) -> "Snapshot":
        rows: dict[RowKey, dict[str, Any]] = {}
        for table, arrow in staged.tables.items():
            grain = staged_grain(table)
            for row in arrow.to_pylist():  # type: ignore[union-attr]
                key = tuple(row.pop(column) for column in grain)
                rows[table, key] = {
                    column: _sort_keys(value) if column == "properties" else value
                    for column, value in row.items()
                    if value is not None
                }
        unexplained = frozenset(entry for entry in staged.reconciliations if entry.verdict == "unexplained")
        drift = frozenset((entry.date, entry.stream, entry.kind, entry.name) for entry in staged.drift)
        return cls(rows, unexplained, drift, {day: dict(totals) for day, totals in staged.totals.items()})


def _sort_keys(text: str) -> str:
    return json.dumps(json.loads(text), sort_keys=True)


@dataclass(frozen=True)
class CellChange:
    """A cell that differs; None for a row or a value that is missing."""

    table: str
    key: tuple[Any, ...]
    column: str
    before: Any
    after: Any

    @property
    def view_column(self) -> str:
        metric = self.key[staged_grain(self.table).index("metric")] if self.table == "metric_daily" else ""
        shown = map_view_columns()
        if (self.table, metric) in shown:
            return shown[self.table, metric].get(self.column, f"{self.table}.{self.column}")
        suffix = f" ({metric})" if metric else ""
        return shown[self.table, ""].get(self.column, f"{self.table}.{self.column}") + suffix

    @property
    def delta(self) -> Decimal | None:
        """The difference of two numbers; a missing one counts as zero, because zero rows are left out."""
        if not all(value is None or isinstance(value, int | Decimal) for value in (self.before, self.after)):
            return None
        return Decimal(self.after or 0) - Decimal(self.before or 0)

    def __str__(self) -> str:
        members = ", ".join(str(part) for part in self.key)
        return f"{self.view_column} [{members}]: {_short(self.before)} -> {_short(self.after)}"


def _short(value: Any) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) < 60 else text[:57] + "..."


@dataclass(frozen=True)
class FuzzOutcome:
    """The result of a changed answer: an error, or the facts and how they differ."""

    error: BaseException | None = None
    changes: tuple[CellChange, ...] = ()
    new_unexplained: tuple[Any, ...] = ()
    new_drift: tuple[Any, ...] = ()

    @property
    def is_equal(self) -> bool:
        return self.error is None and not self.changes and not self.new_unexplained

    def describe(self) -> str:
        if self.error is not None:
            return f"{type(self.error).__name__}: {self.error}"
        lines = [str(change) for change in self.changes[:6]]
        more = [f"... {len(self.changes) - 6} more"] if len(self.changes) > 6 else []
        words = [
            f"unexplained: {entry.measure} against {entry.against} {entry.reported} / {entry.loaded}"
            for entry in self.new_unexplained[:2]
        ]
        drift = [f"drift: {name}" for *_, name in self.new_drift[:2]]
        return "; ".join([*lines, *more, *words, *drift]) or "equal to the truth"


def compare(before: Snapshot, after: Snapshot) -> FuzzOutcome:
    """Return the loaded outcome: all cells that differ, new unexplained differences and new drift."""
    changes = []
    for key in {*before.rows, *after.rows}:
        left, right = before.rows.get(key, {}), after.rows.get(key, {})
        if left == right and (key in before.rows) == (key in after.rows):
            continue
        columns = {column for column in {*left, *right} if left.get(column) != right.get(column)} or {""}
        changes += [CellChange(*key, column, left.get(column), right.get(column)) for column in sorted(columns)]
    changes.sort(key=lambda change: (change.table, str(change.key), change.column))
    unexplained = sorted(after.unexplained - before.unexplained, key=str)
    return FuzzOutcome(None, tuple(changes), tuple(unexplained), tuple(sorted(after.drift - before.drift, key=str)))


def find_fault_of_refusal(error: BaseException, account: str) -> str | None:
    """Return what a refusal lacks: it must name account, stream and, for a shape, the field. None when it has all."""
    if not isinstance(error, ExtractionError):
        return "the program failed"
    if error.where.account != account or account not in str(error):
        return "the refusal does not name the account"
    if not error.where.stream:
        return "the refusal does not name the stream"
    if isinstance(error, ShapeError) and not error.field:
        return "the refusal does not name the field"
    return None


def sum_by_day(rows: Mapping[RowKey, Mapping[str, Any]], *, by_day: bool) -> Mapping[Any, Decimal]:
    """Return the sum of each numeric column by table, metric and day (or over all days), the count of each text."""
    sums: dict[Any, Decimal] = defaultdict(Decimal)
    for (table, key), row in rows.items():
        grain = staged_grain(table)
        day = key[grain.index("date")] if by_day else None
        metric = key[grain.index("metric")] if "metric" in grain else None
        for column, value in row.items():
            if isinstance(value, int | Decimal) and not isinstance(value, bool) and column != "rank":
                sums[table, metric, day, column] += Decimal(value)
    return sums
