"""Export jobs: a journal on disk, one creation, polling, adoption after a restart. No provider is known here.

A provider cannot be asked whether a job exists, so what was intended is on disk before the one request that creates a
job, and its id right after. When the answer is lost, a job may or may not run: no other one is started in this run,
nor by a later run before ``retry_minutes`` are over. A job whose id is known is waited for, also by the next run.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal

from extractors.errors import (
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
)
from extractors.http.session import Session
from extractors.landing.zone import write_private_file

ADOPTABLE = timedelta(hours=6)
"""An older job shows its range as it was too long ago; a new one is started instead."""

CANCEL_GRACE_SECONDS = 5.0
_KEPT = timedelta(days=1)
_NOT_CREATED = (NotSent, Deferred, RequestRefused, CredentialRefused, ForbiddenHost)
_STOPPED = "export_stopped"

JobState = Literal["waiting", "running", "done", "failed"]


@dataclass(frozen=True)
class JobStatus:
    """How a job stands: ``word`` as told, ``link`` of a job that is done, ``error`` of one that failed."""

    state: JobState
    raw_status: str
    link: str | None = None
    error: str | None = None


@dataclass(frozen=True)
class PollSettings:
    """Poll first after ``poll_seconds[0]``, at last every ``poll_seconds[1]``; two deadlines; when to start anew."""

    poll_seconds: tuple[float, float]
    start_deadline_seconds: float
    deadline_seconds: float
    retry_minutes: float


@dataclass(frozen=True)
class ExportRequest:
    """What a job exports: the bot at the provider, and the range as it is sent."""

    bot: str
    start: str
    end: str


@dataclass(frozen=True)
class ExportJob:
    """A job that exists; ``adopted`` when an earlier run had started it."""

    id: str
    created_at: datetime
    is_adopted: bool = False


@dataclass(frozen=True)
class JournalEntry:
    """One line of the journal; ``id`` is None from the intention until the creation was answered."""

    export_request: ExportRequest
    requested_at: datetime
    job_id: str | None = None


@dataclass(frozen=True)
class Journal:
    """The jobs of one account that were intended or started lately; every change is on disk when it returns."""

    path: Path

    def read_entries(self) -> list[JournalEntry]:
        """All entries, oldest first."""
        try:
            told = json.loads(self.path.read_bytes())
        except FileNotFoundError:
            return []
        return [
            JournalEntry(ExportRequest(**line["purpose"]), datetime.fromisoformat(line["at"]), line["id"])
            for line in told
        ]

    def find_entry(self, purpose: ExportRequest) -> JournalEntry | None:
        """The entry of this purpose, if any."""
        return next((entry for entry in self.read_entries() if entry.export_request == purpose), None)

    def write_entry(self, entry: JournalEntry) -> None:
        """Add an entry, in place of one with the same purpose; those a day older than it are let go."""
        others = [
            e
            for e in self.read_entries()
            if e.export_request != entry.export_request and entry.requested_at - e.requested_at < _KEPT
        ]
        self._keep([*others, entry])

    def remove_entry(self, purpose: ExportRequest) -> None:
        """Drop the entry of a purpose."""
        self._keep([entry for entry in self.read_entries() if entry.export_request != purpose])

    def _keep(self, entries: list[JournalEntry]) -> None:
        lines = [
            {"purpose": asdict(e.export_request), "at": e.requested_at.isoformat(), "id": e.job_id} for e in entries
        ]
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_private_file(self.path, json.dumps(lines, ensure_ascii=False).encode(), durable=True)


async def _to_its_end(creation: Coroutine[Any, Any, ExportJob]) -> ExportJob:
    """Hear a creation's answer for some seconds also when the run is told to stop: one unheard holds up the bot."""
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

    session: Session
    stream: str
    journal: Journal
    poll_settings: PollSettings

    async def adopt_or_start(
        self, purpose: ExportRequest, create: Callable[[], Awaitable[str]], used: Callable[[str], bool]
    ) -> ExportJob:
        """The job of a purpose: one that an earlier run started and did not use, else a new one.

        ``create`` sends the creating request and returns the id; ``used`` says whether the result of a job is landed
        already. Raises ExportUncertain when a job may exist whose id was lost, and what ``create`` raises.
        """
        known = self.journal.find_entry(purpose)
        if (
            known
            and known.job_id
            and self.session.clock.now() - known.requested_at < ADOPTABLE
            and not used(known.job_id)
        ):
            return ExportJob(known.job_id, known.requested_at, is_adopted=True)
        self._refuse_another(purpose.bot)
        return await _to_its_end(self._start(purpose, create))

    async def _start(self, purpose: ExportRequest, create: Callable[[], Awaitable[str]]) -> ExportJob:
        intended = JournalEntry(purpose, self.session.clock.now())
        self.journal.write_entry(intended)
        try:
            job_id = await create()
        except _NOT_CREATED:
            self.journal.remove_entry(purpose)
            raise
        except ShapeError:
            self._uncertain(intended, "the answer to it does not name the job")
            raise
        except Transient as error:
            raise self._uncertain(intended, f"its answer was lost ({error.problem})") from error
        self.journal.write_entry(JournalEntry(purpose, intended.requested_at, job_id))
        return ExportJob(job_id, intended.requested_at)

    async def wait_until_done(
        self, job: ExportJob, purpose: ExportRequest, status_of: Callable[[str], Awaitable[JobStatus]]
    ) -> JobStatus:
        """Poll until the job is done, first at once and then ever more slowly.

        Raises ExportFailed when the provider says that it failed, and ExportTimedOut at a deadline: the start
        deadline while the job waits for its turn, the whole deadline otherwise.
        """
        clock = self.session.clock
        began, (pause, slowest) = clock.monotonic(), self.poll_settings.poll_seconds
        while True:
            status = await status_of(job.id)
            if status.state == "done":
                return status
            if status.state == "failed":
                self.journal.remove_entry(purpose)
                said = status.error or "no reason is told"
                raise ExportFailed(
                    self.session.where(self.stream),
                    f"export {job.id} ended as {status.raw_status!r}: {said}",
                    "run the same command again to start a new one",
                )
            left = self._deadline(status) - (clock.monotonic() - began)
            if left <= 0:
                raise self._timed_out(job, status)
            await clock.sleep(min(pause, left))
            pause = min(pause * 2, slowest)

    def discard_job(self, purpose: ExportRequest) -> None:
        """Let go of a job whose result cannot be had any more."""
        self.journal.remove_entry(purpose)

    def _deadline(self, status: JobStatus) -> float:
        patience = self.poll_settings
        waits = status.state == "waiting"
        return min(patience.start_deadline_seconds, patience.deadline_seconds) if waits else patience.deadline_seconds

    def _timed_out(self, job: ExportJob, status: JobStatus) -> ExportTimedOut:
        what = "start" if status.state == "waiting" else "finish"
        error = ExportTimedOut(
            self.session.where(self.stream),
            f"export {job.id} did not {what} within {self._deadline(status):g} seconds (status {status.raw_status!r})",
            "run the same command again later: it waits for this job and starts no other",
        )
        self.session.run_state[_STOPPED] = error  # the bot is busy with this job: another would be a second at a time
        return error

    def _refuse_another(self, bot: str) -> None:
        stopped: Any = self.session.run_state.get(_STOPPED)
        if stopped is not None:
            raise stopped
        for entry in self.journal.read_entries():
            recent = self.session.clock.now() - entry.requested_at < timedelta(minutes=self.poll_settings.retry_minutes)
            if entry.export_request.bot == bot and entry.job_id is None and recent:
                raise self._uncertain(entry, "its answer never came")

    def _uncertain(self, entry: JournalEntry, why: str) -> ExportUncertain:
        again = entry.requested_at + timedelta(minutes=self.poll_settings.retry_minutes)
        error = ExportUncertain(
            self.session.where(self.stream),
            f"an export of {entry.export_request.start} to {entry.export_request.end} was asked for at "
            f"{entry.requested_at:%H:%M:%S} UTC and "
            f"{why}, so it may or may not run; no other is started for this bot in this run",
            f"run the same command again after {again:%Y-%m-%d %H:%M} UTC (export_retry_minutes: "
            f"{self.poll_settings.retry_minutes:g})",
        )
        self.session.run_state[_STOPPED] = error
        return error
