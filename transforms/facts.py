"""The builder of staged fact rows: merges the measures of several streams into one row, and conforms members.

Rows are held by grain. Additive measures of members that conform to the same key are added up. A second value for a
measure that is not added up is a mistake of the transform and is refused. What must not come in: I/O, a provider.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any, Literal, TypeVar

import pyarrow as pa

from transforms import conform
from transforms.drift import Drift
from transforms.metrics import Metric
from warehouse.model.columns import UNKNOWN
from warehouse.model.schema import staged_grain, staged_schema
from warehouse.records import DriftEntry, ReconciliationEntry, Verdict

Number = int | Decimal
N = TypeVar("N", int, Decimal, int | Decimal)
Row = dict[str, Any]

_TABLES_WITH_ZERO_ROWS = ("conversation_daily", "conversation", "conversation_intent", "flow_transition")


def sum_known(parts: Iterable[N | None]) -> N | Literal[0] | None:
    """Return the sum of the parts, zero without parts; None when one of them is unknown.

    >>> sum_known([1, 2]), sum_known([1, None])
    (3, None)
    """
    total: N | Literal[0] = 0
    for part in parts:
        if part is None:
            return None
        total += part
    return total


class ValueOutOfRange(ValueError):
    """A value that its column, ``table.column``, cannot hold; of ``metric_daily`` the metric is named too."""

    def __init__(self, column: str, value: object, metric: str | None) -> None:
        self.column = column
        self.value = value
        self.metric = metric
        super().__init__(f"{column} cannot hold {value!r}")


@dataclass(frozen=True)
class TransformResult:
    """The outcome of a chunk.

    ``tables`` are the staged facts by table (columns: ``warehouse.model.schema.staged_schema``), in memory or as a
    Parquet file. ``members`` are the staged members by dimension. ``totals`` are the provider's own totals by local day
    and measure, for the ledger.
    """

    tables: Mapping[str, pa.Table | Path]
    members: Mapping[str, pa.Table]
    totals: Mapping[date, Mapping[str, Number | None]]
    reconciliations: tuple[ReconciliationEntry, ...]
    drift: tuple[DriftEntry, ...]


@dataclass
class Facts:
    """The fact rows of one account's chunk. Each local day has its ``conversation_daily`` row from the start."""

    days: tuple[date, ...]
    metrics: Mapping[str, Metric]
    drift: Drift = field(default_factory=Drift)
    _rows: dict[str, dict[tuple[Any, ...], Row]] = field(default_factory=dict)
    _attached: dict[str, list[Path]] = field(default_factory=dict)
    _seen: dict[str, set[str]] = field(default_factory=dict)
    _totals: dict[date, dict[str, Number | None]] = field(default_factory=dict)
    _reconciliations: list[ReconciliationEntry] = field(default_factory=list)

    def __post_init__(self) -> None:
        for day in self.days:
            self._row("conversation_daily", {"date": day})

    def add(self, table: str, day: date, measures: Mapping[str, Number | None], **members: str | None) -> None:
        """Add additive measures to the row of these members; a sum with a part that is None is unknown (None)."""
        row = self._row(table, {"date": day, **members})
        for measure, value in measures.items():
            earlier = row.get(measure, 0)
            row[measure] = None if value is None or earlier is None else earlier + value

    def set(self, table: str, day: date, measures: Mapping[str, Any], **members: str | None) -> None:
        """Set measures of the row of these members; a None sets nothing.

        Raises ValueError for a measure that already has a value.
        """
        row = self._row(table, {"date": day, **members})
        for measure, value in measures.items():
            if row.get(measure) is not None and value is not None:
                raise ValueError(f"{table} {members} on {day}: {measure} is set twice")
            if value is not None:
                row[measure] = value

    def record_metric(
        self, day: date, metric: str, value: Number | None, member: str | None = None, channel_id: str | None = None
    ) -> None:
        """Add a value of an additive metric to its row in ``metric_daily``, or set it when the metric is not additive.

        Raises ValueError for a second value of a metric that is not additive.
        """
        write = self.add if self.metrics[metric].is_additive else self.set
        write("metric_daily", day, {"value": value}, metric=metric, member=member, channel_id=channel_id)

    def record_provider_total(self, day: date, measure: str, value: Number | None) -> None:
        """Keep the provider's own total of a measure, for the ledger."""
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
        """Compare a reported number with the loaded one. A difference with a ``reason`` is ``explained``.

        Nothing is compared when one of the two is None.
        """
        if reported is None or loaded is None:
            return
        verdict: Verdict = "ok" if reported == loaded and not reason else "explained" if reason else "unexplained"
        entry = ReconciliationEntry(day, measure, against, Decimal(reported), Decimal(loaded), verdict, reason)
        self._reconciliations.append(entry)

    def attach(self, table: str, path: Path, channels: Iterable[str] = (), languages: Iterable[str] = ()) -> None:
        """Take a staged Parquet file in place of rows, with the channel and language codes that it holds."""
        self._attached.setdefault(table, []).append(path)
        self._seen.setdefault("channel_code", set()).update(channels)
        self._seen.setdefault("language_code", set()).update(languages)

    def value(self, table: str, day: date, measure: str, **members: str | None) -> Any:
        """Return the present value of a measure; None when the row or the measure is missing."""
        key = tuple({"date": day, **members}[column] for column in staged_grain(table))
        return self._rows.get(table, {}).get(key, {}).get(measure)

    def total(self, table: str, day: date, measure: str) -> Number | None:
        """Return the sum of an additive measure over the members of a local day, zero without members.

        None when the value that was added for one of them is unknown.
        """
        rows = self._rows.get(table, {}).values()
        return sum_known(row[measure] for row in rows if row["date"] == day and measure in row)

    def build(self) -> TransformResult:
        """Return the staged tables. A row of a breakdown whose measures are all zero or None is left out.

        Raises ValueOutOfRange for a value that its column cannot hold, ValueError for a table with both rows and a
        file, or with two files.
        """
        tables: dict[str, pa.Table | Path] = {}
        for table, rows in self._rows.items():
            kept = [row for row in rows.values() if table in _TABLES_WITH_ZERO_ROWS or self._has_value(table, row)]
            if kept:
                tables[table] = _to_arrow(table, kept)
                self._record_members(kept)
        for table, paths in self._attached.items():
            if table in tables or len(paths) != 1:
                raise ValueError(f"{table}: rows and files of one chunk cannot be mixed")
            tables[table] = paths[0]
        members = conform.build_member_tables(self._seen, self.metrics)
        return TransformResult(tables, members, self._totals, tuple(self._reconciliations), self.drift.entries())

    def _row(self, table: str, members: Row) -> Row:
        key = tuple(members[column] for column in staged_grain(table))
        return self._rows.setdefault(table, {}).setdefault(key, dict(members))

    def _has_value(self, table: str, row: Row) -> bool:
        if table == "metric_daily":
            value = row.get("value")
            return value is not None and (value != 0 or row["member"] is None or self.metrics[row["metric"]].keeps_zero)
        ignored = (*staged_grain(table), "rank", "is_top_n")
        return any(value for column, value in row.items() if column not in ignored)

    def _record_members(self, rows: Iterable[Row]) -> None:
        for column in ("channel_code", "language_code", "country_code", "metric"):
            self._seen.setdefault(column, set()).update(row.get(column) or UNKNOWN for row in rows if column in row)


