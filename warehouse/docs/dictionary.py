"""Builds the data dictionary: a Markdown page of every table and view, with their columns.

The page comes from the declaration and from the catalog of an empty warehouse. What must not come in: a word about one
table or column, the writing of a file.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from sqlalchemy import Column, Table

from warehouse.docs import diagram
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
from warehouse.store import open_store

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

_VIEW_COLUMNS = """
SELECT v.view_name, v.comment AS about, c.column_name, c.data_type, c.comment
FROM duckdb_views() AS v
JOIN duckdb_columns() AS c ON c.database_name = v.database_name AND c.table_name = v.view_name
WHERE NOT v.internal AND v.comment NOT LIKE 'Old name of %' ORDER BY v.view_name, c.column_index
"""

_TABLE_HEADER = ("column", "type", "NULL", "role", "unit", "adds up", "meaning")
_VIEW_HEADER = ("column", "type", "meaning")


def render_page() -> str:
    """Return the page in Markdown. Makes an empty warehouse in a temporary folder."""
    views = _read_views()
    lines = [
        _HEAD,
        *_render_mermaid(),
        *_render_views("Views by day", _views_beginning_with(views, "date")),
        *_render_views("Views by week", _views_beginning_with(views, "week")),
        *_render_views("Views by month", _views_beginning_with(views, "month")),
        *_render_views("Other views", _other_views(views)),
        *_render_tables("Facts", FACTS),
        *_render_tables("Dimensions", DIMENSIONS),
        *_render_tables("Bookkeeping", BOOKKEEPING),
    ]
    return "\n".join(lines)


def _read_views() -> dict[str, list[dict[str, str]]]:
    """Return the columns of each view of an empty warehouse, by the view's name."""
    with TemporaryDirectory() as folder:
        store = open_store("duckdb://empty.duckdb", Path(folder))
        store.set_accounts_and_measures([], [])
        store.publish()
        rows = store.read(_VIEW_COLUMNS).to_pylist()
    views: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        views.setdefault(row["view_name"], []).append(row)
    return views


def _views_beginning_with(views: dict[str, list[dict[str, str]]], column: str) -> dict[str, list[dict[str, str]]]:
    return {name: columns for name, columns in views.items() if columns[0]["column_name"] == column}


def _other_views(views: dict[str, list[dict[str, str]]]) -> dict[str, list[dict[str, str]]]:
    return {
        name: columns for name, columns in views.items() if columns[0]["column_name"] not in ("date", "week", "month")
    }


def _render_views(title: str, views: dict[str, list[dict[str, str]]]) -> Iterator[str]:
    yield f"## {title}"
    for name, columns in views.items():
        yield f"### {name}\n{columns[0]['about']}\n"
        rows = ([f"`{column['column_name']}`", column["data_type"], column["comment"]] for column in columns)
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
