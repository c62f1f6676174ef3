"""What loads cost at the limits that people reach, beside a tenth of each: seconds, CPU seconds, peak memory, growth.

`python -m benchmarks.limits` prints a Markdown table. A growth of 10 is linear; a larger one is a step that costs more
the more there is. Sizes are made smaller by `--scale`.
"""

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from benchmarks.compare.contestants import Chatmart, find_own_chatmart, write_config
from benchmarks.compare.server import EXPORT_MONTH, build_analytics, run_server, write_csv
from benchmarks.compare.usage import Usage
from benchmarks.compare.workload import require_equal
from benchmarks.compare.workloads.fetches import FAST, build_daily_account, load_export
from sandbox.recorder import Fault
from sandbox.server import Sandbox

DAY = date(2025, 3, 3)
ONE_DAY = ("backfill", "--from", str(DAY), "--to", str(DAY))


@dataclass(frozen=True)
class Limit:
    """A size that people reach, and the measurement of a load of any size. It raises when a load is not right."""

    name: str
    size: int
    measure: Callable[[Chatmart, int, Path], Usage]


def load_accounts_again(chatmart: Chatmart, count: int, folder: Path) -> Usage:
    """Load a day of many accounts, and measure the same load again: the books of all of them are read and written."""
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    with run_server() as server:
        _write_daily_accounts(folder, server.origin, count, yesterday, lookback_days=0)
        chatmart.run(folder, "load")
        usage = chatmart.run(folder, "load")
    _require_total(chatmart, folder, "SELECT count(*) AS total FROM conversation_daily", count)
    return usage


def plan_accounts(chatmart: Chatmart, count: int, folder: Path) -> Usage:
    """Plan a year of many accounts, of which nothing is loaded."""
    _write_daily_accounts(folder, "http://127.0.0.1:9", count, DAY)
    last = DAY + timedelta(days=364)
    return chatmart.run(folder, "backfill", "--from", str(DAY), "--to", str(last), "--dry-run")


def load_history(chatmart: Chatmart, days: int, folder: Path) -> Usage:
    """Back-fill many days of one account, one request a day."""
    first = date(2015, 1, 1)
    with run_server() as server:
        _write_daily_accounts(folder, server.origin, 1, first)
        usage = chatmart.run(folder, "backfill", "--from", str(first), "--to", str(first + timedelta(days=days - 1)))
    _require_total(chatmart, folder, "SELECT count(*) AS total FROM conversation_daily", days)
    return usage


def load_rows(chatmart: Chatmart, rows: int, folder: Path) -> Usage:
    """Load an export of many rows."""
    csv_path = folder / "export.csv"
    write_csv(csv_path, rows)
    usage = _load_csv(chatmart, folder, csv_path, EXPORT_MONTH[0], EXPORT_MONTH[1] - timedelta(days=1))
    _require_total(chatmart, folder, "SELECT count(*) AS total FROM conversation", rows)
    return usage


def load_cell(chatmart: Chatmart, intents: int, folder: Path) -> Usage:
    """Load an export whose one conversation names many intents."""
    csv_path = folder / "export.csv"
    names = "|".join(f"intent {number}" for number in range(intents))
    csv_path.write_text(f'conversationId,startedAt,intents\nc1,{DAY}T10:00:00Z,"{names}"\n')
    usage = _load_csv(chatmart, folder, csv_path, DAY, DAY)
    _require_total(chatmart, folder, "SELECT count(*) AS total FROM conversation_intent", intents)
    return usage


def load_intents(chatmart: Chatmart, intents: int, folder: Path) -> Usage:
    """Load a day of an account that names many intents."""
    body = json.loads(build_analytics("p1", DAY))
    body["topIntents"] = [{"name": f"intent {number}", "count": 1} for number in range(intents)]
    with Sandbox() as sandbox:
        sandbox.plan_faults(Fault(path="/analytics/query", status=200, body=json.dumps(body), times=100))
        _write_daily_accounts(folder, sandbox.base_url("chatdash"), 1, DAY)
        usage = chatmart.run(folder, *ONE_DAY)
    _require_total(chatmart, folder, "SELECT count(*) AS total FROM intent_daily", intents)
    return usage


