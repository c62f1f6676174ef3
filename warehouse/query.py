"""Runs a query on the published warehouse that is attached and in use: results as Arrow, errors as sentences.

What must not come in: the place of the warehouse, a query of our own.
"""

from collections.abc import Callable

import duckdb
import pyarrow as pa

from warehouse.dialect import spell_out_aliases
from warehouse.errors import QueryError


class ReadSession:
    """Statements on one connection to the published warehouse, as it was published when the session began.

    Settings, temporary tables and transactions last until its end. Not for several threads.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, is_outdated: Callable[[], bool]) -> None:
        self._con = con
        self._is_outdated = is_outdated

    def run(self, statement: str) -> pa.Table:
        """Run one statement, once. Return its result. Raises QueryError for SQL that the engine refuses."""
        return run_query(self._con, statement)

    def is_outdated(self) -> bool:
        """Return whether a newer state was published since the session began. Only a new session reads it."""
        return self._is_outdated()


def run_query(con: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    """Return the result of the last statement, with its columns. Raises QueryError for SQL that the engine refuses."""
    try:
        return _execute(con, sql)
    except duckdb.ParserException as error:
        rewritten = spell_out_aliases(sql)
        if rewritten is None:
            raise QueryError(str(error)) from error
        try:
            return _execute(con, rewritten)
        except duckdb.Error:  # the message must be about the query as the person wrote it
            raise QueryError(str(error)) from error
    except duckdb.Error as error:
        raise QueryError(str(error)) from error


def _execute(con: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    result = con.sql(sql)
    return result.to_arrow_table() if result is not None else pa.table({})
