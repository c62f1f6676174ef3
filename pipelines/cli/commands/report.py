"""``chatmart report``: writes the page and says where it is. What stands in it: ``pipelines.report``."""

import webbrowser
from collections.abc import Sequence
from pathlib import Path

import click

from pipelines.cli.options import DAY_TYPE, accounts_option, as_date, providers_option
from pipelines.cli.steps.open_workspace import open_workspace, write_atomically
from pipelines.loads.workspace import Workspace
from pipelines.report.build import PeriodNotAvailable, ReportRequest, build_report
from pipelines.report.page.html import render_page

DEFAULT_FILE_NAME = "report.html"


@click.command()
@click.option(
    "--output", "-o", "file", type=click.Path(path_type=Path, dir_okay=False), help="Default: beside the warehouse."
)
@click.option("--open", "show", is_flag=True, help="Show it in the browser.")
@click.option("--from", "first", type=DAY_TYPE, metavar="D", help="First day (default: four weeks before the last).")
@click.option(
    "--to", "last", type=DAY_TYPE, metavar="D", help="Last day, included (default: the newest that is loaded)."
)
@accounts_option
@providers_option
@click.pass_obj
def report(
    config: str | None,
    file: Path | None,
    show: bool,
    first: object,
    last: object,
    accounts: Sequence[str],
    providers: Sequence[str],
) -> int:
    """Write a page of charts and figures: one HTML file that needs nothing else.

    It shows what the published warehouse holds, against the days before, and exits with 0 whatever that is.
    """
    workspace = open_workspace(config, "report")
    chosen = workspace.config.select_accounts(accounts, providers)
    asked = ReportRequest(chosen, as_date(first), as_date(last), is_all_accounts=not (accounts or providers))
    try:
        written = write_report(workspace, asked, file)
    except PeriodNotAvailable as error:
        raise click.UsageError(str(error)) from error
    click.echo(written)
    if show and not webbrowser.open(written.resolve().as_uri()):
        click.echo("There is no browser to show it in.", err=True)
    return 0


def write_report(workspace: Workspace, request: ReportRequest, file: Path | None = None) -> Path:
    """Write the page, and say where: by default beside the warehouse, or the configuration where that has no folder.

    A file appears when it is whole; one that was there stays until then. Raises what ``make`` raises, and OSError.
    """
    beside = workspace.store.location.parent
    target = file or (beside if beside.is_dir() else workspace.config.folder) / DEFAULT_FILE_NAME
    page = render_page(build_report(workspace.store, request, workspace.clock.now()))
    with write_atomically(target) as out:
        out.write(page)
    return target
