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
from tests.support.pull_account import pull

NAME = "acme-voice"
DAYS = Window(date(2025, 3, 28), date(2025, 4, 2))


@dataclass
class FakeTime:
    """A clock that only moves when somebody waits."""

    at: datetime = datetime(2026, 1, 10, tzinfo=UTC)
    waits: list[float] = field(default_factory=list)

    def clock(self) -> Clock:
        return Clock(now=lambda: self.at, monotonic=lambda: self.at.timestamp(), sleep=self.sleep)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.at += timedelta(seconds=seconds)
        await asyncio.sleep(0)


def account_in(sandbox: Sandbox, name: str = NAME, **settings: Any) -> ChatcaptainAccount:
    """The configured counterpart of a sandbox account."""
    there = sandbox.world.accounts[name]
    told = {
        "name": name,
        "base_url": f"{sandbox.origin}/chatcaptain",
        "chatbot_id": there.external_id,
        "api_key": there.credential,
        "timezone": there.timezone,
        **settings,
    }
    return ChatcaptainAccount.model_validate(told)


def load(
    root: Path, account: ChatcaptainAccount, window: Window = DAYS, time: FakeTime | None = None
) -> list[ExtractionError]:
    """Fetch and land all pulled streams of a window in one run; returns what failed."""
    return pull(account, window, root, clock=(time or FakeTime()).clock())


def batches(root: Path, stream: str, name: str = NAME) -> list[Batch]:
    """The landed batches of a stream."""
    return LandingZone(root / "landing").batches("chatcaptain", name, stream)


def kinds(errors: Iterable[ExtractionError]) -> list[str]:
    """The names of errors, each once."""
    return sorted({type(error).__name__ for error in errors})
