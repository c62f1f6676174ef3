"""One fault of the machine and the expected outcome, as a line of the catalogue ``environment_cases``; nothing runs here."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date

from tests.support.installation import Installation, days_from

STORES = {"duckdb": "duckdb://data/warehouse.duckdb", "parquet": "parquet://data/lake"}
DAYS = days_from(date(2025, 3, 1), 3)
LOADED_BEFORE = 2
ACCOUNT_NAMES = ("acme-support", "acme-voice")
BACKFILL = ("backfill", "--from", str(DAYS[-1]), "--to", str(DAYS[-1]))


@dataclass(frozen=True)
class EnvironmentCase:
    """A fault of the machine under a command, and the expected outcome.

    Two of three days are loaded when the fault begins. ``fault_of`` returns the block of the fault for an installation.
    ``pattern`` matches the message, ``repair_pattern`` the output of `check --repair` after the fault, ``days`` is the
    number of whole days that readers see then, None when they see no warehouse. ``repeated`` is the exit code of the
    command after it, which is the one that loads all days. ``in_own_process`` marks a fault that a test's own process
    cannot have.
    """

    fault: str
    fault_of: Callable[[Installation], AbstractContextManager[None]]
    exit_code: int
    pattern: str
    command: tuple[str, ...] = BACKFILL
    days: int | None = LOADED_BEFORE
    repair_code: int = 0
    repair_pattern: str = "nothing to repair"
    stores: tuple[str, ...] = tuple(STORES)
    needs_mount: bool = False
    in_own_process: bool = False
