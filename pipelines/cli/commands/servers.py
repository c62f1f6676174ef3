"""``chatmart sandbox`` and ``chatmart dev``: servers that run until they are interrupted."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

import click

from pipelines.cli.commands.demo import SANDBOX_PORTS
from pipelines.configuration import config as configuration
from pipelines.orchestration.instance.home import prepare_home


@click.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65534),
    default=SANDBOX_PORTS[0],
    show_default=True,
    help="Of the five APIs; downloads are on the next one.",
)
@click.option("--seed", default=7, show_default=True, help="Another seed is another world.")
def sandbox(port: int, seed: int) -> int:
    """Serve the five providers with invented data until interrupted."""
    from sandbox.__main__ import main

    return main(["--port", str(port), "--download-port", str(port + 1), "--seed", str(seed)])


@click.command(context_settings={"ignore_unknown_options": True})
@click.argument("arguments", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def dev(config: str | None, arguments: tuple[str, ...]) -> NoReturn:
    """Start Dagster's UI and daemon for the configuration; further arguments go to ``dagster dev``."""
    found = configuration.load_config(configuration.find_config(config))
    environment = {**os.environ, configuration.ENVIRONMENT_VARIABLE: str(found.path), **prepare_home(found)}
    tool = str(Path(sys.executable).with_name("dagster"))
    # one process alone creates the instance's databases: three at once ruin them
    subprocess.run([tool, "instance", "migrate"], env=environment, check=True, stdout=subprocess.DEVNULL)
    command = [tool, "dev", "--module-name", "pipelines.definitions", *arguments]
    # Dagster ends on SIGTERM as it does on SIGINT, which a shell sets to be ignored for what a script starts with `&`
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    os.execve(tool, command, environment)  # in place of this process, so that signals reach it
