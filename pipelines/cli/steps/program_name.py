"""The command as a person can type it from the current folder: the program, and the option that names a file."""

import os
import shlex
import shutil
from pathlib import Path

from extractors.errors import ConfigError
from pipelines.configuration.find import find_config

_LOCAL_PROGRAM = Path(".venv/bin/chatmart")


def name_program() -> str:
    """Return the program's name where it is on the path, else the path of the one in the project's own environment."""
    is_local_alone = shutil.which("chatmart") is None and _LOCAL_PROGRAM.exists()
    return str(_LOCAL_PROGRAM) if is_local_alone else "chatmart"


def name_command(config: Path) -> str:
    """Return the program with the option for a configuration, which is left out where it would be found without."""
    try:
        is_found = find_config(None) == config.absolute()
    except ConfigError:
        is_found = False
    return name_program() if is_found else f"{name_program()} --config {shlex.quote(os.fspath(config))}"
