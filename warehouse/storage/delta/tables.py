"""The tables of a Delta lake inside the engine: loaded from the files of some shards into `wh`, and written back.

What must not come in: the log, locks, where the files lie.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb

from warehouse.ddl.create import unknown_member_statements
from warehouse.model.engine_paths import engine_path, named_parquet_rows_sql, parquet_rows_sql
from warehouse.records import Scope
from warehouse.sql import fill
from warehouse.storage.delta.lake_file import LakeFile
from warehouse.storage.delta.layout import (
    STATISTICS_COLUMNS,
    UNDATED,
    first_wins_sql,
    from_file_names,
    shard_condition,
    to_file_names,
)
from warehouse.storage.parquet_tables import (
    copy_sorted_sql,
    create_empty_tables,
    days_of,
    insert_rows,
    is_partitioned,
    raise_for_damage,
    select_partition_sql,
    tables_of,
)


def files_of_scope(scope: Scope, files: Sequence[LakeFile]) -> dict[str, list[LakeFile]]:
    """Return the files with rows that a scope needs, by table. `files` are those of the scope's shards."""
    by_table: dict[str, list[LakeFile]] = {table: [] for table in tables_of(scope)}
    periods = {period for period in {file.period for file in files} if _has_days_of(scope, period)}
    for file in files:
        if file.table in by_table and file.period in periods:
            by_table[file.table].append(file)
    return by_table


def _has_days_of(scope: Scope, period: str) -> bool:
    if period == UNDATED or scope.days is None:
        return True
    first, last = days_of(period)
    return first <= scope.days[1] and scope.days[0] <= last


def load_shards(
    con: duckdb.DuckDBPyConnection,
    scope: Scope,
    files: Mapping[str, Sequence[LakeFile]],
    paths: Mapping[str, Path],
    views: Collection[str] = (),
) -> None:
    """Create all tables in the empty database `wh`, with the scope's rows of the files; also create `views`.

    `files` are given by table, and `paths` by the name of the file. Raises UnreadableWarehouse.
    """
    create_empty_tables(con, views)
    for table, statement in unknown_member_statements().items():
        if not files.get(table):  # a shard's first commit: what it replaces is joined with the dimensions
            con.execute(statement)
    for table, chosen in files.items():
        if chosen:
            insert_rows(con, scope, table, rows_sql(table, [paths[file.name] for file in chosen]))


def rows_sql(table: str, paths: Sequence[Path]) -> str:
    """Return the rows of some files of a table as a SQL table, with the columns of the star.

    A member that stands in several files is in it once, as the first of them describes it. Raises OSError.
    """
    if table.startswith("dim_") and len(paths) > 1:
        return first_wins_sql(table, named_parquet_rows_sql(paths), [engine_path(path) for path in paths])
    return from_file_names(table, parquet_rows_sql(paths))


def group_by_table(files: Sequence[LakeFile]) -> dict[str, list[LakeFile]]:
    """Return files by their table."""
    by_table: defaultdict[str, list[LakeFile]] = defaultdict(list)
    for file in files:
        by_table[file.table].append(file)
    return by_table


def write_file(
    con: duckdb.DuckDBPyConnection, name: str, target: Path, scope: Scope, old: Path | None
) -> LakeFile | None:
    """Write the rows of `wh` that belong into the new file `name`, and those of the file `old` outside the scope.

    The file is written to `target`. Return it as the log is to have it; None when there are no rows, and no file.
    Raises OSError.
    """
    file = LakeFile(name, 0, 0)
    condition = shard_condition(file.table, file.shard, file.shards)
    period = file.period if is_partitioned(file.table) else ""
    kept = from_file_names(file.table, parquet_rows_sql([old])) if old is not None else None
    rows = select_partition_sql(file.table, period, scope, kept, condition)
    return _copy_rows(con, name, to_file_names(file.table, rows), target)


def merge_files(con: duckdb.DuckDBPyConnection, name: str, target: Path, paths: Sequence[Path]) -> LakeFile | None:
    """Write the rows of several files of a table to the new file `name`, at `target`. Raises UnreadableWarehouse."""
    rows = fill("SELECT * FROM $rows", rows=parquet_rows_sql(paths))
    with raise_for_damage():
        return _copy_rows(con, name, rows, target)


def _copy_rows(con: duckdb.DuckDBPyConnection, name: str, rows: str, target: Path) -> LakeFile | None:
    """Write the rows of a query, under the names of files. Return None, and leave no file, when there are none."""
    result = con.execute(copy_sorted_sql(LakeFile(name, 0, 0).table, rows, target, ", RETURN_STATS"))
    columns = [column[0] for column in result.description or []]
    [values] = result.fetchall()
    written = dict(zip(columns, values, strict=True))
    if not written["count"]:
        target.unlink(missing_ok=True)
        return None
    return LakeFile(name, written["file_size_bytes"], written["count"], describe_statistics(written))


def describe_statistics(written: Mapping[str, Any]) -> str:
    """Return the statistics of a file for the log, as JSON: of exactly the columns that the table declares.

    Readers skip a file by them. One that lacks such a column has NULL in all rows of it. `written` is the engine's row
    about the file.
    """
    rows = int(written["count"])
    smallest, largest, nulls = dict[str, object](), dict[str, object](), dict[str, int]()
    for column in STATISTICS_COLUMNS:
        statistics = written["column_statistics"].get(f'"{column}"', {})
        nulls[column] = int(statistics.get("null_count", rows))
        if "min" in statistics and "max" in statistics:
            smallest[column], largest[column] = (_value(column, statistics[key]) for key in ("min", "max"))
    return json.dumps({"numRecords": rows, "minValues": smallest, "maxValues": largest, "nullCount": nulls})


def _value(column: str, text: str) -> object:
    return int(text) if column == "account_key" else text
