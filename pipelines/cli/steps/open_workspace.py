"""What commands open: the configuration's workspace, and the file that an answer goes to. Nothing is decided here."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

from pipelines.configuration import config as configuration
from pipelines.loads.workspace import Workspace


def open_workspace(config: str | None, command: str) -> Workspace:
    """The workspace for a command, of the configuration that is named, or found. Raises ConfigError."""
    return Workspace.open(configuration.load_config(configuration.find_config(config)), command=command)


@contextmanager
def write_atomically(file: Path) -> Iterator[TextIO]:
    """Write a file that appears when it is whole; one that was there stays until then. Raises OSError."""
    if file.exists() and not file.is_file():  # a device or a pipe: nothing to replace
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
