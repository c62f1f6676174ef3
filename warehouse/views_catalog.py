"""The views of `views/*.sql`: their text, one hash over all of them, and the statements that make them.

What must not come in: a view's SQL (one file each; its leading comment becomes the view's comment).
"""

from functools import cache
from hashlib import sha256
from importlib.resources import files

import duckdb
from sqlalchemy import Column

from warehouse.schema import STAGED, fact, metadata
from warehouse.sql import fill, ident, literal


@cache
def view_texts() -> dict[str, str]:
    """The query of each view by name."""
    folder = files("warehouse") / "views"
    found = {file.name: file.read_text("utf-8") for file in folder.iterdir() if file.name.endswith(".sql")}
    return {name.removesuffix(".sql"): found[name] for name in sorted(found)}


@cache
def views_hash() -> str:
    """Changes whenever a view, or a comment of the star, does."""
    comments = [column.comment for table in metadata.sorted_tables for column in table.columns]
    return sha256(repr((view_texts(), comments)).encode()).hexdigest()


def create_views(con: duckdb.DuckDBPyConnection, *, comments: bool = True) -> None:
    """Make all views, with their comments, in the database in use."""
    for name in view_texts():
        create, comment = create_view(name)
        con.execute(create)
        if not comments:
            continue
        con.execute(comment)
        described = con.execute(fill("SELECT * FROM $view LIMIT 0", view=ident(name))).description or []
        for statement in comment_columns(name, [str(column[0]) for column in described]):
            con.execute(statement)


def create_view(name: str) -> list[str]:
    """Statements that make the view `name` and say what it is."""
    text = view_texts()[name]
    lines = [line for line in text.splitlines() if line.startswith("--")]
    comment = " ".join(line.removeprefix("--").strip() for line in lines)
    return [
        fill("CREATE VIEW $view AS $query", view=ident(name), query=text),
        fill("COMMENT ON VIEW $view IS $comment", view=ident(name), comment=literal(comment)),
    ]


def comment_columns(name: str, columns: list[str]) -> list[str]:
    """Statements that give the view's columns the comments of the star's columns they show."""
    own = dict(fact(name).columns) if name in STAGED else {}
    described: dict[str, Column[object]] = {}
    for table in metadata.sorted_tables:
        for column in table.columns:
            if table.name.startswith("dim_") and column.name != "date":
                described.setdefault(str(column.name), column)
    known = {**described, **{str(key): column for key, column in own.items()}}
    return [
        fill(
            "COMMENT ON COLUMN $view.$column IS $comment",
            view=ident(name),
            column=ident(column),
            comment=literal(str(known[column].comment)),
        )
        for column in columns
        if column in known
    ]
