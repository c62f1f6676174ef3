"""Write the catalog: for people as tables that wrap, for programs as JSON or one flat table.

Used by ``sql --list``, ``sql --describe`` and the prompt. Reading the catalog is in ``catalog``.
"""

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

_MEANING_FIELDS = ("provider", "measure", "meaning", "unit", "additivity")
_COLUMN_FIELDS = ("name", "type", "unit", "additivity", "comment")
_SENTENCE_SPACES = 4
"""A cell with at least this number of spaces is a sentence, which may wrap."""
_VIEW_FIELDS = ("group", "name", "comment")


def list_views(catalog: Catalog, output_format: str, out: TextIO) -> None:
    """Write all views and bookkeeping tables, with the columns group, name, comment.

    JSON also has their columns and all meanings; the table format also has the meanings of the totals.
    """
    views = catalog.public_views()
    if output_format == "json":
        _write_json({"views": list(map(_view_object, views)), "measures": list(map(asdict, catalog.meanings))}, out)
        return
    if output_format != "table":
        write_result(_build_flat_table(_VIEW_FIELDS, [asdict(view) for view in views]), output_format, out)
        return
    list_groups(catalog, out)
    console = make_console(out)
    console.print()
    totals = catalog.get_view(TOTALS_VIEW)
    _print_meanings(console, catalog.meanings_of(totals), f"meaning of the measures of {TOTALS_VIEW}")


def list_groups(catalog: Catalog, out: TextIO) -> None:
    """Write the views and bookkeeping tables for people, group by group."""
    console, views = make_console(out), catalog.public_views()
    for number, group in enumerate(group for group in VIEW_GROUPS if any(view.group == group for view in views)):
        if number:
            console.print()
        console.print(group, style="bold")
        _print_table(console, None, [(view.name, view.comment) for view in views if view.group == group])


def describe_view(catalog: Catalog, name: str, output_format: str, out: TextIO) -> None:
    """Write one view: its columns (name, type, unit, additivity, comment) and the meanings of its measures.

    CSV and Parquet hold the columns only. Raises QueryError for an unknown name.
    """
    view = catalog.get_view(name)
    meanings = catalog.meanings_of(view)
    if output_format == "json":
        _write_json({**_view_object(view), "measures": list(map(asdict, meanings))}, out)
        return
    columns = [asdict(column) for column in view.columns]
    if output_format != "table":
        write_result(_build_flat_table(_COLUMN_FIELDS, columns), output_format, out)
        return
    console = make_console(out)
    console.print(f"{view.name} ({view.group})", style="bold")
    if view.comment:
        console.print(format_for_terminal(view.comment))
    console.print()
    _print_table(
        console, ("column", *_COLUMN_FIELDS[1:]), [tuple(column[key] for key in _COLUMN_FIELDS) for column in columns]
    )
    if meanings:
        console.print()
        _print_meanings(console, meanings, "meaning per provider")


def _print_meanings(console: Console, meanings: Sequence[Meaning], title: str) -> None:
    console.print(title, style="bold")
    rows = [tuple(asdict(meaning)[key] for key in _MEANING_FIELDS) for meaning in meanings]
    _print_table(console, _MEANING_FIELDS, rows)


def _print_table(console: Console, header: Sequence[str] | None, lines: Iterable[Sequence[str | None]]) -> None:
    """Print a table in which sentences wrap at the edge of the window, and names do not."""
    table = Table(box=None, pad_edge=False, show_header=header is not None, header_style="dim")
    rows = [[format_for_terminal(cell or "") for cell in line] for line in lines]
    for title, *cells in zip(header or [""] * len(rows[0]), *rows, strict=True):
        table.add_column(title, no_wrap=all(cell.count(" ") < _SENTENCE_SPACES for cell in cells))
    for row in rows:
        table.add_row(*row)
    if console.is_terminal:
        console.print(table)
        return
    with console.capture() as capture:  # into a file, without the spaces that fill the last column
        console.print(table)
    console.file.writelines(f"{line.rstrip()}\n" for line in capture.get().splitlines())


def _view_object(view: View) -> dict[str, Any]:
    return {**asdict(view), "columns": [asdict(column) for column in view.columns]}


def _build_flat_table(names: Sequence[str], rows: Sequence[dict[str, Any]]) -> pa.Table:
    return pa.table({name: pa.array([row[name] for row in rows], pa.string()) for name in names})


def _write_json(document: dict[str, Any], out: TextIO) -> None:
    out.write(json.dumps(document, ensure_ascii=False, indent=1) + "\n")
