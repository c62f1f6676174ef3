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

from pipelines.cli.display.formats import FORMATS, write
from pipelines.cli.display.tables import Look, Omitted, draw
from pipelines.cli.query.catalog import read_catalog
from pipelines.cli.query.meta_commands import describe_view, list_views
from pipelines.cli.query.statements import Session, answers, split
from pipelines.cli.steps.open_workspace import open_workspace, replacing


@dataclass(frozen=True)
class Manner:
    """How answers are written: a format, a file in place of standard output, and what a table shows (None: as fits)."""

    form: str = "table"
    file: Path | None = None
    types: bool | None = None
    rows: int | None = None

    def answer(self, session: Session, text: str) -> None:
        """Ask, and write every answer; on a terminal, how many rows in what time to standard error."""
        began, first = time.monotonic(), True
        with self.target() as out:
            for answer in session.ask(text):
                took = time.monotonic() - began
                if not first:
                    out.write("\n")
                self._remark(answer, took, self._write(answer, out))
                began, first = time.monotonic(), False

    @contextmanager
    def target(self) -> Iterator[TextIO]:
        """Where answers go."""
        if self.file is None:
            yield sys.stdout
        else:
            with replacing(self.file) as out:
                yield out

    def _write(self, answer: pa.Table, out: TextIO) -> Omitted:
        if self.form != "table":
            write(answer, self.form, out)
            return Omitted()
        return draw(answer, out, Look.of(out).but(self.types, self.rows))

    def _remark(self, answer: pa.Table, took: float, omitted: Omitted) -> None:
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
    "--format", "form", type=click.Choice(list(FORMATS)), help="Default: by the --output file's name, else table."
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
    manner = Manner(form or _form_of(file), file, types, rows)
    if listing or describe:
        catalog, name = read_catalog(store), describe or query
        with manner.target() as out:
            if name:
                describe_view(catalog, name, manner.form, out)
            else:
                list_views(catalog, manner.form, out)
    elif query is None and sys.stdin.isatty():
        if file:
            raise click.UsageError("--output holds the answer to one query: give the query too")
        from pipelines.cli.query.prompt import prompt

        prompt(store, manner.answer)
    else:
        text = sys.stdin.read() if query in (None, "-") else _text(query or "")
        _check(text, manner.form)
        manner.answer(Session(store), text)
    return 0


def _form_of(file: Path | None) -> str:
    ending = file.suffix.removeprefix(".").lower() if file else ""
    return ending if ending in FORMATS else "table"


def _check(text: str, form: str) -> None:
    statements = split(text)
    if not statements:
        raise click.UsageError("the query is empty")
    if form != "table" and len(statements) > 1 and sum(map(answers, statements)) > 1:
        raise click.UsageError(f"{form} holds the answer to one query, and these are several: ask them one by one")


def _text(query: str) -> str:
    if query.endswith(".sql"):
        path = Path(query)
        if not path.is_file():
            raise click.UsageError(f"there is no file {query}")
        return path.read_text("utf-8")
    return query
