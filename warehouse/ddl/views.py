"""The views of `views/*.sql`: their text, one hash over all of them, the statements that make and explain them.

What must not come in: a view's SQL (one file each). Its leading comment becomes the view's comment; a line
`--   column: text` there explains a column that is not the star's own.
"""

import re
from functools import cache
from hashlib import sha256
from importlib.resources import files

import duckdb

from warehouse.model.schema import metadata
from warehouse.sql import fill, ident, literal

_OWN = re.compile(r"^--   (\w+): (.+)$", re.MULTILINE)
_SAID = re.compile(r"^-- (?!  )(.+)$", re.MULTILINE)
_READ = re.compile(r"\b(?:FROM|JOIN)\s+\"?(\w+)", re.IGNORECASE)
_WORD = re.compile(r"\w+")

_SHARED = {"month": "First day of the calendar month (of the account's zone), as a date."}
"""Columns that several views make in the same way."""


@cache
def view_queries() -> dict[str, str]:
    """The query of each view by name."""
    folder = files("warehouse") / "views"
    found = {file.name: file.read_text("utf-8") for file in folder.iterdir() if file.name.endswith(".sql")}
    return {name.removesuffix(".sql"): found[name] for name in sorted(found)}


@cache
def views_hash() -> str:
    """Changes whenever a view, or a comment of the star, does."""
    comments = [column.comment for table in metadata.sorted_tables for column in table.columns]
    return sha256(repr((view_queries(), comments, _SHARED)).encode()).hexdigest()


def referenced_relations(query: str) -> set[str] | None:
    """The tables and views that a query needs; None when it may need any, as one to the catalog does.

    More may be named than it needs: every word counts that is the name of one.
    """
    known = view_queries().keys() | metadata.tables.keys()
    if not _READ.search(query) or any(name.lower() not in known for name in _READ.findall(query)):
        return None
    found, asked = set[str](), {query}
    while asked:
        words = {word.lower() for text in asked for word in _WORD.findall(text)}
        new = (words & known) - found
        found |= new
        asked = {view_queries()[name] for name in new if name in view_queries()}
    return found


def create_views(con: duckdb.DuckDBPyConnection) -> None:
    """Make all views, with their comments, in the database in use."""
    for name in view_queries():
        for statement in create_view_statements(name):
            con.execute(statement)
        described = con.execute(fill("SELECT * FROM $view LIMIT 0", view=ident(name))).description or []
        for statement in comment_column_statements(name, [str(column[0]) for column in described]):
            con.execute(statement)


def create_view_statements(name: str) -> list[str]:
    """Statements that make the view `name` and say what it is."""
    text = view_queries()[name]
    return [
        fill("CREATE OR REPLACE VIEW $view AS $query", view=ident(name), query=text),
        fill("COMMENT ON VIEW $view IS $comment", view=ident(name), comment=literal(" ".join(_SAID.findall(text)))),
    ]


def comment_column_statements(name: str, columns: list[str]) -> list[str]:
    """Statements that explain `columns`, those of the view `name`: in its own words or those of the tables it reads."""
    known = _explained(view_queries()[name])
    return [
        fill(
            "COMMENT ON COLUMN $view.$column IS $comment",
            view=ident(name),
            column=ident(column),
            comment=literal(known[column]),
        )
        for column in columns
        if column in known
    ]


def _explained(text: str) -> dict[str, str]:
    """Comments by column: the view's own, then those of the tables it reads, dim_account's before the others'."""
    known = {**_SHARED, **dict(_OWN.findall(text))}
    for name in sorted(set(_READ.findall(text)) & set(metadata.tables)):
        for column in metadata.tables[name].columns:
            known.setdefault(column.name, str(column.comment))
    return known
