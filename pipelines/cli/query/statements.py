"""Split SQL text into statements and run them in order on a store. No output here.

The engine's tokenizer decides where a statement ends, so a semicolon inside a string, name or comment does not end one.
Each read of a store uses a new connection; earlier statements that set something up (``SET``, ``CREATE TEMP TABLE``)
are therefore run again before each later one.
"""

from collections.abc import Iterator

import duckdb
import pyarrow as pa

from warehouse.errors import QueryError
from warehouse.store import Store

_WHITESPACE = " \t\r\n\f\v"  # only the engine's whitespace; Python strips more


def split_statements(text: str) -> list[str]:
    """Return the statements of a text without their semicolons, and without parts that are only comments.

    >>> split_statements("SELECT ';'; SELECT 2; -- done")
    ["SELECT ';'", 'SELECT 2']
    """
    return [statement for statement, _is_ended in _tokenize_statements(text)]


def is_complete(text: str) -> bool:
    """Return whether a semicolon ends the last statement of a text. Inside an open quote or comment it does not.

    >>> is_complete("SELECT 1;"), is_complete("SELECT 'x;")
    (True, False)
    """
    statements = list(_tokenize_statements(text))
    return bool(statements) and statements[-1][1]


def has_result(statement: str) -> bool:
    """Return whether a statement has a result; False when it only sets something up for later statements."""
    try:
        with duckdb.connect() as con:
            (parsed,) = con.extract_statements(statement)
    except (duckdb.Error, ValueError):
        return True  # running the statement raises the readable error
    results = set(parsed.expected_result_type)
    return results == {duckdb.ExpectedResultType.QUERY_RESULT} or parsed.type == duckdb.StatementType.COPY


class SqlSession:
    """A sequence of statements on one store. Later statements see the settings and tables of earlier ones."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._setup_statements: list[str] = []

    def execute(self, text: str) -> Iterator[pa.Table]:
        """Run the statements of a text, and yield the result of each that has one, with the columns of its query.

        Raises QueryError with the engine's message in a readable form, KeyboardInterrupt on Ctrl-C.
        """
        for statement in split_statements(text):
            result = self._read(statement)
            if has_result(statement):
                yield result
            else:
                self._setup_statements.append(statement)

    def _read(self, statement: str) -> pa.Table:
        try:
            return self._store.read(";\n".join([*self._setup_statements, statement]))
        except QueryError as error:
            raise QueryError(format_engine_error(str(error))) from error
        except RuntimeError as error:  # the engine raises it on Ctrl-C
            if "interrupted" in str(error):
                raise KeyboardInterrupt from error
            raise


def format_engine_error(message: str) -> str:
    """Put the engine's message on one line, and keep the lines below it that point at the mistake, if any."""
    text, marker, position = message.partition("\nLINE ")
    sentence = " ".join(text.split())
    return f"{sentence}\n{marker.lstrip()}{position.rstrip()}" if marker else sentence


def _tokenize_statements(text: str) -> Iterator[tuple[str, bool]]:
    """Yield each statement, and whether a semicolon ends it."""
    encoded = text.encode()  # positions of the tokenizer are in bytes
    start, has_tokens = 0, False
    for position, kind in duckdb.tokenize(text):
        if kind == duckdb.token_type.operator and encoded[position : position + 1] == b";":
            if has_tokens:
                yield encoded[start:position].decode().strip(_WHITESPACE), True
            start, has_tokens = position + 1, False
        elif kind != duckdb.token_type.comment:
            has_tokens = True
    if has_tokens:
        yield encoded[start:].decode().strip(_WHITESPACE), False
