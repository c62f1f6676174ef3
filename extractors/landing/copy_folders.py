"""The folders for copies of a landing zone on an object store: one for each process of this machine that uses it.

``copies-1``, ``copies-2`` and so on: a process takes the first that is free, with the copies in it, and has it alone as
long as it lives. What is in the files is not known here.
"""

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

from filelock import FileLock, Timeout

from extractors.landing.files import make_private_folder

KEPT_SECONDS = 7 * 86400.0
"""The age at which copies are removed that no process has compared with the store: they may hold what was erased."""

_ACCOUNTS = "provider=*/account=*"


class CopyFolder:
    """A folder for copies that this process has alone until it ends. ``path`` is the folder."""

    def __init__(self, base: Path) -> None:
        """Take the first free folder in ``base``, and remove old copies from all free ones. Raises OSError."""
        make_private_folder(base, base)
        for number in count(1):
            self.path = base / f"copies-{number}"
            self._lock = _build_lock(self.path)
            try:
                self._lock.acquire()
                break
            except Timeout:
                continue
        self._remove_old(self.path)
        for path in self._iter_free_others():
            self._remove_old(path)

    def drop_elsewhere(self, account_folder: Path) -> None:
        """Remove the copies of an account from the folders that no process has now. Raises OSError."""
        for path in self._iter_free_others():
            shutil.rmtree(path / account_folder.relative_to(self.path), ignore_errors=True)

    def release(self) -> None:
        """Leave the folder to another process."""
        self._lock.release()

    def _iter_free_others(self) -> Iterator[Path]:
        for path in self.path.parent.glob("copies-*"):
            if path != self.path and path.is_dir():
                with _hold_if_free(path) as is_free:
                    if is_free:
                        yield path

    def _remove_old(self, path: Path) -> None:
        for account_folder in path.glob(_ACCOUNTS):
            if time.time() - account_folder.stat().st_mtime > KEPT_SECONDS:
                shutil.rmtree(account_folder, ignore_errors=True)


def mark_compared(account_folder: Path) -> None:
    """Note that an account's copies were compared with the store now."""
    if account_folder.is_dir():
        os.utime(account_folder)


def _build_lock(path: Path) -> FileLock:
    return FileLock(path.with_name(f"{path.name}.lock"), timeout=0, mode=0o600, thread_local=False)


@contextmanager
def _hold_if_free(path: Path) -> Iterator[bool]:
    lock = _build_lock(path)
    try:
        lock.acquire()
    except Timeout:
        yield False
        return
    try:
        yield True
    finally:
        lock.release()
