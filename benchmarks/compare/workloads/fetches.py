"""1,000 daily requests, and exports of many rows, by every contestant."""

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from functools import partial
from pathlib import Path

from benchmarks.compare.contestants import Chatmart, run_dlt, run_floor, run_singer, write_config
from benchmarks.compare.programs.days import ACCOUNTS, DAYS, FIRST_DAY, REQUESTS
from benchmarks.compare.server import EXPORT_MONTH, LoopbackServer, expected_conversations, run_server, write_csv
from benchmarks.compare.usage import Usage
from benchmarks.compare.workload import FLOOR, Entry, Setting, Values, require_equal

FAST = {"requests": 100_000, "period_seconds": 1, "concurrency": 4}


@contextmanager
def open_requests(setting: Setting) -> Iterator[Mapping[str, Entry]]:
    """Serve the daily requests."""
    with run_server() as server:
        yield {
            **{chatmart.name: partial(_back_fill_days, server, chatmart) for chatmart in setting.chatmarts},
            FLOOR: partial(fetch_as_floor, server, REQUESTS),
            "dlt": lambda folder: _as_values(server, run_dlt("requests", folder, server.origin)),
            "singer": lambda folder: _as_values(server, run_singer(folder, server.origin)),
        }


@contextmanager
def open_export(row_count: int, setting: Setting) -> Iterator[Mapping[str, Entry]]:
    """Serve an export of ``row_count`` rows."""
    with tempfile.TemporaryDirectory() as name:
        csv_path = Path(name) / "export.csv"
        write_csv(csv_path, row_count)
        with run_server(csv_path) as server:
            origin = server.origin
            yield {
                **{
                    chatmart.name: partial(_back_fill_export, server, row_count, chatmart)
                    for chatmart in setting.chatmarts
                },
                FLOOR: lambda folder: _as_values(server, run_floor("export", folder, origin), row_count),
                "dlt": lambda folder: _as_values(server, run_dlt("export", folder, origin), row_count),
            }


def build_daily_account(name: str, origin: str, **more: object) -> dict[str, object]:
    """Return the configuration of an account of one request a day."""
    key = "${BENCH_KEY}"
    return {"name": name, "provider": "chatdash", "project_id": name, "api_key": key, "base_url": origin, **more}


def fetch_as_floor(server: LoopbackServer, request_count: int, folder: Path) -> Values:
    """Make daily requests with the floor program."""
    server.take_request_count()
    done = run_floor("requests", folder, server.origin, request_count)
    return _as_values(server, done, expected_conversations(request_count))


def _back_fill_days(server: LoopbackServer, chatmart: Chatmart, folder: Path) -> Values:
    accounts = [build_daily_account(name, server.origin) for name in ACCOUNTS]
    write_config(folder, accounts, defaults={"start_date": str(FIRST_DAY), "rate_limit": FAST})
    last_day = FIRST_DAY + timedelta(days=DAYS - 1)
    server.take_request_count()
    usage = chatmart.run(folder, "backfill", "--from", str(FIRST_DAY), "--to", str(last_day))
    total = chatmart.query(folder, "SELECT sum(conversations) AS total FROM conversation_daily")
    return _as_values(server, (usage, int(total["total"][0].as_py())))


def load_export(chatmart: Chatmart, origin: str, first: date, last: date, folder: Path) -> Usage:
    """Load the export of the days `first` to `last` in an empty folder, and return its cost."""
    account = {
        "name": "voice",
        "provider": "chatcaptain",
        "chatbot_id": "c1",
        "api_key": "${BENCH_KEY}",
        "streams": ["export"],
        "base_url": origin,
        "download_hosts": ["127.0.0.1"],
        "export_poll_seconds": [0.05, 0.1],
        "privacy": {"key": "${BENCH_PRIVACY_KEY}"},
    }
    write_config(folder, [account], defaults={"start_date": str(first)})
    return chatmart.run(folder, "backfill", "--from", str(first), "--to", str(last))


def _back_fill_export(server: LoopbackServer, row_count: int, chatmart: Chatmart, folder: Path) -> Values:
    server.take_request_count()
    usage = load_export(chatmart, server.origin, EXPORT_MONTH[0], EXPORT_MONTH[1] - timedelta(days=1), folder)
    total = chatmart.query(folder, "SELECT count(*) AS total FROM conversation")
    return _as_values(server, (usage, int(total["total"][0].as_py())), row_count)


def _as_values(server: LoopbackServer, done: tuple[Usage, int], expected: int | None = None) -> Values:
    """Return the values of a run after the check of its conversations (default: those of the daily requests)."""
    usage, loaded = done
    require_equal(loaded, expected_conversations(REQUESTS) if expected is None else expected)
    return {**usage.as_values(), "requests": server.take_request_count()}
