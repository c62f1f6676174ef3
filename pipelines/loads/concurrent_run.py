"""One run over several accounts at once: each month is committed soon after its windows are landed.

Requests of all accounts share one event loop; transforms and commits run in one thread beside it, which takes what
several accounts and months have ready as one commit. Dagster and output must not come in. Called through
``pipelines.loads.run``.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import date, timedelta
from functools import partial
from typing import Any

from extractors.account import Account
from extractors.errors import (
    BudgetUsedUp,
    CredentialMissing,
    CredentialRefused,
    Deferred,
    ErrorLocation,
    ExtractionError,
    ForbiddenHost,
    RequestRefused,
)
from extractors.fetch import fetch_batches, gather_or_cancel
from extractors.http.client import Client
from extractors.http.session import Session
from extractors.landing.batch import Batch
from extractors.landing.lock import hold_fetch_lock
from extractors.registry import get_provider
from pipelines.loads.claims import ReuseRule, build_reuse_rule
from pipelines.loads.group_thread import GroupThread, GroupWork
from pipelines.loads.identity import warn_about_foreign_slices
from pipelines.loads.observer import Observer
from pipelines.loads.open_files import allow_open_files
from pipelines.loads.plan import LoadJob, LoadStep, plan_steps
from pipelines.loads.publish import publish_warehouse
from pipelines.loads.ready_load import ReadyLoad, finish_loads
from pipelines.loads.result import Failure, Outcome, RunResult, as_account_error, read_ledgers
from pipelines.loads.run_log import track_part, track_run
from pipelines.loads.workspace import Workspace
from warehouse.records import LedgerRow

PUBLISH_EVERY = timedelta(minutes=10)

PUBLISH_WHEN_QUIET = timedelta(minutes=1)
"""What is committed is published when nothing more has come for so long: readers do not wait for a slow account."""

_LOOK_SECONDS = 5.0
"""The time between two looks at whether something is to be published."""

GROUP_PAUSE_SECONDS = 2.0
"""The time from a commit to the next one while more is being fetched: a commit costs nearly the same for any size."""

MAX_GROUP_ITEMS = 200
"""The most steps of all accounts that are loaded as one group, and the most ledgers that are read at once."""

_ACCOUNT_ENDING_ERRORS = (CredentialRefused, ForbiddenHost, Deferred, BudgetUsedUp)
"""Errors that would recur in every other month and stream of the account.

