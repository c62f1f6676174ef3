"""Count the requests of the real command per account, beside the least that the providers' contracts allow.

`python -m benchmarks.requests` runs `chatmart backfill` against the sandbox and prints a Markdown table. The least is
computed here from the contracts and the sandbox's conversations, independently of the product's planning.
"""

import os
import platform
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from importlib.metadata import version
from pathlib import Path
from zoneinfo import ZoneInfo

import yaml

from sandbox.accounts import SandboxAccount
from sandbox.config import build_config, build_environment
from sandbox.server import Sandbox
from sandbox.shapes import ResponseShapes
from sandbox.world import World

CHATMART = Path(sys.executable).with_name("chatmart")
DAY = timedelta(days=1)
MILLISECOND = timedelta(milliseconds=1)
LONGEST_SERIES = timedelta(hours=31 * 24)
INTENTS_ON_A_PAGE = 100  # the longest page that may be requested
LONG_PAGES = ResponseShapes(chatlayer_page=INTENTS_ON_A_PAGE)


@dataclass(frozen=True)
class DayRange:
    """A range of local days, the last one included."""

    first: date
    last: date

    def __iter__(self) -> Iterator[date]:
        return (self.first + number * DAY for number in range(len(self)))

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def count_months(self) -> int:
        """Return the number of calendar months that the days touch."""
        return len({(day.year, day.month) for day in self})

    def count_series(self, zone: ZoneInfo) -> int:
        """Return the number of ranges of whole days, each at most 31 x 24 hours long, that cover the days."""
        count, start = 1, midnight(self.first, zone)
        for day in self:
            if midnight(day + DAY, zone) - start > LONGEST_SERIES:
                count, start = count + 1, midnight(day, zone)
        return count


LeastRequests = Callable[[World, SandboxAccount, DayRange], int]
RANGES = (
    DayRange(date(2025, 3, 30), date(2025, 3, 30)),
    DayRange(date(2025, 3, 1), date(2025, 3, 31)),
    DayRange(date(2025, 1, 1), date(2025, 12, 31)),
)


def midnight(day: date, zone: ZoneInfo) -> datetime:
    """Return the first instant of a local day, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


def cognigy(_world: World, _account: SandboxAccount, days: DayRange) -> int:
    """Count one request per calendar month."""
    return days.count_months()


def chatdash(_world: World, _account: SandboxAccount, days: DayRange) -> int:
    """Count one request per day, since the bucket of the counts is not published."""
    return len(days)


def chatlayer(world: World, account: SandboxAccount, days: DayRange) -> int:
    """Count the series by the longest range, and per day three insights and the pages of intents: they have no bucket.

    There are four series, and a fifth (users) where local days are UTC days. Team usage is by UTC day everywhere.
    """
    series = (4 + (account.timezone == "UTC")) * days.count_series(account.zone)
    team = days.count_series(ZoneInfo("UTC")) if "team_id" in account.ids else 0
    pages = 0
    for _, items in world.conversations_by_day(account.name, days):
        intents = {name for item in items if item.version == account.version for name in item.intents}
        pages += max(1, -(-len(intents) // INTENTS_ON_A_PAGE))
    return series + team + 3 * len(days) + pages


def chatcaptain(_world: World, account: SandboxAccount, days: DayRange) -> int:
    """Count the channel list, per day an overview, an inbox and a report of each listed channel, per month an export.

    An export is created, polled until it is done, and downloaded.
    """
    listed = sum(channel.listed for channel in account.channels)
    polls = ResponseShapes().export_polls + 1
    return 1 + (2 + listed) * len(days) + (1 + polls + 1) * days.count_months()


def inkeep(world: World, account: SandboxAccount, days: DayRange) -> int:
    """Count the requests for rows, halving a month until a response holds all of them, and those for totals.

    Totals take one request per month, or per day where local days are not UTC days.
    """
    rows = 0
    for month in _split_by_month(days):
        instants = [item.started_at for _, items in world.conversations_by_day(account.name, month) for item in items]
        rows += _count_halves(midnight(month.first, account.zone), midnight(month.last + DAY, account.zone), instants)
    return rows + (days.count_months() if account.timezone == "UTC" else len(days))


def _split_by_month(days: DayRange) -> list[DayRange]:
    months: dict[tuple[int, int], list[date]] = {}
    for day in days:
        months.setdefault((day.year, day.month), []).append(day)
    return [DayRange(dates[0], dates[-1]) for dates in months.values()]


def _count_halves(start: datetime, end: datetime, instants: list[datetime]) -> int:
    if len(instants) <= ResponseShapes().inkeep_page_size:
        return 1
    middle = start + (end - start) // (2 * MILLISECOND) * MILLISECOND
    before, after = [at for at in instants if at < middle], [at for at in instants if at >= middle]
    return 1 + _count_halves(start, middle, before) + _count_halves(middle, end, after)


TEAM = {"team_id": "team-1"}
ACCOUNTS = (
    SandboxAccount("cognigy", "cognigy", "Europe/Berlin"),
    SandboxAccount("chatdash", "chatdash", "Europe/Berlin"),
    SandboxAccount("chatlayer", "chatlayer", "UTC", TEAM),
    SandboxAccount("chatlayer-berlin", "chatlayer", "Europe/Berlin", {"team_id": "team-2"}),
    SandboxAccount("chatcaptain", "chatcaptain", "Europe/Berlin"),
    SandboxAccount("inkeep", "inkeep", "UTC"),
    SandboxAccount("inkeep-berlin", "inkeep", "Europe/Berlin"),
)
LEAST_REQUESTS: dict[str, LeastRequests] = {
    "cognigy": cognigy,
    "chatdash": chatdash,
    "chatlayer": chatlayer,
    "chatcaptain": chatcaptain,
    "inkeep": inkeep,
}


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
    with Sandbox(World(7, ACCOUNTS), LONG_PAGES) as sandbox:
        for account in ACCOUNTS:
            cells = []
            for days in RANGES:
                needed = LEAST_REQUESTS[account.provider](sandbox.world, account, days)
                count = count_requests(sandbox, account, days)
                cells.append(f"{count} ({needed})")
                exceeded = exceeded or count > needed
            print(f"| {account.provider} | {account.timezone} | " + " | ".join(cells) + " |", flush=True)
    names = ("chatmart", "httpx", "duckdb")
    print(f"\nPython {platform.python_version()}, " + ", ".join(f"{name} {version(name)}" for name in names))
    return int(exceeded)


if __name__ == "__main__":
    sys.exit(main())
