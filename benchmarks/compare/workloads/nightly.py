"""Daily loads of many accounts: a nightly one after three days of history, and the same day loaded again."""

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from benchmarks.compare.contestants import Chatmart, write_config
from benchmarks.compare.server import LoopbackServer, run_server
from benchmarks.compare.workload import FLOOR, Entry, Setting, Values
from benchmarks.compare.workloads.fetches import FAST, build_daily_account, fetch_as_floor

HISTORY_DAYS = 3
REQUESTS_PER_ACCOUNT = 4
"""Yesterday and the look-back of three days."""


@contextmanager
def open_nightly(account_count: int, setting: Setting) -> Iterator[Mapping[str, Entry]]:
    """Prepare the history of each chatmart."""
    with run_server() as server, tempfile.TemporaryDirectory() as name:
        for chatmart in setting.chatmarts:
            _load_history(server, chatmart, account_count, Path(name) / chatmart.name)
        yield {
            **{
                chatmart.name: partial(_load, server, chatmart, account_count, Path(name) / chatmart.name)
                for chatmart in setting.chatmarts
            },
            FLOOR: partial(fetch_as_floor, server, account_count * REQUESTS_PER_ACCOUNT),
        }


@contextmanager
def open_again(account_count: int, setting: Setting) -> Iterator[Mapping[str, Entry]]:
    """Load yesterday of each account with each chatmart, so that the measured load finds it loaded."""
    with run_server() as server, tempfile.TemporaryDirectory() as name:
        for chatmart in setting.chatmarts:
            folder = Path(name) / chatmart.name
            folder.mkdir()
            yesterday = datetime.now(UTC).date() - timedelta(days=1)
            accounts = [
                build_daily_account(f"p{number}", server.origin, lookback_days=0)
                for number in range(1, account_count + 1)
            ]
            write_config(folder, accounts, defaults={"start_date": str(yesterday), "rate_limit": FAST})
            chatmart.run(folder, "load")
        yield {
            **{
                chatmart.name: partial(_load, server, chatmart, account_count, Path(name) / chatmart.name)
                for chatmart in setting.chatmarts
            },
            FLOOR: partial(fetch_as_floor, server, account_count),
        }


def _load_history(server: LoopbackServer, chatmart: Chatmart, account_count: int, folder: Path) -> None:
    """Back-fill the days of the look-back, but yesterday."""
    folder.mkdir()
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    first = yesterday - timedelta(days=HISTORY_DAYS)
    accounts = [build_daily_account(f"p{number}", server.origin) for number in range(1, account_count + 1)]
    write_config(folder, accounts, defaults={"start_date": str(first), "rate_limit": FAST})
    chatmart.run(folder, "backfill", "--from", str(first), "--to", str(yesterday - timedelta(days=1)))


def _load(server: LoopbackServer, chatmart: Chatmart, account_count: int, prepared: Path, folder: Path) -> Values:
    """Load a copy of what is prepared."""
    shutil.copytree(prepared, folder, dirs_exist_ok=True)
    server.take_request_count()
    usage = chatmart.run(folder, "load")
    requests = server.take_request_count()
    return {**usage.as_values(), "requests": requests, "accounts": account_count}
