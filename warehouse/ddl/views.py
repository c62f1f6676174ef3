"""The views of `views/*.sql`: their text, a hash over all of them, and the statements that create and comment them.

The comment at the head of a view's file becomes the comment of the view. A line `--   column: text` there is the
comment of a column that the view itself makes. What must not come in: the SQL of a view (one file each).
"""

import re
from collections.abc import Collection
from functools import cache
from hashlib import sha256
from importlib.resources import files

import duckdb

from warehouse.model.schemas import name_with_schema, schema_of
from warehouse.sql import fill, ident, literal

_COLUMN_COMMENT = re.compile(r"^--   (\w+): (.+)$", re.MULTILINE)
_VIEW_COMMENT = re.compile(r"^-- (?!  )(.+)$", re.MULTILINE)
_RELATION = re.compile(r"\b(?:FROM|JOIN)\s+(?:\"?(?:star|books)\"?\.)?\"?(\w+)", re.IGNORECASE)
_READ_TABLE = re.compile(r"\b(FROM|JOIN)(\s+)(\w+)")
_WORD = re.compile(r"\w+")

_SHARED_COMMENTS = {
    "month": "First day of the calendar month (of the account's zone), as a date.",
    "week": "Monday of the ISO week (of the account's zone), as a date.",
    "weekday": "ISO 8601 weekday of the date, 1 is Monday.",
    "days_in_month": "Days of the calendar month: where days is smaller, the row is of a part of the month only.",
}
"""Comments of columns that several views make in the same way."""


@cache
def view_queries() -> dict[str, str]:
    """Return the query of each view, by the view's name, each after those that it reads.

    The query of the keys is made from the declaration.
    """
    from warehouse.ddl.keys import KEYS_VIEW, keys_query  # imported late: a reader of the views needs no declaration

    folder = files("warehouse") / "views"
    texts = {file.name: file.read_text("utf-8") for file in folder.iterdir() if file.name.endswith(".sql")}
    queries = {name.removesuffix(".sql"): text for name, text in texts.items()}
    queries[KEYS_VIEW] = keys_query()
    return dict(sorted(queries.items(), key=lambda item: (_reads_any(item[1], queries), item[0])))


def _reads_any(query: str, names: Collection[str]) -> bool:
    return not set(_RELATION.findall(query)).isdisjoint(names)


@cache
def views_hash() -> str:
    """Return a hash that changes with every view and with every comment of the star."""
    from warehouse.model.schema import metadata  # imported late: a reader of the views needs no declaration

    comments = [column.comment for table in metadata.sorted_tables for column in table.columns]
    return sha256(repr((view_queries(), comments, _SHARED_COMMENTS)).encode()).hexdigest()


def referenced_relations(query: str) -> set[str] | None:
    """Return the tables and views that a query needs; None when it may need any, such as a query to the catalog.

    The set may be too large: every word that is the name of a table or view counts.
    """
    from warehouse.model.schema import metadata

    relations = view_queries().keys() | metadata.tables.keys()
    if not _RELATION.search(query) or any(name.lower() not in relations for name in _RELATION.findall(query)):
        return None
    needed, unread = set[str](), {query}
    while unread:
        words = {word.lower() for text in unread for word in _WORD.findall(text)}
        new = (words & relations) - needed
        needed |= new
        unread = {view_queries()[name] for name in new if name in view_queries()}
    return needed


def create_views(con: duckdb.DuckDBPyConnection) -> None:
    """Create all views, with their comments, in the database in use; also those of the tables' old names, in `main`."""
    for statement in old_name_statements():
        con.execute(statement)
    for name in view_queries():
        for statement in create_view_statements(name):
            con.execute(statement)
        description = con.execute(fill("SELECT * FROM $view LIMIT 0", view=ident(name))).description or []
        for statement in comment_column_statements(name, [str(column[0]) for column in description]):
            con.execute(statement)


def create_view_statements(name: str) -> list[str]:
    """Return the statements that create the view `name`, then set its comment. Raises KeyError for an unknown name."""
    return [
        fill("CREATE OR REPLACE VIEW $view AS $query", view=ident(name), query=_name_schemas(view_queries()[name])),
        fill("COMMENT ON VIEW $view IS $comment", view=ident(name), comment=literal(view_comment(name))),
    ]


@cache
def old_name_statements() -> tuple[str, ...]:
    """Return the statements that let the tables answer under the names that they had before they got schemas."""
    from warehouse.model.schema import metadata

    create = "CREATE OR REPLACE VIEW main.$table AS FROM $qualified"
    comment = "COMMENT ON VIEW main.$table IS $comment"
    return tuple(
        fill(
            statement,
            table=ident(table),
            qualified=name_with_schema(table),
            comment=literal(f"Old name of {schema_of(table)}.{table}."),
        )
        for table in metadata.tables
        for statement in (create, comment)
    )


def _name_schemas(query: str) -> str:
    """Return the query of a view with the schema of each table that it reads."""
    from warehouse.model.schema import metadata

    def replace(match: re.Match[str]) -> str:
        words, space, name = match.groups()
        return f"{words}{space}{name_with_schema(name) if name in metadata.tables else name}"

    return _READ_TABLE.sub(replace, query)


def view_comment(name: str) -> str:
    """Return the comment of the view `name`, in one line. Raises KeyError for an unknown name."""
    return " ".join(_VIEW_COMMENT.findall(view_queries()[name]))


def comment_column_statements(name: str, columns: list[str]) -> list[str]:
    """Return the statements that set the comments of `columns` of the view `name`.

    A comment is the view's own, or that of the table it reads. A column without one has no statement. Raises KeyError
    for an unknown view.
    """
    comments = _column_comments(view_queries()[name])
    return [
        fill(
            "COMMENT ON COLUMN $view.$column IS $comment",
            view=ident(name),
            column=ident(column),
            comment=literal(comments[column]),
        )
        for column in columns
        if column in comments
    ]


def _column_comments(query: str) -> dict[str, str]:
    """Return comments by column: the view's own first, then those of its tables and views, in the order of their names.

    By that order `dim_account` comes before the other tables.
    """
    from warehouse.model.schema import metadata

    comments = {**_SHARED_COMMENTS, **dict(_COLUMN_COMMENT.findall(query))}
    for name in sorted(set(_RELATION.findall(query)) & set(metadata.tables)):
        for column in metadata.tables[name].columns:
            comments.setdefault(column.name, str(column.comment))
    for name in sorted(set(_RELATION.findall(query)) & view_queries().keys()):
        comments = {**_column_comments(view_queries()[name]), **comments}
    return comments
