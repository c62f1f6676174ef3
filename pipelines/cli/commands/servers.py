"""``chatmart sandbox`` and ``chatmart dev``: start servers that run until they are interrupted.

The servers themselves are the package ``sandbox`` and Dagster.
"""

import os
import signal
import sys
from pathlib import Path
from typing import NoReturn

import click

from pipelines.cli.common_options import CONFIG_OPTION, command
from pipelines.cli.option_types import NameChoice, PortType
from pipelines.cli.options import SANDBOX_PORTS


@command()
@click.option(
    "--port",
    type=PortType(),
    help=f"Port of the five APIs; downloads use the next one (default: the demo's, else {SANDBOX_PORTS[0]}).",
)
@click.option("--seed", type=int, help="Seed of the invented data (default: the demo's).")
@click.option(
    "--world",
    type=NameChoice(["demo", "sample"]),
    default="demo",
    show_default=True,
    help="demo: the companies of the demo. sample: names and values that are awkward on purpose.",
)
@click.pass_obj
def sandbox(config: str | None, port: int | None, seed: int | None, world: str) -> int:
    """Simulate the five providers with invented data until interrupted.

    After a demo it starts again where the demo's configuration points, with the same data.
    """
    from pipelines.cli.actions.sandbox import run_sandbox

    return run_sandbox(config, port, seed, world)


@command(
    common_options=[CONFIG_OPTION],  # Dagster has its own --verbose, --log-level and --log-format
    context_settings={"ignore_unknown_options": True},
)
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def dev(config: str | None, arguments: tuple[str, ...]) -> NoReturn:
    """Start Dagster's UI and daemon for the configuration, showing the days that are loaded already.

    Further arguments and options go to ``dg dev``.
    """
    _require_dagster()
    from pipelines.cli.steps.locate_config import locate_config
    from pipelines.configuration import config as configuration
    from pipelines.loads.workspace import Workspace
    from pipelines.orchestration.instance.home import prepare_home
    from pipelines.orchestration.instance.start import prepare_storage, record_loaded_days

    loaded_config = configuration.load_config(locate_config(config))
    environment = {
        **os.environ,
        configuration.ENVIRONMENT_VARIABLE: str(loaded_config.path),
        **prepare_home(loaded_config),
    }
    os.umask(0o077)  # Dagster's logs name accounts and numbers
    prepare_storage(loaded_config)
    day_count = record_loaded_days(Workspace.open(loaded_config, command="dev"))
    if day_count:
        click.echo(f"{day_count} days (counted by provider) that were loaded without Dagster are now recorded in it.")
    program = str(Path(sys.executable).with_name("dg"))
    command = [program, "dev", "--module-name", "pipelines.definitions", *arguments]
    # a shell that runs a script ignores SIGINT in what it starts with `&`; Dagster stops on SIGINT as on SIGTERM
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execve(program, command, environment)  # replaces this process, so that signals reach Dagster


def _require_dagster() -> None:
    """Raise UsageError, with what to install, where Dagster is not."""
    from importlib.util import find_spec

    if find_spec("dagster_dg_cli") is None:
        raise click.UsageError(
            "Dagster is not installed: pip install 'chatmart[dagster]'. Without it, run `chatmart load` from cron."
        )
