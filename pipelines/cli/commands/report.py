"""``chatmart report``."""

from collections.abc import Sequence
from pathlib import Path

import click

from pipelines.cli.common_options import command
from pipelines.cli.options import DAY_TYPE, accounts_option, as_date, providers_option


@command()
@click.option(
    "--output",
    "-o",
    "file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write (default: report.html beside the warehouse).",
)
@click.option("--open", "open_browser", is_flag=True, help="Open it in the browser.")
@click.option("--from", "first", type=DAY_TYPE, metavar="D", help="First day (default: four weeks before the last).")
@click.option("--to", "last", type=DAY_TYPE, metavar="D", help="Last day, included (default: the newest loaded day).")
@click.option("--title", metavar="TEXT", help="Title of the page.")
@click.option(
    "--logo",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Picture at the top: a PNG, JPEG, GIF, WebP or SVG file of up to 500 kB. It becomes a part of the page.",
)
@click.option(
    "--theme",
    metavar="THEME",
    help="auto (as the reader's display), light, dark, print, or a YAML file of colours.",
)
@accounts_option
@providers_option
@click.pass_obj
def report(
    config: str | None,
    file: Path | None,
    open_browser: bool,
    first: object,
    last: object,
    title: str | None,
    logo: Path | None,
    theme: str | None,
    accounts: Sequence[str],
    providers: Sequence[str],
) -> int:
    """Write a page of charts and figures: one HTML file that needs no network.

    Shows a period of the published warehouse, compared with the days before it. Exits with 0 even without data. Title,
    logo and theme can also be set in the configuration, under report.
    """
    from pipelines.cli.actions.report import PageOptions, make_report

    days = as_date(first), as_date(last)
    options = PageOptions(title, logo, theme)
    return make_report(config, days, accounts, providers, file=file, open_browser=open_browser, options=options)
