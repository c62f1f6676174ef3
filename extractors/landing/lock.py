"""The fetch lock of an account: one process at a time fetches or prunes it. Nothing is fetched here.

A second run waits for the lock and then uses the batches that the first one landed. The holder writes its process id
beside the lock, so that the second can say whom it waits for.
"""

import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from filelock import AsyncFileLock, FileLock, Timeout

from extractors.account import Account
from extractors.errors import AccountBusy, ErrorLocation
from extractors.landing.files import write_private_file
from extractors.landing.zone import LandingZone

log = logging.getLogger("chatmart.landing")

LOCK_TIMEOUT_SECONDS = 3600
_HOLDER_NAME = ".fetch.holder"


def fetch_lock_path(landing: LandingZone, provider: str, account: str) -> Path:
    """Return the file of an account's fetch lock, in the folder of all its streams."""
    return landing.account_folder(provider, account) / ".fetch.lock"


@asynccontextmanager
async def hold_fetch_lock(landing: LandingZone, account: Account, *, recall: bool = True) -> AsyncIterator[None]:
    """Hold an account's fetch lock. Raises AccountBusy when another run keeps it for an hour; logs that it waits.

    With ``recall`` the answers of a killed run are used where its batches are fetched again.
    Only the holder writes. Unfinished files are therefore left over from a killed run, and are removed first.
    """
    path = fetch_lock_path(landing, account.provider, account.name)
    landing.make_folder(path.parent)
    where = ErrorLocation(account.provider, account.name)
    lock = AsyncFileLock(path, mode=0o600)
    try:
        try:
            await lock.acquire(timeout=0)
        except Timeout:
            log.warning("%s: waiting for %s, which fetches this account", where, _read_holder(path))
            await lock.acquire(timeout=LOCK_TIMEOUT_SECONDS)
    except Timeout as error:
        problem = f"{_read_holder(path)} is still fetching this account"
        raise AccountBusy(where, problem, "wait for it to end") from error
    try:
        write_private_file(path.with_name(_HOLDER_NAME), str(os.getpid()).encode())
        for leftover in path.parent.rglob("*.part"):
            leftover.unlink()
        with landing.open_log(account.provider, account.name, recall=recall):
            yield
    finally:
        await lock.release()


@contextmanager
def hold_lock_now(landing: LandingZone, account: Account) -> Iterator[None]:
    """Hold an account's fetch lock, without waiting. Raises AccountBusy when another run has it.

    Unfinished files are left over from a killed run, and are removed.
    """
    path = fetch_lock_path(landing, account.provider, account.name)
    landing.make_folder(path.parent)
    try:
        with FileLock(path, timeout=0, mode=0o600):
            for leftover in path.parent.rglob("*.part"):
                leftover.unlink()
            yield
    except Timeout as error:
        problem = f"{_read_holder(path)} is fetching this account"
        raise AccountBusy(
            ErrorLocation(account.provider, account.name), problem, "run the same command again when it has ended"
        ) from error


def _read_holder(lock_path: Path) -> str:
    """Return the name of the run that holds a lock, or held it last."""
    try:
        return f"another run (process {int(lock_path.with_name(_HOLDER_NAME).read_bytes())})"
    except (OSError, ValueError):
        return "another run"
