"""The catalog drawn: for people as tables that wrap, for programs as JSON or as one flat table. Asking: ``catalog``."""

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Any, TextIO

import pyarrow as pa
from rich.console import Console
from rich.table import Table

from pipelines.cli.display.formats import write_result
from pipelines.cli.display.tables import make_console
from pipelines.cli.display.values import format_for_terminal
from pipelines.cli.query.catalog import TOTALS_VIEW, VIEW_GROUPS, Catalog, Meaning, View

_DEFINITIONS = ("provider", "measure", "meaning", "unit", "additivity")
_COLUMNS = ("name", "type", "unit", "additivity", "comment")
_WORDS = 4
"""From how many spaces on a cell is a sentence."""
_VIEWS = ("group", "name", "comment")


def list_views(catalog: Catalog, form: str, out: TextIO) -> None:
    """All views and books. JSON has their columns and every definition too; a table, what the totals mean."""
    views = catalog.public_views()
    if form == "json":
        _json({"views": [_view(view) for view in views], "measures": [asdict(each) for each in catalog.meanings]}, out)
        return
    if form != "table":
        write_result(_flat(_VIEWS, [asdict(view) for view in views]), form, out)
        return
    list_groups(catalog, out)
    console = make_console(out)
    console.print()
    _meanings(console, catalog.meanings_of(catalog.get_view(TOTALS_VIEW)), f"what the measures of {TOTALS_VIEW} mean")


def list_groups(catalog: Catalog, out: TextIO) -> None:
    """The views and books, group by group, for people."""
    console, views = make_console(out), catalog.public_views()
    for number, group in enumerate(group for group in VIEW_GROUPS if any(view.group == group for view in views)):
        if number:
            console.print()
        console.print(group, style="bold")
        _print(console, None, [(view.name, view.comment) for view in views if view.group == group])


def describe_view(catalog: Catalog, name: str, form: str, out: TextIO) -> None:
    """One view: its columns, and what each provider means by its measures. Raises QueryError for an unknown name."""
    view = catalog.get_view(name)
    meanings = catalog.meanings_of(view)
    if form == "json":
        _json({**_view(view), "measures": [asdict(each) for each in meanings]}, out)
        return
    columns = [asdict(column) for column in view.columns]
    if form != "table":
        write_result(_flat(_COLUMNS, columns), form, out)
        return
    console = make_console(out)
    console.print(f"{view.name} ({view.group})", style="bold")
    if view.comment:
        console.print(format_for_terminal(view.comment))
    console.print()
    _print(console, ("column", *_COLUMNS[1:]), [tuple(column[key] for key in _COLUMNS) for column in columns])
    if meanings:
        console.print()
        _meanings(console, meanings, "what each provider means")


def _meanings(console: Console, meanings: Sequence[Meaning], title: str) -> None:
    console.print(title, style="bold")
    _print(console, _DEFINITIONS, [tuple(asdict(each)[key] for key in _DEFINITIONS) for each in meanings])


def _print(console: Console, header: Sequence[str] | None, lines: Iterable[Sequence[str | None]]) -> None:
    """A table whose sentences wrap at the window's edge; names never do."""
    table = Table(box=None, pad_edge=False, show_header=header is not None, header_style="dim")
    rows = [[format_for_terminal(cell or "") for cell in line] for line in lines]
    for title, *cells in zip(header or [""] * len(rows[0]), *rows, strict=True):
        table.add_column(title, no_wrap=all(cell.count(" ") < _WORDS for cell in cells))
    for row in rows:
        table.add_row(*row)
    console.print(table)


def _view(view: View) -> dict[str, Any]:
    return {**asdict(view), "columns": [asdict(column) for column in view.columns]}


def _flat(names: Sequence[str], rows: Sequence[dict[str, Any]]) -> pa.Table:
    return pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in names})


def _json(told: dict[str, Any], out: TextIO) -> None:
    out.write(json.dumps(told, ensure_ascii=False, indent=1) + "\n")
