"""A lake's tables inside the engine: lent as `wh` from Parquet files, and written back by month.

What must not come in: which files are current, locks, renames. Tables with a date lie in one file per month, the
others in one file; rows are sorted by account and day, so that a reader skips what it does not ask for.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from pathlib import Path

import duckdb
from sqlalchemy import Column

from warehouse.ddl.create import sql_type, table_statements
from warehouse.ddl.views import create_view_statements, create_views, view_queries
from warehouse.engine import first_row
from warehouse.errors import UnreadableWarehouse
from warehouse.model.schema import metadata
from warehouse.records import Scope
from warehouse.sql import fill, ident, identifier_list, literal, surrogate_key_sql

ROWS_PER_GROUP = 122_880

_MARKS = """
SELECT $table, $month, count(*), CAST(bit_xor(hash(t)) AS VARCHAR) || ' ' || CAST(sum(hash(t)) AS VARCHAR)
FROM wh.$name AS t GROUP BY 2
"""
Fingerprints = Mapping[tuple[str, str], tuple[int, str]]
"""Count and checksum of the rows of each table and month that are lent."""


def is_partitioned(table: str) -> bool:
    """Whether a table lies in a file per month."""
    return table != "dim_date" and "date" in metadata.tables[table].columns


def tables_of(scope: Scope) -> list[str]:
    """The tables that are lent for a scope."""
    return [
        name for name in metadata.tables if not is_partitioned(name) or scope.tables is None or name in scope.tables
    ]


def months_of(scope: Scope, months: Iterable[str]) -> list[str]:
    """Those of the months that the scope's days touch."""
    if scope.days is None:
        return sorted(months)
    first, last = (f"{day:%Y-%m}" for day in scope.days)
    return sorted(month for month in months if first <= month <= last)


def scope_condition(scope: Scope, table: str) -> str:
    """The condition for the rows of a dated table that lie in the scope."""
    parts = []
    if scope.accounts is not None:
        keyed = "account_key" in metadata.tables[table].columns
        names = [surrogate_key_sql(literal(name)) if keyed else literal(name) for name in scope.accounts]
        parts.append(f"{'account_key' if keyed else 'account'} IN ({', '.join(names)})")
    if scope.days is not None:
        parts.append(f"date BETWEEN {_day(scope.days[0])} AND {_day(scope.days[1])}")
    return " AND ".join(parts) or "true"


@contextmanager
def raise_for_damage() -> Iterator[None]:
    """Raises UnreadableWarehouse for a file of the lake that the engine cannot read, or does not find."""
    try:
        yield
    except (duckdb.InvalidInputException, duckdb.IOException) as error:
        if ".parquet" not in str(error):  # a full disk, say, while rows are spilled
            raise
        raise UnreadableWarehouse(
            f"The lake has a file that cannot be read ({str(error).splitlines()[0]}). Move the lake's folder away, and "
            "run `chatmart replay`: it builds the lake anew from the landing zone."
        ) from error


def load_scope(
    con: duckdb.DuckDBPyConnection, scope: Scope, files: Mapping[str, Mapping[str, Path]], views: Collection[str] = ()
) -> None:
    """Fill the empty database `wh` with all tables, of the dated ones only the rows in the scope.

    `files` are the current ones by table and month. `views` are made too.
    """
    con.execute("USE wh")
    for statement in table_statements().values():
        con.execute(statement)
    for view in views:
        con.execute(create_view_statements(view)[0])
    con.execute("USE memory")
    for table in tables_of(scope):
        known = files.get(table, {})
        months = months_of(scope, known) if is_partitioned(table) else list(known)
        if not months:
            continue
        condition = scope_condition(scope, table) if is_partitioned(table) else "true"
        insert = "INSERT INTO wh.$table BY NAME SELECT * FROM $source WHERE $condition"
        source = read_parquet_sql([known[month] for month in months])
        with raise_for_damage():
            con.execute(fill(insert, table=ident(table), source=source, condition=condition))


def fingerprints(con: duckdb.DuckDBPyConnection, scope: Scope) -> Fingerprints:
    """What the lent rows look like; where two of these differ, rows were changed."""
    parts = [
        fill(
            _MARKS,
            table=literal(table),
            name=ident(table),
            month="strftime(date, '%Y-%m')" if is_partitioned(table) else "''",
        )
        for table in tables_of(scope)
    ]
    rows = con.execute(" UNION ALL ".join(parts)).fetchall()
    return {(table, month): (count, mark) for table, month, count, mark in rows if count or not is_partitioned(table)}


