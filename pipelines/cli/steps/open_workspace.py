"""Open what a command works on: the workspace of the configuration, and the file that a result is written to.

No command's own logic lives here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from pipelines.configuration import config as configuration
from pipelines.loads.workspace import Workspace


def open_workspace(config: str | None, command: str) -> Workspace:
    """Open the workspace of a configuration file; without ``config``, of the one that is found.

    ``command`` names the run in the log and in ``load_run``. Raises ConfigError when the file is missing or invalid.
    """
    return Workspace.open(configuration.load_config(configuration.find_config(config)), command=command)


@contextmanager
def write_atomically(file: Path) -> Iterator[TextIO]:
    """Open a file for writing. It replaces an existing file only when the block ends without an error.

    Raises OSError when the file cannot be written.
    """
    if file.exists() and not file.is_file():  # a device or a pipe cannot be replaced
        with file.open("w", encoding="utf-8") as out:
            yield out
        return
    part = file.with_name(f"{file.name}.part")
    try:
        with part.open("w", encoding="utf-8", newline="") as out:
            yield out
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)
