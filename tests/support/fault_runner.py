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
from sandbox.shapes import Switches
from sandbox.truth import VIEWS
from tests.support.clock import FakeClock
from tests.support.faults import DOCS, IN_SEVEN_SECONDS, SUPPORT, VOICE, Case
from tests.support.installation import Product

BEFORE, DAY = date(2025, 3, 10), date(2025, 3, 11)
ACCOUNTS = {account.name: account for account in DEMO_ACCOUNTS}

_LOADED = "SELECT account FROM load_ledger WHERE date = ? AND state IN ('loaded', 'settled') ORDER BY account"
_LOOKED_AT = (*VIEWS, "load_ledger")


@dataclass(frozen=True)
class Met:
    """What became of a case: the run that met the fault, what stayed, and the plain run after it."""

    exit: int
    sentences: tuple[str, ...]
    requests: int
    waited: float
    jobs: tuple[int, int]
    loaded: tuple[str, ...]
    earlier_untouched: bool
    recovered: bool
    differences: tuple[str, ...]


@dataclass(frozen=True)
class Meeting:
    """A sandbox, and folders in which the day before is loaded."""

    sandbox: Sandbox
    folder: Path

    def meet(self, case: Case, folder: Path, *, command: bool = False) -> Met:
        """Load the day with the fault, then without; ``command``: the first time as a process of its own."""
        shutil.copytree(self.folder / case.account, folder, dirs_exist_ok=True)
        accounts = [ACCOUNTS[case.account], ACCOUNTS[DOCS]]
        product = Product(folder, self.sandbox, accounts, {case.account: case.settings})
        before = _rows(product, case.account)
        clock = FakeClock(datetime.now(UTC))
        self._plan(case, clock.now())
        jobs = len(self.sandbox.jobs)
        if command:
            done = product.backfill(DAY, DAY, expect=case.exit)
            code, sentences = done.code, tuple(re.findall("^failed: (.*)$", done.err, re.MULTILINE))
        else:
            random.seed(7)  # of the jitter, so that waits and requests are the same each time
            result = product.load([DAY], clock=clock)
            code = 0 if result.ok else 1
            sentences = tuple(error for outcome in result.outcomes for error in outcome.errors)
        provider = ACCOUNTS[case.account].provider
        asked = self.sandbox.book.count(provider) + self.sandbox.book.count("download")
        started = len(self.sandbox.jobs) - jobs
        loaded = _loaded(product)
        untouched = _rows(product, case.account) == before
        self._calm()
        clock.advance(case.later.total_seconds())
        recovered = code == 0 or product.load([DAY], clock=clock).ok
        return Met(
            exit=code,
            sentences=sentences,
            requests=asked,
            waited=sum(clock.slept),
            jobs=(started, len(self.sandbox.jobs) - jobs),
            loaded=loaded,
            earlier_untouched=untouched,
            recovered=recovered,
            differences=tuple(product.differences([BEFORE, DAY])[1]),
        )

    def _plan(self, case: Case, now: datetime) -> None:
        self._calm()
        self.sandbox.switches = Switches(**case.shape)
        self.sandbox.fail(*(_fresh(fault, now) for fault in case.plan))

    def _calm(self) -> None:
        self.sandbox.book.clear()
        self.sandbox.switches = Switches()


@contextmanager
def meeting(folder: Path) -> Iterator[Meeting]:
    """A sandbox, and the day before loaded for each account that will meet a fault, beside one that will not."""
    with Sandbox() as sandbox:
        for name in (SUPPORT, VOICE):
            (folder / name).mkdir()
            assert Product(folder / name, sandbox, [ACCOUNTS[name], ACCOUNTS[DOCS]]).load([BEFORE]).ok
        yield Meeting(sandbox, folder)


def _fresh(fault: Fault, now: datetime) -> Fault:
    date_ahead = format_datetime(now + timedelta(seconds=7), usegmt=True)
    headers = {name: date_ahead if value == IN_SEVEN_SECONDS else value for name, value in fault.headers.items()}
    return replace(fault, headers=headers)


def _loaded(product: Product) -> tuple[str, ...]:
    with duckdb.connect(product.folder / "data/warehouse.duckdb", read_only=True) as con:
        return tuple(account for (account,) in con.execute(_LOADED, [DAY]).fetchall())


def _rows(product: Product, account: str) -> dict[str, list[str]]:
    """All that the warehouse tells of the account's day before."""
    query = "SELECT * FROM {} WHERE account = ? AND date = ?"
    with duckdb.connect(product.folder / "data/warehouse.duckdb", read_only=True) as con:
        answers = {view: con.execute(query.format(view), [account, BEFORE]).fetchall() for view in _LOOKED_AT}
    return {view: sorted(map(repr, rows)) for view, rows in answers.items()}
