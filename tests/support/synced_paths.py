"""A record of the files and folders that are synced to disk inside a block."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock


class SyncedPaths:
    """Answers whether a file or a folder was synced, by whatever name."""

    def __init__(self) -> None:
        self._identities: set[tuple[int, int]] = set()

    def add(self, descriptor: int) -> None:
        status = os.fstat(descriptor)
        self._identities.add((status.st_dev, status.st_ino))

    def __contains__(self, path: Path) -> bool:
        status = path.stat()
        return (status.st_dev, status.st_ino) in self._identities


@contextmanager
def record_synced_paths() -> Iterator[SyncedPaths]:
    """Yield the record; the syncs are done as ever."""
    synced, functions = SyncedPaths(), (os.fsync, os.fdatasync)

    def fsync(descriptor: int) -> None:
        synced.add(descriptor)
        functions[0](descriptor)

    def fdatasync(descriptor: int) -> None:
        synced.add(descriptor)
        functions[1](descriptor)

    with mock.patch.multiple(os, fsync=fsync, fdatasync=fdatasync):
        yield synced
