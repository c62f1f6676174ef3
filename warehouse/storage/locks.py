"""Locks by name, for stores whose writers need several: files of one machine, or locks that machines share.

What must not come in: which locks a writer needs, the work that is done under them, how machines share a lock.
"""

import logging
import time
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Protocol

from warehouse.errors import LockedElsewhere, StorageFailed, WarehouseBusy
from warehouse.storage.files import make_folder
from warehouse.storage.lock import REMIND_SECONDS, hold_writer_lock

log = logging.getLogger("chatmart.warehouse")

_FIRST_PAUSE_SECONDS = 0.01
_LONGEST_PAUSE_SECONDS = 0.2
_PAUSE_GROWTH = 1.5
"""A turn to commit lasts a tenth of a second. A long wait costs five statements of 0.2 ms a second."""


class Locks(Protocol):
    """Locks that one holder at a time has, among all writers of one warehouse. A holder that dies frees its locks."""

    def hold(self, name: str) -> AbstractContextManager[None]:
        """Hold the lock `name`. Raises WarehouseBusy when another writer keeps it for too long.

        Who holds several takes them in one order of names, so that no two writers wait for one another.
        """
        ...

    def require_held(self, names: Collection[str]) -> None:
        """Raise WarehouseBusy when one of these locks, which this writer took, was lost since."""
        ...

    def take_over(self) -> bool:
        """Guard the warehouse with these locks, in the place of others. Return False where no others can guard it."""
        ...


class SharedLocks(Protocol):
    """Locks by name that processes of several machines have in common, without waiting.

    Its methods raise ConnectionError, with a sentence, when what the machines have in common cannot be used.
    """

    def try_acquire(self, name: str) -> bool:
        """Take a lock unless it is held, by this process or another. Return whether it was taken."""
        ...

    def release(self, name: str) -> None:
        """Release a lock. One that was lost is free already."""
        ...

    def require_held(self, names: Collection[str]) -> None:
        """Raise ConnectionError when one of these locks was lost since this process took it."""
        ...

    def describe_holder(self, name: str) -> str:
        """Return the process that holds a lock, and its machine; an empty text when nobody holds it any more."""
        ...


class Notes(Protocol):
    """Small files of a warehouse that machines share."""

    def read_note(self, name: str) -> bytes | None:
        """Return the content of a note; None when there is none."""
        ...

    def swap_note(self, name: str, old: bytes | None, new: bytes) -> bool:
        """Write a note if it still is `old` (None: there is none). Return whether it was written."""
        ...


class LockOwner(Protocol):
    """What guards the writers of a process: the folder of its locks on this machine, or what machines share."""

    def claim(self, address: str, notes: Notes, folder: Path) -> None:
        """Note at a shared address whose locks its writers take; `folder` is that of this machine's locks.

        Raises PermissionError, with a sentence, when others guard it, and ConnectionError.
        """
        ...

    def take_over(self, address: str, notes: Notes, folder: Path) -> None:
        """Note the same, whoever guards the address. Raises ConnectionError."""
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

    def require_held(self, names: Collection[str]) -> None:
        """Do nothing: the operating system takes no lock from a process that runs."""

    def take_over(self) -> bool:
        """Return False."""
        return False


class MachineLocks:
    """Locks of the warehouse at `address` that several machines share, by `shared`.

    A lock that is held for longer than `wait_seconds` raises WarehouseBusy. A writer that waits for more than a minute
    says so in the log, every minute. Raises StorageFailed when what the machines share cannot be used.
    """

    def __init__(self, shared: SharedLocks, address: str, wait_seconds: float) -> None:
        self._shared = shared
        self._address = address
        self._wait_seconds = wait_seconds

    @contextmanager
    def hold(self, name: str) -> Iterator[None]:
        """Hold the lock `name` of this warehouse."""
        with _name_failures():
            self._acquire(name)
        try:
            yield
        finally:
            self._shared.release(self._full_name(name))

    def require_held(self, names: Collection[str]) -> None:
        """Raise WarehouseBusy when the connection in which a lock was taken is gone."""
        try:
            self._shared.require_held([self._full_name(name) for name in names])
        except ConnectionError as error:
            raise WarehouseBusy(str(error)) from error

    def take_over(self) -> bool:
        """Return False."""
        return False

    def _acquire(self, name: str) -> None:
        started = reminded = time.monotonic()
        pause_seconds = _FIRST_PAUSE_SECONDS
        while not self._shared.try_acquire(self._full_name(name)):
            now = time.monotonic()
            rest_seconds = self._wait_seconds - (now - started)
            if rest_seconds <= 0:
                raise WarehouseBusy(
                    f"{self._describe_writer(name)} has held {name} of {self._address} for {self._wait_seconds:.0f} "
                    "seconds (lock_wait_seconds): wait for it to end, or end it, then run again."
                )
            if now - reminded >= REMIND_SECONDS:
                reminded = now
                log.warning(
                    "waiting for %s, which has held %s of %s for %.0f s; this run gives up in %.0f s",
                    self._describe_writer(name, "another writer"),
                    name,
                    self._address,
                    now - started,
                    rest_seconds,
                )
            time.sleep(min(pause_seconds, rest_seconds))
            pause_seconds = min(pause_seconds * _PAUSE_GROWTH, _LONGEST_PAUSE_SECONDS)

    def _describe_writer(self, name: str, writer: str = "Another writer") -> str:
        holder = self._shared.describe_holder(self._full_name(name))
        return f"{writer} ({holder})" if holder else writer

    def _full_name(self, name: str) -> str:
        return f"warehouse {self._address} {name}"


class ClaimedLocks:
    """The locks of an address that machines share. Before this process takes the first, it claims the address.

    Raises LockedElsewhere when others guard it, and StorageFailed.
    """

    def __init__(self, locks: Locks, owner: LockOwner, address: str, notes: Notes, folder: Path) -> None:
        self._locks = locks
        self._owner = owner
        self._place = (address, notes, folder)
        self._is_claimed = False

    def hold(self, name: str) -> AbstractContextManager[None]:
        """Hold the lock `name`."""
        if not self._is_claimed:
            with _name_failures():
                self._owner.claim(*self._place)
            self._is_claimed = True
        return self._locks.hold(name)

    def require_held(self, names: Collection[str]) -> None:
        """Raise WarehouseBusy when one of these locks was lost."""
        self._locks.require_held(names)

    def take_over(self) -> bool:
        """Claim the address, whoever guards it. Return True."""
        with _name_failures():
            self._owner.take_over(*self._place)
        return True


@contextmanager
def _name_failures() -> Iterator[None]:
    try:
        yield
    except PermissionError as error:
        raise LockedElsewhere(str(error)) from error
    except ConnectionError as error:
        raise StorageFailed(str(error)) from error
