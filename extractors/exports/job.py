"""Export jobs: one creation, polling, and adoption after a restart. No provider is known here.

A provider cannot be asked whether a job exists. So the intention is on disk before the one request that creates a job,
and the job's id right after. When the response to the creation is lost, a job may or may not run: no other one is
started in this run, nor by a later run within ``retry_minutes``. A job with a known id is waited for, also by the next
run.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Literal, TypeVar

from extractors.account import Account
from extractors.errors import (
    BudgetUsedUp,
    CertificateRefused,
    CredentialRefused,
    Deferred,
    ExportFailed,
    ExportTimedOut,
    ExportUncertain,
    ForbiddenHost,
    NotSent,
    RequestRefused,
    ShapeError,
    Transient,
    UnexpectedStatus,
)
from extractors.exports.journal import ExportRequest, Journal, JournalEntry, JournalState
from extractors.http.session import Session
from extractors.instants import age_at
from extractors.landing.landed_files import run_aside

ADOPTABLE_FOR = timedelta(hours=6)
"""An older job's file shows its range as it was too long ago; a new one is started instead."""

CANCEL_GRACE_SECONDS = 5.0
_NOT_CREATED = (
    NotSent,
    Deferred,
    RequestRefused,
    CredentialRefused,
    CertificateRefused,
    ForbiddenHost,
    BudgetUsedUp,
)
_STOP_ERROR = "export_stopped"  # keys of the run's state
_LOST_FILES = "export_lost_files"

T = TypeVar("T")

JobState = Literal["waiting", "running", "done", "failed"]


@dataclass(frozen=True)
class JobStatus:
    """The state of a job, the provider's own word for it, the link of a finished file or the error of a failed job."""

    state: JobState
    raw_status: str
    link: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class PollSettings:
    """First and longest pause between polls, both deadlines, and the pause before a new job after a lost response."""

    poll_seconds: tuple[float, float]
    start_deadline_seconds: float
    deadline_seconds: float
    retry_minutes: float


@dataclass(frozen=True)
class ExportJob:
    """A job that exists, requested at ``created_at`` (UTC). ``is_adopted`` if an earlier run started it."""

    id: str
    created_at: datetime
    is_adopted: bool = False


async def finish_even_if_cancelled(creation: Coroutine[Any, Any, T]) -> T:
    """Await a creation. On cancellation wait up to 5 s for its response, then raise CancelledError.

    A lost job id blocks new exports of the bot for ``export_retry_minutes``.
    """
    task = asyncio.ensure_future(creation)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        with suppress(Exception):
            await asyncio.wait_for(task, CANCEL_GRACE_SECONDS)
        raise


