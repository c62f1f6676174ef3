"""Running sandboxes and a small client that sends each provider's credential. No expectations."""

import base64
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import pytest

from sandbox.account import SandboxAccount
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.server import Sandbox
from sandbox.world import World

NOON = datetime(2025, 12, 31, 12, tzinfo=UTC)
EXTRA = (
    SandboxAccount("kolkata-support", "cognigy", "Asia/Kolkata"),
    SandboxAccount("berlin-bot", "chatlayer", "Europe/Berlin", {"team_id": "t1"}),
    SandboxAccount("utc-bot", "chatlayer", "UTC", {"team_id": "t1"}),
    SandboxAccount("burst-docs", "inkeep", "UTC", burst_size=130),
    SandboxAccount(
        "odd-sales",
        "chatdash",
        "Asia/Kolkata",
        absent_metrics=frozenset({"tokens"}),
        refused_metrics=frozenset({"uniqueIps"}),
    ),
)


class SandboxClient:
    """Sends requests to a running sandbox as an account."""

    def __init__(self, sandbox: Sandbox, http: httpx.Client) -> None:
        self.sandbox, self.http = sandbox, http

    def build_headers(self, account: SandboxAccount) -> dict[str, str]:
        key = account.credential
        return {
            "cognigy": {"X-API-Key": key, "Accept": "application/json"},
            "chatdash": {"Authorization": key},
            "chatlayer": {"Authorization": f"Basic {base64.b64encode(key.encode()).decode()}"},
            "chatcaptain": {"x-chatcaptain-key": key},
            "inkeep": {"Authorization": f"Bearer {key}"},
        }[account.provider]

    def request(
        self, name: str, path: str, params: dict[str, Any] | None = None, json: Any = None, method: str | None = None
    ) -> httpx.Response:
        account = self.sandbox.world.accounts[name]
        url = self.sandbox.base_url(account.provider) + path.format(id=account.external_id)
        method = method or ("POST" if json is not None else "GET")
        return self.http.request(method, url, params=params, json=json, headers=self.build_headers(account))


def compute_local_day_range(day: date, zone: str, days: int = 1) -> tuple[datetime, datetime]:
    """Return the half-open range of local days, in UTC. Independent of the sandbox's own function."""
    start = datetime.combine(day, time(), ZoneInfo(zone)).astimezone(UTC)
    return start, datetime.combine(day + timedelta(days=days), time(), ZoneInfo(zone)).astimezone(UTC)


def format_instant(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@pytest.fixture(scope="session")
def shared_client() -> Iterator[SandboxClient]:
    """A client of one sandbox with default shapes, for tests that change nothing."""
    world = World(11, (*SAMPLE_ACCOUNTS, *EXTRA), clock=lambda: NOON)
    with Sandbox(world) as sandbox, httpx.Client(verify=False) as http:
        yield SandboxClient(sandbox, http)


@pytest.fixture
def own_client() -> Iterator[SandboxClient]:
    """A client of a sandbox of the test's own, whose shapes, days and faults it may change."""
    world = World(11, (*SAMPLE_ACCOUNTS, *EXTRA), clock=lambda: NOON)
    with Sandbox(world) as sandbox, httpx.Client(verify=False) as http:
        yield SandboxClient(sandbox, http)


@pytest.fixture
def range_helpers() -> Any:
    """`compute_local_day_range` and `format_instant`, for tests that request local days."""
    return compute_local_day_range, format_instant
