"""The data dictionary: every table and view with its columns, and the pictures of the star, as files of `docs/`.

`python -m warehouse.docs.dictionary` writes them, with `--check` it says which are stale. All of it comes from the
declaration and from the catalog of an empty warehouse; what must not come in is a word about one table or column.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

import click
from sqlalchemy import Column, Table

from warehouse.docs.diagram import render_star_svg
from warehouse.docs.relations import (
    BOOKKEEPING,
    DIMENSIONS,
    FACTS,
    duckdb_type,
    grain_columns,
    joined_dimension,
    key_column,
)
from warehouse.generated import write_or_check
from warehouse.model.columns import ADDITIVE, NOT_ADDITIVE
from warehouse.store import open_store

PAGE_NAME, DIAGRAM_NAME = "data-dictionary.md", "star.svg"

_HEAD = f"""# Data dictionary

Every table and view of the warehouse. Written by `make docs` from the declaration of the star and from the views:
change those, not this page. How to ask: [querying.md](querying.md); which field of a platform fills which column:
[mapping.md](mapping.md). The same words stand in the warehouse, as comments in DuckDB's catalog.

[The star](#the-star) · [Views by day](#views-by-day) · [Views by month](#views-by-month) · [Facts](#facts) ·
[Dimensions](#dimensions) · [Books](#books)

- People query the views: names are joined in, and no key is needed. Facts and dimensions are for tools that model.
- A day is a local calendar day of the account's own zone. An instant is a TIMESTAMP WITH TIME ZONE.
- NULL is what the platform does not tell, never 0.
- **Adds up**: yes, over days, accounts and members of one view; no, never. Breakdowns of the same conversations are
  never added to one another.

## The star
![The facts and dimensions of the star]({DIAGRAM_NAME})
"""

_COLUMNS = """
SELECT v.view_name, v.comment AS about, c.column_name, c.data_type, c.comment
FROM duckdb_views() AS v
JOIN duckdb_columns() AS c ON c.database_name = v.database_name AND c.table_name = v.view_name
WHERE NOT v.internal ORDER BY v.view_name, c.column_index
"""

_OF_TABLES = ("column", "type", "NULL", "what it is", "unit", "adds up", "meaning")
_OF_VIEWS = ("column", "type", "meaning")


def build_documents() -> dict[str, str]:
    """The text of each file by name. Makes an empty warehouse in a temporary folder."""
    views = _views()
    lines = [
        _HEAD,
        *_mermaid(),
        *_view_chapter(
            "Views by day", {name: view for name, view in views.items() if view[0]["column_name"] == "date"}
        ),
        *_view_chapter("Views by month", {n: view for n, view in views.items() if view[0]["column_name"] == "month"}),
        *_chapter("Facts", FACTS),
        *_chapter("Dimensions", DIMENSIONS),
        *_chapter("Books", BOOKKEEPING),
    ]
    return {PAGE_NAME: "\n".join(lines), DIAGRAM_NAME: render_star_svg()}


def _views() -> dict[str, list[dict[str, str]]]:
    """The columns of each view, as an empty warehouse has them."""
    with TemporaryDirectory() as folder:
        store = open_store("duckdb://empty.duckdb", Path(folder))
        store.set_accounts_and_measures([], [])
        store.publish()
        found = store.read(_COLUMNS).to_pylist()
    views: dict[str, list[dict[str, str]]] = {}
    for row in found:
        views.setdefault(row["view_name"], []).append(row)
    return views


def _view_chapter(title: str, views: dict[str, list[dict[str, str]]]) -> Iterator[str]:
    yield f"## {title}"
    for name, columns in views.items():
        yield f"### {name}\n{columns[0]['about']}\n"
        yield from _grid(_OF_VIEWS, ([f"`{c['column_name']}`", c["data_type"], c["comment"]] for c in columns))


def _chapter(title: str, tables: Iterable[Table]) -> Iterator[str]:
    yield f"## {title}"
    for table in tables:
        yield f"### {table.name}\n{table.comment}"
        if grain := grain_columns(table):
            yield f"One row for: {', '.join(f'`{name}`' for name in grain)}."
        yield ""
        yield from _grid(_OF_TABLES, map(_row, table.columns))


def _row(column: Column[object]) -> list[str]:
    unit, additivity = (str(column.info.get(about, "")) for about in ("unit", "additivity"))
    adds_up = {ADDITIVE: "yes", NOT_ADDITIVE: "no"}.get(additivity, additivity)
    meaning = str(column.comment).removesuffix(f" Unit: {unit}; {additivity}.")
    is_null = "yes" if column.nullable else ""
    return [f"`{column.name}`", duckdb_type(column), is_null, _role(column), unit, adds_up, meaning]


def _role(column: Column[object]) -> str:
    joined = joined_dimension(column)
    if joined:
        return f"joins [{joined}](#{joined})"
    if column.table in DIMENSIONS and column is key_column(column.table):
        return "own key"
    role = str(column.info.get("role", ""))
    return {"degenerate": "member", "date": "day"}.get(role, role)


def _grid(head: tuple[str, ...], rows: Iterable[list[str]]) -> Iterator[str]:
    yield _cells(head)
    yield "|" + "---|" * len(head)
    yield from map(_cells, rows)
    yield ""


def _cells(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _mermaid() -> Iterator[str]:
    """The same star for tools that read Mermaid: keys, what a row is one of, measures."""
    yield "<details><summary>The same as a Mermaid diagram (keys, what a row is one of, and measures)</summary>\n"
    yield "```mermaid\nerDiagram"
    for table in (*DIMENSIONS, *FACTS):
        yield f"    {table.name} {{"
        yield from (f"        {line}" for column in table.columns if (line := _attribute(column)))
        yield "    }"
    for table in (*DIMENSIONS, *FACTS):
        for column in table.columns:
            if joined := joined_dimension(column):
                yield f'    {joined} ||--o{{ {table.name} : "{column.name}"'
    yield "```\n\n</details>\n"


def _attribute(column: Column[object]) -> str | None:
    kind = duckdb_type(column).split("(")[0].split(" ")[0].lower()
    if joined_dimension(column):
        return f"{kind} {column.name} FK"
    if column.table in DIMENSIONS and column is key_column(column.table):
        return f"{kind} {column.name} PK"
    shown = column.name in grain_columns(column.table) or "additivity" in column.info
    return f"{kind} {column.name}" if shown else None


@click.command()
@click.option("--check", is_flag=True, help="Write nothing; exit 1 and name the files that are stale.")
@click.option("--folder", type=click.Path(path_type=Path, file_okay=False), default=Path("docs"), show_default=True)
def main(check: bool, folder: Path) -> None:
    """Write the data dictionary and the picture of the star."""
    write_or_check({folder / name: text for name, text in build_documents().items()}, check=check)


if __name__ == "__main__":
    main()
