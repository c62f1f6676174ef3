"""The files below the Delta table's address: the protocol, and files in a folder of this machine.

A file is never changed after it was written, and never has the name of another. What must not come in: the log, the
meaning of a file's name, SQL.
"""

import time
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from warehouse.storage.files import PRIVATE_FILE, fsync_path, make_data_folder, set_file_aside, write_into_place

DATA_FILES = "_table="
"""The beginning of the names of all data files."""


@dataclass(frozen=True)
class StoredFile:
    """A file as it lies there: its name below the table's address, and the seconds since it was written."""

    name: str
    age_seconds: float


class LakeFiles(Protocol):
    """Files by their name below the table's address, with `/` between folders. Raises StorageFailed and OSError."""

    def local_paths(self, sizes: Mapping[str, int]) -> dict[str, Path]:
        """Return, by name, the paths under which the engine reads data files, of which the sizes in bytes are given.

        A file that is missing has a path all the same: who opens it names it.
        """
        ...

    def new_path(self, name: str) -> Path:
        """Return the path at which the engine writes a new data file. Its folder exists."""
        ...

    def keep(self, names: Collection[str]) -> None:
        """Make new data files, which were written at their paths, durable and readable for everybody."""
        ...

    def confirm_log(self) -> None:
        """Make the newest entry of the log durable. Call it after each commit."""
        ...

    def newest_log_entry(self) -> Path | None:
        """Return the newest entry of the log, if it is a file that can be set aside."""
        ...

    def set_log_aside(self) -> Path | None:
        """Move the newest entry of the log away, so that the table is as it was before. Return its new path."""
        ...

    def read_note(self, name: str) -> bytes | None:
        """Return the content of a small file; None when there is none."""
        ...

    def write_note(self, name: str, content: bytes) -> None:
        """Write a small file, in place of an earlier one."""
        ...

    def list_data_files(self) -> Iterator[StoredFile]:
        """Yield all data files, also those that no commit knows."""
        ...

    def remove(self, names: Collection[str]) -> None:
        """Remove data files; those that are gone already do not matter."""
        ...

    def forget_copies(self, current: Collection[str]) -> None:
        """Remove what this machine keeps beside the files: copies of all data files but the `current` ones."""
        ...


class LocalFiles:
    """Files in the folder `root`. New ones have the rights that the owner has given to the folder of the log."""

    def __init__(self, root: Path) -> None:
        self._root = root
        self._log = root / "_delta_log"

    def local_paths(self, sizes: Mapping[str, int]) -> dict[str, Path]:
        """Return the files' own paths."""
        return {name: self._root / name for name in sizes}

    def new_path(self, name: str) -> Path:
        """Return the file's own path."""
        path = self._root / name
        for folder in (self._root, path.parent.parent, path.parent):
            make_data_folder(folder, self._file_mode())
        return path

    def keep(self, names: Collection[str]) -> None:
        """Sync the files and their folders to disk."""
        paths = [self._root / name for name in names]
        for path in paths:
            path.chmod(self._file_mode())
            fsync_path(path)
        for folder in {path.parent for path in paths}:
            fsync_path(folder)

    def confirm_log(self) -> None:
        """Sync the newest entry of the log, and the names in its folder."""
        newest = (max(self._log.glob(pattern), default=None) for pattern in ("*.json", "*.checkpoint.parquet"))
        for path in (*newest, self._log / "_last_checkpoint"):
            if path is not None and path.exists():
                path.chmod(self._file_mode())
                fsync_path(path)
        fsync_path(self._log)
        fsync_path(self._root)

    def set_log_aside(self) -> Path | None:
        """Move the newest entry of the log away. Return its new path; None when there is no entry."""
        entry = self.newest_log_entry()
        return set_file_aside(entry) if entry else None

    def newest_log_entry(self) -> Path | None:
        """Return the newest entry of the log; None when there is none."""
        return max(self._log.glob("*.json"), default=None)

    def read_note(self, name: str) -> bytes | None:
        """Return the content of a file in the folder."""
        try:
            return (self._root / name).read_bytes()
        except FileNotFoundError:
            return None

    def write_note(self, name: str, content: bytes) -> None:
        """Replace a file in the folder, atomically and durably."""
        make_data_folder(self._root, self._file_mode())
        write_into_place(self._root / name, content, self._file_mode())

    def list_data_files(self) -> Iterator[StoredFile]:
        """Yield the files of all partitions."""
        for path in sorted(self._root.glob(f"{DATA_FILES}*/*/*")):
            status = path.stat()
            yield StoredFile(str(path.relative_to(self._root)), time.time() - status.st_mtime)

    def remove(self, names: Collection[str]) -> None:
        """Unlink the files."""
        for name in names:
            (self._root / name).unlink(missing_ok=True)

    def forget_copies(self, current: Collection[str]) -> None:
        """Do nothing: there are no copies."""

    def _file_mode(self) -> int:
        return self._log.stat().st_mode & 0o666 if self._log.exists() else PRIVATE_FILE
