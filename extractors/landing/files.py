"""Private files and folders: readable by their owner only, and whole or absent. Their contents are not known here."""

import os
import secrets
from contextlib import suppress
from itertools import takewhile
from pathlib import Path


def make_private_folder(root: Path, folder: Path) -> None:
    """Make ``folder`` and those above it that do not exist, for their owner only. ``folder`` is ``root`` or in it.

    Their names are on disk when this returns: what is synced below a name that a power cut undoes is lost with it.
    """
    missing = list(takewhile(lambda part: not part.is_dir(), (folder, *folder.parents)))
    for part in reversed(missing):
        part.mkdir(mode=0o700, exist_ok=True)
        with suppress(PermissionError):  # a folder may be entered and written to, but not listed
            sync_folder(part.parent)


def choose_temporary_name(name: str) -> str:
    """Return a name for a file in the making that no other process and no other call uses."""
    return f"{name}.{os.getpid()}-{secrets.token_hex(4)}.part"


def write_private_file(path: Path, content: bytes, *, durable: bool = False) -> None:
    """Write a whole file by rename, readable by its owner only; ``durable`` also survives a power cut."""
    temporary = path.with_name(choose_temporary_name(path.name))
    with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
        if durable:
            file.flush()
            os.fsync(file.fileno())
    temporary.replace(path)
    if durable:
        sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Write the names in a folder to disk, so that they survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
