"""Staged tables inside the engine, in SQL: checked against their declaration, and given their keys.

A staged fact `x` becomes the view `staged_x`, with the fact's columns and the natural members beside the keys; staged
members `m` become `member_m`. Rows never pass through Python. All of it happens before the lock is taken.
What must not come in: the warehouse's file, a write.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.engine import first_row
from warehouse.errors import DuplicateGrain, OutsideSlices, StagedMismatch
from warehouse.model.engine_paths import parquet_rows_sql
from warehouse.model.schema import (
    STAGED_FACTS,
    STAGED_MEMBERS,
    fact_table,
    member_dimension,
    member_schema,
    staged_grain,
    staged_schema,
)
from warehouse.records import ChunkCommit
from warehouse.sql import UNKNOWN, fill, ident, identifier_list, literal, member_key_sql, surrogate_key_sql


@dataclass(frozen=True)
class StagedTables:
    """The staged facts and members of a chunk, and the number of rows by fact and day."""

    facts: tuple[str, ...]
    members: tuple[str, ...]
    counts: Mapping[tuple[str, date], int]

    def rows_by_table(self) -> dict[str, int]:
        """Return the number of rows by staged table."""
        rows = dict.fromkeys(self.facts, 0)
        for (name, _), count in self.counts.items():
            rows[name] += count
        return rows

    def rows_of_day(self, day: date) -> int:
        """Return the number of rows of one day, over all tables."""
        return sum(count for (_, row_day), count in self.counts.items() if row_day == day)


def stage_tables(con: duckdb.DuckDBPyConnection, chunk: ChunkCommit) -> StagedTables:
    """Register the chunk's tables in `con` and check them.

    Raises StagedMismatch (columns, types), DuplicateGrain and OutsideSlices; each names account, table and an example.
    """
    account = chunk.account.account
    for name in chunk.tables:
        if name not in STAGED_FACTS:
            raise StagedMismatch(f"{account}: no staged table is called {name!r}; there are {', '.join(STAGED_FACTS)}.")
    for name in chunk.members:
        if name not in STAGED_MEMBERS:
            raise StagedMismatch(
                f"{account}: no staged members are called {name!r}; there are {', '.join(STAGED_MEMBERS)}."
            )
    for name, table in chunk.tables.items():
        _bind_input(con, account, name, table, staged_schema(name))
        con.execute(_create_fact_view_sql(name, chunk))
    for name, table in chunk.members.items():
        _bind_input(con, account, name, table, member_schema(name))
        con.execute(_create_member_view_sql(name, chunk))
    facts, members = tuple(chunk.tables), tuple(chunk.members)
    counts = _count_rows(con, facts)
    days = {info.date for info in chunk.slices}
    for name, day in counts:
        if day not in days:
            raise OutsideSlices(
                f"{account}: {name} holds rows of {day}, a day this commit does not replace. Nothing was written; "
                "the transform must keep to the days of its chunk."
            )
    _require_unique(con, chunk, facts, members)
    return StagedTables(facts, members, counts)


def drop_staged_tables(con: duckdb.DuckDBPyConnection, staged: StagedTables) -> None:
    """Drop the views of `stage_tables`, so that another chunk can be staged."""
    for name in staged.facts:
        con.execute(fill("DROP VIEW $view", view=ident(f"staged_{name}")))
    for name in staged.members:
        con.execute(fill("DROP VIEW $view", view=ident(f"member_{name}")))
    for name in (*staged.facts, *staged.members):
        con.execute(fill("DROP VIEW IF EXISTS $view", view=ident(f"input_{name}")))


def _bind_input(
    con: duckdb.DuckDBPyConnection, account: str, name: str, table: pa.Table | Path, expected: pa.Schema
) -> None:
    """Register a staged table as `input_<name>`. Its columns must be the declared ones, in any order."""
    actual = pq.read_schema(table) if isinstance(table, Path) else table.schema
    differences = _schema_differences(actual, expected)
    if differences:
        raise StagedMismatch(
            f"{account}: the staged table {name} is not as declared: {'; '.join(differences)}. Nothing was written; "
            "the transform must use warehouse.model.schema."
        )
    if isinstance(table, Path):
        source = fill("SELECT * FROM $rows", rows=parquet_rows_sql([table]))
        con.execute(fill("CREATE TEMP VIEW $view AS $source", view=ident(f"input_{name}"), source=source))
    else:
        con.register(f"input_{name}", table)


def _schema_differences(actual: pa.Schema, expected: pa.Schema) -> list[str]:
    repeated = {name for name in actual.names if actual.names.count(name) > 1}
    missing = [f"{name} is missing" for name in expected.names if name not in actual.names]
    surplus = [f"{name} is not declared" for name in actual.names if name not in expected.names]
    types = [
        f"{field.name} is {actual.field(field.name).type}, not {field.type}"
        for field in expected
        if actual.names.count(field.name) == 1 and not _is_compatible(actual.field(field.name).type, field.type)
    ]
    return [*missing, *surplus, *(f"{name} stands twice" for name in sorted(repeated)), *types]


def _is_compatible(actual: pa.DataType, expected: pa.DataType) -> bool:
    """Return whether the types are equal, or hold the same values in another layout."""
    if pa.types.is_dictionary(actual):
        actual = actual.value_type
    if pa.types.is_string(expected):
        return bool(pa.types.is_string(actual) or pa.types.is_large_string(actual) or pa.types.is_string_view(actual))
    if pa.types.is_timestamp(expected):
        return bool(pa.types.is_timestamp(actual) and actual.tz)
    return bool(actual == expected)


def _natural_sql(column_name: str) -> str:
    return fill("coalesce($column, $unknown)", column=ident(column_name), unknown=literal(UNKNOWN))


def _create_fact_view_sql(name: str, chunk: ChunkCommit) -> str:
    account, provider = chunk.account.account, chunk.account.provider
    parts = [f"{surrogate_key_sql(literal(account))} AS account_key"]
    for column in fact_table(name).columns:
        natural = column.info.get("natural")
        if natural:
            key = member_key_sql(column.info["dimension"], _natural_sql(natural), account=account, provider=provider)
            parts.append(f"{key} AS {ident(column.name)}")
            parts.append(f"{_natural_sql(natural)} AS {ident(natural)}")
        elif column.name != "account_key":
            parts.append(ident(column.name))
    return fill(
        "CREATE TEMP VIEW $view AS SELECT $parts FROM $source",
        view=ident(f"staged_{name}"),
        parts=", ".join(parts),
        source=ident(f"input_{name}"),
    )


def _create_member_view_sql(name: str, chunk: ChunkCommit) -> str:
    table = member_dimension(name)
    account, provider = chunk.account.account, chunk.account.provider
    natural = member_schema(name).names[0]
    key = member_key_sql(table.name, ident(natural), account=account, provider=provider)
    columns = [
        f"{literal(provider)} AS provider" if column == "provider" else ident(column)
        for column in table.columns.keys()[1:]
    ]
    return fill(
        "CREATE TEMP VIEW $view AS SELECT DISTINCT $key AS $key_name, $columns FROM $source WHERE $natural <> $unknown",
        view=ident(f"member_{name}"),
        key=key,
        key_name=ident(table.columns.keys()[0]),
        columns=", ".join(columns),
        source=ident(f"input_{name}"),
        natural=ident(natural),
        unknown=literal(UNKNOWN),
    )


def _count_rows(con: duckdb.DuckDBPyConnection, facts: tuple[str, ...]) -> dict[tuple[str, date], int]:
    if not facts:
        return {}
    branch = "SELECT $name AS staged, date, count(*) AS n FROM $view GROUP BY date"
    parts = [fill(branch, name=literal(name), view=ident(f"staged_{name}")) for name in facts]
    rows: list[tuple[Any, ...]] = con.execute(" UNION ALL ".join(parts)).fetchall()
    return {(name, day): count for name, day, count in rows}


def _require_unique(
    con: duckdb.DuckDBPyConnection, chunk: ChunkCommit, facts: tuple[str, ...], members: tuple[str, ...]
) -> None:
    days = [info.date for info in chunk.slices]
    for day in days:
        if days.count(day) > 1:
            raise DuplicateGrain(f"{chunk.account.account}: the commit has the slice {day} twice.")
    checks = [(name, f"staged_{name}", staged_grain(name)) for name in facts]
    checks += [(name, f"member_{name}", (member_schema(name).names[0],)) for name in members]
    if not checks:
        return
    branch = (
        "(SELECT $name AS staged, CAST(struct_pack($fields) AS VARCHAR) AS example, count(*) AS n "
        "FROM $view GROUP BY $columns HAVING count(*) > 1 LIMIT 1)"
    )
    parts = [
        fill(
            branch,
            name=literal(name),
            view=ident(view),
            columns=identifier_list(columns),
            fields=identifier_list(columns, "$name := $name"),
        )
        for name, view, columns in checks
    ]
    duplicate = first_row(con, " UNION ALL ".join(parts))
    if duplicate:
        name, example, count = duplicate
        raise DuplicateGrain(
            f"{chunk.account.account}: {name} holds {count} rows for {example}. Nothing was written; the transform "
            "must give one row per grain."
        )
