"""The fetch lock of an account: one process at a time fetches or prunes it. Nothing is fetched here.

A second run waits for the lock and then uses the batches that the first one landed.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from filelock import AsyncFileLock, Timeout

from extractors.account import Account
from extractors.errors import AccountBusy, ErrorLocation
from extractors.landing.zone import LandingZone

LOCK_TIMEOUT_SECONDS = 3600


def fetch_lock_path(landing: LandingZone, provider: str, account: str) -> Path:
    """Return the file of an account's fetch lock, in the folder of all its streams."""
    return landing.account_folder(provider, account) / ".fetch.lock"


@asynccontextmanager
async def hold_fetch_lock(landing: LandingZone, account: Account) -> AsyncIterator[None]:
    """Hold an account's fetch lock. Raises AccountBusy when another run keeps it for an hour.

    Only the holder writes. Unfinished files are therefore left over from a killed run, and are removed first.
    """
    path = fetch_lock_path(landing, account.provider, account.name)
    landing.make_folder(path.parent)
    lock = AsyncFileLock(path, timeout=LOCK_TIMEOUT_SECONDS, mode=0o600)
    try:
        async with lock:
            for leftover in path.parent.rglob("*.part"):
                leftover.unlink()
            with landing.counting_arrivals(account.provider, account.name):
                yield
    except Timeout as error:
        where = ErrorLocation(account.provider, account.name)
        raise AccountBusy(where, "another run is still fetching this account", "wait for it to end") from error
