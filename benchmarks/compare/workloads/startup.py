"""The commands that load nothing: `--help` of every command, `status` and `sql`."""

import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from benchmarks.compare.contestants import SECRETS, Chatmart, list_commands, write_config
from benchmarks.compare.server import run_server
from benchmarks.compare.usage import measure, simulate_instructions
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
                entries[f"{chatmart.name} {command} --help"] = partial(run, (command, "--help"), None)
            for arguments in (("status",), ("sql", "select 1")):
                label = f"{chatmart.name} {arguments[0]}" + (f' "{arguments[1]}"' if arguments[1:] else "")
                entries[label] = partial(run, arguments, _Simulation(setting.simulate))
        yield {**entries, FLOOR: partial(_run_floor, _Simulation(setting.simulate))}


class _Simulation:
    """Counts a command's instructions in the first round only: they do not change, and it is slow."""

    def __init__(self, is_due: bool) -> None:
        self._is_due = is_due

    def count(self, command: Sequence[str | Path], environment: Mapping[str, str], folder: Path) -> Values:
        """Return `instructions`, or nothing."""
        if not self._is_due:
            return {}
        self._is_due = False
        instructions = simulate_instructions(command, environment, folder)
        return {} if instructions is None else {"instructions": instructions}


def _load_month(chatmart: Chatmart, folder: Path) -> None:
    folder.mkdir()
    yesterday = datetime.now(UTC).date() - timedelta(days=1)
    first = yesterday - timedelta(days=DAYS - 1)
    with run_server() as server:
        accounts = [build_daily_account(f"p{number}", server.origin) for number in range(1, ACCOUNTS + 1)]
        write_config(folder, accounts, defaults={"start_date": str(first), "rate_limit": FAST})
        chatmart.run(folder, "backfill", "--from", str(first), "--to", str(yesterday))


def _run(
    chatmart: Chatmart, prepared: Path, arguments: tuple[str, ...], simulation: _Simulation | None, folder: Path
) -> Values:
    shutil.copytree(prepared, folder, dirs_exist_ok=True)
    values = chatmart.run(folder, *arguments).as_values()
    if simulation is None:
        return values
    environment = {**chatmart.environment, **SECRETS}
    return {**values, **simulation.count(chatmart.build_command(folder, *arguments), environment, folder)}


def _run_floor(simulation: _Simulation, folder: Path) -> Values:
    """Start the interpreter and the engine."""
    command = [sys.executable, "-c", FLOOR_PROGRAM]
    return {**measure(command, {}, folder).as_values(), **simulation.count(command, {}, folder)}
