"""Split SQL text into statements and run them in order on a store. No output here.

The engine's tokenizer decides where a statement ends, so a semicolon inside a string, name or comment does not end one.
All statements of a session run on one connection, each of them once.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import duckdb
import pyarrow as pa

from warehouse.store import ReadSession, Store

_CHANGES = {
    duckdb.StatementType.INSERT,
    duckdb.StatementType.UPDATE,
    duckdb.StatementType.DELETE,
    duckdb.StatementType.MERGE_INTO,
}
_WITH_RESULT = {duckdb.StatementType.COPY, duckdb.StatementType.MULTI}  # MULTI: PIVOT
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
    if parsed.type in _CHANGES:
        return re.search(r"\breturning\b", statement, re.IGNORECASE) is not None
    results = set(parsed.expected_result_type)
    return results == {duckdb.ExpectedResultType.QUERY_RESULT} or parsed.type in _WITH_RESULT


class SqlSession:
    """Statements of a person on one connection: later ones see settings, tables and transactions of earlier ones."""

    def __init__(self, session: ReadSession) -> None:
        self._session = session

    @classmethod
    @contextmanager
    def open(cls, store: Store, text: str = "") -> Iterator["SqlSession"]:
        """Open a session on what is published now; ``text`` holds its statements when they are known.

        Raises NothingPublished before the first publication.
        """
        with store.open_session(text) as session:
            yield cls(session)

    @property
    def is_outdated(self) -> bool:
        """Whether a load has published a newer warehouse since the session began."""
        return self._session.is_outdated()

    def execute(self, text: str) -> Iterator[pa.Table]:
        """Run the statements of a text, and yield the result of each that has one, with the columns of its query.

        Raises QueryError with the engine's message in a readable form, KeyboardInterrupt on Ctrl-C.
        """
        for statement in split_statements(text):
            result = self._run(statement)
            if has_result(statement):
                yield result

    def _run(self, statement: str) -> pa.Table:
        try:
            return self._session.run(statement)
        except RuntimeError as error:  # the engine raises it on Ctrl-C
            if "interrupted" in str(error):
                raise KeyboardInterrupt from error
            raise


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
