"""Count the requests of the real command per account, beside the least that the providers' contracts allow.

`python -m benchmarks.requests` runs `chatmart backfill` against the sandbox and prints a Markdown table. The least is
computed in ``tests/conformance/cases`` from the contracts and the sandbox's conversations, independently of the
product's planning.
"""

import os
import platform
import subprocess
import sys
import tempfile
from datetime import date
from importlib.metadata import version
from pathlib import Path

import yaml

from extractors.registry import PROVIDERS
from sandbox.account import SandboxAccount
from sandbox.config import build_config, build_environment
from sandbox.server import Sandbox
from sandbox.shapes import ResponseShapes
from sandbox.world import World
from tests.conformance.cases import get_cases
from tests.support.day_range import DayRange

CHATMART = Path(sys.executable).with_name("chatmart")
SHAPES = ResponseShapes(**{name: value for key in PROVIDERS for name, value in get_cases(key).request_shapes.items()})
RANGES = (
    DayRange(date(2025, 3, 30), date(2025, 3, 30)),
    DayRange(date(2025, 3, 1), date(2025, 3, 31)),
    DayRange(date(2025, 1, 1), date(2025, 12, 31)),
)
_IN_TWO_ZONES = (
    SandboxAccount("chatlayer", "chatlayer", "UTC", {"team_id": "team-1"}),
    SandboxAccount("chatlayer-berlin", "chatlayer", "Europe/Berlin", {"team_id": "team-2"}),
    SandboxAccount("inkeep", "inkeep", "UTC"),
    SandboxAccount("inkeep-berlin", "inkeep", "Europe/Berlin"),
)
"""The accounts of the providers whose least requests depend on the zone."""

ACCOUNTS = tuple(
    account
    for name in PROVIDERS
    for account in [account for account in _IN_TWO_ZONES if account.provider == name]
    or [SandboxAccount(name, name, "Europe/Berlin")]
)


def count_requests(sandbox: Sandbox, account: SandboxAccount, days: DayRange) -> int:
    """Return the number of requests, downloads included, of one back-fill of these days into an empty folder."""
    sandbox.request_log.clear()
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "chatmart.yaml"
        fast = {"rate_limit": {"requests": 100_000, "period_seconds": 1}}
        path.write_text(yaml.safe_dump(build_config(sandbox, [account], defaults=fast)))
        subprocess.run(
            [CHATMART, "--config", path, "backfill", "--from", str(days.first), "--to", str(days.last)],
            env={**os.environ, **build_environment([account])},
            capture_output=True,
            check=True,
        )
    return len(sandbox.requests)


def main() -> int:
    """Print the table; return 1 if the product made more requests than needed, else 0."""
    exceeded = False
    print("| provider | zone | " + " | ".join(f"{len(days)} day{'s' * (len(days) > 1)}" for days in RANGES) + " |")
    print("|---|---|" + "--:|" * len(RANGES))
    with Sandbox(World(7, ACCOUNTS), SHAPES) as sandbox:
        for account in ACCOUNTS:
            cells = []
            for days in RANGES:
                least_count = get_cases(account.provider).least_requests(sandbox.world, account, days)
                request_count = count_requests(sandbox, account, days)
                cells.append(f"{request_count} ({least_count})")
                exceeded = exceeded or request_count > least_count
            print(f"| {account.provider} | {account.timezone} | " + " | ".join(cells) + " |", flush=True)
    names = ("chatmart", "httpx", "duckdb")
    print(f"\nPython {platform.python_version()}, " + ", ".join(f"{name} {version(name)}" for name in names))
    return int(exceeded)


if __name__ == "__main__":
    sys.exit(main())
