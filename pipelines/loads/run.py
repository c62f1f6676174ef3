"""One run: accounts fetched side by side, each month committed as soon as it is landed. Used by commands and assets.

An account's failure is kept in its outcome and in the ledger; it never stops another account.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import TypeVar, TypeVarTuple, Unpack

from extractors.account import Account
from extractors.errors import (
    CredentialRefused,
    Deferred,
    ErrorLocation,
    ExportUncertain,
    ExtractionError,
    ForbiddenHost,
    RequestRefused,
)
from extractors.fetch import fetch_batches, gather_or_cancel
from extractors.http.client import Client
from extractors.http.stats import RequestStats
from extractors.landing.lock import hold_fetch_lock
from extractors.registry import get_provider
from pipelines.loads.load import load_days, publish_warehouse
from pipelines.loads.observer import NullObserver, Observer
from pipelines.loads.plan import LoadStep, ReuseRule, build_reuse_rule, loadable_days, plan_steps
from pipelines.loads.result import Outcome, RunResult, as_account_error, load_and_record, record_failure
from pipelines.loads.run_log import track_run
from pipelines.loads.workspace import Workspace
from warehouse.records import LedgerRow, RunRow

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

PUBLISH_EVERY = timedelta(minutes=10)

_ENDS_ACCOUNT = (CredentialRefused, ForbiddenHost, Deferred, ExportUncertain)
"""What would only repeat itself in the account's other months."""


@dataclass(frozen=True)
class LoadJob:
    """The days of one account that a run is to load."""

    account: Account
    days: tuple[date, ...]


def run_jobs(
    workspace: Workspace, jobs: Sequence[LoadJob], *, refetch: bool = False, observer: Observer | None = None
) -> RunResult:
    """Fetch and load all jobs, publish, and say what became of each account.

    Told to stop (``workspace.stop``) or interrupted (KeyboardInterrupt), a commit under way is finished, nothing is
    half-loaded, and what is committed is published. Raises WarehouseErrors that concern the warehouse as a whole.
    """
    return _Run(workspace, refetch, observer or NullObserver(), load=True).go(jobs)


def fetch_jobs(
    workspace: Workspace, jobs: Sequence[LoadJob], *, refetch: bool = False, observer: Observer | None = None
) -> RunResult:
    """Only the first half of ``run``: everything is landed, nothing is loaded. Failures are noted in the ledger."""
    return _Run(workspace, refetch, observer or NullObserver(), load=False).go(jobs)


def load_landed_batches(workspace: Workspace, jobs: Sequence[LoadJob], run_started_at: datetime) -> RunResult:
    """Only the second half: load what was landed since ``started`` (or earlier and never loaded), and publish.

    A day that ``fetch`` noted as failed since ``started`` stays as it was and makes the account's outcome a failure.
    What ``fetch`` did under the same run id is part of the outcomes.
    """
    earlier = workspace.store.run_records(workspace.run_id)
    outcomes = [_continued(job.account, earlier) for job in jobs]
    with track_run(workspace, outcomes, earlier):
        for job, outcome in zip(jobs, outcomes, strict=True):
            left = set(job.days)
            try:
                _load_landed(workspace, left, outcome, run_started_at)
            except Exception as error:
                record_failure(workspace, outcome, sorted(left), as_account_error(job.account, error), NullObserver())
            outcome.planned = max(outcome.planned, outcome.loaded + outcome.failed)
            outcome.ended_at = workspace.clock.now()
    return RunResult(outcomes)


def _load_landed(workspace: Workspace, left: set[date], outcome: Outcome, started: datetime) -> None:
    """Take the days out of ``left`` one after the other."""
    account = outcome.account
    ledger = workspace.store.ledger(account.name)
    for row in ledger:
        if row.date in left and row.error and row.error_at and row.error_at >= started:
            left.remove(row.date)
            outcome.failed += 1
            outcome.add_error(row.error)
    # as old as the fetch found it: what stood for a request then stands now
    may_stand = build_reuse_rule(account, ledger, now=started, run_started_at=started, refetch=False)
    for step in plan_steps(account, get_provider(account.provider), workspace.landing, left, may_stand):
        _load(workspace, outcome, step.days, may_stand, NullObserver())
        left.difference_update(step.days)


