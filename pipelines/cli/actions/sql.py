"""The work of ``chatmart sql``: run queries on the published warehouse, and list its views.

What must not come in: the prompt, the statements, their results and the catalog, which are in ``query``.
"""

import sys
from pathlib import Path

import click

from pipelines.cli.query.results import OutputOptions
from pipelines.cli.query.statements import SqlSession, has_result, split_statements
from pipelines.cli.steps.open_workspace import open_workspace
from pipelines.cli.streams import decode_argument
from warehouse.store import Store


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

    run_prompt(store, output.for_prompt())


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
