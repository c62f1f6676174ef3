"""One run: accounts fetched side by side, each month committed as soon as it is landed. Used by commands and assets.

An account's failure is kept in its outcome and in the ledger; it never stops another account.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from typing import TypeVar, TypeVarTuple, Unpack

from extractors.accounts import Account
from extractors.errors import (
    CredentialRefused,
    Defect,
    Deferred,
    ExportUncertain,
    ExtractionError,
    ForbiddenHost,
    RequestRefused,
    Where,
)
from extractors.fetching import fetch_lock, land_all
from extractors.http import Client
from extractors.redaction import RedactingFilter, redact
from extractors.registry import provider
from extractors.wire import Counts
from pipelines.loading import Loaded, describe, load_days, publish
from pipelines.observers import Observer, Quiet
from pipelines.plan import Reusable, Step, ready, reusable, steps
from pipelines.workspace import Workspace, account_row
from warehouse.commits import LedgerRow, SliceFailure
from warehouse.errors import StagedError, WarehouseError

log = logging.getLogger("chatmart.run")
log.addFilter(RedactingFilter())  # its traces are handled by whoever runs this process

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

PUBLISH_EVERY = timedelta(minutes=10)

_ENDS_ACCOUNT = (CredentialRefused, ForbiddenHost, Deferred, ExportUncertain)
"""What would only repeat itself in the account's other months."""


@dataclass
class Outcome:
    """What became of one account; ``errors`` are sentences, each once, in the order in which they came up."""

    account: Account
    planned: int = 0
    loaded: int = 0
    failed: int = 0
    errors: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        """Whether all that was planned is loaded."""
        return not self.errors


@dataclass
class RunResult:
    """The outcomes of all accounts, and what happened on the wire."""

    outcomes: list[Outcome]
    counts: Counts

    @property
    def ok(self) -> bool:
        """Whether every account loaded all of its slices."""
        return all(outcome.ok for outcome in self.outcomes)


@dataclass(frozen=True)
class Job:
    """The days of one account that a run is to load."""

    account: Account
    days: tuple[date, ...]


def run(
    workspace: Workspace, jobs: Sequence[Job], *, refetch: bool = False, observer: Observer | None = None
) -> RunResult:
    """Fetch and load all jobs, publish, and say what became of each account.

    Interrupted (KeyboardInterrupt), a commit under way is finished, nothing is half-loaded, and what is committed is
    published. Raises WarehouseErrors that concern the warehouse as a whole.
    """
    return asyncio.run(_Run(workspace, refetch, observer or Quiet()).load(jobs))


def fetch(
    workspace: Workspace, jobs: Sequence[Job], *, refetch: bool = False, observer: Observer | None = None
) -> RunResult:
    """Only the first half of ``run``: everything is landed, nothing is loaded. Failures are noted in the ledger."""
    return asyncio.run(_Run(workspace, refetch, observer or Quiet()).fetch(jobs))


def load_landed(workspace: Workspace, jobs: Sequence[Job], started: datetime) -> RunResult:
    """Only the second half: load what was landed since ``started`` (or earlier and never loaded), and publish.

    A day that ``fetch`` noted as failed since ``started`` stays as it was and makes the account's outcome a failure.
    """
    outcomes = []
    for job in jobs:
        outcome = Outcome(job.account, planned=len(job.days))
        outcomes.append(outcome)
        ledger = workspace.store.ledger(job.account.name)
        may_stand = reusable(job.account, ledger, now=workspace.clock.now(), started=started, refetch=False)
        for row in ledger:
            if row.date in job.days and row.error and row.error_at and row.error_at >= started:
                outcome.failed += 1
                _note(outcome, row.error)
        for step in steps(job.account, provider(job.account.provider), workspace.landing, job.days, may_stand):
            _load(workspace, outcome, step.days, may_stand, Quiet())
    publish(workspace)
    return RunResult(outcomes, Counts())


