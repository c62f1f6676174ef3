"""A warning for a configuration of the demo whose simulator does not run. No other configuration costs a connection."""

import socket

from pipelines.cli.display.output import print_message
from pipelines.cli.steps.program_name import name_program
from pipelines.configuration.config import Config

_FILE_NAME = "sandbox.json"


def warn_about_stopped_sandbox(config: Config) -> None:
    """Print how to start the demo's simulator, where requests of this configuration would go to it and it is down."""
    if not (config.folder / _FILE_NAME).is_file():
        return
    from sandbox.remembered import read_remembered  # imported late: only the demo has the file

    remembered = read_remembered(config.folder)
    if remembered is None or _listens(remembered.port):
        return
    print_message(
        f"the demo's providers do not run: start them with `{name_program()} sandbox` in another terminal, "
        "then run this command again",
        style="yellow",
    )


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=1):
            return True
    except OSError:
        return False
