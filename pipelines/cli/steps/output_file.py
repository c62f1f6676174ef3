"""The file that a command writes its result to. What is written is not known here.

A result may name people, and its folder may belong to everybody, such as ``/tmp``: the file is for its owner only, and
no link that another user has put there is followed.
"""

import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TextIO

import click

_NEW_FILE_MODE = 0o600
_DEVICES = Path("/dev")


@contextmanager
def open_output_file(file: Path) -> Iterator[TextIO]:
    """Open a file for writing, in UTF-8. It replaces an existing file only when the block ends without an error.

    A new file is readable by its owner only; one that replaces a file of this user keeps its permissions. A device or a
    pipe is written to as it is. Raises UsageError for a link, and for a pipe of another user; OSError when the file
    cannot be written.
    """
    status = _read_status(file)
    if status is not None and not stat.S_ISREG(status.st_mode) and not stat.S_ISDIR(status.st_mode):
        with _open_device(file, status).open("w", encoding="utf-8") as out:
            yield out
        return
    part = file.with_name(f".{secrets.token_hex(8)}.part")
    try:
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _NEW_FILE_MODE)
    except OSError as error:  # the file that was asked for, not the one that becomes it
        raise OSError(error.errno, error.strerror, str(file)) from error
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as out:
            if status is not None and status.st_uid == os.geteuid():
                os.fchmod(descriptor, stat.S_IMODE(status.st_mode))
            yield out
        part.replace(file)
    finally:
        part.unlink(missing_ok=True)


def _read_status(file: Path) -> os.stat_result | None:
    """Return the status of a file, or of a link itself; None when there is none."""
    with suppress(FileNotFoundError):
        return file.lstat()
    return None


def _open_device(file: Path, status: os.stat_result) -> Path:
    """Return the path of a device or pipe that may be written to. Raises UsageError for any other file."""
    if stat.S_ISLNK(status.st_mode) and file.absolute().parent != _DEVICES:  # /dev/stdout is a link too
        raise click.UsageError(f"{file} is a link to {file.readlink()}: remove it, or name the file itself")
    if status.st_uid not in (0, os.geteuid()):
        raise click.UsageError(f"{file} belongs to another user, and is no file: choose another name")
    return file