def load_channels(chatmart: Chatmart, channels: int, folder: Path) -> Usage:
    """Load a day of an account that names many channels."""
    split = [{"channel": f"channel {number}", "conversations": 1} for number in range(channels)]
    item = {"day": DAY.day, "month": DAY.month, "year": DAY.year, "conversations": channels, "perChannel": split}
    with Sandbox() as sandbox:
        sandbox.plan_faults(
            Fault(path="/conversationcounter", status=200, body=json.dumps({"items": [item]}), times=100)
        )
        account = {
            "name": "support",
            "provider": "cognigy",
            "project_id": "0" * 24,
            "api_key": "${BENCH_KEY}",
            "base_url": sandbox.base_url("cognigy"),
            "streams": ["conversation_counter"],
        }
        write_config(folder, [account], defaults={"start_date": str(DAY)})
        usage = chatmart.run(folder, *ONE_DAY)
    _require_total(chatmart, folder, "SELECT count(*) AS total FROM channel_daily", channels)
    return usage


LIMITS = (
    Limit("accounts in one configuration, a day loaded again", 2_000, load_accounts_again),
    Limit("accounts in one configuration, a year planned", 10_000, plan_accounts),
    Limit("days of one account (ten years)", 3_650, load_history),
    Limit("rows of an export", 10_000_000, load_rows),
    Limit("intents in one cell of an export", 100_000, load_cell),
    Limit("intents of one day", 1_000_000, load_intents),
    Limit("channels of one day", 5_000, load_channels),
)


def _write_daily_accounts(folder: Path, origin: str, count: int, first: date, **more: object) -> None:
    accounts = [build_daily_account(f"p{number}", origin, **more) for number in range(1, count + 1)]
    write_config(folder, accounts, defaults={"start_date": str(first), "rate_limit": FAST})


def _load_csv(chatmart: Chatmart, folder: Path, csv_path: Path, first: date, last: date) -> Usage:
    with run_server(csv_path) as server:
        return load_export(chatmart, server.origin, first, last, folder)


def _require_total(chatmart: Chatmart, folder: Path, query: str, expected: int) -> None:
    require_equal(int(chatmart.query(folder, query)["total"][0].as_py()), expected)


def iterate_rows(limits: tuple[Limit, ...], scale: float) -> Iterator[str]:
    """Yield a line of the table for each limit, as soon as it is measured."""
    chatmart = find_own_chatmart()
    for limit in limits:
        size = max(10, round(limit.size * scale))
        with _open_folders() as (small_folder, folder):
            small = limit.measure(chatmart, size // 10, small_folder)
            large = limit.measure(chatmart, size, folder)
        growths = (large.cpu_seconds / small.cpu_seconds, large.peak_megabytes / small.peak_megabytes)
        yield (
            f"| {limit.name} | {size:,} | {large.wall_seconds:.1f} | {large.cpu_seconds:.1f} | {growths[0]:.1f} "
            f"| {large.peak_megabytes:.0f} | {growths[1]:.1f} |"
        )


@contextmanager
def _open_folders() -> Iterator[tuple[Path, Path]]:
    with tempfile.TemporaryDirectory() as name:
        folders = Path(name, "tenth"), Path(name, "whole")
        for folder in folders:
            folder.mkdir()
        yield folders


def main() -> None:
    """Measure each limit and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", type=float, default=1.0, help="share of each size")
    parser.add_argument("--only", default="", help="only limits with this in their name")
    options = parser.parse_args()
    limits = tuple(limit for limit in LIMITS if options.only in limit.name)
    print("| limit | size | wall s | CPU s | × that of a tenth | peak MB | × that of a tenth |")
    print("|---|--:|--:|--:|--:|--:|--:|")
    for row in iterate_rows(limits, options.scale):
        print(row, flush=True)


if __name__ == "__main__":
    main()
