"""The one lock: whoever writes the private warehouse holds it, across threads and processes.

What must not come in: what is done under it. The lock is the operating system's, so a killed writer frees it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from warehouse.errors import WarehouseBusy


@contextmanager
def hold_writer_lock(path: Path, wait_seconds: float) -> Iterator[None]:
    """Hold the lock file `path`. Raises WarehouseBusy when another writer keeps it for `wait_seconds`."""
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
