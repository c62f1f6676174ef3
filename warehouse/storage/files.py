"""Files of a warehouse: the paths of a DuckDB warehouse, atomic replacement, and the removal of a crash's leftovers.

A file and the file that it replaces are on one file system, so that a rename is atomic. What must not come in: SQL,
the content of the files.
"""

import hashlib
import os
import shutil
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO
from uuid import uuid4

PRIVATE_FILE = 0o600
"""The mode of a new file: its owner reads and writes it, nobody else does anything."""

_SPILL_RETENTION_SECONDS = 86_400
_MAX_CLOCK_SKEW_SECONDS = 300
_COPY_BYTES = 1 << 30


@dataclass(frozen=True)
class StorePaths:
    """The files of the warehouse that is published at `published`.

    The names of the others begin with `_` and do not end with `.duckdb`, so that no glob for warehouses finds them.
    """

    published: Path

    @property
    def private(self) -> Path:
        """The file that the loader commits to."""
        return self._beside("loader")

    @property
    def wal(self) -> Path:
        """DuckDB's write-ahead log of the private file."""
        return self._beside("loader.wal")

    @property
    def lock(self) -> Path:
        """The writers' lock file. It is never removed; only the lock on it is."""
        return self._beside("lock")

    def set_aside(self, file: Path) -> Path:
        """Move the private or the published file away, for a person to look at and to remove. Return its new path.

        It takes the place of an earlier one.
        """
        if file == self.private:
            self.wal.unlink(missing_ok=True)
            return set_file_aside(file)
        return set_file_aside(file, self._beside("damaged"))

    def remove_set_aside(self) -> None:
        """Remove the files that were set aside."""
        for aside in (self._beside("loader.damaged"), self._beside("damaged")):
            aside.unlink(missing_ok=True)

    def new_part_path(self) -> Path:
        """Return a new path for a file that is being written."""
        return self._beside(f"{uuid4().hex}.part")

    def new_spill_path(self) -> Path:
        """Return a new folder for data that does not fit into memory: two engines must never share one."""
        return self._beside(f"{uuid4().hex}.spill")

    def remove_orphans(self) -> None:
        """Remove the files of killed writers. Call it under the lock: no other writer makes part files then."""
        for part in self._others("*.part*"):
            part.unlink(missing_ok=True)
        remove_old_spill(self._others("*.spill"))
        if not self.private.exists():
            self.wal.unlink(missing_ok=True)

    def _beside(self, suffix: str) -> Path:
        return self.published.with_name(f"_{self.published.name}.{suffix}")

    def _others(self, pattern: str) -> list[Path]:
        prefix = f"_{self.published.name}."
        return [path for path in self.published.parent.glob("_" + pattern) if path.name.startswith(prefix)]


def remove_old_spill(folders: Iterable[Path]) -> None:
    """Remove the spill folders of dead processes: those older than a day.

    They are in use outside the lock too, and a day is longer than any commit.
    """
    for spill in folders:
        if is_older_than(spill, spill.stat().st_mtime, _SPILL_RETENTION_SECONDS):
            shutil.rmtree(spill, ignore_errors=True)


def is_older_than(path: Path, changed_at: float, seconds: float) -> bool:
    """Return whether a file or folder that changed at `changed_at` (Unix time) did so more than some seconds ago.

    One that is dated in the future, by a clock that was ahead, is dated anew: its age is counted from now, or it would
    stay until that future. Raises OSError.
    """
    age = time.time() - changed_at
    if age < -_MAX_CLOCK_SKEW_SECONDS:
        os.utime(path)
    return age > seconds


def set_file_aside(file: Path, aside: Path | None = None) -> Path:
    """Move a damaged file away, for a person to look at and to remove; `aside` is its new path. Return that."""
    return file.replace(aside or file.with_name(f"{file.name}.damaged"))


def copy_into_place(source: Path, part: Path, target: Path) -> None:
    """Copy `source` to `part` and rename that to `target`, durably. Readers see the old file or the whole new one.

    A new file is for its owner only. One that replaces another keeps the rights that its owner has given it.
    """
    copy_to_part(source, part)
    move_copy_into_place(part, target)


def copy_to_part(source: Path, part: Path) -> None:
    """Copy `source` to the new file `part`, for its owner only."""
    with source.open("rb") as reader, create_private_file(part) as writer:
        _copy_content(reader.fileno(), writer.fileno())


