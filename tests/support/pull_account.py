"""Fetches an account's streams over HTTP into a landing zone of a test, as a run does, but without waiting."""

import asyncio
from collections.abc import Iterable
from pathlib import Path

from extractors.account import Account
from extractors.clock import Clock
from extractors.errors import ExtractionError
from extractors.fetch import fetch_batches
from extractors.http.client import Client
from extractors.landing.zone import LandingZone
from extractors.registry import get_provider
from extractors.windows import Window


async def _skip_wait(_seconds: float) -> None:
    await asyncio.sleep(0)


NO_WAIT_CLOCK = Clock(sleep=_skip_wait)
"""The system time, with waits that end at once."""


def pull_account(
    account: Account, window: Window, root: Path, streams: Iterable[str] | None = None, clock: Clock = NO_WAIT_CLOCK
) -> list[ExtractionError]:
    """Land the account's streams for a window under ``root/landing``; return the failures."""
    provider = get_provider(account.provider)
    wanted = [
        (name, provider.streams[name], part)
        for name in (account.enabled_streams if streams is None else streams)
        for part in provider.streams[name].windows(account, window)
    ]

    async def run() -> list[ExtractionError]:
        landing = LandingZone(root / "landing")
        async with Client(clock=clock) as client:
            with landing.open_log(account.provider, account.name):
                return await fetch_batches(landing, client.open_session(account, provider.limits), wanted)

    return asyncio.run(run())
