"""Where the results of queries go and in what form: the terminal, a pager, standard output, or a file.

What must not come in: running a statement (``statements``), and the forms themselves (``display``).
"""

import io
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

import click
import pyarrow as pa
from rich.cells import cell_len

from pipelines.cli.display.expanded import draw_expanded
from pipelines.cli.display.formats import write_result, write_safe_csv
from pipelines.cli.display.tables import TableStyle, Truncation, draw_table, make_console
from pipelines.cli.options import OUTPUT_FORMATS
from pipelines.cli.query.statements import SqlSession
from pipelines.cli.steps.output_file import open_output_file
from pipelines.cli.streams import write_utf8

_PAGER_OPTIONS = "FRSX"
"""Of ``less``: end at once for one screen, keep colours, scroll wide lines sideways, leave the text on the screen."""


@dataclass(frozen=True)
class OutputOptions:
    """How results are written: a format, a file in place of standard output, and details of a table (None: default).

    ``is_expanded`` writes a line per column in place of a table. ``is_excel_safe`` is for CSV. ``is_at_prompt`` is
    whether the user can give commands after a result; ``is_paged``, then, whether a table that does not fit the window
    goes through a pager.
    """

    output_format: str = "table"
    file: Path | None = None
    show_types: bool | None = None
    max_rows: int | None = None
    is_expanded: bool = False
    is_excel_safe: bool = False
    is_at_prompt: bool = False
    is_paged: bool = False

    def __post_init__(self) -> None:
        """Raise UsageError for details that the format does not have."""
        if self.is_excel_safe and self.output_format != "csv":
            raise click.UsageError(
                f"--excel-safe is for CSV, and this is {self.output_format}: leave it out, or add --format csv"
            )
        if self.is_expanded and self.output_format != "table" and not self.is_at_prompt:
            raise click.UsageError(f"--expanded is for a table, and this is {self.output_format}: leave it out")

    def for_prompt(self) -> "OutputOptions":
        """Return the options with which a prompt begins."""
        return replace(self, is_at_prompt=True, is_paged=True)

    def with_file(self, file: Path | None) -> "OutputOptions":
        """Return the options that write to a file, in the format of its ending; to standard output without one.

        Raises UsageError for an ending that is no format's.
        """
        return replace(self, file=file, output_format=format_for_file(file), is_at_prompt=True)

    def write_results(self, session: SqlSession, text: str) -> None:
        """Run the statements and write their results. On a terminal, print row count and time to standard error."""
        started, is_first = time.monotonic(), True
        with self.open_output() as out:
            for result in session.execute(text):
                seconds = time.monotonic() - started
                if not is_first and self.output_format == "table":
                    out.write("\n")
                self._print_notes(result, seconds, self._write_result(result, out))
                started, is_first = time.monotonic(), False

    @contextmanager
    def open_output(self) -> Iterator[TextIO]:
        """Open the file for the results, or standard output."""
        if self.file is None:
            if self.output_format in ("csv", "json"):
                write_utf8()
            yield sys.stdout
        else:
            with open_output_file(self.file) as out:
                yield out

    def _write_result(self, result: pa.Table, out: TextIO) -> Truncation:
        if self.is_excel_safe:
            write_safe_csv(result, out)
        elif self.output_format != "table":
            write_result(result, self.output_format, out)
        else:
            return self._draw(result, out)
        return Truncation()

    def _draw(self, result: pa.Table, out: TextIO) -> Truncation:
        style = TableStyle.for_output(out).with_overrides(self.show_types, self.max_rows)
        draw = draw_expanded if self.is_expanded else draw_table
        if self.is_paged and out.isatty():
            whole = io.StringIO()
            omitted = draw(result, whole, replace(style, max_width=None))
            if not _fits_window(whole.getvalue(), out):
                os.environ.setdefault("LESS", _PAGER_OPTIONS)
                click.echo_via_pager(whole.getvalue())
                return omitted
        return draw(result, out, style)

    def _print_notes(self, result: pa.Table, seconds: float, omitted: Truncation) -> None:
        notes = []
        if sys.stderr.isatty() and result.num_columns:
            target = f", written to {self.file}" if self.file else ""
            notes.append(f"{result.num_rows:,} row{'' if result.num_rows == 1 else 's'} in {seconds:.2f} s{target}")
        mark = "." if self.is_at_prompt else "--"
        if omitted.rows:
            notes.append(f"{omitted.rows:,} of the rows are not shown ({mark}rows 0 shows all)")
        if omitted.columns:
            notes.append(f"no room for {', '.join(omitted.columns)} ({mark}expanded shows all columns)")
        if notes:
            sys.stdout.flush()
            click.secho("; ".join(notes), err=True, dim=True)


def format_for_file(file: Path | None) -> str:
    """Return the format that the ending of a file names: a table for ``.txt``, for no ending and for no file.

    Raises UsageError for any other ending.
    """
    ending = file.suffix.removeprefix(".").lower() if file else ""
    if ending in ("", "txt"):
        return "table"
    if ending not in OUTPUT_FORMATS or ending == "table":
        endings = ", ".join(f".{name}" for name in (*OUTPUT_FORMATS[1:], "txt"))
        raise click.UsageError(f"{file}: no format has the ending .{ending}; name the file {endings}, or give --format")
    return ending


def _fits_window(text: str, out: TextIO) -> bool:
    size = make_console(out).size
    lines = text.splitlines()
    return len(lines) < size.height and all(cell_len(line) <= size.width for line in lines)
