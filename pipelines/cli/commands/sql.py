"""``chatmart sql``."""

from pathlib import Path

import click

from pipelines.cli.common_options import command
from pipelines.cli.option_types import NameChoice
from pipelines.cli.options import OUTPUT_FORMATS


@command()
@click.argument("query", required=False)
@click.option(
    "--format",
    "output_format",
    type=NameChoice(OUTPUT_FORMATS),
    help="Format (default: by the name of the --output file, else table).",
)
@click.option("--output", "-o", "file", type=click.Path(path_type=Path, dir_okay=False), help="Write to this file.")
@click.option("--types/--no-types", default=None, help="Show types and units in a table (default: only on a terminal).")
@click.option(
    "--rows",
    type=click.IntRange(min=0),
    help="Rows of a table to show; 0 shows all (default: 100 on a terminal, else all).",
)
@click.option("--expanded", is_flag=True, help="Show each row as lines of a column and its value, all columns.")
@click.option(
    "--excel-safe", is_flag=True, help="Put an apostrophe before each text in CSV that a spreadsheet runs as a formula."
)
@click.option("--list", "list_only", is_flag=True, help="List the views and bookkeeping tables.")
@click.option("--describe", metavar="NAME", help="Show a view's columns, their units, and their meaning per provider.")
@click.pass_obj
def sql(
    config: str | None,
    query: str | None,
    output_format: str | None,
    file: Path | None,
    types: bool | None,
    rows: int | None,
    expanded: bool,
    excel_safe: bool,
    list_only: bool,
    describe: str | None,
) -> int:
    """Query the warehouse in SQL: a query, a .sql file, standard input, or (on a terminal) a prompt.

    Several statements end with semicolons and run in order, on one connection and on one state of the warehouse.
    The table format shows every result. The other formats hold one.
    """
    from pipelines.cli.actions.sql import query_warehouse
    from pipelines.cli.query.results import OutputOptions, format_for_file

    form = output_format or format_for_file(file)
    output = OutputOptions(form, file, types, rows, expanded, excel_safe)
    return query_warehouse(config, query, output, list_only=list_only, describe=describe)
