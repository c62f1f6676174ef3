"""The writers' lock: across threads and processes, one writer at a time holds it.

The lock belongs to the operating system, so that a killed writer frees it. What must not come in: the work that is
done under it.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from warehouse.errors import WarehouseBusy
from warehouse.storage.files import PRIVATE_FILE

log = logging.getLogger("chatmart.warehouse")

REMIND_SECONDS = 60
"""The time between two messages of a writer that waits."""


@contextmanager
def hold_writer_lock(path: Path, wait_seconds: float) -> Iterator[None]:
    """Hold the lock on the file `path`. Raises WarehouseBusy when another writer holds it for `wait_seconds`.

    A writer that waits for more than a minute says so in the log, every minute.
    """
    from filelock import FileLock, Timeout  # imported late: readers take no lock

    # A new object per holder: one shared object would let a second thread of this process in.
    lock = FileLock(path, mode=PRIVATE_FILE)
    waited_seconds = 0.0
    while True:
        pause_seconds = min(REMIND_SECONDS, wait_seconds - waited_seconds)
        try:
            lock.acquire(timeout=pause_seconds)
        except Timeout as error:
            waited_seconds += pause_seconds
            if waited_seconds >= wait_seconds:
                raise WarehouseBusy(
                    f"Another writer has held {path} for {wait_seconds:.0f} seconds (lock_wait_seconds): wait for it "
                    "to end, or end it, then run again."
                ) from error
            log.warning(
                "waiting for another writer, which has held %s for %.0f s; this run gives up in %.0f s",
                path,
                waited_seconds,
                wait_seconds - waited_seconds,
            )
        else:
            break
    try:
        yield
    finally:
        lock.release()
