"""A ChatCaptain account of the sandbox and its loads, without the rest of the program. For tests only."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from extractors.chatcaptain.account import ChatcaptainAccount
from extractors.clock import Clock
from extractors.errors import ExtractionError
from extractors.landing.batch import Batch
from extractors.landing.zone import LandingZone
from extractors.windows import Window
from sandbox.server import Sandbox
from tests.support.pull_account import pull_account

NAME = "acme-voice"
WINDOW = Window(date(2025, 3, 28), date(2025, 4, 2))


@dataclass
class FakeTime:
    """A clock that moves only by sleeping, without delay."""

    current_time: datetime = datetime(2026, 1, 10, tzinfo=UTC)
    sleeps_seconds: list[float] = field(default_factory=list)

    def as_clock(self) -> Clock:
        return Clock(now=lambda: self.current_time, monotonic=lambda: self.current_time.timestamp(), sleep=self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.sleeps_seconds.append(seconds)
        self.current_time += timedelta(seconds=seconds)
        await asyncio.sleep(0)


def configure_account(sandbox: Sandbox, name: str = NAME, **settings: Any) -> ChatcaptainAccount:
    """Return the configured account of a sandbox account."""
    simulated = sandbox.world.accounts[name]
    values = {
        "name": name,
        "base_url": f"{sandbox.origin}/chatcaptain",
        "chatbot_id": simulated.external_id,
        "api_key": simulated.credential,
        "timezone": simulated.timezone,
        **settings,
    }
    return ChatcaptainAccount.model_validate(values)


def land_streams(
    root: Path, account: ChatcaptainAccount, window: Window = WINDOW, time: FakeTime | None = None
) -> list[ExtractionError]:
    """Fetch and land all enabled streams of a window in one run; return the failures."""
    return pull_account(account, window, root, clock=(time or FakeTime()).as_clock())


def list_batches(root: Path, stream: str, name: str = NAME) -> list[Batch]:
    """Return the landed batches of a stream."""
    return LandingZone(root / "landing").list_batches("chatcaptain", name, stream)


def error_names(errors: Iterable[ExtractionError]) -> list[str]:
    """Return the class names of errors, each once, in order."""
    return sorted({type(error).__name__ for error in errors})