class _Run:
    """The state of one run; made, used once and thrown away."""

    def __init__(self, workspace: Workspace, refetch: bool, observer: Observer, *, load: bool) -> None:
        self.workspace = workspace
        self.refetch = refetch
        self.observer = observer
        self.loads = load
        self.started = workspace.clock.now()
        self.published = self.started
        # transforms and commits are work for the processor: one thread beside the one that fetches
        self.loader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="chatmart-load")

    def go(self, jobs: Sequence[LoadJob]) -> RunResult:
        outcomes = [Outcome(job.account, planned=len(job.days)) for job in jobs]
        with track_run(self.workspace, outcomes, publish_at_end=self.loads) as self.notes:
            asyncio.run(self._all(jobs, outcomes))
        return RunResult(outcomes)

    async def _all(self, jobs: Sequence[LoadJob], outcomes: Sequence[Outcome]) -> None:
        try:
            async with Client(self.workspace.http_settings, self.workspace.clock) as client:
                pairs = zip(jobs, outcomes, strict=True)
                await self._together([asyncio.ensure_future(self._account(client, *each)) for each in pairs])
        finally:
            self.loader.shutdown(cancel_futures=True)  # a commit under way is finished

    async def _together(self, accounts: Sequence[asyncio.Future[None]]) -> None:
        """Wait for all accounts; when the run is told to stop, or cannot go on, those that are left are cancelled."""

        def cancel() -> None:
            for account in accounts:
                account.cancel()

        stop, loop = self.workspace.stop, asyncio.get_running_loop()
        try:
            with stop.subscribe(partial(loop.call_soon_threadsafe, cancel)):
                await gather_or_cancel(accounts)
        except asyncio.CancelledError:
            if not stop.is_requested:
                raise

    async def _account(self, client: Client, job: LoadJob, outcome: Outcome) -> None:
        account = job.account
        session = client.open_session(account, get_provider(account.provider).limits)
        outcome.stats = session.stats
        loads: list[asyncio.Future[None]] = []
        left = set(job.days)
        try:
            async with hold_fetch_lock(self.workspace.landing, account):
                ledger: list[LedgerRow] = await self._in_loader(self.workspace.store.ledger, account.name)
                now = self.workspace.clock.now()
                may_stand = build_reuse_rule(
                    account, ledger, now=now, run_started_at=self.started, refetch=self.refetch
                )
                planned = plan_steps(
                    account, get_provider(account.provider), self.workspace.landing, job.days, may_stand
                )
                self.observer.on_planned(account, len(job.days), sum(len(step.fetches) for step in planned))
                finish = partial(self._finish, outcome, may_stand)
                seen: list[ExtractionError] = []
                arrived = 0
                for number, step in enumerate(planned):
                    errors = await fetch_batches(
                        self.workspace.landing, session, step.fetches, self.observer.on_batch_landed
                    )
                    seen += errors
                    arrived += len(step.fetches) - len(errors)
                    # a window that failed may have been meant for an older month too
                    loads.append(self._in_loader(finish, [step], errors or list(seen)))
                    left.difference_update(step.days)
                    if session.is_stopped or _end_account(errors, arrived):
                        loads.append(self._in_loader(finish, planned[number + 1 :], seen))
                        break
        except Exception as error:
            await self._in_loader(self._fail, outcome, sorted(left), as_account_error(account, error))
        await asyncio.gather(*loads)
        outcome.ended_at = self.workspace.clock.now()

    def _finish(
        self, outcome: Outcome, may_stand: ReuseRule, done: Sequence[LoadStep], errors: Sequence[ExtractionError]
    ) -> None:
        """Load (or only look at) what has been landed for some steps, and note the days that lack something."""
        known: set[date] = set()
        for step in done:
            if self.loads:
                known |= _load(self.workspace, outcome, step.days, may_stand, self.observer)
            else:
                known |= self._look(outcome, may_stand, step.days)
        missing = [day for step in done for day in step.days if day not in known]
        if missing:
            self._fail(outcome, missing, _worst(errors) if errors else _nothing_counts(outcome.account))
        if self.loads and self.workspace.clock.now() - self.published >= PUBLISH_EVERY:
            self.notes.write_rows()
            publish_warehouse(self.workspace)
            self.published = self.workspace.clock.now()

    def _look(self, outcome: Outcome, may_stand: ReuseRule, days: Collection[date]) -> set[date]:
        """The days that could be loaded; those of an account whose answers cannot be read have failed."""
        try:
            return set(loadable_days(outcome.account, self.workspace.landing, days, may_stand)[0])
        except Exception as error:
            self._fail(outcome, days, as_account_error(outcome.account, error))
            return set(days)

    def _fail(self, outcome: Outcome, days: Collection[date], error: Exception) -> None:
        record_failure(self.workspace, outcome, days, error, self.observer)

    def _in_loader(self, function: Callable[[Unpack[Ts]], T], *arguments: *Ts) -> asyncio.Future[T]:
        marked = partial(copy_context().run, function, *arguments)  # its lines of the log too
        return asyncio.get_running_loop().run_in_executor(self.loader, marked)


def _load(
    workspace: Workspace, outcome: Outcome, days: Collection[date], may_stand: ReuseRule, observer: Observer
) -> set[date]:
    load = partial(load_days, workspace, outcome.account, days, may_stand)
    return load_and_record(workspace, outcome, days, load, observer)


def _continued(account: Account, earlier: Sequence[RunRow]) -> Outcome:
    """An outcome that begins with what the run's first half noted of the account."""
    noted = next((row for row in earlier if row.account == account.name), None)
    if noted is None:
        return Outcome(account)
    counts = RequestStats(noted.requests, noted.retries, noted.bytes, float(noted.waited_seconds))
    return Outcome(account, planned=noted.planned, stats=counts)


def _end_account(errors: Sequence[ExtractionError], arrived: int) -> bool:
    """Whether to ask no more: also when all that was ever asked for was refused, which speaks of a wrong id."""
    refused = any(isinstance(error, RequestRefused) for error in errors) and not arrived
    return refused or any(isinstance(error, _ENDS_ACCOUNT) for error in errors)


def _nothing_counts(account: Account) -> ExtractionError:
    where = ErrorLocation(account.provider, account.name)
    return ExtractionError(where, "no whole answer arrived for these days", "run the same command again")


def _worst(errors: Sequence[ExtractionError]) -> ExtractionError:
    """The error to name first: one that ends the account, else the first."""
    return next((error for error in errors if isinstance(error, _ENDS_ACCOUNT)), errors[0])
