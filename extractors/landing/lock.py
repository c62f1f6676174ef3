"""The fetch lock of an account: one process at a time fetches or prunes it. Nothing is fetched here.

A second run waits for the lock and then uses the batches that the first one landed. The lock is a file in the folder
of the account; the holder writes its process id beside it, so that the second can say whom it waits for. Where several
machines share locks, theirs is taken first: it holds among all of them, and the file among the processes of this one
even when a connection is lost.
"""

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Protocol

from filelock import FileLock, Timeout

from extractors.account import Account
from extractors.errors import AccountBusy, ErrorLocation, NotSent, Permanent
from extractors.landing.fetch_locks import FetchLocks
from extractors.landing.files import write_private_file
from extractors.landing.zone import LandingZone

log = logging.getLogger("chatmart.landing")

REMIND_SECONDS = 60
"""The time between two messages of a run that waits."""

_HOLDER_NAME = ".fetch.holder"
_PAUSE_SECONDS = 0.05
_PAUSE_GROWTH = 1.5


def fetch_lock_path(landing: LandingZone, provider: str, account: str) -> Path:
    """Return the file of an account's fetch lock, in the folder of all its streams."""
    return landing.lock_folder(provider, account) / ".fetch.lock"


@asynccontextmanager
async def hold_fetch_lock(
    landing: LandingZone, account: Account, *, wait_seconds: float, recall: bool = True
) -> AsyncIterator[None]:
    """Hold an account's fetch lock. Raises AccountBusy when another run keeps it for ``wait_seconds``.

    While it waits, it logs for whom, at once and every minute. Raises NotSent when locks that machines share cannot be
    used, and Permanent when the zone is written under the locks of others.

    With ``recall`` the answers of a killed run are used where its batches are fetched again.
    Only the holder writes. Unfinished files are therefore left over from a killed run, and are removed first.
    """
    path = fetch_lock_path(landing, account.provider, account.name)
    landing.make_folder(path.parent)
    where = ErrorLocation(account.provider, account.name)
    if landing.is_shared:
        await asyncio.to_thread(_claim, landing, where)
    async with AsyncExitStack() as held:
        for lock in _list_locks(landing, where):
            await held.enter_async_context(_hold(lock, where, wait_seconds))
        write_private_file(path.with_name(_HOLDER_NAME), str(os.getpid()).encode())
        for leftover in path.parent.rglob("*.part"):
            leftover.unlink()
        async with landing.open_log_aside(account.provider, account.name, recall=recall):
            yield


@contextmanager
def hold_lock_now(landing: LandingZone, account: Account) -> Iterator[None]:
    """Hold an account's fetch lock, without waiting. Raises AccountBusy when another run has it.

    Unfinished files are left over from a killed run, and are removed. Raises NotSent when locks that machines share
    cannot be used.
    """
    path = fetch_lock_path(landing, account.provider, account.name)
    with hold_lock_if_free(landing, account.provider, account.name) as holder:
        if holder is not None:
            where, problem = ErrorLocation(account.provider, account.name), f"{holder} is fetching this account"
            raise AccountBusy(where, problem, "run the same command again when it has ended")
        for leftover in path.parent.rglob("*.part"):
            leftover.unlink()
        yield


@contextmanager
def hold_lock_if_free(landing: LandingZone, provider: str, account: str) -> Iterator[str | None]:
    """Hold an account's fetch lock inside the block, and yield None; where another run has it, yield that run.

    Raises NotSent when locks that machines share cannot be used.
    """
    where = ErrorLocation(provider, account)
    landing.make_folder(fetch_lock_path(landing, provider, account).parent)
    _claim(landing, where)
    with ExitStack() as held:
        for lock in _list_locks(landing, where):
            if not lock.try_acquire():
                yield lock.describe_holder()
                return
            held.callback(lock.release)
        yield None


class _Lock(Protocol):
    """A lock that is taken without waiting. Whoever waits tries it again, after no longer than `longest_pause`."""

    longest_pause_seconds: float

    def try_acquire(self) -> bool: ...

    def release(self) -> None: ...

    def describe_holder(self) -> str: ...


