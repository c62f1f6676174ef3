"""The fetch lock of an account: one process at a time fetches or prunes it. Nothing is fetched here.

A second run waits for the lock and then uses the batches that the first one landed. The holder writes its process id
beside the lock, so that the second can say whom it waits for.
"""

import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from filelock import AsyncFileLock, FileLock, Timeout

from extractors.account import Account
from extractors.errors import AccountBusy, ErrorLocation
from extractors.landing.files import write_private_file
from extractors.landing.zone import LandingZone

log = logging.getLogger("chatmart.landing")

REMIND_SECONDS = 60
"""The time between two messages of a run that waits."""

_HOLDER_NAME = ".fetch.holder"


def fetch_lock_path(landing: LandingZone, provider: str, account: str) -> Path:
    """Return the file of an account's fetch lock, in the folder of all its streams."""
    return landing.lock_folder(provider, account) / ".fetch.lock"


@asynccontextmanager
async def hold_fetch_lock(
    landing: LandingZone, account: Account, *, wait_seconds: float, recall: bool = True
) -> AsyncIterator[None]:
    """Hold an account's fetch lock. Raises AccountBusy when another run keeps it for ``wait_seconds``.

    While it waits, it logs for whom, at once and every minute.

    With ``recall`` the answers of a killed run are used where its batches are fetched again.
    Only the holder writes. Unfinished files are therefore left over from a killed run, and are removed first.
    """
    path = fetch_lock_path(landing, account.provider, account.name)
    landing.make_folder(path.parent)
    where = ErrorLocation(account.provider, account.name)
    lock = AsyncFileLock(path, mode=0o600)
    await _acquire(lock, path, where, wait_seconds)
    try:
        write_private_file(path.with_name(_HOLDER_NAME), str(os.getpid()).encode())
        for leftover in path.parent.rglob("*.part"):
            leftover.unlink()
        async with landing.open_log_aside(account.provider, account.name, recall=recall):
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
        problem = f"{_describe_holder(path)} is fetching this account"
        raise AccountBusy(
            ErrorLocation(account.provider, account.name), problem, "run the same command again when it has ended"
        ) from error


async def _acquire(lock: AsyncFileLock, path: Path, where: ErrorLocation, wait_seconds: float) -> None:
    """Take the lock; log every minute that it waits. Raises AccountBusy after ``wait_seconds``."""
    waited_seconds, pause_seconds = 0.0, 0.0
    while True:
        try:
            await lock.acquire(timeout=pause_seconds)
        except Timeout as error:
            waited_seconds += pause_seconds
            if waited_seconds >= wait_seconds:
                problem = f"{_describe_holder(path)} is still fetching this account"
                advice = f"wait for it to end, or end it; this run waited {wait_seconds:g} s (lock_wait_seconds)"
                raise AccountBusy(where, problem, advice) from error
            log.warning(
                "%s: waiting for %s, which is fetching this account; this run gives it up in %.0f s",
                where,
                _describe_holder(path),
                wait_seconds - waited_seconds,
            )
            pause_seconds = min(REMIND_SECONDS, wait_seconds - waited_seconds)
        else:
            return


def _describe_holder(lock_path: Path) -> str:
    """Return the run that holds a lock, or held it last, and since when (UTC)."""
    holder = lock_path.with_name(_HOLDER_NAME)
    try:
        since = datetime.fromtimestamp(holder.stat().st_mtime, UTC)
        return f"another run (process {int(holder.read_bytes())}, since {since:%Y-%m-%d %H:%M:%S} UTC)"
    except (OSError, ValueError):
        return "another run"