def changed_partitions(before: Fingerprints, after: Fingerprints) -> list[tuple[str, str]]:
    """The parts whose rows differ."""
    return sorted(part for part in before.keys() | after.keys() if before.get(part) != after.get(part))


def write_partition(
    con: duckdb.DuckDBPyConnection, table: str, month: str, scope: Scope, old: Path | None, target: Path
) -> int:
    """Write one part of a table: the lent rows, and those of the old file that lie outside of the scope.

    Returns the number of rows.
    """
    rows = fill("SELECT * FROM wh.$table", table=ident(table))
    if is_partitioned(table):
        rows += fill(" WHERE strftime(date, '%Y-%m') = $month", month=literal(month))
        if old is not None:
            rest = " UNION ALL BY NAME SELECT * FROM $old WHERE NOT ($inside)"
            rows += fill(rest, old=read_parquet_sql([old]), inside=scope_condition(scope, table))
    copy = "COPY (SELECT * FROM ($rows) ORDER BY $order) TO $path (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE $n)"
    con.execute(fill(copy, rows=rows, order=_order(table), path=literal(str(target)), n=str(ROWS_PER_GROUP)))
    counted = first_row(con, fill("SELECT count(*) FROM $file", file=read_parquet_sql([target])))
    return int(counted[0]) if counted else 0


def read_parquet_sql(files: Iterable[Path]) -> str:
    """The rows of some files, whose columns may come from different versions of the schema."""
    listed_files = ", ".join(literal(str(path)) for path in files)
    return fill("read_parquet([$files], union_by_name = true, hive_partitioning = false)", files=listed_files)


def create_table_views(
    con: duckdb.DuckDBPyConnection, files: Mapping[str, Collection[Path]], wanted: Collection[str] | None = None
) -> None:
    """Make the star's tables views over their files, and the business views, in the empty database in use.

    Those that are `wanted`, or all of them with their comments.
    """
    for name in metadata.tables if wanted is None else metadata.tables.keys() & set(wanted):
        for statement in _table_view(name, files.get(name, ()))[: 2 if wanted is None else 1]:
            with raise_for_damage():
                con.execute(statement)
    if wanted is None:
        create_views(con)
        return
    for view in view_queries():
        if view in wanted:
            con.execute(create_view_statements(view)[0])


def build_views_script(root: Path, tables: Collection[str]) -> str:
    """SQL that makes all tables and views in any DuckDB, over whatever the lake's folders hold when they are asked.

    `tables` are those that have files.
    """
    statements = []
    for name in metadata.tables:
        place = root / name / ("month=*/data.parquet" if is_partitioned(name) else "data.parquet")
        statements += _table_view(name, [place] if name in tables else [])
    for view in view_queries():
        statements += create_view_statements(view)
    return "".join(f"{statement.strip()};\n" for statement in statements)


def _table_view(name: str, files: Collection[Path]) -> list[str]:
    """Statements that make a table a view over its files and explain it.

    A column that the files do not have yet, or a table without a file, is there all the same.
    """
    table = metadata.tables[name]
    query = fill("SELECT $columns WHERE false", columns=", ".join(map(_nothing, table.columns)))
    if files:
        query += fill(" UNION ALL BY NAME SELECT * FROM $files", files=read_parquet_sql(files))
    create = "CREATE OR REPLACE VIEW $view AS SELECT $columns FROM ($query)"
    comment = "COMMENT ON VIEW $view IS $text"
    return [
        fill(create, view=ident(name), columns=identifier_list(table.columns.keys()), query=query),
        fill(comment, view=ident(name), text=literal(table.comment or "")),
    ]


def _nothing(column: Column[object]) -> str:
    return f"CAST(NULL AS {sql_type(column)}) AS {ident(column.name)}"


def _order(table: str) -> str:
    columns = metadata.tables[table].columns
    if not is_partitioned(table):
        return identifier_list(list(columns.keys())[:1])
    return identifier_list(["account_key" if "account_key" in columns else "account", "date"])


def _day(day: date) -> str:
    return f"DATE {literal(day.isoformat())}"