def move_copy_into_place(part: Path, target: Path) -> None:
    """Rename `part` to `target`, durably; it takes over the rights of the file that it replaces."""
    if target.exists():
        shutil.copymode(target, part)
    move_into_place(part, target)


def create_private_file(path: Path) -> BinaryIO:
    """Create a file for its owner only, open for writing. Raises FileExistsError: no link is followed."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE), "wb")


def make_private(path: Path) -> None:
    """Take the rights to a file from everybody but its owner."""
    if path.stat().st_mode & 0o077:
        path.chmod(PRIVATE_FILE)


@contextmanager
def open_copy(path: Path) -> Iterator[Path]:
    """Yield a copy of a file in a temporary folder. When the block ends and has changed it, it replaces the file.

    An error in the block leaves the file as it was. `path` may not exist yet.
    """
    with TemporaryDirectory(prefix="chatmart-") as folder:
        copy = Path(folder) / "copy"
        if path.exists():
            shutil.copyfile(path, copy)
        before = file_stamp(copy)
        yield copy
        if file_stamp(copy) != before:
            copy_into_place(copy, path.with_name(f"{path.name}.part"), path)


def file_stamp(path: Path) -> tuple[int, ...]:
    """Return a value that is another one when the file was replaced or changed; empty when there is no file."""
    try:
        status = path.stat()
    except FileNotFoundError:
        return ()
    return status.st_ino, status.st_size, status.st_mtime_ns


def file_sha256(path: Path) -> str:
    """Return the SHA-256 of a file's bytes, in hexadecimal digits. Costs 0.7 processor seconds per GB."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def move_into_place(part: Path, target: Path, *, sync_folder: bool = True) -> None:
    """Rename `part` to `target`, durably. A reader that has the old file open keeps reading it.

    Without `sync_folder` the new name is durable only after the caller has synced the folder.
    """
    fsync_path(part)
    part.replace(target)
    if sync_folder:
        fsync_path(target.parent)


def write_into_place(target: Path, content: bytes, mode: int = PRIVATE_FILE) -> None:
    """Replace `target` by a new file with this content and mode, durably. Readers see one of them whole."""
    part = target.with_name(f"{target.name}.{uuid4().hex}.part")
    with create_private_file(part) as file:
        os.fchmod(file.fileno(), mode)
        file.write(content)
    move_into_place(part, target)


def link_into_place(source: Path, part: Path, target: Path) -> bool:
    """Make `target` a hard link to `source`, by way of `part`; a copy where the file system has no links.

    Return whether it was none before. The new name is durable only after the caller has synced the folder.
    """
    if target.exists() and target.samefile(source):
        return False
    make_data_folder(target.parent, source.stat().st_mode)
    try:
        os.link(source, part)
    except OSError:
        shutil.copyfile(source, part)
        fsync_path(part)
    part.replace(target)
    return True


def make_data_folder(folder: Path, file_mode: int) -> None:
    """Make a folder for files of this mode: those who may read them may open it. One that exists stays as it is."""
    if not folder.is_dir():
        make_folder(folder)
        folder.chmod(0o700 | file_mode & 0o044 | (file_mode & 0o044) >> 2)


def _copy_content(source: int, target: int) -> None:
    """Copy inside the kernel, which shares blocks where the file system can."""
    try:
        while os.copy_file_range(source, target, _COPY_BYTES):
            pass
    except (AttributeError, OSError):
        # Not on this operating system, or not between these file systems.
        os.lseek(source, 0, os.SEEK_SET)
        os.lseek(target, 0, os.SEEK_SET)
        with open(source, "rb", closefd=False) as reader, open(target, "wb", closefd=False) as writer:
            shutil.copyfileobj(reader, writer, 1 << 20)


def make_folder(folder: Path) -> None:
    """Make a folder and those above it. Their names are on disk when this returns: files in it rest on them."""
    missing = list(takewhile(lambda part: not part.is_dir(), (folder, *folder.parents)))
    for part in reversed(missing):
        part.mkdir(exist_ok=True)
        with suppress(PermissionError):  # a folder may be entered and written to, but not listed
            fsync_path(part.parent)


def fsync_path(path: Path) -> None:
    """Sync a file, or the names in a folder, to disk, so that they survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