@dataclass(frozen=True)
class ExportJobs:
    """The export jobs of one account's stream in this run."""

    session: Session[Account]
    stream: str
    journal: Journal
    poll_settings: PollSettings

    async def adopt_or_start(
        self,
        export_request: ExportRequest,
        create: Callable[[], Awaitable[str]],
        is_outdated: Callable[[JournalEntry], bool],
    ) -> ExportJob:
        """Return the job of an export: one that an earlier run started and did not land, else a new one.

        ``create`` sends the creating request and returns the job's id; ``is_outdated`` returns whether the file of a
        job, or a newer response for its days, has been landed already. Raises ExportUncertain when a job may exist
        whose id was lost, ExportTimedOut when another job of the bot missed its deadline in this run, Transient when
        the files of several were given up, and the errors of ``create``.
        """
        job = None
        while job is None:
            state = await self._aside(self.journal.read)
            entry = state.find_entry(export_request)
            age = self._age(entry) if entry else None
            if entry and entry.job_id and age is not None and age < ADOPTABLE_FOR and not is_outdated(entry):
                return ExportJob(entry.job_id, entry.requested_at, is_adopted=True)
            await self._raise_if_blocked(export_request.bot, state)
            job = await finish_even_if_cancelled(self._start_job(export_request, create, state))
        return job

    async def _start_job(
        self, export_request: ExportRequest, create: Callable[[], Awaitable[str]], state: JournalState
    ) -> ExportJob | None:
        """Start a job and return it; None when another machine has changed the journal since ``state`` was read."""
        intention = JournalEntry(export_request, self.session.clock.now())
        if not await self._aside(partial(self.journal.intend, intention, state)):
            return None
        try:
            job_id = await create()
        except (ShapeError, UnexpectedStatus):
            self._block_bot(intention, "the answer to it does not name the job")
            raise
        except _NOT_CREATED:
            await self.discard_job(export_request)
            raise
        except Transient as error:
            raise self._block_bot(intention, f"its answer was lost ({error.problem})") from error
        started = JournalEntry(export_request, intention.requested_at, job_id)
        await self._aside(partial(self.journal.write_entry, started))
        return ExportJob(job_id, intention.requested_at)

    async def wait_until_done(
        self, job: ExportJob, export_request: ExportRequest, fetch_status: Callable[[str], Awaitable[JobStatus]]
    ) -> JobStatus:
        """Poll until the job is done: first at once, then with pauses that double up to the longest one.

        Raises ExportFailed when the provider reports a failure, and ExportTimedOut at a deadline: the start deadline
        while the job waits for its turn, the whole deadline otherwise.
        """
        clock = self.session.clock
        began, (pause, longest_pause) = clock.monotonic(), self.poll_settings.poll_seconds
        while True:
            status = await fetch_status(job.id)
            if status.state == "done":
                return status
            if status.state == "failed":
                await self.discard_job(export_request)
                raise ExportFailed(
                    self.session.where(self.stream),
                    f"export {job.id} ended as {status.raw_status!r}: {status.error or 'the provider gives no reason'}",
                    "run the same command again to start a new one",
                )
            remaining = self._deadline_seconds(status) - (clock.monotonic() - began)
            if remaining <= 0:
                raise self._record_timeout(job, status)
            await clock.sleep(min(pause, remaining))
            pause = min(pause * 2, longest_pause)

    async def discard_job(self, export_request: ExportRequest) -> None:
        """Forget a job that does not exist, or whose file cannot be fetched any more."""
        await self._aside(partial(self.journal.remove_entry, export_request))

    def record_file(self, error: Transient | None = None) -> None:
        """Note that the file of a job came, or the error with which it was given up.

        After ``breaker_threshold`` files given up in a row no other job is started in this run: each may take as long
        as the tries of a download, and the account's other months and the other accounts would wait for it.
        """
        state = self.session.run_state
        state[_LOST_FILES] = 0 if error is None else state.get(_LOST_FILES, 0) + 1
        if error is not None and state[_LOST_FILES] >= self.session.settings.breaker_threshold:
            state[_STOP_ERROR] = error

    async def _aside(self, work: Callable[[], T]) -> T:
        """Return the result of work on the journal. Other tasks go on meanwhile."""
        return await run_aside(self.journal.path, work)

    def _age(self, entry: JournalEntry) -> timedelta | None:
        """Return the age of an entry; None when it is dated in the future, by a clock that was ahead."""
        return age_at(entry.requested_at, self.session.clock.now())

    def _deadline_seconds(self, status: JobStatus) -> float:
        settings = self.poll_settings
        if status.state == "waiting":
            return min(settings.start_deadline_seconds, settings.deadline_seconds)
        return settings.deadline_seconds

    def _record_timeout(self, job: ExportJob, status: JobStatus) -> ExportTimedOut:
        missed = "start" if status.state == "waiting" else "finish"
        deadline = self._deadline_seconds(status)
        error = ExportTimedOut(
            self.session.where(self.stream),
            f"export {job.id} did not {missed} within {deadline:g} seconds (status {status.raw_status!r})",
            "run the same command again later: it waits for this job and starts no other",
        )
        self.session.run_state[_STOP_ERROR] = error  # the bot is busy with this job, and may run one at a time
        return error

    async def _raise_if_blocked(self, bot: str, state: JournalState) -> None:
        stop_error: Transient | ExportUncertain | None = self.session.run_state.get(_STOP_ERROR)
        if stop_error is not None:
            raise stop_error
        for entry in state.entries:
            if entry.export_request.bot != bot or entry.job_id is not None:
                continue
            age = self._age(entry)
            if age is None:  # its pause begins now, or it would last until that future
                entry = JournalEntry(entry.export_request, self.session.clock.now())
                await self._aside(partial(self.journal.write_entry, entry))
            if age is None or age < timedelta(minutes=self.poll_settings.retry_minutes):
                raise self._block_bot(entry, "its answer never came")

    def _block_bot(self, entry: JournalEntry, reason: str) -> ExportUncertain:
        """Return the error of a job that may exist; until the run ends, no other job of the bot is started."""
        export_request, retry_minutes = entry.export_request, self.poll_settings.retry_minutes
        retry_at = entry.requested_at + timedelta(minutes=retry_minutes)
        error = ExportUncertain(
            self.session.where(self.stream),
            f"an export of {export_request.start} to {export_request.end} was asked for at "
            f"{entry.requested_at:%H:%M:%S} UTC and {reason}, so it may or may not run; "
            "no other is started for this bot in this run, and the days without an export wait",
            f"run the same command again after {retry_at:%Y-%m-%d %H:%M} UTC "
            f"(export_retry_minutes: {retry_minutes:g}); the answers of the other streams are landed meanwhile",
        )
        self.session.run_state[_STOP_ERROR] = error
        return error
