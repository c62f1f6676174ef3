"""The two kinds of locks between processes, opened in the same way here and in processes that tests start."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipelines.configuration.lock_database import LockDatabase
from pipelines.loads.lock_session import LockSession
from warehouse.storage.locks import FileLocks, Locks, MachineLocks

KINDS = ("files", "postgresql")

_HOLD = """
import sys
from tests.support.lock_kinds import open_locks
with open_locks(sys.argv[1], float(sys.argv[2])).hold(sys.argv[3]):
    print("held", flush=True)
    sys.stdin.read()
"""


def open_locks(place: str, wait_seconds: float = 10) -> Locks:
    """Locks at a place: a folder of this machine, or the address of a database; as another process would open them."""
    if "://" not in place:
        return FileLocks(Path(place), wait_seconds)
    return MachineLocks(LockSession(LockDatabase("`locks:`", place), "test"), "delta+s3://lake", wait_seconds)


@contextmanager
def hold_elsewhere(place: str, name: str) -> Iterator[subprocess.Popen[str]]:
    """Hold a lock in another process inside the block; the process ends when its input does."""
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, place, "10", name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        yield holder
        holder.communicate()
