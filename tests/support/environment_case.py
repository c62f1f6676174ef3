"""One fault of the machine and the expected outcome, as a line of ``environment_cases``; nothing is run here."""

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
NOTHING = "nothing to repair: the warehouse is whole, and has every day that was landed"

FaultOf = Callable[[Installation], AbstractContextManager[None]]


@dataclass(frozen=True)
class EnvironmentCase:
    """A fault of the machine under a command, and the expected outcome.

    Two of three days are loaded when the fault begins. ``fault_of`` returns the block of the fault for an installation.
    ``pattern`` matches the message of the command, ``days`` is the number of whole days that readers see after the
    fault, None when they see no warehouse. ``repair_pattern`` matches the output of `check --repair` after the fault.

    ``stop_in`` is a function at whose first call the command, then in a process of its own, gets SIGTERM.
    ``needs_mount`` marks a fault that only root can make. ``is_quick`` marks one that is in each run of the tests.
    """

    fault: str
    fault_of: FaultOf
    exit_code: int
    pattern: str
    command: tuple[str, ...] = BACKFILL
    days: int | None = LOADED_BEFORE
    repair_pattern: str = NOTHING
    stores: tuple[str, ...] = tuple(STORES)
    stop_in: str = ""
    needs_mount: bool = False
    is_quick: bool = False
