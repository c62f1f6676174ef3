"""An account that talks to a scripted server through the real client. No expectations."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from extractors.cognigy.provider import CognigyAccount
from extractors.http.limits import Limits
from extractors.http.messages import Answer
from extractors.http.session import Client, Session, Wire
from tests.support.clock import FakeClock
from tests.support.scripted_server import raw

KEY = "fake-key-of-these-tests"
LIMITS = Limits(requests=None, period_seconds=1, concurrency=4)
OK = raw(b'{"ok": true}')
WIRE = Wire()


def account(origin: str, name: str = "acme", **settings: Any) -> CognigyAccount:
    return CognigyAccount.model_validate(
        {"name": name, "base_url": f"{origin}/base", "project_id": "5" * 24, "api_key": KEY, **settings}
    )


def talk(
    origin: str,
    clock: FakeClock,
    conversation: Callable[[Session], Awaitable[Any]],
    *,
    limits: Limits = LIMITS,
    how: Wire = WIRE,
    **settings: Any,
) -> tuple[Any, Client]:
    async def run() -> tuple[Any, Client]:
        async with Client(how, clock) as client:
            return await conversation(client.session(account(origin, **settings), limits)), client

    return asyncio.run(run())


def get(session: Session, path: str = "/thing", **more: Any) -> Awaitable[Answer]:
    return session.ask("stream", "GET", path, **more)


async def each(session: Session, count: int) -> list[Answer | BaseException]:
    return await asyncio.gather(*(get(session, f"/{number}") for number in range(count)), return_exceptions=True)
