"""The tables of a lake inside the engine: loaded from Parquet files into `wh`, and written back by month.

A table with a date has one file per month, the others one file. Rows are sorted by account and day, so that a reader
can skip blocks. What must not come in: the choice of the current files, locks, renames of files.
"""

from calendar import monthrange
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
from sqlalchemy import Column, Table

from warehouse.ddl.create import sql_type, table_statements
from warehouse.ddl.views import create_view_statements, create_views, old_name_statements, view_queries
from warehouse.engine import create_schemas, execute_and_count, reach_tables
from warehouse.errors import QueryError, UnreadableWarehouse
from warehouse.model.engine_paths import parquet_pattern_sql, parquet_rows_sql, path_literal
from warehouse.model.schema import metadata
from warehouse.model.schemas import SCHEMAS, name_with_schema
from warehouse.records import Scope
from warehouse.sql import day_literal, fill, ident, identifier_list, literal, surrogate_key

ROWS_PER_GROUP = 122_880


def is_partitioned(table: str) -> bool:
    """Return whether a table has one file per month."""
    return table != "dim_date" and "date" in metadata.tables[table].columns


def tables_of(scope: Scope) -> list[str]:
    """Return the tables that are loaded for a scope."""
    return [
        name for name in metadata.tables if not is_partitioned(name) or scope.tables is None or name in scope.tables
    ]


def months_of(scope: Scope, months: Iterable[str]) -> list[str]:
    """Return, sorted, those of `months` (`YYYY-MM`) that have days of the scope."""
    if scope.days is None:
        return sorted(months)
    first, last = (f"{day:%Y-%m}" for day in scope.days)
    return sorted(month for month in months if first <= month <= last)


def partitions_of(scope: Scope, table: str, months: Iterable[str]) -> list[str]:
    """Return those of a table's `months` whose files are read for a scope."""
    return months_of(scope, months) if is_partitioned(table) else list(months)


def days_of(period: str) -> tuple[date, date]:
    """Return the first and the last day of a month (`YYYY-MM`) or of a year (`YYYY`)."""
    year, _, month = period.partition("-")
    first_month, last_month = (int(month), int(month)) if month else (1, 12)
    last_day = monthrange(int(year), last_month)[1]
    return date(int(year), first_month, 1), date(int(year), last_month, last_day)


def scope_condition(scope: Scope, table: str) -> str:
    """Return the condition for the rows of a table with a date that are in the scope."""
    conditions = []
    if scope.accounts is not None:
        has_key = "account_key" in metadata.tables[table].columns
        # a key that the engine has to compute costs it a hundred times more, for each file and account
        accounts = [str(surrogate_key(name)) if has_key else literal(name) for name in scope.accounts]
        conditions.append(f"{'account_key' if has_key else 'account'} IN ({', '.join(accounts)})")
    if scope.days is not None:
        conditions.append(f"date BETWEEN {day_literal(scope.days[0])} AND {day_literal(scope.days[1])}")
    return " AND ".join(conditions) or "true"


@contextmanager
def raise_for_damage(names: Collection[str] = ()) -> Iterator[None]:
    """Raise UnreadableWarehouse when the engine cannot find or read a file of the lake inside the block.

    `names` are the names of the lake's files, for blocks that run a person's query: it may read other files too.
    """
    try:
        yield
    except duckdb.Error as error:
        if not _is_damage(error, (".parquet",)):  # such as a full disk while rows are spilled
            raise
        raise damage_error(str(error).splitlines()[0]) from error
    except UnicodeDecodeError as error:  # the engine's own words quote the file
        raise damage_error("its names are no text") from error
    except QueryError as error:
        if not _is_damage(error.__cause__, names):
            raise
        raise damage_error(str(error).splitlines()[0]) from error


def _is_damage(error: BaseException | None, names: Collection[str]) -> bool:
    """Return whether an error of the engine is that of a damaged file: it has one of the names.

    Half of what the engine cannot decode has no class of its own, and some of that has no name.
    """
    has_name = any(name in str(error) for name in names)
    if type(error) is duckdb.Error:
        return has_name or ".parquet" not in str(error)
    return has_name and isinstance(error, duckdb.InvalidInputException | duckdb.IOException)


