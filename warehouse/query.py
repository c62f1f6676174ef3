"""Runs a query on the published warehouse that is attached and in use: results as Arrow, errors as sentences.

What must not come in: the place of the warehouse, a query of our own.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import duckdb
import pyarrow as pa
from duckdb.sqltypes import DuckDBPyType

from warehouse.alias_spelling import spell_out_aliases
from warehouse.errors import QueryError
from warehouse.query_mistakes import describe_mistake
from warehouse.sql import fill, ident

_AS_TEXT = {
    "bignum",
    "bit",
    "geometry",
    "interval",
    "time with time zone",
    "type",
    "uhugeint",
    "union",
    "variant",
}
"""Types that Arrow lacks, or that reach it wrongly: a large UHUGEINT as a negative number, a TIMETZ without zone."""

Parameters = Sequence[Any] | Mapping[str, Any] | None
"""The values of `?` in a statement, or those of `$name`."""


class ReadSession:
    """Statements on one connection to the published warehouse, as it was published when the session began.

    Settings, temporary tables and transactions last until its end. Not for several threads.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, is_outdated: Callable[[], bool]) -> None:
        self._con = con
        self._is_outdated = is_outdated

    def run(self, statement: str, parameters: Parameters = None) -> pa.Table:
        """Run one statement, once. Return its result with its columns.

        Raises QueryError as `run_query` does, with sentences about names that do not exist.
        """
        try:
            return run_query(self._con, statement, parameters)
        except QueryError as error:
            # the cause stays the engine's error: by it the store finds out that a file is damaged
            raise QueryError(describe_mistake(self._con, statement, str(error))) from error.__cause__

    def is_outdated(self) -> bool:
        """Return whether a newer state was published since the session began. Only a new session reads it."""
        return self._is_outdated()


def run_query(con: duckdb.DuckDBPyConnection, sql: str, parameters: Parameters = None) -> pa.Table:
    """Return the result of the last statement, with its columns. Raises QueryError for SQL that the engine refuses.

    A type that Arrow cannot hold exactly is text.
    """
    try:
        return _execute(con, sql, parameters)
    except duckdb.ParserException as error:
        rewritten = spell_out_aliases(sql)
        if rewritten is None:
            raise QueryError(str(error)) from error
        try:
            return _execute(con, rewritten, parameters)
        except duckdb.Error:  # the message must be about the query as the person wrote it
            raise QueryError(str(error)) from error
    except duckdb.Error as error:
        raise QueryError(str(error)) from error


def _execute(con: duckdb.DuckDBPyConnection, sql: str, parameters: Parameters) -> pa.Table:
    result = con.sql(sql, params=parameters)
    return _convert_types(result).to_arrow_table() if result is not None else pa.table({})


def _convert_types(result: duckdb.DuckDBPyRelation) -> duckdb.DuckDBPyRelation:
    """Return the result with columns that Arrow cannot hold exactly as text, also inside lists, structs and maps."""
    types = list(map(_exact_type, result.types))
    if types == list(map(str, result.types)):
        return result
    return result.project(
        ", ".join(
            fill("CAST(#$number AS $type) AS $name", number=str(number), type=sql_type, name=ident(name))
            for number, (name, sql_type) in enumerate(zip(result.columns, types, strict=True), 1)
        )
    )


def _exact_type(sql_type: DuckDBPyType) -> str:
    """Return the SQL of the type, or of the nearest one that Arrow holds exactly."""
    name = sql_type.id
    if name in _AS_TEXT or (name == "tuple" and not _has_exact_parts(sql_type)):
        return "VARCHAR"
    if name in ("timestamp_s", "timestamp_ms"):
        return "TIMESTAMP"  # an infinite instant overflows in the others
    if name not in ("list", "array", "struct", "map") or _has_exact_parts(sql_type):
        return str(sql_type)
    exact = {label: _exact_type(child) for label, child in sql_type.children if isinstance(child, DuckDBPyType)}
    if name == "struct":
        return f"STRUCT({', '.join(f'{ident(label)} {child}' for label, child in exact.items())})"
    if name == "map":
        return f"MAP({exact['key']}, {exact['value']})"
    return f"{exact['child']}[]"


def _has_exact_parts(sql_type: DuckDBPyType) -> bool:
    parts = [child for _, child in sql_type.children if isinstance(child, DuckDBPyType)]
    return all(_exact_type(part) == str(part) for part in parts)