ExportUncertain is none: it holds up new exports alone, which the run remembers without a request.
"""


class ConcurrentRun:
    """The state of one run. An instance is used once."""

    def __init__(self, workspace: Workspace, refetch: bool, observer: Observer, *, load: bool) -> None:
        self._workspace = workspace
        self._refetch = refetch
        self._observer = observer
        self._load = load
        self._started_at = workspace.part.run_started_at if workspace.part else workspace.clock.now()
        self._last_numbers: dict[str, int] = {}
        self._published_at_seconds = self._committed_at_seconds = workspace.clock.monotonic()
        self._ledgers = GroupWork(self._read_ledgers, MAX_GROUP_ITEMS)
        self._loads = GroupWork(self._finish_loads, MAX_GROUP_ITEMS, GROUP_PAUSE_SECONDS)
        self._publications = GroupWork(self._publish_if_due, 1)
        self._fetching_count = 0

    def run(self, jobs: Sequence[LoadJob]) -> RunResult:
        """Run all jobs. Raises WarehouseErrors of the warehouse as a whole."""
        allow_open_files(len(jobs))
        outcomes = [Outcome(job.account, planned=len(job.days)) for job in jobs]
        self._workspace.landing.refresh([(job.account.provider, job.account.name) for job in jobs])
        for account in (job.account for job in jobs):
            self._last_numbers[account.name] = self._workspace.landing.read_last_number(account.provider, account.name)
        with self._track(outcomes):
            asyncio.run(self._run_accounts(jobs, outcomes))
        return RunResult(outcomes)

    @contextmanager
    def _track(self, outcomes: Sequence[Outcome]) -> Iterator[None]:
        if self._workspace.part:
            with track_part(self._workspace):
                yield
        else:
            with track_run(self._workspace, outcomes, publish_at_end=self._load) as self._recorder:
                yield

    async def _run_accounts(self, jobs: Sequence[LoadJob], outcomes: Sequence[Outcome]) -> None:
        workspace = self._workspace
        self._fetching_count = len(jobs)
        # transforms and commits are bound by the processor: one thread beside the one that fetches
        self._loader = GroupThread("chatmart-load", [self._ledgers, self._loads, self._publications])
        try:
            async with Client(workspace.http_settings, workspace.clock, workspace.config.network) as client:
                pairs = zip(jobs, outcomes, strict=True)
                tasks = [asyncio.ensure_future(self._run_account(client, job, outcome)) for job, outcome in pairs]
                async with self._publish_in_time():
                    await self._wait_or_cancel(tasks)
        finally:
            self._loader.close()  # a commit under way is finished

    @asynccontextmanager
    async def _publish_in_time(self) -> AsyncIterator[None]:
        """Within the block, publish what is committed whenever it is due, whatever any account waits for."""

        async def look_again_and_again() -> None:
            while True:
                await asyncio.sleep(_LOOK_SECONDS)
                if self._is_publication_due():
                    await asyncio.wrap_future(self._loader.submit(self._publications, None))

        task = asyncio.create_task(look_again_and_again())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _wait_or_cancel(self, tasks: Sequence[asyncio.Future[None]]) -> None:
        """Wait for the tasks of all accounts; cancel the rest on a requested stop, or when one of them raises."""

        def cancel_tasks() -> None:
            for task in tasks:
                task.cancel()

        stop, loop = self._workspace.stop, asyncio.get_running_loop()
        try:
            with stop.subscribe(partial(loop.call_soon_threadsafe, cancel_tasks)):
                await gather_or_cancel(tasks)
        except asyncio.CancelledError:
            if not stop.is_requested:
                raise

    async def _run_account(self, client: Client, job: LoadJob, outcome: Outcome) -> None:
        account = job.account
        loads: list[asyncio.Future[None]] = []
        remaining = set(job.days)
        lock_wait_seconds = self._workspace.config.settings.lock_wait_seconds
        try:
            session = client.open_session(account, get_provider(account.provider).limits)
            if self._workspace.part:
                session.started_at = self._started_at  # all batches of a run name one start
            outcome.stats = session.stats
            async with hold_fetch_lock(
                self._workspace.landing, account, wait_seconds=lock_wait_seconds, recall=not self._refetch
            ):
                await self._fetch_steps(session, job, outcome, loads, remaining)
        except Exception as error:
            account_error = as_account_error(account, error)
            if remaining or not isinstance(error, CredentialMissing):  # without days, no request was to be sent
                loads.append(self._submit(Failure(outcome, sorted(remaining), account_error)))
        finally:
            self._fetching_count -= 1
            if not self._fetching_count:
                self._loader.hurry()
        await asyncio.gather(*loads)
        outcome.ended_at = self._workspace.clock.now()

    async def _fetch_steps(
        self,
        session: Session[Any],
        job: LoadJob,
        outcome: Outcome,
        loads: list[asyncio.Future[None]],
        remaining: set[date],
    ) -> None:
        """Fetch an account's steps one after the other and submit the load of each to ``loads``.

        The days of a step leave ``remaining`` when its load is submitted.
        """
        account, landing = job.account, self._workspace.landing
        ledger = await asyncio.wrap_future(self._loader.submit(self._ledgers, job))
        if not self._last_numbers[account.name]:
            warn_about_foreign_slices(self._workspace, account, ledger)
        now = self._workspace.clock.now()
        is_reusable = build_reuse_rule(
            account,
            ledger,
            self._is_new,
            now=now,
            run_started_at=self._started_at,
            refetch=self._refetch,
        )
        steps = plan_steps(account, get_provider(account.provider), landing, job.days, is_reusable)
        self._observer.on_planned(account, len(job.days), sum(len(step.fetches) for step in steps))
        all_errors: list[ExtractionError] = []
        landed_count = 0
        for number, step in enumerate(steps):
            errors = await fetch_batches(landing, session, step.fetches, self._observer.on_batch_landed)
            all_errors += errors
            landed_count += len(step.fetches) - len(errors)
            # an earlier error counts too: its window may have spanned into this older month
            loads.append(self._submit_steps(outcome, is_reusable, [step], errors or all_errors))
            remaining.difference_update(step.days)
            if session.is_stopped or _must_end_account(errors, landed_count):
                loads.append(self._submit_steps(outcome, is_reusable, steps[number + 1 :], all_errors))
                break

    def _is_new(self, batch: Batch) -> bool:
        """Whether a batch was landed since the run began; in a second attempt at a part, also by the first."""
        if batch.number > self._last_numbers[batch.account]:
            return True
        with suppress(ValueError, OSError):  # a damaged batch is judged as an old one
            return self._workspace.part is not None and batch.run_started_at == self._started_at
        return False

    def _submit_steps(
        self, outcome: Outcome, is_reusable: ReuseRule, steps: Sequence[LoadStep], errors: Sequence[ExtractionError]
    ) -> asyncio.Future[None]:
        """Submit the load of the landed batches of some steps. The days that lack a batch will fail with an error."""
        error = _select_first_error(errors) if errors else incomplete_response_error(outcome.account)
        return self._submit(ReadyLoad(outcome, [step.days for step in steps], is_reusable, error))

    def _submit(self, load: ReadyLoad | Failure) -> asyncio.Future[None]:
        future = asyncio.wrap_future(self._loader.submit(self._loads, load))
        # an error of the warehouse is that of the whole group: the run ends with the first account that sees it
        future.add_done_callback(lambda done: done.cancelled() or done.exception())
        return future

    def _read_ledgers(self, jobs: Sequence[LoadJob]) -> list[list[LedgerRow]]:
        ledgers = read_ledgers(self._workspace, jobs)
        return [ledgers[job.account.name] for job in jobs]

    def _finish_loads(self, loads: Sequence[ReadyLoad | Failure]) -> list[None]:
        finish_loads(self._workspace, loads, self._observer, load=self._load)
        self._committed_at_seconds = self._workspace.clock.monotonic()
        self._publish_if_due()
        return [None] * len(loads)

    def _is_publication_due(self) -> bool:
        """Whether something committed waits for readers, and has for long, or nothing else has come after it."""
        now, committed, published = (
            self._workspace.clock.monotonic(),
            self._committed_at_seconds,
            self._published_at_seconds,
        )
        is_waiting = self._load and self._workspace.part is None and committed > published
        is_quiet = now - committed >= PUBLISH_WHEN_QUIET.total_seconds()
        return is_waiting and (is_quiet or now - published >= PUBLISH_EVERY.total_seconds())

    def _publish_if_due(self, requests: Sequence[None] = ()) -> list[None]:
        if self._is_publication_due():
            self._recorder.write_rows()
            publish_warehouse(self._workspace)
            self._published_at_seconds = self._workspace.clock.monotonic()
        return [None] * len(requests)


def _must_end_account(errors: Sequence[ExtractionError], landed_count: int) -> bool:
    """Whether to send no further request for the account.

    That is so after an error that would recur, and when requests were refused while none has succeeded: then an id of
    the account is probably wrong.
    """
    only_refused = any(isinstance(error, RequestRefused) for error in errors) and not landed_count
    return only_refused or any(isinstance(error, _ACCOUNT_ENDING_ERRORS) for error in errors)


def incomplete_response_error(account: Account) -> ExtractionError:
    """Return the error of days for which no complete response arrived, although no request failed."""
    where = ErrorLocation(account.provider, account.name)
    return ExtractionError(where, "no complete response arrived for these days", "run the same command again")


def _select_first_error(errors: Sequence[ExtractionError]) -> ExtractionError:
    """Return the error to report: the first that ends the account, else the first of all."""
    return next((error for error in errors if isinstance(error, _ACCOUNT_ENDING_ERRORS)), errors[0])
