"""The commands that load nothing: `--help` of every command, `status` and `sql`."""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from benchmarks.compare.contestants import Chatmart, list_commands, write_config
from benchmarks.compare.server import run_server
from benchmarks.compare.usage import measure
from benchmarks.compare.workload import FLOOR, Entry, Setting, Values
from benchmarks.compare.workloads.fetches import FAST, build_daily_account

ACCOUNTS = 7
DAYS = 31
FLOOR_PROGRAM = "import duckdb; duckdb.connect().execute('SELECT 1').fetchall()"


@contextmanager
def open_startup(setting: Setting) -> Iterator[Mapping[str, Entry]]:
    """Load a month of seven accounts with each chatmart."""
    with tempfile.TemporaryDirectory() as name:
        entries: dict[str, Entry] = {}
        for chatmart in setting.chatmarts:
            prepared = Path(name) / chatmart.name
            _load_month(chatmart, prepared)
            run = partial(_run, chatmart, prepared)
            for command in list_commands(chatmart):
                entries[f"{chatmart.name} {command} --help"] = partial(run, (command, "--help"))
            entries[f"{chatmart.name} status"] = partial(run, ("status",))
            entries[f'{chatmart.name} sql "select 1"'] = partial(run, ("sql", "select 1"))
        yield {**entries, FLOOR: _run_floor}


def _load_month(chatmart: Chatmart, folder: Path) -> None:
    folder.mkdir()
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    first = yesterday - timedelta(days=DAYS - 1)
    with run_server() as server:
        accounts = [build_daily_account(f"p{number}", server.origin) for number in range(1, ACCOUNTS + 1)]
        write_config(folder, accounts, defaults={"start_date": str(first), "rate_limit": FAST})
        chatmart.run(folder, "backfill", "--from", str(first), "--to", str(yesterday))


def _run(chatmart: Chatmart, prepared: Path, arguments: tuple[str, ...], folder: Path) -> Values:
    shutil.copytree(prepared, folder, dirs_exist_ok=True)
    return chatmart.run(folder, *arguments).as_values()


def _run_floor(folder: Path) -> Values:
    """Start the interpreter and the engine."""
    return measure([sys.executable, "-c", FLOOR_PROGRAM], {}, folder).as_values()
