"""Runs the cases of ``faults``: loads a day while the fault lasts, and once more after it has passed.

Used by the tests and by ``benchmarks/faults.py``; expectations are the callers'.
"""

import random
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import duckdb

from sandbox.accounts import SAMPLE_ACCOUNTS
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from sandbox.shapes import ResponseShapes
from sandbox.truth import VIEWS
from tests.support.clock import FakeClock
from tests.support.faults import BOT, DOCS, IN_SEVEN_SECONDS, SUPPORT, VOICE, FaultCase
from tests.support.installation import Installation

BEFORE, DAY = date(2025, 3, 10), date(2025, 3, 11)
ACCOUNTS = {account.name: account for account in SAMPLE_ACCOUNTS}

_LOADED_ACCOUNTS = "SELECT account FROM load_ledger WHERE date = ? AND state IN ('loaded', 'settled') ORDER BY account"
_COMPARED_VIEWS = (*VIEWS, "load_ledger")


@dataclass(frozen=True)
class FaultOutcome:
    """The result of a case: the run with the fault, the data that stayed, and the run after it."""

    exit_code: int
    error_messages: tuple[str, ...]
    request_count: int
    waited_seconds: float
    export_jobs: tuple[int, int]
    loaded_accounts: tuple[str, ...]
    earlier_day_unchanged: bool
    has_recovered: bool
    differences: tuple[str, ...]


@dataclass(frozen=True)
class FaultRunner:
    """A sandbox, and a folder per account in which the day before is loaded."""

    sandbox: Sandbox
    folder: Path

    def run_case(self, case: FaultCase, folder: Path, *, as_command: bool = False) -> FaultOutcome:
        """Load the day with the fault, then without it; ``as_command`` runs the first load in its own process."""
        shutil.copytree(self.folder / case.account, folder, dirs_exist_ok=True)
        accounts = [ACCOUNTS[case.account], ACCOUNTS[DOCS]]
        product = Installation(folder, self.sandbox, accounts, {case.account: case.settings})
        before = _read_day_before(product, case.account)
        clock = FakeClock(datetime.now(UTC))
        self._plan_faults(case, clock.now())
        jobs = len(self.sandbox.jobs)
        if as_command:
            done = product.backfill(DAY, DAY, exit_code=case.exit_code)
            code, messages = done.exit_code, tuple(re.findall("^failed: (.*)$", done.err, re.MULTILINE))
        else:
            random.seed(7)  # fixes the jitter, and with it waits and requests
            result = product.load([DAY], clock=clock)
            code = 0 if result.is_ok else 1
            messages = tuple(error for outcome in result.outcomes for error in outcome.errors)
        provider = ACCOUNTS[case.account].provider
        request_count = self.sandbox.request_log.count(provider) + self.sandbox.request_log.count("download")
        started_jobs = len(self.sandbox.jobs) - jobs
        loaded_accounts = _read_loaded_accounts(product)
        unchanged = _read_day_before(product, case.account) == before
        self._clear_faults()
        clock.advance(case.rerun_after.total_seconds())
        has_recovered = code == 0 or product.load([DAY], clock=clock).is_ok
        return FaultOutcome(
            exit_code=code,
            error_messages=messages,
            request_count=request_count,
            waited_seconds=sum(clock.sleeps_seconds),
            export_jobs=(started_jobs, len(self.sandbox.jobs) - jobs),
            loaded_accounts=loaded_accounts,
            earlier_day_unchanged=unchanged,
            has_recovered=has_recovered,
            differences=tuple(product.compare_with_truth([BEFORE, DAY])[1]),
        )

    def _plan_faults(self, case: FaultCase, now: datetime) -> None:
        self._clear_faults()
        self.sandbox.shapes = ResponseShapes(**case.shapes)
        self.sandbox.plan_faults(*(_fill_in_date(fault, now) for fault in case.faults))

    def _clear_faults(self) -> None:
        self.sandbox.request_log.clear()
        self.sandbox.shapes = ResponseShapes()


@contextmanager
def open_fault_runner(folder: Path) -> Iterator[FaultRunner]:
    """Start a sandbox and load the day before for each account that will meet a fault, beside another account."""
    with Sandbox() as sandbox:
        for name in (SUPPORT, VOICE, BOT):
            (folder / name).mkdir()
            assert Installation(folder / name, sandbox, [ACCOUNTS[name], ACCOUNTS[DOCS]]).load([BEFORE]).is_ok
        yield FaultRunner(sandbox, folder)


def _fill_in_date(fault: Fault, now: datetime) -> Fault:
    date_ahead = format_datetime(now + timedelta(seconds=7), usegmt=True)
    headers = {name: date_ahead if value == IN_SEVEN_SECONDS else value for name, value in fault.headers.items()}
    return replace(fault, headers=headers)


def _read_loaded_accounts(installation: Installation) -> tuple[str, ...]:
    with duckdb.connect(installation.folder / "data/warehouse.duckdb", read_only=True) as con:
        return tuple(account for (account,) in con.execute(_LOADED_ACCOUNTS, [DAY]).fetchall())


def _read_day_before(installation: Installation, account: str) -> dict[str, list[str]]:
    """Return the warehouse's rows of the account for the day before, by view."""
    query = "SELECT * FROM {} WHERE account = ? AND date = ?"
    with duckdb.connect(installation.folder / "data/warehouse.duckdb", read_only=True) as con:
        rows_by_view = {view: con.execute(query.format(view), [account, BEFORE]).fetchall() for view in _COMPARED_VIEWS}
    return {view: sorted(map(repr, rows)) for view, rows in rows_by_view.items()}
