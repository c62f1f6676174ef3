"""The builder of staged fact rows: merges what several streams tell of one row, and conforms members. No I/O.

Rows are kept by grain. Additive measures of members that conform to the same key are added up; a measure that is
told twice for one row is a mistake of the transform and is refused.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import pyarrow as pa

from transforms import conform
from transforms.drift import Drift
from transforms.metrics import Metric
from transforms.reading import UNKNOWN
from warehouse.model.schema import staged_grain, staged_schema
from warehouse.records import DriftEntry, ReconciliationEntry, Verdict

Number = int | Decimal
Row = dict[str, Any]

_ALWAYS_KEPT = ("conversation_daily", "conversation", "conversation_intent", "flow_transition")


class ValueOutOfRange(ValueError):
    """A value that its column cannot hold."""

    def __init__(self, column: str, value: object) -> None:
        self.column = column
        self.value = value
        super().__init__(f"{column} cannot hold {value!r}")


@dataclass(frozen=True)
class TransformResult:
    """What a chunk became: staged facts and members, provider's totals, what was reconciled, and what is unknown."""

    tables: Mapping[str, pa.Table | Path]
    members: Mapping[str, pa.Table]
    totals: Mapping[date, Mapping[str, Number | None]]
    reconciliations: tuple[ReconciliationEntry, ...]
    drift: tuple[DriftEntry, ...]


@dataclass
class Facts:
    """Fact rows of one account's chunk. Every day has its ``conversation_daily`` row from the start."""

    days: tuple[date, ...]
    metrics: Mapping[str, Metric]
    drift: Drift = field(default_factory=Drift)
    _rows: dict[str, dict[tuple[Any, ...], Row]] = field(default_factory=dict)
    _attached: dict[str, list[Path]] = field(default_factory=dict)
    _seen: dict[str, set[str]] = field(default_factory=dict)
    _totals: dict[date, dict[str, Number | None]] = field(default_factory=dict)
    _reconciled: list[ReconciliationEntry] = field(default_factory=list)

    def __post_init__(self) -> None:
        for day in self.days:
            self._row("conversation_daily", {"date": day})

    def add(self, table: str, day: date, measures: Mapping[str, Number | None], **members: str | None) -> None:
        """Add additive measures to the row of these members; null measures leave the row as it is."""
        row = self._row(table, {"date": day, **members})
        for measure, value in measures.items():
            if value is not None:
                row[measure] = value if row.get(measure) is None else row[measure] + value

    def set(self, table: str, day: date, measures: Mapping[str, Any], **members: str | None) -> None:
        """Set measures of a row; a measure that is already there is told twice and refused with ValueError."""
        row = self._row(table, {"date": day, **members})
        for measure, value in measures.items():
            if row.get(measure) is not None and value is not None:
                raise ValueError(f"{table} {members} on {day}: {measure} is told twice")
            if value is not None:
                row[measure] = value

    def record_metric(
        self, day: date, metric: str, value: Number | None, member: str | None = None, channel_id: str | None = None
    ) -> None:
        """A number without a conformed home; added up where the metric is additive, else told once."""
        write = self.add if self.metrics[metric].is_additive else self.set
        write("metric_daily", day, {"value": value}, metric=metric, member=member, channel_id=channel_id)

    def record_provider_total(self, day: date, measure: str, value: Number | None) -> None:
        """What the provider says in total, for the ledger."""
        self._totals.setdefault(day, {})[measure] = value

    def reconcile(
        self,
        day: date,
        measure: str,
        against: str,
        reported: Number | None,
        loaded: Number | None,
        *,
        reason: str | None = None,
    ) -> None:
        """Compare a told number with what was loaded; a difference with a reason is ``explained``.

        Nothing is compared when either side is unknown.
        """
        if reported is None or loaded is None:
            return
        verdict: Verdict = "ok" if reported == loaded and not reason else "explained" if reason else "unexplained"
        line = ReconciliationEntry(day, measure, against, Decimal(reported), Decimal(loaded), verdict, reason)
        self._reconciled.append(line)

    def attach(self, table: str, path: Path, channels: Iterable[str] = (), languages: Iterable[str] = ()) -> None:
        """A staged Parquet file too large for rows, with the members it names."""
        self._attached.setdefault(table, []).append(path)
        self._seen.setdefault("channel_code", set()).update(channels)
        self._seen.setdefault("language_code", set()).update(languages)

    def value(self, table: str, day: date, measure: str, **members: str | None) -> Any:
        """A measure as it stands, None when the row or the measure is not there."""
        key = tuple({"date": day, **members}[column] for column in staged_grain(table))
        return self._rows.get(table, {}).get(key, {}).get(measure)

    def total(self, table: str, day: date, measure: str) -> Number:
        """The sum of an additive measure over a day's members, zero when there are none."""
        rows = self._rows.get(table, {}).values()
        told: list[Number] = [row[measure] for row in rows if row["date"] == day and row.get(measure) is not None]
        return sum(told, 0)

    def build(self) -> TransformResult:
        """The staged tables. Rows of breakdowns whose measures are all zero or unknown are left out."""
        tables: dict[str, pa.Table | Path] = {}
        for table, rows in self._rows.items():
            kept = [row for row in rows.values() if table in _ALWAYS_KEPT or self._says_something(table, row)]
            if kept:
                tables[table] = _to_arrow(table, kept)
                self._note_members(kept)
        for table, paths in self._attached.items():
            if table in tables or len(paths) != 1:
                raise ValueError(f"{table}: rows and files of one chunk cannot be mixed")
            tables[table] = paths[0]
        members = conform.build_member_tables(self._seen, self.metrics)
        return TransformResult(tables, members, self._totals, tuple(self._reconciled), self.drift.entries())

    def _row(self, table: str, members: Row) -> Row:
        key = tuple(members[column] for column in staged_grain(table))
        return self._rows.setdefault(table, {}).setdefault(key, dict(members))

    def _says_something(self, table: str, row: Row) -> bool:
        if table == "metric_daily":
            value = row.get("value")
            return value is not None and (value != 0 or row["member"] is None or self.metrics[row["metric"]].keeps_zero)
        skipped = (*staged_grain(table), "rank", "is_top_n")
        return any(value for column, value in row.items() if column not in skipped)

    def _note_members(self, rows: Iterable[Row]) -> None:
        for column in ("channel_code", "language_code", "country_code", "metric"):
            self._seen.setdefault(column, set()).update(row.get(column) or UNKNOWN for row in rows if column in row)


def _to_arrow(table: str, rows: list[Row]) -> pa.Table:
    schema = staged_schema(table)
    columns = [_column(f"{table}.{field.name}", [row.get(field.name) for row in rows], field.type) for field in schema]
    return pa.table(columns, schema=schema)


def _column(name: str, values: list[Any], kind: pa.DataType) -> pa.Array:
    try:
        return pa.array([None if value is None else _fitted(value, kind) for value in values], kind)
    except (ValueError, ArithmeticError) as error:
        culprit = next((value for value in values if value is not None and not _fits(value, kind)), None)
        raise ValueOutOfRange(name, culprit) from error


def _fits(value: Any, kind: pa.DataType) -> bool:
    try:
        pa.array([_fitted(value, kind)], kind)
    except (ValueError, ArithmeticError):
        return False
    return True


def _fitted(value: Any, kind: pa.DataType) -> Any:
    if pa.types.is_decimal(kind):
        return Decimal(value).quantize(Decimal(1).scaleb(-kind.scale), ROUND_HALF_UP)
    if pa.types.is_integer(kind) and int(value) != value:
        raise ValueError(f"{value} is not whole")  # Arrow would cut it off
    return value
