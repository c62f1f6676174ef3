"""The writers' lock: across threads and processes, one writer at a time holds it.

The lock belongs to the operating system, so that a killed writer frees it. What must not come in: the work that is
done under it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from warehouse.errors import WarehouseBusy


@contextmanager
def hold_writer_lock(path: Path, wait_seconds: float) -> Iterator[None]:
    """Hold the lock on the file `path`. Raises WarehouseBusy when another writer holds it for `wait_seconds`."""
    from filelock import FileLock, Timeout  # imported late: readers take no lock

    # A new object per holder: one shared object would let a second thread of this process in.
    lock = FileLock(path, timeout=wait_seconds)
    try:
        lock.acquire()
    except Timeout as error:
        raise WarehouseBusy(
            f"Another writer has held {path} for {wait_seconds:.0f} seconds: wait for it to end, then run again."
        ) from error
    try:
        yield
    finally:
        lock.release()
