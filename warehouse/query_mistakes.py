"""Says what is wrong with a query that the engine refused: names that do not exist, and texts without single quotes.

What must not come in: running the query again. The engine is only asked where in the query the mistake is.
"""

import re
from collections.abc import Iterable, Sequence
from contextlib import suppress
from difflib import get_close_matches

import duckdb

from warehouse.sql import ident

_UNKNOWN_VIEW = re.compile(r"Table with name (?P<name>\S+) does not exist!(?: Did you mean (?P<near>.+?)\?)?")
_UNKNOWN_TABLE = re.compile(r'Referenced table "(?P<name>[^"]+)" not found!(?P<candidates>.*)')
_UNKNOWN_COLUMN = re.compile(
    r'(?:Referenced column "(?P<referenced>[^"]+)" not found in FROM clause!|does not have a column named '
    r'"(?P<named>[^"]+)")(?P<candidates>.*)'
)
_QUOTED = re.compile(r'"([^"]+)"')
_VIEW_NAME = re.compile(r'[^"\s]+(?=")')
_IN_QUERY = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL)
"""Texts and comments, in which no name stands."""
_COMPARISON = r"(?:(?<!:)=|<|(?<![-=])>|\b(?:like|ilike|between)\b|\bbetween\s+\S+\s+and\b|\bin\s*\((?:[^()]*,)?)\s*"
_LINE = re.compile(r"\nLINE (\d+): (.*)\n( *)(\^+)")
_COLUMNS_QUERY = """
SELECT table_name, column_name, bool_or(database_name = current_database()) AS is_published
FROM duckdb_columns() WHERE NOT internal GROUP BY ALL ORDER BY table_name, min(column_index)
"""
_BELOW_VIEWS = ("fact_", "dim_", "store_state")
_MIN_SHARED = 4
"""Characters that a word or beginning must have in common with a name to be near it."""


def describe_mistake(con: duckdb.DuckDBPyConnection, sql: str, message: str) -> str:
    """Return the engine's message about a refused query as sentences on one line, and below it where the mistake is.

    An unknown view or column is named with what is near it, and with the views that have such a column.
    """
    text, marker, position = message.partition("\nLINE ")
    sentence = " ".join(text.split())
    if not marker and sentence.startswith(("Binder Error", "Catalog Error")):
        marker, position = "\nLINE ", _locate_mistake(con, sql, text)
    sentence = _describe_name(con, sql, sentence)
    return f"{sentence}\nLINE {position.rstrip()}" if marker and position else sentence


def _describe_name(con: duckdb.DuckDBPyConnection, sql: str, sentence: str) -> str:
    if match := _UNKNOWN_VIEW.search(sentence):
        near = " or ".join(_find_close(match["name"], _VIEW_NAME.findall(match["near"] or "")))
        hint = f"did you mean {near}?" if near else "chatmart sql --list shows all"
        return f"There is no view {match['name']}: {hint}"
    if match := _UNKNOWN_TABLE.search(sentence):
        known = ", ".join(_QUOTED.findall(match["candidates"]))
        hint = _hint_at_text(sql, match["name"])
        return f"The query has no view {match['name']}{f', it has {known}' if known else ''}.{hint}"
    if match := _UNKNOWN_COLUMN.search(sentence):
        name = match["referenced"] or match["named"]
        candidates = [quoted.rpartition(".")[2] for quoted in _QUOTED.findall(match["candidates"])]
        return f"There is no column {name}{_hint_at_column(con, sql, name, candidates)}"
    return sentence


