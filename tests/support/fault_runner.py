"""Meets the faults of ``faults``: a day is loaded while something goes wrong, and once more after it has passed.

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

from sandbox.accounts import DEMO_ACCOUNTS
from sandbox.recorder import Fault
from sandbox.server import Sandbox
from sandbox.shapes import ResponseShapes
from sandbox.truth import VIEWS
from tests.support.clock import FakeClock
from tests.support.faults import DOCS, IN_SEVEN_SECONDS, SUPPORT, VOICE, FaultCase
from tests.support.installation import Installation

BEFORE, DAY = date(2025, 3, 10), date(2025, 3, 11)
ACCOUNTS = {account.name: account for account in DEMO_ACCOUNTS}

_LOADED = "SELECT account FROM load_ledger WHERE date = ? AND state IN ('loaded', 'settled') ORDER BY account"
_LOOKED_AT = (*VIEWS, "load_ledger")


@dataclass(frozen=True)
class FaultOutcome:
    """What became of a case: the run that met the fault, what stayed, and the plain run after it."""

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
    """A sandbox, and folders in which the day before is loaded."""

    sandbox: Sandbox
    folder: Path

    def run_case(self, case: FaultCase, folder: Path, *, as_command: bool = False) -> FaultOutcome:
        """Load the day with the fault, then without; ``command``: the first time as a process of its own."""
        shutil.copytree(self.folder / case.account, folder, dirs_exist_ok=True)
        accounts = [ACCOUNTS[case.account], ACCOUNTS[DOCS]]
        product = Installation(folder, self.sandbox, accounts, {case.account: case.settings})
        before = _rows(product, case.account)
        clock = FakeClock(datetime.now(UTC))
        self._plan(case, clock.now())
        jobs = len(self.sandbox.jobs)
        if as_command:
            done = product.backfill(DAY, DAY, exit_code=case.exit_code)
            code, sentences = done.exit_code, tuple(re.findall("^failed: (.*)$", done.err, re.MULTILINE))
        else:
            random.seed(7)  # of the jitter, so that waits and requests are the same each time
            result = product.load([DAY], clock=clock)
            code = 0 if result.is_ok else 1
            sentences = tuple(error for outcome in result.outcomes for error in outcome.errors)
        provider = ACCOUNTS[case.account].provider
        asked = self.sandbox.request_log.count(provider) + self.sandbox.request_log.count("download")
        started = len(self.sandbox.jobs) - jobs
        loaded = _loaded(product)
        untouched = _rows(product, case.account) == before
        self._calm()
        clock.advance(case.rerun_after.total_seconds())
        recovered = code == 0 or product.load([DAY], clock=clock).is_ok
        return FaultOutcome(
            exit_code=code,
            error_messages=sentences,
            request_count=asked,
            waited_seconds=sum(clock.sleeps_seconds),
            export_jobs=(started, len(self.sandbox.jobs) - jobs),
            loaded_accounts=loaded,
            earlier_day_unchanged=untouched,
            has_recovered=recovered,
            differences=tuple(product.compare_with_truth([BEFORE, DAY])[1]),
        )

    def _plan(self, case: FaultCase, now: datetime) -> None:
        self._calm()
        self.sandbox.shapes = ResponseShapes(**case.shapes)
        self.sandbox.plan_faults(*(_fresh(fault, now) for fault in case.faults))

    def _calm(self) -> None:
        self.sandbox.request_log.clear()
        self.sandbox.shapes = ResponseShapes()


@contextmanager
def open_fault_runner(folder: Path) -> Iterator[FaultRunner]:
    """A sandbox, and the day before loaded for each account that will meet a fault, beside one that will not."""
    with Sandbox() as sandbox:
        for name in (SUPPORT, VOICE):
            (folder / name).mkdir()
            assert Installation(folder / name, sandbox, [ACCOUNTS[name], ACCOUNTS[DOCS]]).load([BEFORE]).is_ok
        yield FaultRunner(sandbox, folder)


def _fresh(fault: Fault, now: datetime) -> Fault:
    date_ahead = format_datetime(now + timedelta(seconds=7), usegmt=True)
    headers = {name: date_ahead if value == IN_SEVEN_SECONDS else value for name, value in fault.headers.items()}
    return replace(fault, headers=headers)


def _loaded(installation: Installation) -> tuple[str, ...]:
    with duckdb.connect(installation.folder / "data/warehouse.duckdb", read_only=True) as con:
        return tuple(account for (account,) in con.execute(_LOADED, [DAY]).fetchall())


def _rows(installation: Installation, account: str) -> dict[str, list[str]]:
    """All that the warehouse tells of the account's day before."""
    query = "SELECT * FROM {} WHERE account = ? AND date = ?"
    with duckdb.connect(installation.folder / "data/warehouse.duckdb", read_only=True) as con:
        answers = {view: con.execute(query.format(view), [account, BEFORE]).fetchall() for view in _LOOKED_AT}
    return {view: sorted(map(repr, rows)) for view, rows in answers.items()}
