"""The commands that are recorded: two back-fills with publication, the second over days of the first, then `maintain`.

They run as programs, beside the sandbox of this process. What they may leave after a cut is judged in `judge`.
"""

import sys
from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

from sandbox.account import SandboxAccount
from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.server import Sandbox
from tests.power_cut.disk import Operation
from tests.power_cut.recording import CallRecorder
from tests.power_cut.trace import read_calls, record_calls
from tests.support.installation import CHATMART, Installation, days_from

STORES = {"duckdb": "duckdb://data/warehouse.duckdb", "parquet": "parquet://data/lake"}
FIRST_DAYS = days_from(date(2025, 2, 27), 2)
ALL_DAYS = days_from(date(2025, 2, 27), 3)
ACCOUNTS = tuple(account for account in SAMPLE_ACCOUNTS if account.name in ("acme-support", "acme-voice", "acme-docs"))
_EARLY_RETRIES = {
    account.name: {"export_retry_minutes": 0.01} for account in ACCOUNTS if account.provider == "chatcaptain"
}
_DAYS_TO_MAINTENANCE = 40  # a month has passed: segments are merged, and what was replaced is deleted


class CutInstallation(Installation):
    """The configuration of all states: replaced responses are deleted after a day."""

    def configure(self, **extra: Any) -> None:
        super().configure(retention={"landing_days": 1}, **extra)

    def for_accounts(self, accounts: Sequence[SandboxAccount]) -> "CutInstallation":
        """Return this installation as one of some accounts, for comparisons; its configuration stays."""
        view = copy(self)
        view.accounts = accounts
        return view

    def with_warehouse(self, url: str) -> "CutInstallation":
        """Return the installation with another warehouse; the configuration is written anew."""
        return replace(self, warehouse_url=url)


@dataclass(frozen=True)
class RecordedCommand:
    """A command: its name, the days that are loaded when it has ended, and its first and last operation's numbers."""

    name: str
    loaded_days: tuple[date, ...]
    first: int
    end: int


@dataclass(frozen=True)
class Recording:
    """All operations of the commands, beginning with a folder that holds the configuration."""

    recorder: CallRecorder
    commands: tuple[RecordedCommand, ...]

    @property
    def operations(self) -> list[Operation]:
        """The operations in order."""
        return self.recorder.operations

    def list_ends(self) -> list[int]:
        """Return the places at which the commands have just ended."""
        return [command.end for command in self.commands]

    def find_command(self, place: int) -> RecordedCommand:
        """Return the command that the operation `place` belongs to, the last one after the end."""
        return next((command for command in self.commands if place < command.end), self.commands[-1])

    def list_loaded_days(self, place: int) -> tuple[date, ...]:
        """Return the days that commands which had ended before the operation `place` have loaded."""
        ended = [command.loaded_days for command in self.commands if command.end <= place]
        return max(ended, key=len, default=())


def open_installation(folder: Path, sandbox: Sandbox, store: str) -> CutInstallation:
    """Return the installation in a folder; its configuration is written."""
    return CutInstallation(folder, sandbox, ACCOUNTS, _EARLY_RETRIES, warehouse_url=STORES[store])


def record_workload(folder: Path, sandbox: Sandbox, store: str) -> Recording:
    """Run and record the commands in an empty folder. Raises ValueError when one fails or the record is not right."""
    product = open_installation(folder, sandbox, store)
    recorder = CallRecorder(folder)
    recorder.put_first_files()
    source_folder = Path(__file__).parents[2]
    environment = {**product.environment, "PYTHONPATH": str(source_folder)}
    later = [sys.executable, "-m", "tests.power_cut.later_command", str(_DAYS_TO_MAINTENANCE)]
    plan = (
        ("backfill", FIRST_DAYS, [str(CHATMART), *backfill_arguments(FIRST_DAYS)]),
        ("backfill again", ALL_DAYS, [str(CHATMART), *backfill_arguments(ALL_DAYS), "--refetch"]),
        ("maintain", ALL_DAYS, [*later, "maintain"]),
    )
    commands = []
    for name, days, command in plan:
        first, trace = len(recorder.operations), folder.with_name(f"{folder.name}.trace")
        exit_code = record_calls(command, environment, folder, trace)
        if exit_code:
            raise ValueError(f"{name} ended with {exit_code} while it was recorded")
        recorder.add(read_calls(trace))
        trace.unlink()
        if differing := recorder.list_differences():
            raise ValueError(f"the record of {name} is not what lies on the disk: {', '.join(differing)}")
        commands.append(RecordedCommand(name, tuple(days), first, len(recorder.operations)))
    return Recording(recorder, tuple(commands))


def backfill_arguments(days: Sequence[date]) -> tuple[str, ...]:
    """Return the arguments of a back-fill."""
    return ("backfill", "--from", str(days[0]), "--to", str(days[-1]))
