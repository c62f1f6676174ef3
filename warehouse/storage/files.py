"""Files of a warehouse: where those of a single-file one lie, how one takes another's place, what a crash leaves over.

What must not come in: SQL, what is in the files. A file and what it replaces lie on one file system, so that a rename
is atomic.
"""

import os
import shutil
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

_SPILL_KEPT_SECONDS = 86_400
_COPIED_AT_ONCE = 1 << 30


@dataclass(frozen=True)
class StorePaths:
    """The files of the warehouse published at `published`.

    The others begin with `_` and do not end with `.duckdb`: no glob for warehouses picks them up.
    """

    published: Path

    @property
    def private(self) -> Path:
        """The file the loader commits to."""
        return self._beside("loader")

    @property
    def wal(self) -> Path:
        """DuckDB's write-ahead log of the private file."""
        return self._beside("loader.wal")

    @property
    def lock(self) -> Path:
        """The writers' lock file. It stays; only its lock comes and goes."""
        return self._beside("lock")

    def new_part_path(self) -> Path:
        """A new name for a file in the making."""
        return self._beside(f"{uuid4().hex}.part")

    def new_spill_path(self) -> Path:
        """A new folder for what does not fit into memory: two engines must never share one."""
        return self._beside(f"{uuid4().hex}.spill")

    def remove_orphans(self) -> None:
        """Remove what killed writers left. Call it under the lock: nobody else makes a part then."""
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
    """Remove the spill folders of dead processes. They are used outside the lock; a day is longer than any commit."""
    for spill in folders:
        if time.time() - spill.stat().st_mtime > _SPILL_KEPT_SECONDS:
            shutil.rmtree(spill, ignore_errors=True)


def copy_into_place(source: Path, part: Path, target: Path) -> None:
    """Copy `source` to `part` and let it take the place of `target`, whole and durable or not at all."""
    with source.open("rb") as reader, part.open("wb") as writer:
        _copy(reader.fileno(), writer.fileno())
    if target.exists():
        shutil.copymode(target, part)
    move_into_place(part, target)


def move_into_place(part: Path, target: Path, *, sync_folder: bool = True) -> None:
    """Let `part` take the place of `target`, durably. Who holds the old file open keeps reading it.

    Without `sync_folder` the new name is durable only after the caller has synced the folder.
    """
    fsync_path(part)
    part.replace(target)
    if sync_folder:
        fsync_path(target.parent)


def write_into_place(target: Path, content: bytes) -> None:
    """Let a new file with this content take the place of `target`, whole and durable or not at all."""
    part = target.with_name(f"{target.name}.{uuid4().hex}.part")
    part.write_bytes(content)
    move_into_place(part, target)


def link_into_place(source: Path, part: Path, target: Path) -> None:
    """Let `target` be another name of `source`, by way of `part`; a copy where the file system has no links."""
    if target.exists() and target.samefile(source):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, part)
    except OSError:
        shutil.copyfile(source, part)
    part.replace(target)


def _copy(source: int, target: int) -> None:
    """Copy inside the kernel, which shares the blocks where the file system can."""
    try:
        while os.copy_file_range(source, target, _COPIED_AT_ONCE):
            pass
    except (AttributeError, OSError):
        # Not this system, or not between these file systems.
        os.lseek(source, 0, os.SEEK_SET)
        os.lseek(target, 0, os.SEEK_SET)
        with open(source, "rb", closefd=False) as reader, open(target, "wb", closefd=False) as writer:
            shutil.copyfileobj(reader, writer, 1 << 20)


def fsync_path(path: Path) -> None:
    """Make a file, or the names in a folder, survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
