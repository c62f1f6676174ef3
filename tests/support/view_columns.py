"""Staged facts under the names of the views, and the columns that differ between two stagings. No verdicts.

The column of a view that shows a staged column is read from the views themselves.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any

import sqlglot
from sqlglot import exp

from tests.support.landed_chunks import read_staged_rows
from transforms.facts import TransformResult
from transforms.field_mapping import LEDGER_TOTALS, RECONCILIATION
from warehouse.ddl.views import view_queries
from warehouse.model.schema import STAGED_FACTS, fact_table, metadata, staged_column_name, staged_grain

Contents = dict[str, Any]


def collect_contents(staged: TransformResult) -> Contents:
    """Return the rows of each staged table (of metric_daily by metric), with reconciliations and reported totals."""
    contents: Contents = {RECONCILIATION: staged.reconciliations, LEDGER_TOTALS: dict(staged.totals)}
    for table in STAGED_FACTS:
        for row in read_staged_rows(staged, table):
            name = f"{table} {row['metric']}" if table == "metric_daily" else table
            contents.setdefault(name, []).append(row)
    return contents


def find_differing_columns(before: Contents, after: Contents) -> set[str]:
    """Return the columns of views whose contents differ; a number that only moved to another member does not differ."""
    differing = {name for name in (RECONCILIATION, LEDGER_TOTALS) if before[name] != after[name]}
    for name in {*before, *after} - {RECONCILIATION, LEDGER_TOTALS}:
        table, _, metric = name.partition(" ")
        shown = map_view_columns()[table, metric if (table, metric) in map_view_columns() else ""]
        suffix = f" ({metric})" if metric and (table, metric) not in map_view_columns() else ""
        for column in _differing_columns(table, before.get(name, []), after.get(name, [])):
            differing.add(f"{shown[column]}{suffix}")
    return differing


def _differing_columns(table: str, before: list[Any], after: list[Any]) -> Iterator[str]:
    keys = staged_grain(table)
    members = [column for column in keys if column not in ("date", "metric")]
    moved = False
    for column in members:
        if {row.get(column) for row in before} != {row.get(column) for row in after}:
            moved = True
            yield column
    for declared in fact_table(table).columns:
        column = staged_column_name(declared)
        if column in keys or declared.name == "account_key":
            continue
        left, right = (_values(side, column, keys, moved=moved) for side in (before, after))
        if left != right:
            yield column


def _values(side: list[Any], column: str, keys: tuple[str, ...], *, moved: bool) -> Any:
    """Return a column's values by row; when members differ, their sums by day (of texts, their counts)."""
    if not moved:
        return {tuple(row.get(key) for key in keys): row[column] for row in side if column in row}
    numbers = [(row["date"], row[column]) for row in side if column in row]
    if any(isinstance(value, str | bool | datetime) for _, value in numbers):
        return Counter(numbers)
    totals: Counter[Any] = Counter()
    for day, value in numbers:
        totals[day] += value
    return totals


@cache
def map_view_columns() -> Mapping[tuple[str, str], Mapping[str, str]]:
    """Return the ``view.column`` that shows each staged column, by staged table and metric ('': any other metric)."""
    columns_by_table: dict[tuple[str, str], dict[str, str]] = {}
    for view, text in view_queries().items():
        query = sqlglot.parse_one(text, read="duckdb")
        tables = {table.alias: table.name for table in query.find_all(exp.Table)}
        facts = [name for name in tables.values() if name.startswith("fact_")]
        if len(facts) != 1:
            continue
        metric = "".join(re.findall(r"m\.metric = '(\w+)'", text))
        columns = columns_by_table.setdefault((facts[0].removeprefix("fact_"), metric), {})
        for shown in query.expressions:
            for used in shown.find_all(exp.Column):
                staged = _find_staged_column(tables[used.table], used.name, facts[0])
                columns.setdefault(staged, f"{view}.{shown.alias_or_name}") if staged else None
    return columns_by_table


def _find_staged_column(table: str, column: str, fact_table: str) -> str | None:
    """Return the staged column behind a column of a fact, or of a dimension that it joins."""
    if table.startswith("fact_"):
        return column
    keys = [key for key in metadata.tables[fact_table].columns if key.info.get("dimension") == table]
    return staged_column_name(keys[0]) if keys and keys[0].info.get("natural") else None
