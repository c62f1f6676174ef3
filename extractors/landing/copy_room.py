"""Room for the copies of a landing zone on an object store: what was not used for the longest time is removed first.

Only files that can be fetched again are removed, and nothing that was used in the last minutes: whoever listed a file
may be about to open it.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path

from extractors.landing.landed_files import AWAY_ENDING, away_path

log = logging.getLogger("chatmart.landing")

USED_SECONDS = 600.0
"""The time for which a file is sure to stay after its last use."""

_SPARE_SHARE = 0.1  # more is removed than must be, so that room is not made for every file


class CopyRoom:
    """The room that the files below a folder may take, about ``most_bytes``."""

    def __init__(self, root: Path, most_bytes: int) -> None:
        self._root = root
        self._most_bytes = most_bytes
        self._lock = threading.Lock()
        self._bytes: int | None = None  # not measured yet

    def add(self, size: int, is_landed: Callable[[Path], bool]) -> None:
        """Count a new file of so many bytes, and make room when there are too many.

        ``is_landed`` returns whether a file can be fetched again, or made anew when its name begins with a dot.
        """
        with self._lock:
            if self._bytes is None:
                self._bytes = sum(size for _, size, _ in self._list_files())
            else:
                self._bytes += size
            if self._bytes > self._most_bytes:
                self._make_room(is_landed)

    def _make_room(self, is_landed: Callable[[Path], bool]) -> None:
        files = self._list_files()
        total = sum(size for _, size, _ in files)
        wanted = self._most_bytes * (1 - _SPARE_SHARE)
        limit = time.time_ns() - int(USED_SECONDS * 1e9)
        for used_at, size, path in sorted(files):
            if total <= wanted or used_at > limit:
                break
            if is_landed(path):
                if not path.name.startswith("."):
                    set_away(path, size)
                path.unlink(missing_ok=True)
                total -= size
        if total > self._most_bytes:
            log.info("%s holds %d bytes, all of them in use; %d are allowed", self._root, total, self._most_bytes)
        self._bytes = total

    def _list_files(self) -> list[tuple[int, int, Path]]:
        """Return the instant of the last use (ns), the length and the path of each file that is here."""
        paths = [Path(folder, name) for folder, _, names in os.walk(self._root) for name in names]
        return [
            (max(stat.st_atime_ns, stat.st_mtime_ns), stat.st_size, path)
            for path in paths
            if not path.name.endswith(AWAY_ENDING) and (stat := _stat(path)) is not None
        ]


def set_away(path: Path, size: int) -> None:
    """Mark a file as one that the store has, with ``size`` bytes, and this folder has not."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    descriptor = os.open(away_path(path), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    try:
        os.truncate(descriptor, size)
    finally:
        os.close(descriptor)


def _stat(path: Path) -> os.stat_result | None:
    try:
        return path.stat()
    except FileNotFoundError:
        return None
