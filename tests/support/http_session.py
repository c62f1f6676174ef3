"""An account whose requests go to a scripted server through the real client. No expectations."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

from extractors.cognigy.account import CognigyAccount
from extractors.exports.download import download_file
from extractors.exports.hosts import AllowedHosts
from extractors.http.client import Client
from extractors.http.limits import RequestLimits
from extractors.http.messages import Response
from extractors.http.session import Session
from extractors.http.settings import HttpSettings
from tests.support.clock import FakeClock
from tests.support.scripted_server import raw_response

API_KEY = "fake-key-of-these-tests"
LIMITS = RequestLimits(requests=None, period_seconds=1, concurrency=4)
OK_RESPONSE = raw_response(b'{"ok": true}')
HTTP_SETTINGS = HttpSettings()


def build_account(origin: str, name: str = "acme", **settings: Any) -> CognigyAccount:
    return CognigyAccount.model_validate(
        {"name": name, "base_url": f"{origin}/base", "project_id": "5" * 24, "api_key": API_KEY, **settings}
    )


def run_session(
    origin: str,
    clock: FakeClock,
    use_session: Callable[[Session], Awaitable[Any]],
    *,
    limits: RequestLimits = LIMITS,
    http_settings: HttpSettings = HTTP_SETTINGS,
    **settings: Any,
) -> tuple[Any, Client]:
    async def run() -> tuple[Any, Client]:
        async with Client(http_settings, clock) as client:
            return await use_session(client.open_session(build_account(origin, **settings), limits)), client

    return asyncio.run(run())


def get_thing(session: Session, path: str = "/thing", **options: Any) -> Awaitable[Response]:
    return session.request("stream", "GET", path, **options)


async def get_many(session: Session, count: int) -> list[Response | BaseException]:
    return await asyncio.gather(*(get_thing(session, f"/{number}") for number in range(count)), return_exceptions=True)


class MemorySink:
    """The receiver of a downloaded file, in memory."""

    def __init__(self) -> None:
        self.content = b""

    def begin_body(self) -> None:
        self.content = b""

    def write(self, piece: bytes) -> None:
        self.content += piece


async def download_thing(session: Session, link: str) -> bytes:
    """Download a file from this machine and return its content."""
    sink = MemorySink()
    await download_file(session, "export", link, AllowedHosts(frozenset({"127.0.0.1"}), plain_http=True), sink)
    return sink.content
