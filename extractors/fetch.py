"""Fetching: one batch of one stream, or many batches of one account at once. The caller decides what is fetched.

No request is built here (``extractors.<provider>``), and no file is written here (``extractors.landing``).
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import TypeVar
from zoneinfo import ZoneInfo

from extractors.account import A
from extractors.errors import ExtractionError, Permanent, ShapeError
from extractors.http.session import Session
from extractors.instants import is_credible
from extractors.landing.batch import Batch, BatchKey
from extractors.landing.zone import LandingZone
from extractors.provider import Stream
from extractors.windows import Window

T = TypeVar("T")


async def fetch_batch(landing: LandingZone, session: Session[A], name: str, stream: Stream[A], window: Window) -> Batch:
    """Fetch one window of the stream called ``name`` and land it as one batch.

    Raises the errors of ``extractors.errors``. When a response proves unreadable while its pages or parts are being
    followed, the responses so far are landed as an incomplete batch and the ShapeError is raised again. The same is
    done with a response that its provider dates before the end of a window that has ended by this machine's clock.
    """
    account = session.account
    key = BatchKey(
        provider=account.provider,
        account=account.name,
        stream=name,
        external_id=account.external_id,
        zone=account.timezone,
        window=window,
        enabled_streams=account.enabled_streams,
        run_started_at=session.started_at,
    )
    started = session.clock.now()
    with landing.open_writer(key, session.clock) as writer:
        try:
            if window.is_skipped(account.zone):  # such as 2011-12-30 in Samoa: a range without an instant is no range
                writer.mark_empty()
                remarks = None
            else:
                remarks = await stream.fetch(session, window, writer)
        except ShapeError as error:
            if not writer.is_empty:
                error.mark_landed()
                writer.finish(started, landed_at=session.clock.now(), complete=False, remarks={"error": str(error)})
            raise
        answered_at = writer.answered_at
        if answered_at is not None and not is_credible(started, answered_at):
            writer.set_data_time(answered_at)
        unended = _unended_window_error(key, answered_at, started, account.zone)
        if unended is not None:
            writer.finish(started, landed_at=session.clock.now(), complete=False, remarks={"error": str(unended)})
            raise unended
        return writer.finish(started, landed_at=session.clock.now(), remarks=remarks)


def _unended_window_error(
    key: BatchKey, answered_at: datetime | None, started_at: datetime, zone: ZoneInfo
) -> Permanent | None:
    """Return the error of a response made before its last day had ended, although this machine's clock says it had."""
    end = key.window.end_instant(zone)
    if answered_at is None or started_at < end or is_credible(end, answered_at):
        return None
    return Permanent(
        key.where,
        f"the response is of {answered_at:%Y-%m-%d %H:%M} UTC by its Date header, before {max(key.window.days())} had "
        f"ended in {key.zone}; this machine's clock said {started_at:%Y-%m-%d %H:%M} UTC",
        "set the machine's clock, or see that no cache stands before the provider; then run the same command again",
    )


async def fetch_batches(
    landing: LandingZone,
    session: Session[A],
    wanted: Iterable[tuple[str, Stream[A], Window]],
    on_batch: Callable[[Batch], None] = lambda _batch: None,
) -> list[ExtractionError]:
    """Land many windows of one account at once, within its limits; return the failures in the order of ``wanted``.

    One failure does not cancel the other fetches, except that a refused credential refuses all that are not sent yet.
    Any other exception cancels them and is raised after they have ended.
    """

    async def fetch_one(position: int, name: str, stream: Stream[A], window: Window) -> ExtractionError | None:
        if position:
            # the first batch must send the first request, also where its stream sends it from a task of its own, as an
            # export does
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        try:
            on_batch(await fetch_batch(landing, session, name, stream, window))
        except ExtractionError as error:
            return error
        return None

    fetches = [fetch_one(position, *item) for position, item in enumerate(wanted)]
    # all fetches have ended when one raises: none may write after the account's lock is free
    outcomes = await gather_or_cancel([asyncio.ensure_future(fetch) for fetch in fetches])
    return [outcome for outcome in outcomes if outcome is not None]


async def gather_or_cancel(tasks: Sequence[asyncio.Future[T]]) -> list[T]:
    """Wait for all tasks and return their results in order.

    When one raises, or the waiting is cancelled, the others are cancelled and awaited first. The error is raised as
    it is: ``asyncio.TaskGroup`` would wrap it.
    """
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
