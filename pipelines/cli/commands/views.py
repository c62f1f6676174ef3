"""``chatmart views``: print the views in the SQL of another engine that reads the same tables."""

import click

from pipelines.cli.common_options import command
from pipelines.cli.option_types import NameChoice

DIALECTS = ("duckdb", "spark", "databricks", "trino", "athena", "snowflake")
"""Those of ``warehouse.ddl.dialects``, which is imported only when the command runs."""


@command()
@click.option("--dialect", type=NameChoice(DIALECTS), required=True, help="The engine's SQL.")
@click.option(
    "--star",
    metavar="TABLE",
    help="The engine's name of the one Delta table that holds all others: begins with a view for each of them.",
)
def views(dialect: str, star: str | None) -> int:
    """Print the statements that create all views in another engine, for tables that it reads from a lake.

    Without --star the tables are expected under their own names. No engine and no warehouse is opened.
    """
    from warehouse.ddl.dialects import write_statements

    click.echo("\n\n".join(write_statements(dialect, star)))
    return 0
