"""The work of ``chatmart report``: write the HTML report and print its path.

What must not come in: the content of the report, which is in ``pipelines.report``.
"""

import webbrowser
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import click

from pipelines.cli.steps.open_workspace import open_workspace
from pipelines.cli.steps.output_file import open_output_file
from pipelines.loads.workspace import Workspace
from pipelines.report.build import PeriodNotAvailable, ReportRequest, build_report
from pipelines.report.page.html import render_page

DEFAULT_FILE_NAME = "report.html"


def make_report(
    config: str | None,
    days: tuple[date | None, date | None],
    accounts: Sequence[str],
    providers: Sequence[str],
    *,
    file: Path | None,
    open_browser: bool,
) -> int:
    """Write the report of a period, print its path, and open it in the browser if asked. Returns the exit code."""
    workspace = open_workspace(config, "report", needs_secrets=False)
    chosen = workspace.config.select_accounts(accounts, providers)
    request = ReportRequest(chosen, *days, is_all_accounts=not (accounts or providers))
    page = write_report(workspace, request, file)
    click.echo(page)
    if open_browser and not webbrowser.open(page.resolve().as_uri()):
        click.echo("No browser could be opened.", err=True)
    return 0


def write_report(workspace: Workspace, request: ReportRequest, file: Path | None = None) -> Path:
    """Write the report and return its path. It replaces an existing file only once it is complete.

    The default is ``DEFAULT_FILE_NAME`` beside the warehouse, or beside the configuration while the warehouse has no
    folder. Raises UsageError when the period has no days, WarehouseError when the warehouse cannot be read, OSError.
    """
    warehouse_folder = workspace.store.location.parent
    folder = warehouse_folder if warehouse_folder.is_dir() else workspace.config.folder
    target = file or folder / DEFAULT_FILE_NAME
    try:
        page = render_page(build_report(workspace.store, request, workspace.clock.now()))
    except PeriodNotAvailable as error:
        raise click.UsageError(str(error)) from error
    with open_output_file(target) as out:
        out.write(page)
    return target