class _FolderLock:
    """The file in the folder of an account: a lock among the processes of this machine."""

    longest_pause_seconds = _PAUSE_SECONDS

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = FileLock(path, timeout=0, mode=0o600, thread_local=False)

    def try_acquire(self) -> bool:
        try:
            self._lock.acquire()
        except Timeout:
            return False
        return True

    def release(self) -> None:
        self._lock.release()

    def describe_holder(self) -> str:
        """Return the run that holds the lock, or held it last, and since when (UTC)."""
        holder = self._path.with_name(_HOLDER_NAME)
        try:
            since = datetime.fromtimestamp(holder.stat().st_mtime, UTC)
            return f"another run (process {int(holder.read_bytes())}, since {since:%Y-%m-%d %H:%M:%S} UTC)"
        except (OSError, ValueError):
            return "another run"


class _MachinesLock:
    """The lock of an account among all machines."""

    longest_pause_seconds = 5.0  # a fetch lasts minutes, and a thousand accounts may wait for those of another run

    def __init__(self, shared: FetchLocks, name: str, where: ErrorLocation) -> None:
        self._shared = shared
        self._name = name
        self._where = where

    def try_acquire(self) -> bool:
        with self._name_failures():
            return self._shared.try_acquire(self._name)

    def release(self) -> None:
        self._shared.release(self._name)

    def describe_holder(self) -> str:
        """Return the run that holds the lock, its machine, and since when (UTC) it is connected."""
        with self._name_failures():
            holder = self._shared.describe_holder(self._name)
        return f"another run ({holder})" if holder else "another run"

    @contextmanager
    def _name_failures(self) -> Iterator[None]:
        try:
            yield
        except ConnectionError as error:
            raise NotSent(self._where, str(error).rstrip(".")) from error


def _claim(landing: LandingZone, where: ErrorLocation) -> None:
    """See that a zone which machines share is written under the locks of this process, and no others."""
    try:
        landing.claim()
    except PermissionError as error:
        raise Permanent(where, str(error).rstrip(".")) from error
    except ConnectionError as error:
        raise NotSent(where, str(error).rstrip(".")) from error


def _list_locks(landing: LandingZone, where: ErrorLocation) -> list[_Lock]:
    """Return the locks that together are an account's fetch lock, in the order in which they are taken."""
    path = fetch_lock_path(landing, where.provider, where.account)
    locks: list[_Lock] = [_FolderLock(path)]
    if landing.shared_locks is not None:
        name = f"landing {landing.address} {where.provider}/{where.account}"
        locks.insert(0, _MachinesLock(landing.shared_locks, name, where))
    return locks


@asynccontextmanager
async def _hold(lock: _Lock, where: ErrorLocation, wait_seconds: float) -> AsyncIterator[None]:
    """Hold a lock; log at once and every minute that it waits. Raises AccountBusy after ``wait_seconds``."""
    waited_seconds, pause_seconds = 0.0, 0.0
    while not await _acquire(lock, pause_seconds):
        waited_seconds += pause_seconds
        holder = await asyncio.to_thread(lock.describe_holder)
        if waited_seconds >= wait_seconds:
            problem = f"{holder} is still fetching this account"
            advice = f"wait for it to end, or end it; this run waited {wait_seconds:g} s (lock_wait_seconds)"
            raise AccountBusy(where, problem, advice)
        log.warning(
            "%s: waiting for %s, which is fetching this account; this run gives it up in %.0f s",
            where,
            holder,
            wait_seconds - waited_seconds,
        )
        pause_seconds = min(REMIND_SECONDS, wait_seconds - waited_seconds)
    try:
        yield
    finally:
        # a thread that has begun ends its work, also when this task is cancelled meanwhile
        await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, lock.release))


async def _acquire(lock: _Lock, seconds: float) -> bool:
    """Try to take a lock, again and again for so many seconds. Return whether it was taken."""
    loop = asyncio.get_running_loop()
    deadline, pause_seconds = loop.time() + seconds, _PAUSE_SECONDS
    while not await _try_in_thread(lock):
        rest_seconds = deadline - loop.time()
        if rest_seconds <= 0:
            return False
        await asyncio.sleep(min(pause_seconds, rest_seconds))
        pause_seconds = min(pause_seconds * _PAUSE_GROWTH, lock.longest_pause_seconds)
    return True


async def _try_in_thread(lock: _Lock) -> bool:
    """Try to take a lock, once. When the task is cancelled meanwhile, the lock is released again."""
    attempt = asyncio.get_running_loop().run_in_executor(None, lock.try_acquire)

    def release_if_taken(done: asyncio.Future[bool]) -> None:
        if not done.cancelled() and done.exception() is None and done.result():
            lock.release()

    try:
        return await asyncio.shield(attempt)
    except asyncio.CancelledError:
        attempt.add_done_callback(release_if_taken)
        raise
