"""The text of a question cut into statements, and asked one after the other. No output here.

The engine's own tokens decide where a statement ends, so that a semicolon in a text, a name or a comment is none. Each
question to a store starts afresh; what earlier statements set up (``SET``, ``CREATE TEMP TABLE``) is said again first.
"""

from collections.abc import Iterator

import duckdb
import pyarrow as pa

from warehouse.errors import QueryError
from warehouse.store import Store

_SPACE = " \t\r\n\f\v"  # what the engine takes for space; Python has more


def split_statements(text: str) -> list[str]:
    """The statements of a text without their semicolons; what is only comment is none."""
    return [statement for statement, _is_ended in _pieces(text)]


def is_complete(text: str) -> bool:
    """Whether the last statement of a text has its semicolon; an open quote or comment swallows it."""
    pieces = list(_pieces(text))
    return bool(pieces) and pieces[-1][1]


def has_result(statement: str) -> bool:
    """Whether a statement has an answer of its own; False for what only sets up later ones."""
    try:
        with duckdb.connect() as con:
            (parsed,) = con.extract_statements(statement)
    except (duckdb.Error, ValueError):
        return True  # whatever it is: asking it says what is wrong with it
    results = set(parsed.expected_result_type)
    return results == {duckdb.ExpectedResultType.QUERY_RESULT} or parsed.type == duckdb.StatementType.COPY


class SqlSession:
    """Questions to one store."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._before: list[str] = []

    def execute(self, text: str) -> Iterator[pa.Table]:
        """The answer of each statement that has one. Raises QueryError with what is wrong in a readable form."""
        for statement in split_statements(text):
            answer = self._read(statement)
            if has_result(statement):
                yield answer
            else:
                self._before.append(statement)

    def _read(self, statement: str) -> pa.Table:
        try:
            return self._store.read(";\n".join([*self._before, statement]))
        except QueryError as error:
            raise QueryError(format_engine_error(str(error))) from error
        except RuntimeError as error:  # how the engine passes on Ctrl-C
            if "interrupted" in str(error):
                raise KeyboardInterrupt from error
            raise


def format_engine_error(message: str) -> str:
    """The engine's words on one line, and below them the place it points at, where it points at one."""
    words, mark, place = message.partition("\nLINE ")
    sentence = " ".join(words.split())
    return f"{sentence}\n{mark.lstrip()}{place.rstrip()}" if mark else sentence


def _pieces(text: str) -> Iterator[tuple[str, bool]]:
    """Each statement, and whether a semicolon ends it."""
    encoded = text.encode()  # the engine counts bytes
    start, has_words = 0, False
    for position, kind in duckdb.tokenize(text):
        if kind == duckdb.token_type.operator and encoded[position : position + 1] == b";":
            if has_words:
                yield encoded[start:position].decode().strip(_SPACE), True
            start, has_words = position + 1, False
        elif kind != duckdb.token_type.comment:
            has_words = True
    if has_words:
        yield encoded[start:].decode().strip(_SPACE), False