class _Run:
    """The state of one run; made, used once and thrown away."""

    def __init__(self, workspace: Workspace, refetch: bool, observer: Observer) -> None:
        self.workspace = workspace
        self.refetch = refetch
        self.observer = observer
        self.started = workspace.clock.now()
        self.published = self.started
        # transforms and commits are work for the processor: one thread beside the one that fetches
        self.loader = ThreadPoolExecutor(max_workers=1, thread_name_prefix="chatmart-load")

    async def load(self, jobs: Sequence[Job]) -> RunResult:
        with self.loader:
            try:
                await self._in_loader(describe, self.workspace)
                return await self._all(jobs, load=True)
            finally:
                self.loader.submit(publish, self.workspace).result()

    async def fetch(self, jobs: Sequence[Job]) -> RunResult:
        with self.loader:
            await self._in_loader(describe, self.workspace)
            return await self._all(jobs, load=False)

    async def _all(self, jobs: Sequence[Job], *, load: bool) -> RunResult:
        async with Client(self.workspace.wire, self.workspace.clock) as client:
            outcomes = await asyncio.gather(*(self._account(client, job, load) for job in jobs))
        return RunResult(list(outcomes), client.counts)

    async def _account(self, client: Client, job: Job, load: bool) -> Outcome:
        account = job.account
        outcome = Outcome(account, planned=len(job.days))
        session = client.session(account, provider(account.provider).limits)
        loads: list[asyncio.Future[None]] = []
        try:
            async with fetch_lock(self.workspace.landing, account):
                ledger: list[LedgerRow] = await self._in_loader(self.workspace.store.ledger, account.name)
                now = self.workspace.clock.now()
                may_stand = reusable(account, ledger, now=now, started=self.started, refetch=self.refetch)
                planned = steps(account, provider(account.provider), self.workspace.landing, job.days, may_stand)
                self.observer.planned(account, len(job.days), sum(len(step.wanted) for step in planned))
                finish = partial(self._finish, outcome, may_stand, load)
                seen: list[ExtractionError] = []
                arrived = 0
                for number, step in enumerate(planned):
                    errors = await land_all(self.workspace.landing, session, step.wanted, self.observer.landed)
                    seen += errors
                    arrived += len(step.wanted) - len(errors)
                    # a window that failed may have been meant for an older month too
                    loads.append(self._in_loader(finish, [step], errors or list(seen)))
                    if session.stopped or _end_account(errors, arrived):
                        loads.append(self._in_loader(finish, planned[number + 1 :], seen))
                        break
        except Exception as error:
            await self._in_loader(self._fail, outcome, job.days, _of_account(account, error))
        await asyncio.gather(*loads)
        return outcome

    def _finish(
        self, outcome: Outcome, may_stand: Reusable, load: bool, done: Sequence[Step], errors: Sequence[ExtractionError]
    ) -> None:
        """Load (or only look at) what has been landed for some steps, and note the days that lack something."""
        known: set[date] = set()
        for step in done:
            if load:
                known |= _load(self.workspace, outcome, step.days, may_stand, self.observer)
            else:
                known |= set(ready(outcome.account, self.workspace.landing, step.days, may_stand)[0])
        missing = [day for step in done for day in step.days if day not in known]
        if missing:
            self._fail(outcome, missing, _worst(errors) if errors else _nothing_counts(outcome.account))
        if load and self.workspace.clock.now() - self.published >= PUBLISH_EVERY:
            publish(self.workspace)
            self.published = self.workspace.clock.now()

    def _fail(self, outcome: Outcome, days: Collection[date], error: Exception) -> None:
        _fail(self.workspace, outcome, days, error, self.observer)

    def _in_loader(self, function: Callable[[Unpack[Ts]], T], *arguments: *Ts) -> asyncio.Future[T]:
        return asyncio.get_running_loop().run_in_executor(self.loader, function, *arguments)


def take(
    workspace: Workspace, outcome: Outcome, days: Collection[date], load: Callable[[], Loaded], observer: Observer
) -> set[date]:
    """Load some days, and keep what goes wrong with their account.

    Returns the days of which something can be said: loaded, or refused.
    """
    try:
        loaded = load()
    except Exception as error:
        _fail(workspace, outcome, days, _of_account(outcome.account, error), observer)
        return set(days)
    outcome.loaded += len(loaded.days)
    if loaded.days:
        log.info("%s: loaded %s to %s", outcome.account.name, loaded.days[0], loaded.days[-1])
        observer.loaded(outcome.account, loaded.days)
    for refused, reason in loaded.refused:
        _fail(workspace, outcome, refused, reason, observer)
    return {*loaded.days, *(day for refused, _ in loaded.refused for day in refused)}


def _load(
    workspace: Workspace, outcome: Outcome, days: Collection[date], may_stand: Reusable, observer: Observer
) -> set[date]:
    load = partial(load_days, workspace, outcome.account, days, may_stand)
    return take(workspace, outcome, days, load, observer)


def _fail(workspace: Workspace, outcome: Outcome, days: Collection[date], error: Exception, observer: Observer) -> None:
    sentence = redact(str(error))
    _note(outcome, sentence)
    outcome.failed += len(days)
    failure = SliceFailure(account_row(outcome.account), tuple(days), sentence, workspace.clock.now())
    workspace.store.record_failures([failure])
    log.warning("%s", sentence)
    observer.failed(outcome.account, days, sentence)


def _of_account(account: Account, error: Exception) -> Exception:
    """The error as one of the account's own, so that it holds up no other; one of the whole warehouse is raised."""
    if isinstance(error, ExtractionError | StagedError):
        return error
    if isinstance(error, WarehouseError):
        raise error
    log.error("%s: unforeseen", account.name, exc_info=error)
    where = Where(account.provider, account.name)
    return Defect(where, f"the program failed ({type(error).__name__}: {error})", "please report it, with --verbose")


def _note(outcome: Outcome, sentence: str) -> None:
    if sentence not in outcome.errors:
        outcome.errors.append(sentence)


def _end_account(errors: Sequence[ExtractionError], arrived: int) -> bool:
    """Whether to ask no more: also when all that was ever asked for was refused, which speaks of a wrong id."""
    refused = any(isinstance(error, RequestRefused) for error in errors) and not arrived
    return refused or any(isinstance(error, _ENDS_ACCOUNT) for error in errors)


def _nothing_counts(account: Account) -> ExtractionError:
    where = Where(account.provider, account.name)
    return ExtractionError(where, "no whole answer arrived for these days", "run the same command again")


def _worst(errors: Sequence[ExtractionError]) -> ExtractionError:
    """The error to name first: one that ends the account, else the first."""
    return next((error for error in errors if isinstance(error, _ENDS_ACCOUNT)), errors[0])
