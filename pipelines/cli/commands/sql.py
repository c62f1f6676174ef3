"""``chatmart sql``: questions to the published warehouse, and what there is to ask. The prompt itself: ``prompt``."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import click
import pyarrow as pa

from pipelines.cli.display.formats import OUTPUT_FORMATS, write_result
from pipelines.cli.display.tables import TableStyle, Truncation, draw_table
from pipelines.cli.query.catalog import read_catalog
from pipelines.cli.query.meta_commands import describe_view, list_views
from pipelines.cli.query.statements import SqlSession, has_result, split_statements
from pipelines.cli.steps.open_workspace import open_workspace, write_atomically


@dataclass(frozen=True)
class OutputOptions:
    """How answers are written: a format, a file in place of standard output, and what a table shows (None: as fits)."""

    output_format: str = "table"
    file: Path | None = None
    show_types: bool | None = None
    max_rows: int | None = None

    def write_results(self, session: SqlSession, text: str) -> None:
        """Ask, and write every answer; on a terminal, how many rows in what time to standard error."""
        began, first = time.monotonic(), True
        with self.open_output() as out:
            for answer in session.execute(text):
                took = time.monotonic() - began
                if not first:
                    out.write("\n")
                self._remark(answer, took, self._write(answer, out))
                began, first = time.monotonic(), False

    @contextmanager
    def open_output(self) -> Iterator[TextIO]:
        """Where answers go."""
        if self.file is None:
            yield sys.stdout
        else:
            with write_atomically(self.file) as out:
                yield out

    def _write(self, answer: pa.Table, out: TextIO) -> Truncation:
        if self.output_format != "table":
            write_result(answer, self.output_format, out)
            return Truncation()
        return draw_table(answer, out, TableStyle.for_output(out).with_overrides(self.show_types, self.max_rows))

    def _remark(self, answer: pa.Table, took: float, omitted: Truncation) -> None:
        told = []
        if sys.stderr.isatty() and answer.num_columns:
            place = f", written to {self.file}" if self.file else ""
            told.append(f"{answer.num_rows:,} row{'' if answer.num_rows == 1 else 's'} in {took:.2f} s{place}")
        if omitted.rows:
            told.append(f"{omitted.rows:,} of the rows are not shown (--rows 0 shows all)")
        if omitted.columns:
            told.append(f"no room for {', '.join(omitted.columns)}")
        if told:
            sys.stdout.flush()
            click.secho("; ".join(told), err=True, dim=True)


@click.command()
@click.argument("query", required=False)
@click.option(
    "--format",
    "form",
    type=click.Choice(list(OUTPUT_FORMATS)),
    help="Default: by the --output file's name, else table.",
)
@click.option("--output", "-o", "file", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@click.option("--types/--no-types", default=None, help="A table's types and units (default: on a terminal).")
@click.option("--rows", type=click.IntRange(min=0), help="Of a table; 0 is all (default: 100 on a terminal, else all).")
@click.option("--list", "listing", is_flag=True, help="The views and books there are to ask.")
@click.option("--describe", metavar="NAME", help="A view's columns and units, and what each provider means by them.")
@click.pass_obj
def sql(
    config: str | None,
    query: str | None,
    form: str | None,
    file: Path | None,
    types: bool | None,
    rows: int | None,
    listing: bool,
    describe: str | None,
) -> int:
    """Ask the warehouse in SQL: a query, a .sql file, standard input, or (on a terminal) a prompt.

    Several statements end with semicolons and are asked in turn, each with what those before it have set up. A table
    shows every answer; the other formats hold one.
    """
    store = open_workspace(config, "sql").store
    manner = OutputOptions(form or _form_of(file), file, types, rows)
    if listing or describe:
        catalog, name = read_catalog(store), describe or query
        with manner.open_output() as out:
            if name:
                describe_view(catalog, name, manner.output_format, out)
            else:
                list_views(catalog, manner.output_format, out)
    elif query is None and sys.stdin.isatty():
        if file:
            raise click.UsageError("--output holds the answer to one query: give the query too")
        from pipelines.cli.query.prompt import run_prompt

        run_prompt(store, manner.write_results)
    else:
        text = sys.stdin.read() if query in (None, "-") else _text(query or "")
        _check(text, manner.output_format)
        manner.write_results(SqlSession(store), text)
    return 0


def _form_of(file: Path | None) -> str:
    ending = file.suffix.removeprefix(".").lower() if file else ""
    return ending if ending in OUTPUT_FORMATS else "table"


def _check(text: str, form: str) -> None:
    statements = split_statements(text)
    if not statements:
        raise click.UsageError("the query is empty")
    if form != "table" and len(statements) > 1 and sum(map(has_result, statements)) > 1:
        raise click.UsageError(f"{form} holds the answer to one query, and these are several: ask them one by one")


def _text(query: str) -> str:
    if query.endswith(".sql"):
        path = Path(query)
        if not path.is_file():
            raise click.UsageError(f"there is no file {query}")
        return path.read_text("utf-8")
    return query
