"""The work of ``chatmart report``: write the HTML report and print its path.

What must not come in: the content of the report, which is in ``pipelines.report``.
"""

import webbrowser
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import click

from pipelines.cli.steps.open_workspace import open_workspace
from pipelines.cli.steps.output_file import open_output_file
from pipelines.configuration.config import Config
from pipelines.loads.workspace import Workspace
from pipelines.report.build import PeriodNotAvailable, ReportRequest, build_report
from pipelines.report.page.html import Look, render_page
from pipelines.report.page.logo import LogoError, read_logo
from pipelines.report.page.palette import ThemeError, load_theme

DEFAULT_FILE_NAME = "report.html"


@dataclass(frozen=True)
class PageOptions:
    """The options of the command about the page's look; None: as the configuration's ``report:`` says."""

    title: str | None = None
    logo: Path | None = None
    theme: str | None = None

    def choose_title(self, config: Config) -> str:
        """Return the page's title, empty for the standard one."""
        return config.settings.report.title if self.title is None else self.title

    def load_look(self, config: Config) -> Look:
        """Return the colours and the logo, and print what is hard to read. Raises UsageError for unusable files.

        Paths of options start from the working directory, those of the configuration from its folder.
        """
        settings = config.settings.report
        logo = self.logo or (config.folder / settings.logo if settings.logo else None)
        try:
            theme = load_theme(settings.theme, config.folder) if self.theme is None else load_theme(self.theme)
            look = Look(theme, read_logo(logo) if logo else "")
        except (ThemeError, LogoError) as error:
            raise click.UsageError(str(error)) from error
        for warning in theme.warnings:
            click.echo(f"warning: {warning}", err=True)
        return look


def make_report(
    config: str | None,
    days: tuple[date | None, date | None],
    accounts: Sequence[str],
    providers: Sequence[str],
    *,
    file: Path | None,
    open_browser: bool,
    options: PageOptions,
) -> int:
    """Write the report of a period, print its path, and open it in the browser if asked. Returns the exit code."""
    workspace = open_workspace(config, "report", needs_secrets=False)
    chosen = workspace.config.select_accounts(accounts, providers)
    request = ReportRequest(chosen, *days, is_all_accounts=not (accounts or providers))
    page = write_report(workspace, request, file, options)
    click.echo(page)
    if open_browser and not webbrowser.open(page.resolve().as_uri()):
        click.echo("No browser could be opened.", err=True)
    return 0


def write_report(
    workspace: Workspace, request: ReportRequest, file: Path | None = None, options: PageOptions | None = None
) -> Path:
    """Write the report and return its path. It replaces an existing file only once it is complete.

    The default is ``DEFAULT_FILE_NAME`` beside the warehouse, or beside the configuration while the warehouse has no
    folder. Raises UsageError when the period has no days, and for a theme or a logo that cannot be used; WarehouseError
    when the warehouse cannot be read, OSError.
    """
    warehouse_folder = workspace.store.location.parent
    folder = warehouse_folder if warehouse_folder.is_dir() else workspace.config.folder
    target = file or folder / DEFAULT_FILE_NAME
    chosen = options or PageOptions()
    look = chosen.load_look(workspace.config)
    settings = workspace.config.settings
    titled = replace(request, title=chosen.choose_title(workspace.config), settings=settings)
    try:
        report = build_report(workspace.store, titled, workspace.clock.now())
    except PeriodNotAvailable as error:
        raise click.UsageError(str(error)) from error
    if not report.loaded_slices:
        click.echo(f"warning: {report.warnings[0]}", err=True)
    with open_output_file(target) as out:
        out.write(render_page(report, look))
    return target