def _hint_at_column(con: duckdb.DuckDBPyConnection, sql: str, name: str, candidates: Sequence[str]) -> str:
    """Return how the sentence about an unknown column goes on. `candidates` are the columns that the engine names."""
    columns, published = _read_columns(con)
    words = {word.lower() for word in re.findall(r"\w+", _IN_QUERY.sub(" ", sql))}
    queried = {view: names for view, names in columns.items() if view.lower() in words}
    known = list(dict.fromkeys(column for names in queried.values() for column in names)) or candidates
    owners = sorted(
        (view for view in published if view not in queried and name.lower() in map(str.lower, columns[view])),
        key=lambda view: (len(view), view),
    )
    text_hint = "" if owners else _hint_at_text(sql, name)
    if close := _find_close(name, known):
        return f"{'.' if text_hint else ''}{text_hint}{' Did' if text_hint else ': did'} you mean {' or '.join(close)}?"
    if owners:
        return f". `{name}` is a column of {', '.join(owners[:4])}{', …' if owners[4:] else ''}."
    if text_hint and not name.isidentifier():
        return f".{text_hint}"
    if related := [column for column in known if _shares_word(name, column)]:
        return f"; near it are {', '.join(related[:4])}.{text_hint}"
    listed = " ".join(f"{view} has {', '.join(names)}." for view, names in queried.items())
    return f".{text_hint}{f' {listed}' if listed else ''}"


def _hint_at_text(sql: str, name: str) -> str:
    """Return the hint that a text needs single quotes, where the query compares with the name or quotes it doubly."""
    bare = _IN_QUERY.sub(lambda match: " " * len(match[0]), sql)
    quoted, plain = re.escape(ident(name)), re.escape(name)
    if re.search(rf"(?<!\.){quoted}(?!\.)", bare):
        text = name
    elif match := re.search(rf"{_COMPARISON}(?P<text>{plain}(?:[\w-]|\.(?=\w))*)(?![\w.(])", bare, re.IGNORECASE):
        text = match["text"]
    else:
        return ""
    escaped = text.replace("'", "''")
    return f" A text stands in single quotes: '{escaped}'."


def _read_columns(con: duckdb.DuckDBPyConnection) -> tuple[dict[str, list[str]], list[str]]:
    """Return the columns of each view and table, and the names of those that are published for people."""
    columns: dict[str, list[str]] = {}
    published: list[str] = []
    with suppress(duckdb.Error):  # the message is about the query, and goes without them
        for view, column, is_published in con.execute(_COLUMNS_QUERY).fetchall():
            columns.setdefault(view, []).append(column)
            if is_published and view not in published and not view.startswith(_BELOW_VIEWS):
                published.append(view)
    return columns, published


def _locate_mistake(con: duckdb.DuckDBPyConnection, sql: str, text: str) -> str:
    """Return the number and the text of the line with the mistake, and carets below it; empty if that is not known.

    The engine says it only of statements that are prepared, and EXPLAIN prepares one without running it. It is not
    asked within a transaction, which the error would abort.
    """
    try:
        if len(con.extract_statements(sql)) != 1 or _is_in_transaction(con):
            return ""  # a second statement would run
        con.execute(f"EXPLAIN\n{sql}")
    except duckdb.Error as error:
        match = _LINE.search(str(error))
        if not match or not str(error).startswith(text.rstrip()):
            return ""
        number, line, indent, carets = match.groups()
        own_number = str(int(number) - 1)  # EXPLAIN is the first line
        return f"{own_number}: {line}\n{indent[len(number) - len(own_number) :]}{carets}"
    return ""


def _is_in_transaction(con: duckdb.DuckDBPyConnection) -> bool:
    """Return whether statements share a transaction: else each has a number of its own."""
    first, second = (con.execute("SELECT txid_current()").fetchone() for _ in range(2))
    return first == second


def _find_close(name: str, known: Iterable[str]) -> list[str]:
    """Return the two nearest names, or only the one that differs in case, and in - for _."""
    by_form = {_simplify(column): column for column in known}
    if exact := by_form.get(_simplify(name)):
        return [exact]
    return [by_form[form] for form in get_close_matches(_simplify(name), by_form, n=2, cutoff=0.6)]


def _shares_word(name: str, column: str) -> bool:
    """Return whether two names have a word in common, or one begins with the other."""
    first, second = _simplify(name), _simplify(column)
    shorter, longer = sorted((first, second), key=len)
    words = set(first.split("_")) & set(second.split("_"))
    return any(len(word) >= _MIN_SHARED for word in words) or (
        len(shorter) >= _MIN_SHARED and longer.startswith(shorter)
    )


def _simplify(name: str) -> str:
    return name.casefold().replace("-", "_").replace(" ", "_")
