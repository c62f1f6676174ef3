"""The staged tables of several chunks as one relation each, with the chunk that every row belongs to.

`chunk` is the place of the row's chunk in its group, `account_key`, `account` and `provider` are the chunk's account.
Columns and types are checked here. What must not come in: the warehouse's file, a check of the rows themselves.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq

from warehouse.errors import StagedMismatch
from warehouse.model.engine_paths import parquet_rows_sql
from warehouse.model.schema import STAGED_FACTS, STAGED_MEMBERS, member_schema, staged_schema
from warehouse.records import ChunkCommit
from warehouse.sql import fill, ident, identifier_list, literal, surrogate_key

Chunks = Mapping[int, ChunkCommit]
"""Chunks by their place in the group."""

_Tables = Mapping[int, Mapping[str, pa.Table | Path]]
"""By the chunk's place, its tables by name."""

_Source = tuple[int, ChunkCommit, pa.Table | Path]
"""The chunk's place, the chunk, and one of its tables."""

_OWNERS = pa.schema(
    [("chunk", pa.int32()), ("account_key", pa.int64()), ("account", pa.string()), ("provider", pa.string())]
)


def bind_facts(con: duckdb.DuckDBPyConnection, chunks: Chunks) -> dict[str, bool]:
    """Register the staged facts as `input_<name>`. Return by name whether all rows are in memory.

    Raises StagedMismatch for an undeclared name, for columns and for types.
    """
    tables = {number: chunk.tables for number, chunk in chunks.items()}
    _require_declared_names(chunks, tables, "table is", STAGED_FACTS)
    return {
        name: _bind(con, name, staged_schema(name), sources)
        for name in STAGED_FACTS
        if (sources := _sources(chunks, tables, name))
    }


def member_tables(chunks: Chunks) -> dict[str, list[tuple[int, pa.Table]]]:
    """Return the staged members by name: their tables, each with the number of its chunk.

    The columns are those of `member_schema`. Raises StagedMismatch like `bind_facts`.
    """
    tables = {number: chunk.members for number, chunk in chunks.items()}
    _require_declared_names(chunks, tables, "members are", STAGED_MEMBERS)
    for number, chunk in chunks.items():
        for name, table in tables[number].items():
            _require_schema(chunk.account.account, name, table, member_schema(name))
    return {
        name: sources
        for name in STAGED_MEMBERS
        if (sources := [(number, members[name]) for number, members in tables.items() if name in members])
    }


def _require_declared_names(chunks: Chunks, tables: _Tables, subject: str, declared: Sequence[str]) -> None:
    for number, chunk in chunks.items():
        for name in tables[number]:
            if name not in declared:
                raise StagedMismatch(
                    f"{chunk.account.account}: no staged {subject} called {name!r}; there are {', '.join(declared)}."
                )


def _sources(chunks: Chunks, tables: _Tables, name: str) -> list[_Source]:
    """Return the tables of one name, each with its chunk."""
    return [(number, chunk, tables[number][name]) for number, chunk in chunks.items() if name in tables[number]]


def _bind(con: duckdb.DuckDBPyConnection, name: str, expected: pa.Schema, sources: Sequence[_Source]) -> bool:
    """Register the tables of some chunks as `input_<name>`. Return whether none of them is a file."""
    for _, chunk, table in sources:
        _require_schema(chunk.account.account, name, table, expected)
    files = [(number, chunk, table) for number, chunk, table in sources if isinstance(table, Path)]
    in_memory = [(number, chunk, table) for number, chunk, table in sources if not isinstance(table, Path)]
    rows_view = f"rows_{name}" if files else f"input_{name}"
    if in_memory or not files:
        con.register(rows_view, _concatenate(in_memory, expected))
    if files:
        parts = [_select_file_sql(number, chunk, path, expected) for number, chunk, path in files]
        if in_memory:
            columns = identifier_list([*_OWNERS.names, *expected.names])
            parts.append(fill("SELECT $columns FROM $rows", columns=columns, rows=ident(rows_view)))
        con.execute(
            fill(
                "CREATE OR REPLACE TEMP VIEW $view AS $source",
                view=ident(f"input_{name}"),
                source=" UNION ALL ".join(parts),
            )
        )
    return not files


def _concatenate(sources: Sequence[tuple[int, ChunkCommit, pa.Table]], expected: pa.Schema) -> pa.Table:
    """Return the rows of all tables with the columns of their chunks."""
    filled = [(number, chunk, table) for number, chunk, table in sources if table.num_rows]
    if not filled:
        return pa.schema([*expected, *_OWNERS]).empty_table()
    rows = pa.concat_tables([_as_declared(table, expected) for _, _, table in filled])
    owners = [(table.num_rows, (number, *_account_values(chunk))) for number, chunk, table in filled]
    for place, field in enumerate(_OWNERS):
        parts = [pa.repeat(pa.scalar(values[place], field.type), count) for count, values in owners]
        rows = rows.append_column(field, pa.chunked_array(parts, field.type))
    return rows.combine_chunks()


def _as_declared(table: pa.Table, expected: pa.Schema) -> pa.Table:
    """Return the table with its columns in the declared order and layout."""
    if table.schema.equals(expected):
        return table
    # the unsafe step is only from finer instants to microseconds, as the engine does it: all other types are equal
    return table.select(expected.names).cast(expected, safe=False)


def _select_file_sql(number: int, chunk: ChunkCommit, path: Path, expected: pa.Schema) -> str:
    account_key, account, provider = _account_values(chunk)
    return fill(
        "SELECT CAST($number AS INTEGER) AS chunk, CAST($key AS BIGINT) AS account_key, $account AS account, "
        "$provider AS provider, $columns FROM $rows",
        number=str(number),
        key=str(account_key),
        account=literal(account),
        provider=literal(provider),
        columns=identifier_list(expected.names),
        rows=parquet_rows_sql([path]),
    )


def _account_values(chunk: ChunkCommit) -> tuple[int, str, str]:
    return surrogate_key(chunk.account.account), chunk.account.account, chunk.account.provider


def _require_schema(account: str, name: str, table: pa.Table | Path, expected: pa.Schema) -> None:
    """Raise StagedMismatch unless the columns are the declared ones, in any order."""
    actual = pq.read_schema(table) if isinstance(table, Path) else table.schema
    if actual.equals(expected):
        return
    differences = _schema_differences(actual, expected)
    if differences:
        raise StagedMismatch(
            f"{account}: the staged table {name} is not as declared: {'; '.join(differences)}. Nothing was written; "
            "the transform must use warehouse.model.schema."
        )


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
