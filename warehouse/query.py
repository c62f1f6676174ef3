"""Asking the published warehouse that is attached and in use: answers as Arrow, errors as sentences.

What must not come in: where the warehouse lies, a query of our own.
"""

import duckdb
import pyarrow as pa

from warehouse.dialect import spell_out_aliases
from warehouse.errors import QueryError


def run_query(con: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    """The answer of the last statement. Raises QueryError for SQL that the engine refuses."""
    try:
        return _answer(con, sql)
    except duckdb.ParserException as error:
        spelled = spell_out_aliases(sql)
        if spelled is None:
            raise QueryError(str(error)) from error
        try:
            return _answer(con, spelled)
        except duckdb.Error:  # what the person wrote is what the message is about
            raise QueryError(str(error)) from error
    except duckdb.Error as error:
        raise QueryError(str(error)) from error


def _answer(con: duckdb.DuckDBPyConnection, sql: str) -> pa.Table:
    answer = con.sql(sql)
    return answer.to_arrow_table() if answer is not None else pa.table({})
