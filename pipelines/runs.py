"""One run: accounts fetched side by side, each month committed as soon as it is landed. Used by commands and assets.

An account's failure is kept in its outcome and in the ledger; it never stops another account.
"""

import asyncio
import logging
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Protocol, TypeVar, TypeVarTuple, Unpack

from extractors.accounts import Account
from extractors.batches import Batch
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
from extractors.http import Client, Session
from extractors.registry import provider
from extractors.wire import Counts
from pipelines.loading import describe, load_days, publish
from pipelines.plan import Reusable, Step, reusable, steps
from pipelines.workspace import Workspace, account_row
from warehouse.commits import LedgerRow, SliceFailure
from warehouse.errors import StagedError, WarehouseError

log = logging.getLogger("chatmart.run")

T = TypeVar("T")
Ts = TypeVarTuple("Ts")

PUBLISH_EVERY = timedelta(minutes=10)

_ENDS_ACCOUNT = (CredentialRefused, RequestRefused, ForbiddenHost, Deferred, ExportUncertain)
"""What would only repeat itself in the account's other months."""


class Observer(Protocol):
    """Follows a run: a progress bar, a log."""

    def planned(self, account: Account, slices: int, requests: int) -> None:
        """The account's slices and batches that this run is about to load and fetch."""

    def landed(self, batch: Batch) -> None:
        """A batch has arrived."""

    def loaded(self, account: Account, days: Collection[date]) -> None:
        """Slices are committed."""

    def failed(self, account: Account, days: Collection[date], error: str) -> None:
        """Slices could not be loaded."""


class Quiet:
    """An observer that looks away."""

    def planned(self, account: Account, slices: int, requests: int) -> None:
        """Nothing."""

    def landed(self, batch: Batch) -> None:
        """Nothing."""

    def loaded(self, account: Account, days: Collection[date]) -> None:
        """Nothing."""

    def failed(self, account: Account, days: Collection[date], error: str) -> None:
        """Nothing."""


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
                for number, step in enumerate(planned):
                    errors = await land_all(self.workspace.landing, session, step.wanted, self.observer.landed)
                    if load:
                        loads.append(asyncio.ensure_future(self._load(outcome, step, may_stand, errors)))
                    elif errors:
                        await self._in_loader(self._fail, outcome, step.days, errors[0])
                    if self._ends_account(session, errors):
                        rest = [day for later in planned[number + 1 :] for day in later.days]
                        if rest:
                            await self._in_loader(self._fail, outcome, rest, _worst(errors))
                        break
        except Exception as error:
            await self._in_loader(self._fail, outcome, job.days, _of_account(account, error))
        await asyncio.gather(*loads)
        return outcome

    def _ends_account(self, session: Session, errors: Sequence[ExtractionError]) -> bool:
        return session.stopped or any(isinstance(error, _ENDS_ACCOUNT) for error in errors)

    async def _load(self, outcome: Outcome, step: Step, may_stand: Reusable, errors: Sequence[ExtractionError]) -> None:
        await self._in_loader(self._load_step, outcome, step, may_stand, errors)

    def _load_step(self, outcome: Outcome, step: Step, may_stand: Reusable, errors: Sequence[ExtractionError]) -> None:
        settled = _load(self.workspace, outcome, step.days, may_stand, self.observer)
        missing = [day for day in step.days if day not in settled]
        if errors:
            self._fail(outcome, missing, _worst(errors))
        if self.workspace.clock.now() - self.published >= PUBLISH_EVERY:
            publish(self.workspace)
            self.published = self.workspace.clock.now()

    def _fail(self, outcome: Outcome, days: Collection[date], error: Exception) -> None:
        _fail(self.workspace, outcome, days, error, self.observer)

    async def _in_loader(self, function: Callable[[Unpack[Ts]], T], *arguments: *Ts) -> T:
        return await asyncio.get_running_loop().run_in_executor(self.loader, function, *arguments)


def _load(
    workspace: Workspace,
    outcome: Outcome,
    days: Collection[date],
    may_stand: Reusable,
    observer: Observer,
) -> set[date]:
    """Load what is landed of some days; return the days of which something can be said: loaded, or refused."""
    try:
        loaded = load_days(workspace, outcome.account, days, may_stand)
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


def _fail(workspace: Workspace, outcome: Outcome, days: Collection[date], error: Exception, observer: Observer) -> None:
    _note(outcome, str(error))
    outcome.failed += len(days)
    failure = SliceFailure(account_row(outcome.account), tuple(days), str(error), workspace.clock.now())
    workspace.store.record_failures([failure])
    log.warning("%s", error)
    observer.failed(outcome.account, days, str(error))


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


def _worst(errors: Sequence[ExtractionError]) -> ExtractionError:
    """The error to name first: one that ends the account, else the first."""
    return next((error for error in errors if isinstance(error, _ENDS_ACCOUNT)), errors[0])
