"""Builds the data dictionary: a Markdown page of every table and view, with their columns.

The page comes from the declaration and from the catalog of an empty warehouse. What must not come in: a word about one
table or column, the writing of a file.
"""

from collections.abc import Iterable, Iterator
from itertools import chain

from sqlalchemy import Column, Table

from warehouse.docs import diagram
from warehouse.docs.catalog import Relation, read_catalog
from warehouse.docs.relations import (
    BOOKKEEPING,
    DIMENSIONS,
    FACTS,
    duckdb_type,
    grain_columns,
    joined_dimension,
    key_column,
)
from warehouse.model.columns import ADDITIVE, NOT_ADDITIVE
from warehouse.model.schemas import schema_of

PAGE_NAME = "data-dictionary.md"

_HEAD = f"""# Data dictionary

Every table and view of the warehouse. `make docs` writes this page from the declaration of the star and from the
views: change those, not this page. How to query: [querying.md](querying.md). Which field of a platform fills which
column: [mapping.md](mapping.md). The same texts are comments in DuckDB's catalog of the warehouse.

[The star](#the-star) · [Views by day](#views-by-day) · [Views by week](#views-by-week) ·
[Views by month](#views-by-month) · [Other views](#other-views) · [Facts](#facts) ·
[Dimensions](#dimensions) · [Bookkeeping](#bookkeeping)

- People query the views, which stand in the schema `main`: names are joined in, and no key is needed. Facts and
  dimensions, in the schema `star`, are for modelling tools, and so are [star.dbml](star.dbml) and the view `table_key`,
  which say how tables join. The bookkeeping stands in the schema `books`. A table answers without its schema too.
- A day is a local calendar day of the account's own zone. An instant is a TIMESTAMP WITH TIME ZONE.
- NULL is a number that the platform does not report, never 0.
- **Adds up**: yes, over days, accounts and members of one view; no, never. Breakdowns of the same conversations are
  never added to one another.

## The star
![The facts and dimensions of the star]({diagram.FILE_NAME})
"""

_TABLE_HEADER = ("column", "type", "NULL", "role", "unit", "adds up", "meaning")
_VIEW_HEADER = ("column", "type", "meaning")


def render_page() -> str:
    """Return the page in Markdown. Makes an empty warehouse in a temporary folder."""
    views: dict[str, list[Relation]] = {}
    for relation in read_catalog().values():
        if relation.is_view:
            views.setdefault(relation.columns[0].name, []).append(relation)
    lines = [
        _HEAD,
        *_render_mermaid(),
        *_render_views("Views by day", views.pop("date")),
        *_render_views("Views by week", views.pop("week")),
        *_render_views("Views by month", views.pop("month")),
        *_render_views("Other views", chain.from_iterable(views.values())),
        *_render_tables("Facts", FACTS),
        *_render_tables("Dimensions", DIMENSIONS),
        *_render_tables("Bookkeeping", BOOKKEEPING),
    ]
    return "\n".join(lines)


def _render_views(title: str, views: Iterable[Relation]) -> Iterator[str]:
    yield f"## {title}"
    for view in views:
        yield f"### {view.name}\n{view.comment}\n"
        rows = ([f"`{column.name}`", column.type, column.comment] for column in view.columns)
        yield from _render_grid(_VIEW_HEADER, rows)


def _render_tables(title: str, tables: Iterable[Table]) -> Iterator[str]:
    yield f"## {title}"
    for table in tables:
        yield f"### {table.name}\n{table.comment} Schema: `{schema_of(table.name)}`."
        if grain := grain_columns(table):
            yield f"One row for: {', '.join(f'`{name}`' for name in grain)}."
        yield ""
        yield from _render_grid(_TABLE_HEADER, map(_describe_column, table.columns))


def _describe_column(column: Column[object]) -> list[str]:
    """Return the cells of a table's column, as in `_TABLE_HEADER`."""
    unit, additivity = (str(column.info.get(key, "")) for key in ("unit", "additivity"))
    adds_up = {ADDITIVE: "yes", NOT_ADDITIVE: "no"}.get(additivity, additivity)
    meaning = str(column.comment).removesuffix(f" Unit: {unit}; {additivity}.")
    is_null = "yes" if column.nullable else ""
    return [f"`{column.name}`", duckdb_type(column), is_null, _describe_role(column), unit, adds_up, meaning]


def _describe_role(column: Column[object]) -> str:
    joined = joined_dimension(column)
    if joined:
        return f"joins [{joined}](#{joined})"
    if column.table in DIMENSIONS and column is key_column(column.table):
        return "own key"
    role = str(column.info.get("role", ""))
    return {"degenerate": "member", "date": "day"}.get(role, role)


def _render_grid(header: tuple[str, ...], rows: Iterable[list[str]]) -> Iterator[str]:
    yield _render_cells(header)
    yield "|" + "---|" * len(header)
    yield from map(_render_cells, rows)
    yield ""


def _render_cells(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _render_mermaid() -> Iterator[str]:
    """Yield the star for tools that read Mermaid: keys, grain and measures."""
    yield "<details><summary>The same as a Mermaid diagram (keys, grain and measures)</summary>\n"
    yield "```mermaid\nerDiagram"
    for table in (*DIMENSIONS, *FACTS):
        yield f"    {table.name} {{"
        yield from (f"        {line}" for column in table.columns if (line := _mermaid_attribute(column)))
        yield "    }"
    for table in (*DIMENSIONS, *FACTS):
        for column in table.columns:
            if joined := joined_dimension(column):
                yield f'    {joined} ||--o{{ {table.name} : "{column.name}"'
    yield "```\n\n</details>\n"


def _mermaid_attribute(column: Column[object]) -> str | None:
    kind = duckdb_type(column).split("(")[0].split(" ")[0].lower()
    if joined_dimension(column):
        return f"{kind} {column.name} FK"
    if column.table in DIMENSIONS and column is key_column(column.table):
        return f"{kind} {column.name} PK"
    is_included = column.name in grain_columns(column.table) or "additivity" in column.info
    return f"{kind} {column.name}" if is_included else None
