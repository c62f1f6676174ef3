"""Runs the cases of ``environment_cases``: a command while the fault lasts, `check --repair` and a back-fill after it.

Used by the tests and by ``benchmarks/environment.py``; expectations are the callers'.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.server import Sandbox
from tests.support.command import CommandResult, run_as_if_alone
from tests.support.environment_case import ACCOUNT_NAMES, BACKFILL, DAYS, LOADED_BEFORE, STORES, EnvironmentCase
from tests.support.installation import Installation
from warehouse.errors import WarehouseError

ACCOUNTS = tuple(account for account in SAMPLE_ACCOUNTS if account.name in ACCOUNT_NAMES)
SETTINGS = {"acme-voice": {"export_retry_minutes": 0.001, "export_poll_seconds": [0.05, 0.1]}}

_LOADED_SLICES = (
    "SELECT date FROM load_ledger WHERE state IN ('loaded', 'settled') "
    f"AND account IN ({', '.join(repr(name) for name in ACCOUNT_NAMES)})"
)
_STOPPED_PROGRAM = """
import os, pkgutil, signal, sys
from pipelines.cli.main import main
name = sys.argv[1]
owner = pkgutil.resolve_name(name.rpartition(".")[0])
function = getattr(owner, name.rpartition(".")[2])
calls = []
def stopped(*arguments, **settings):
    if not calls:
        calls.append(1)
        os.kill(os.getpid(), signal.SIGTERM)
    return function(*arguments, **settings)
setattr(owner, name.rpartition(".")[2], stopped)
main(sys.argv[2:])
"""
_PROGRESS = re.compile(
    r"ok |\d+ of \d+|account +provider|acme-\w+ +\w+ +\d|acme-\w+: (\d+ days to load|failed |already loaded)|"
    r"\d+ requests,|$"
)


@dataclass(frozen=True)
class EnvironmentOutcome:
    """The result of a case: the command with the fault, `check --repair` and the back-fill after it.

    ``days`` is the number of whole days that readers saw after the fault, None when they saw no warehouse. ``requests``
    were sent after the fault. ``differences`` are rows that readers see, during the fault or in the end, and that are
    not the truth, and days that are missing in the end.
    """

    result: CommandResult
    days: int | None
    repair: CommandResult
    repeated: CommandResult
    requests: int
    differences: tuple[str, ...]

    @property
    def message(self) -> str:
        """The lines of the command's output that are no progress, no summary and no result."""
        return "; ".join(pick_messages(self.result.err or (self.result.out if self.result.exit_code else "")))


@dataclass(frozen=True)
class EnvironmentRunner:
    """A sandbox, and a folder for each store in which the days before are loaded."""

    sandbox: Sandbox
    folder: Path

    def run_case(self, case: EnvironmentCase, store: str, folder: Path) -> EnvironmentOutcome:
        """Run a case in a copy of the prepared folder."""
        subprocess.run(["cp", "-a", str(self.folder / store), str(folder)], check=True)  # links stay links
        product = Installation(folder, self.sandbox, ACCOUNTS, SETTINGS, STORES[store])
        with case.fault_of(product):
            result = _run_and_stop(product, case) if case.stop_in else _run(product, *case.command)
        days, differences = _read_published(product)
        before = len(self.sandbox.requests)
        repair, repeated = _run(product, "check", "--repair"), _run(product, *BACKFILL)
        requests = len(self.sandbox.requests) - before
        last_days, last_differences = _read_published(product)
        if last_days != len(DAYS) and repeated.exit_code == 0:
            last_differences += (f"{last_days} days in the end",)
        return EnvironmentOutcome(result, days, repair, repeated, requests, differences + last_differences)


@contextmanager
def open_environment_runner(folder: Path) -> Iterator[EnvironmentRunner]:
    """Start a sandbox and load the days before, for each store."""
    with Sandbox() as sandbox:
        for store, url in STORES.items():
            (folder / store).mkdir()
            product = Installation(folder / store, sandbox, ACCOUNTS, SETTINGS, url)
            product.backfill(DAYS[0], DAYS[LOADED_BEFORE - 1])
        yield EnvironmentRunner(sandbox, folder)


def pick_messages(text: str) -> list[str]:
    """Return the lines of a command's output that are no progress and no summary."""
    return [line.removeprefix("failed: ") for line in text.splitlines() if not _PROGRESS.match(line)]


def _read_published(product: Installation) -> tuple[int | None, tuple[str, ...]]:
    """Return the number of whole days that readers see, and the rows among them that are not the truth."""
    try:
        loaded = [row["date"] for row in product.store.read(_LOADED_SLICES).to_pylist()]
        whole = [day for day in DAYS if loaded.count(day) == len(ACCOUNTS)]
        if len(loaded) > len(whole) * len(ACCOUNTS):  # the truth is compared of all accounts at once
            return len(whole), ()
        return len(whole), tuple(product.compare_with_truth(whole)[1])
    except WarehouseError:
        return None, ()


def _run_and_stop(product: Installation, case: EnvironmentCase) -> CommandResult:
    """Run a command in a process of its own, which gets SIGTERM at the first call of a function."""
    done = subprocess.run(
        [sys.executable, "-c", _STOPPED_PROGRAM, case.stop_in, *case.command],
        env=product.environment, cwd=product.folder, text=True, capture_output=True, check=False,
    )  # fmt: skip
    code = done.returncode if done.returncode >= 0 else 128 - done.returncode  # as a shell says it
    return CommandResult(code, done.stdout, done.stderr)


def _run(product: Installation, *arguments: str) -> CommandResult:
    return run_as_if_alone(arguments, product.environment, product.folder)
