"""The work of ``chatmart sql``: run queries on the published warehouse, and list its views.

What must not come in: the prompt, the statements and the catalog, which are in ``query``.
"""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import click
import pyarrow as pa

from pipelines.cli.display.formats import write_result
from pipelines.cli.display.tables import TableStyle, Truncation, draw_table
from pipelines.cli.query.statements import SqlSession, has_result, split_statements
from pipelines.cli.steps.open_workspace import open_workspace
from pipelines.cli.steps.output_file import open_output_file
from pipelines.cli.streams import decode_argument, write_utf8
from warehouse.store import Store


@dataclass(frozen=True)
class OutputOptions:
    """How results are written: a format, a file in place of standard output, and details of a table (None: default)."""

    output_format: str = "table"
    file: Path | None = None
    show_types: bool | None = None
    max_rows: int | None = None

    def write_results(self, session: SqlSession, text: str) -> None:
        """Run the statements and write their results. On a terminal, print row count and time to standard error."""
        started, is_first = time.monotonic(), True
        with self.open_output() as out:
            for result in session.execute(text):
                seconds = time.monotonic() - started
                if not is_first:
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
        if self.output_format != "table":
            write_result(result, self.output_format, out)
            return Truncation()
        return draw_table(result, out, TableStyle.for_output(out).with_overrides(self.show_types, self.max_rows))

    def _print_notes(self, result: pa.Table, seconds: float, omitted: Truncation) -> None:
        notes = []
        if sys.stderr.isatty() and result.num_columns:
            target = f", written to {self.file}" if self.file else ""
            notes.append(f"{result.num_rows:,} row{'' if result.num_rows == 1 else 's'} in {seconds:.2f} s{target}")
        if omitted.rows:
            notes.append(f"{omitted.rows:,} of the rows are not shown (--rows 0 shows all)")
        if omitted.columns:
            notes.append(f"no room for {', '.join(omitted.columns)}")
        if notes:
            sys.stdout.flush()
            click.secho("; ".join(notes), err=True, dim=True)


def query_warehouse(
    config: str | None, query: str | None, output: OutputOptions, *, list_only: bool, describe: str | None
) -> int:
    """Run a query, list the views, describe one, or open the prompt. Returns the exit code."""
    store = open_workspace(config, "sql", needs_secrets=False).store
    if list_only or describe:
        # imported late: the catalog needs the declaration of the star, a query does not
        from pipelines.cli.query.catalog import read_catalog
        from pipelines.cli.query.meta_commands import describe_view, list_views

        catalog, name = read_catalog(store), describe or query
        with output.open_output() as out:
            if name:
                describe_view(catalog, name, output.output_format, out)
            else:
                list_views(catalog, output.output_format, out)
    elif query is None and sys.stdin.isatty():
        _open_prompt(store, output)
    else:
        text = _read_query(query or "-")
        _require_one_result(text, output.output_format)
        with SqlSession.open(store, text) as session:
            output.write_results(session, text)
    return 0


def _open_prompt(store: Store, output: OutputOptions) -> None:
    if output.file:
        raise click.UsageError("--output holds the result of one query: give the query too")
    from pipelines.cli.query.prompt import run_prompt  # imported late: the prompt's libraries are slow to import

    run_prompt(store, output.write_results)


def _require_one_result(text: str, output_format: str) -> None:
    statements = split_statements(text)
    if not statements:
        raise click.UsageError("the query is empty")
    if output_format != "table" and len(statements) > 1 and sum(map(has_result, statements)) > 1:
        raise click.UsageError(
            f"{output_format} holds the result of one query, and these are several: run them one by one"
        )


def _read_query(query: str) -> str:
    """Return the query, read from a file when it names one (``*.sql``), from standard input when it is ``-``."""
    is_file = query.endswith(".sql")
    if is_file and not Path(query).is_file():
        raise click.UsageError(f"there is no file {query}")
    try:
        if query == "-":
            return sys.stdin.read()
        return Path(query).read_text("utf-8") if is_file else decode_argument(query)
    except UnicodeError as error:
        source = "standard input" if query == "-" else query if is_file else "the query"
        raise click.UsageError(f"{source} is not text in UTF-8: save it so, or set the terminal to it") from error