def _to_arrow(table: str, rows: list[Row]) -> pa.Table:
    schema = staged_schema(table)
    columns = [_build_column(f"{table}.{field.name}", rows, field) for field in schema]
    return pa.table(columns, schema=schema)


def _build_column(column: str, rows: list[Row], field: pa.Field) -> pa.Array:
    name, kind = field.name, field.type
    fit = _choose_fit(kind)
    values = [row.get(name) for row in rows]
    try:
        if fit is not None:
            values = [None if value is None else fit(value) for value in values]
        return pa.array(values, kind)
    except (ValueError, ArithmeticError) as error:
        unfit = next(row for row in rows if row.get(name) is not None and not _is_in_range(row[name], kind))
        raise ValueOutOfRange(column, unfit[name], unfit.get("metric")) from error


def _is_in_range(value: Any, kind: pa.DataType) -> bool:
    fit = _choose_fit(kind)
    try:
        pa.array([value if fit is None else fit(value)], kind)
    except (ValueError, ArithmeticError):
        return False
    return True


def _choose_fit(kind: pa.DataType) -> Callable[[Any], Any] | None:
    """Return the function that fits a value to a type, or None where Arrow does it as it should."""
    if pa.types.is_decimal(kind):
        unit = Decimal(1).scaleb(-kind.scale)
        return lambda value: Decimal(value).quantize(unit, ROUND_HALF_UP)
    return _require_whole if pa.types.is_integer(kind) else None


def _require_whole(value: Any) -> Any:
    if type(value) is not int and int(value) != value:
        raise ValueError(f"{value} is not whole")  # Arrow would truncate it
    return value
