"""The work of ``chatmart export``: write the files of a tool into a folder, and say what was kept.

What must not come in: the content of the files, which is in ``warehouse.exports``.
"""

from pathlib import Path

import click

from pipelines.cli.steps.open_workspace import open_workspace
from warehouse.docs.catalog import read_catalog
from warehouse.exports.dbt import write_package
from warehouse.exports.folder import ForeignFolderError, write_export
from warehouse.exports.superset import write_bundle

_DUCKDB = "duckdb://"

_WRITERS = {"dbt": write_package, "superset": write_bundle}

_NEXT_STEPS = {
    "dbt": "Next: pip install 'dbt-core<1.12' dbt-duckdb, then dbt build in this folder (its README.md).",
    "superset": "Next: superset import-dashboards --path {folder}/dashboard.zip --username NAME (its README.md).",
}


def export_files(config: str | None, tool: str, folder: Path, database: Path | None, lake: Path | None) -> int:
    """Write the files of a tool and print the folder. Returns the exit code.

    Without ``database`` the tool opens the DuckDB file of the configuration. ``lake`` is the folder of the Parquet
    files that the views of ``database`` read.
    Raises UsageError for a folder with other files, and for a warehouse that is no DuckDB file.
    """
    file = database or _find_file(config)
    lake_folder = None if lake is None else str(lake)
    try:
        result = write_export(folder, tool, _WRITERS[tool](read_catalog(), str(file), lake_folder))
    except ForeignFolderError as error:
        raise click.UsageError(str(error)) from error
    for name in result.kept:
        click.echo(f"Kept {folder / name}: it was changed. Remove it to have it written anew.", err=True)
    click.echo(folder)
    click.echo(_NEXT_STEPS[tool].format(folder=folder), err=True)
    return 0


def _find_file(config: str | None) -> Path:
    """Return the absolute path of the configured DuckDB file. Raises UsageError for a lake, which is no such file."""
    workspace = open_workspace(config, "export", needs_secrets=False)
    if not workspace.config.warehouse.startswith(_DUCKDB):
        raise click.UsageError(
            f"{workspace.config.warehouse} is no DuckDB file: make one of its views (docs/tools.md), "
            "and name it with --database, and the lake with --lake"
        )
    return workspace.store.location.absolute()
