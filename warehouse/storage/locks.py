"""Locks by name, for stores whose writers need several: the protocol, and locks that are files of one machine.

What must not come in: which locks a writer needs, the work that is done under them.
"""

from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

from warehouse.storage.files import make_folder
from warehouse.storage.lock import hold_writer_lock


class Locks(Protocol):
    """Locks that one holder at a time has, among all writers of one warehouse. A holder that dies frees its locks."""

    def hold(self, name: str) -> AbstractContextManager[None]:
        """Hold the lock `name`. Raises WarehouseBusy when another writer keeps it for too long.

        Who holds several takes them in one order of names, so that no two writers wait for one another.
        """
        ...


class FileLocks:
    """Locks that are files in the folder `folder`: they hold among the processes of one machine.

    A lock that is held for longer than `wait_seconds` raises WarehouseBusy.
    """

    def __init__(self, folder: Path, wait_seconds: float) -> None:
        self._folder = folder
        self._wait_seconds = wait_seconds

    def hold(self, name: str) -> AbstractContextManager[None]:
        """Hold the lock on the file `name` in the folder."""
        make_folder(self._folder)
        return hold_writer_lock(self._folder / name, self._wait_seconds)
