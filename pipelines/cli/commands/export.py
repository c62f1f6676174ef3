"""``chatmart export``: write files that bring the warehouse into another tool."""

from pathlib import Path

import click

from pipelines.cli.common_options import command

TOOLS = ("dbt", "superset")
"""Those of ``pipelines.cli.actions.export``, which is imported only when the command runs."""


@command()
@click.argument("tool", type=click.Choice(TOOLS))
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--database",
    metavar="FILE",
    type=click.Path(path_type=Path, dir_okay=False),
    help="DuckDB file that the tool opens, as the tool's machine names it (default: the configured warehouse).",
)
@click.option(
    "--lake",
    metavar="DIR",
    type=click.Path(path_type=Path, file_okay=False),
    help="Folder of the Parquet lake whose views FILE holds.",
)
@click.pass_obj
def export(config: str | None, tool: str, folder: Path, database: Path | None, lake: Path | None) -> int:
    """Write a dbt package, or a dashboard that Superset imports, into a folder.

    Both are made from the declaration of the warehouse: no data is read. Exporting again replaces the files that were
    written before, and leaves all others alone, also those that somebody changed.
    """
    from pipelines.cli.actions.export import export_files

    return export_files(config, tool, folder, database, lake)
