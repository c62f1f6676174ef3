"""``chatmart demo``."""

from pathlib import Path

import click

from pipelines.cli.common_options import command
from pipelines.configuration.find import DEMO_FOLDER


@command()
@click.option(
    "--folder",
    type=click.Path(path_type=Path, file_okay=False),
    default=DEMO_FOLDER,
    show_default=True,
    help="Folder for the demo's files.",
)
def demo(folder: Path) -> int:
    """Load 60 days of 7 invented accounts at five providers, and print queries to try."""
    from pipelines.cli.actions.demo import run_demo

    return run_demo(folder)