def require_whole(files: Mapping[Path, int]) -> None:
    """Raise UnreadableWarehouse when one of the lake's files is missing, or is not of its size in bytes.

    The engine opens most files only when a query needs rows of them: after the session was opened.
    """
    for path, size in files.items():
        try:
            present = path.stat().st_size
        except FileNotFoundError:
            raise damage_error(f"{path} is missing") from None
        if present != size:
            raise damage_error(f"{path} has {present} bytes of {size}")


def damage_error(problem: str) -> UnreadableWarehouse:
    """Return the error that says what is damaged, and what to do."""
    return UnreadableWarehouse(
        f"The lake has a file that cannot be read ({problem}). Run `chatmart check --repair`. Should that not help: "
        "Move the lake's folder away, and run `chatmart replay`: it builds the lake anew from the landing zone."
    )


def load_scope(
    con: duckdb.DuckDBPyConnection, scope: Scope, files: Mapping[str, Mapping[str, Path]], views: Collection[str] = ()
) -> None:
    """Create all tables in the empty database `wh` and load the rows of the scope; also create `views`.

    `files` are the current ones, by table and month. Raises UnreadableWarehouse.
    """
    create_empty_tables(con, views)
    for table in tables_of(scope):
        by_month = files.get(table, {})
        months = partitions_of(scope, table, by_month)
        if months:
            insert_rows(con, scope, table, parquet_rows_sql([by_month[month] for month in months]))


def create_empty_tables(con: duckdb.DuckDBPyConnection, views: Collection[str] = ()) -> None:
    """Create all tables, without a row, and `views` in the empty database `wh`."""
    create_schemas(con)
    for statement in table_statements().values():
        con.execute(statement)
    for view in views:
        con.execute(create_view_statements(view)[0])
    reach_tables(con)


def insert_rows(con: duckdb.DuckDBPyConnection, scope: Scope, table: str, rows: str) -> None:
    """Insert those of the SQL table `rows` that are in the scope into a table of `wh`. Raises UnreadableWarehouse."""
    condition = scope_condition(scope, table) if is_partitioned(table) else "true"
    insert = "INSERT INTO wh.$table BY NAME SELECT * FROM $rows WHERE $condition"
    with raise_for_damage():
        con.execute(fill(insert, table=ident(table), rows=rows, condition=condition))


def write_partition(
    con: duckdb.DuckDBPyConnection, table: str, month: str, scope: Scope, old: Path | None, target: Path
) -> int:
    """Write one month of a table to `target`: the loaded rows, and the rows of the file `old` outside the scope.

    Return the number of rows.
    """
    rows = select_partition_sql(table, month, scope, parquet_rows_sql([old]) if old is not None else None)
    return execute_and_count(con, copy_sorted_sql(table, rows, target))


def select_partition_sql(table: str, month: str, scope: Scope, old: str | None, condition: str = "true") -> str:
    """Return the query of one month of a table: the loaded rows of `condition`, and those of `old` outside the scope.

    `month` may be a year, too. `old` is a SQL table. A table without months is loaded whole: nothing of `old` stays.
    """
    rows = fill("SELECT * FROM wh.$table WHERE $condition", table=ident(table), condition=condition)
    if is_partitioned(table):
        # a range, not the month of each row: the engine skips the blocks of all other months
        first, last = days_of(month)
        rows += fill(" AND date BETWEEN $first AND $last", first=day_literal(first), last=day_literal(last))
        if old is not None:
            outside = " UNION ALL BY NAME SELECT * FROM $old WHERE NOT ($condition)"
            rows += fill(outside, old=old, condition=scope_condition(scope, table))
    return rows


def copy_sorted_sql(table: str, rows: str, target: Path, options: str = "") -> str:
    """Return the statement that writes the query `rows` of a table, sorted, to a Parquet file. Raises OSError."""
    copy = (
        "COPY (SELECT * FROM ($rows) ORDER BY $order) TO $path "
        "(FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE $n$options)"
    )
    return fill(
        copy,
        rows=rows,
        order=_sort_columns(table),
        path=path_literal(target),
        n=str(ROWS_PER_GROUP),
        options=options,
    )


