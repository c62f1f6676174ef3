"""Fetching: one batch of one stream, and many of them for one account. What to fetch is decided by the caller.

A fetch lock per account, held across processes, lets a second run use what the first one landed.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

from filelock import AsyncFileLock, Timeout

from extractors.account import Account
from extractors.errors import AccountBusy, ErrorLocation, ExtractionError, ShapeError
from extractors.http.session import Session
from extractors.landing.batch import Batch, BatchKey
from extractors.landing.zone import LandingZone
from extractors.registry import Stream
from extractors.windows import Window

T = TypeVar("T")

LOCK_TIMEOUT_SECONDS = 3600


async def fetch_batch(landing: LandingZone, session: Session, name: str, stream: Stream, window: Window) -> Batch:
    """Fetch one window of a stream and land it as one batch.

    When an answer turns out to be unreadable while it is being followed (pages, parts), what came is landed as
    incomplete and the ShapeError is raised again.
    """
    account = session.account
    whose = (account.provider, account.name, name, account.external_id, account.timezone)
    key = BatchKey(*whose, window, account.enabled_streams, session.started_at)
    started = session.clock.now()
    with landing.open_writer(key) as writer:
        try:
            facts = await stream.fetch(session, window, writer)
        except ShapeError as error:
            if not writer.is_empty:
                writer.finish(started, landed_at=session.clock.now(), complete=False, remarks={"error": str(error)})
            raise
        return writer.finish(started, landed_at=session.clock.now(), remarks=facts)


async def fetch_batches(
    landing: LandingZone,
    session: Session,
    wanted: Iterable[tuple[str, Stream, Window]],
    on_batch: Callable[[Batch], None] = lambda _batch: None,
) -> list[ExtractionError]:
    """Land many windows of one account at once, within its limits; return what failed, in the order of ``wanted``.

    One failure does not cancel the others, except that a refused credential refuses all that have not left yet. An
    error that nobody foresaw does, and is raised once they have ended.
    """

    async def one(number: int, name: str, stream: Stream, window: Window) -> ExtractionError | None:
        if number:  # the first to be wanted asks first, also where it asks from a task of its own, as an export does
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        try:
            on_batch(await fetch_batch(landing, session, name, stream, window))
        except ExtractionError as error:
            return error
        return None

    # all have ended when one raises: nobody writes once the account's lock is free
    outcomes = await gather_or_cancel([asyncio.ensure_future(one(number, *each)) for number, each in enumerate(wanted)])
    return [outcome for outcome in outcomes if outcome is not None]


async def gather_or_cancel(tasks: Sequence[asyncio.Future[T]]) -> list[T]:
    """Wait for all; when one raises, or the waiting is cancelled, the others are cancelled and have ended before.

    The error is raised as it is: ``asyncio.TaskGroup`` would wrap it.
    """
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def fetch_lock_path(landing: LandingZone, provider: str, account: str) -> Path:
    """The file of an account's fetch lock, in the folder of all its streams."""
    return landing.account_folder(provider, account) / ".fetch.lock"


@asynccontextmanager
async def hold_fetch_lock(landing: LandingZone, account: Account) -> AsyncIterator[None]:
    """Hold an account's fetch lock; AccountBusy when another run keeps it for an hour.

    Whoever holds it writes alone, so that files in the making are a killed run's: they are removed first.
    """
    place = fetch_lock_path(landing, account.provider, account.name)
    folder = place.parent
    landing.make_folder(folder)
    lock = AsyncFileLock(place, timeout=LOCK_TIMEOUT_SECONDS, mode=0o600)
    try:
        async with lock:
            for orphan in folder.rglob("*.part"):
                orphan.unlink()
            yield
    except Timeout as error:
        where = ErrorLocation(account.provider, account.name)
        raise AccountBusy(where, "another run is still fetching this account", "wait for it to end") from error
