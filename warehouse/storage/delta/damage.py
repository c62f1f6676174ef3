"""Damage of a Delta lake: data files that cannot be read whole. What must not come in: what is done about it."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb

from warehouse.engine import first_row
from warehouse.model.engine_paths import parquet_rows_sql
from warehouse.sql import fill
from warehouse.storage.delta.lake_file import LakeFile
from warehouse.storage.delta.tables import group_by_table

_READ_ALL = "SELECT count(*), bit_xor(hash(t)) FROM $rows AS t"


def find_damaged_files(
    con: duckdb.DuckDBPyConnection, files: Sequence[LakeFile], paths: Mapping[str, Path]
) -> list[tuple[LakeFile, str]]:
    """Read files whole, from their `paths` by name. Return those that are damaged, with the engine's words for it."""
    return [
        (file, problem)
        for chosen in group_by_table(files).values()
        if _find_problem(con, chosen, paths)  # one query is enough where all is well
        for file in chosen
        if (problem := _find_problem(con, [file], paths))
    ]


def _find_problem(con: duckdb.DuckDBPyConnection, files: Sequence[LakeFile], paths: Mapping[str, Path]) -> str | None:
    rows = sum(file.rows for file in files)
    try:
        row = first_row(con, fill(_READ_ALL, rows=parquet_rows_sql([paths[file.name] for file in files])))
    except duckdb.Error as error:
        return str(error).splitlines()[0]
    return None if row and row[0] == rows else f"it has {row and row[0]} rows, not {rows}"