def create_table_views(
    con: duckdb.DuckDBPyConnection,
    rows_by_table: Mapping[str, str],
    renames: Mapping[str, Mapping[str, str]] | None,
    needed: Collection[str] | None = None,
) -> None:
    """Create the tables as views over SQL tables, and the business views, in the empty database `wh`, then in use.

    Creates those that are `needed`; without `needed` all of them, with their comments. `renames` are the present names
    of columns that have another name in files of an older schema version, by table; None for files of the present one.
    Raises UnreadableWarehouse.
    """
    create_schemas(con)
    for name in metadata.tables if needed is None else metadata.tables.keys() & set(needed):
        rows = rows_by_table.get(name)
        statements = _table_view_statements(name, rows, None if renames is None else renames.get(name, {}))
        for statement in statements if needed is None else statements[:1]:
            with raise_for_damage():
                con.execute(statement)
    if needed is None:
        create_views(con)
        con.execute("USE wh")  # the catalog has no name twice in reach
        return
    for view in view_queries():
        if view in needed:
            con.execute(create_view_statements(view)[0])


NO_MONTH = "none"
"""The month of the file without rows that a table has before its first row.

A text as the other months are: pyarrow can read no folder whose only month is NULL.
"""


def build_views_script() -> str:
    """Return SQL that creates all tables and views in any DuckDB, over the files that the lake's folders hold then.

    Paths are relative to the lake's folder, so that a lake may be moved. Every table must have a file.
    """
    statements = [fill("CREATE SCHEMA IF NOT EXISTS $schema", schema=schema) for schema in SCHEMAS]
    for name in metadata.tables:
        pattern = f"{name}/month=*/data.parquet" if is_partitioned(name) else f"{name}/data.parquet"
        statements += _table_view_statements(name, parquet_pattern_sql(pattern), {})
    statements += old_name_statements()
    for view in view_queries():
        statements += create_view_statements(view)
    return "".join(f"{statement.strip()};\n" for statement in statements)


def _table_view_statements(name: str, rows: str | None, renames: Mapping[str, str] | None) -> list[str]:
    """Return the statements that create a table as a view over the SQL table `rows`, then set its comment.

    The view has every declared column, also without a file (None), and also those that files of an older schema version
    lack. `renames` is None for files of the present version: as rows of nothing else, they are read with less work.
    """
    table = metadata.tables[name]
    source = rows if rows and renames is None else f"({_every_column_sql(table, rows, renames or {})})"
    create = "CREATE OR REPLACE VIEW $view AS SELECT $columns FROM $source"
    comment = "COMMENT ON VIEW $view IS $text"
    return [
        fill(create, view=name_with_schema(name), columns=identifier_list(table.columns.keys()), source=source),
        fill(comment, view=name_with_schema(name), text=literal(table.comment or "")),
    ]


def copy_no_rows_sql(table: str, target: Path) -> str:
    """Return the statement that writes a Parquet file with all columns of a table and no row. Raises OSError."""
    copy = "COPY ($rows) TO $path (FORMAT parquet)"
    return fill(copy, rows=_every_column_sql(metadata.tables[table], None, {}), path=path_literal(target))


def _every_column_sql(table: Table, rows: str | None, renames: Mapping[str, str]) -> str:
    """Return the query of `rows` that has every declared column, NULL where the rows lack it."""
    query = fill("SELECT $columns WHERE false", columns=", ".join(map(_null_column_sql, table.columns)))
    if not rows:
        return query
    rename = ", ".join(fill("$old AS $new", old=ident(old), new=ident(new)) for old, new in renames.items())
    every_column = fill("* RENAME ($rename)", rename=rename) if rename else "*"
    return query + fill(" UNION ALL BY NAME SELECT $columns FROM $rows", columns=every_column, rows=rows)


def _null_column_sql(column: Column[object]) -> str:
    return f"CAST(NULL AS {sql_type(column)}) AS {ident(column.name)}"


def _sort_columns(table: str) -> str:
    columns = metadata.tables[table].columns
    if not is_partitioned(table):
        return identifier_list(list(columns.keys())[:1])
    return identifier_list(["account_key" if "account_key" in columns else "account", "date"])
