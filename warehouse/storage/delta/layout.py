"""The layout of the Delta table: its columns, its partitions, the names of its files, and the shards of accounts.

    _table=fact_x/_month=2025-03/s00000-….parquet    the rows of one table, month and shard, with that table's columns
    _table=dim_x/_month=all/s00000-….parquet         a table without a date is one file per shard

A shard is a fixed part of the accounts. Each has files of its own, its own rows of the dimensions among them, so that
writers of two shards share no file. What must not come in: files that are opened, the log.
"""

from collections.abc import Mapping
from functools import cache

import pyarrow as pa

from warehouse.model.one_table import RENAMED_COLUMNS, TABLE_COLUMN, renamed_column
from warehouse.model.schema import metadata, table_schema
from warehouse.sql import fill, ident, literal, surrogate_key, surrogate_key_sql

PARTITION_COLUMNS = [TABLE_COLUMN, "_month"]
UNDATED = "all"
"""The month of a table without months."""

STATISTICS_COLUMNS = ("account_key", "date")
"""The columns of which every file has its smallest and its largest value in the log."""

FIRST_SHARD = 0
"""The shard that holds the tables of which the warehouse has one state for all accounts."""

_SHARED_TABLES = ("measure_definition", "schema_version")


@cache
def star_schema() -> pa.Schema:
    """Return the columns of the Delta table: its partitions, and the columns of all tables of the star.

    Raises TypeError when columns of one name have two types: one of them needs another name in files.
    """
    fields = {name: pa.field(name, pa.string()) for name in PARTITION_COLUMNS}
    for table in metadata.tables:
        for field in table_schema(table):
            name = renamed_column(table, field.name)
            known = fields.setdefault(name, pa.field(name, field.type))
            if known.type != field.type:
                raise TypeError(f"the column {name} of {table} is {field.type}, in another table it is {known.type}")
    return pa.schema(list(fields.values()))


def shard_of(account: str, shards: int) -> int:
    """Return the shard of an account, as `shard_condition` computes it."""
    return surrogate_key(account) % shards


def shard_condition(table: str, shard: int, shards: int) -> str:
    """Return the condition for the rows of a table of `wh` that belong into the files of a shard.

    A dimension's member belongs to every shard that it came with; the row `unknown` to all.
    """
    if table in _SHARED_TABLES:
        return "true" if shard == FIRST_SHARD else "false"
    columns = metadata.tables[table].columns
    if shards == 1 or not {"account_key", "account"} & set(columns.keys()):
        return "true"
    key = ident("account_key") if "account_key" in columns else surrogate_key_sql(ident("account"))
    condition = fill("$key % $shards = $shard", key=key, shards=str(shards), shard=str(shard))
    if table.startswith("dim_"):
        condition = fill("($condition OR $key = 0)", condition=condition, key=ident(key_column(table)))
    return condition


def key_column(table: str) -> str:
    """Return the name of a dimension's key."""
    return metadata.tables[table].columns.keys()[0]


def to_file_names(table: str, rows: str) -> str:
    """Return the query `rows` of a table with the names that its columns have in files."""
    return _rename(rows, RENAMED_COLUMNS.get(table, {}))


def from_file_names(table: str, rows: str) -> str:
    """Return the SQL table `rows` of files of a table with the names that its columns have in the star."""
    names = {in_file: name for name, in_file in RENAMED_COLUMNS.get(table, {}).items()}
    return fill("($query)", query=_rename(fill("SELECT * FROM $rows", rows=rows), names)) if names else rows


def _rename(query: str, names: Mapping[str, str]) -> str:
    if not names:
        return query
    renames = ", ".join(fill("$old AS $new", old=ident(old), new=ident(new)) for old, new in names.items())
    return fill("SELECT * RENAME ($renames) FROM ($query)", renames=renames, query=query)


def first_wins_sql(table: str, rows: str, files: list[str]) -> str:
    """Return the members of a dimension that stand in several files once: as the first of `files` has them.

    `rows` is a SQL table with the column `filename`.
    """
    query = (
        "(SELECT * EXCLUDE (filename) FROM $rows QUALIFY row_number() OVER "
        "(PARTITION BY $key ORDER BY list_position([$files], filename)) = 1)"
    )
    return fill(query, rows=rows, key=ident(key_column(table)), files=", ".join(map(literal, files)))
