"""The journal of export jobs, across real processes: killed at any point, never a second job."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from extractors.errors import (
    ErrorLocation,
    ExportTimedOut,
    ExportUncertain,
    NotSent,
    RequestRefused,
    Transient,
    UnexpectedStatus,
)
from extractors.exports import job as job_module
from extractors.exports.job import ExportJob, ExportJobs, JobStatus
from extractors.exports.journal import ExportRequest, Journal, JournalEntry
from tests.support.chatcaptain import FakeTime
from tests.support.export_jobs import open_jobs

NOW = datetime(2026, 1, 10, tzinfo=UTC)
MARCH = ExportRequest("bot", "2025-03-01", "2025-03-31")
APRIL = ExportRequest("bot", "2025-04-01", "2025-04-30")
OTHER_BOT = ExportRequest("other", "2025-03-01", "2025-03-31")
WHERE = ErrorLocation("chatcaptain", "a", "export")

Create = Callable[[], Awaitable[str]]


def build_create(*outcomes: str | Exception) -> Create:
    left = list(outcomes)

    async def create() -> str:
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return create


def obtain_job(jobs: ExportJobs, export_request: ExportRequest, create: Create, landed_job: str = "") -> ExportJob:
    return asyncio.run(jobs.adopt_or_start(export_request, create, lambda entry: entry.job_id == landed_job))


def test_a_journal_keeps_the_newest_entry_of_a_purpose_for_a_day(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "new" / "journal.json")
    assert journal.read().entries == ()
    journal.write_entry(JournalEntry(MARCH, NOW - timedelta(hours=25), "old"))
    journal.write_entry(JournalEntry(APRIL, NOW - timedelta(hours=1)))
    journal.write_entry(JournalEntry(APRIL, NOW, "x"))
    assert journal.read().entries == (JournalEntry(APRIL, NOW, "x"),)
    assert oct(journal.path.stat().st_mode & 0o777) == "0o600"
    journal.remove_entry(APRIL)
    assert journal.read().find_entry(APRIL) is None


def test_a_known_job_is_adopted_until_it_is_used_or_old(tmp_path: Path) -> None:
    time, path = FakeTime(NOW), tmp_path / "journal.json"
    assert obtain_job(open_jobs(path, time), MARCH, build_create("one")) == ExportJob("one", NOW)
    assert obtain_job(open_jobs(path, time), MARCH, build_create()) == ExportJob("one", NOW, is_adopted=True)
    assert obtain_job(open_jobs(path, time), APRIL, build_create("two")).id == "two"
    assert obtain_job(open_jobs(path, time), MARCH, build_create("three"), landed_job="one").id == "three"
    time.current_time += timedelta(hours=7)
    assert obtain_job(open_jobs(path, time), MARCH, build_create("four")).id == "four"


@pytest.mark.parametrize(("is_answered", "journalled_id"), [(True, "one"), (False, None)])
def test_a_run_that_is_told_to_stop_still_hears_the_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_answered: bool, journalled_id: str | None
) -> None:
    monkeypatch.setattr(job_module, "CANCEL_GRACE_SECONDS", 60 if is_answered else 0)
    jobs = open_jobs(tmp_path / "journal.json", FakeTime(NOW))

    async def run() -> None:
        is_requested, response = asyncio.Event(), asyncio.Event()

        async def create() -> str:
            is_requested.set()
            await response.wait()
            return "one"

        task = asyncio.ensure_future(jobs.adopt_or_start(MARCH, create, lambda _entry: False))
        await is_requested.wait()
        task.cancel()
        if is_answered:
            asyncio.get_running_loop().call_soon(response.set)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert jobs.journal.read().entries == (JournalEntry(MARCH, NOW, journalled_id),)


def test_what_never_left_may_be_sent_again(tmp_path: Path) -> None:
    jobs = open_jobs(tmp_path / "journal.json", FakeTime(NOW))
    with pytest.raises(NotSent):
        obtain_job(jobs, MARCH, build_create(NotSent(WHERE, "refused")))
    assert obtain_job(jobs, MARCH, build_create("one")).id == "one"


@pytest.mark.parametrize("status", [204, 206, 302, 303])
def test_a_status_that_is_no_answer_may_have_made_a_job(tmp_path: Path, status: int) -> None:
    path, time = tmp_path / "journal.json", FakeTime(NOW)
    with pytest.raises(UnexpectedStatus):
        obtain_job(open_jobs(path, time), MARCH, build_create(UnexpectedStatus(WHERE, "odd", status=status)))
    with pytest.raises(ExportUncertain):
        obtain_job(open_jobs(path, time), MARCH, build_create())
    with pytest.raises(RequestRefused):
        obtain_job(open_jobs(path, time), OTHER_BOT, build_create(RequestRefused(WHERE, "no")))
    assert obtain_job(open_jobs(path, time), OTHER_BOT, build_create("new")).id == "new"


def test_a_file_that_comes_ends_the_count_of_lost_ones(tmp_path: Path) -> None:
    jobs, lost = open_jobs(tmp_path / "journal.json", FakeTime(NOW)), Transient(WHERE, "the file did not come")
    for error in (lost, lost, None, lost, lost):
        jobs.record_file(error)
    assert obtain_job(jobs, MARCH, build_create("new")).id == "new"
    jobs.record_file(lost)
    with pytest.raises(Transient, match="the file did not come"):
        obtain_job(jobs, APRIL, build_create())
    assert obtain_job(jobs, MARCH, build_create()).is_adopted


def test_after_a_lost_answer_only_known_jobs_are_used(tmp_path: Path) -> None:
    time, path = FakeTime(NOW), tmp_path / "journal.json"
    jobs = open_jobs(path, time)
    obtain_job(jobs, APRIL, build_create("known"))
    with pytest.raises(ExportUncertain):
        obtain_job(jobs, MARCH, build_create(Transient(WHERE, "cut")))
    with pytest.raises(ExportUncertain):
        obtain_job(jobs, MARCH, build_create())
    assert obtain_job(jobs, APRIL, build_create()).is_adopted
    time.current_time += timedelta(minutes=31)
    with pytest.raises(ExportUncertain):  # the same run never tries again
        obtain_job(jobs, MARCH, build_create())
    assert obtain_job(open_jobs(path, time), MARCH, build_create("new")).id == "new"


def test_a_job_dated_in_the_future_is_not_adopted(tmp_path: Path) -> None:
    time, path = FakeTime(NOW + timedelta(days=400)), tmp_path / "journal.json"
    obtain_job(open_jobs(path, time), MARCH, build_create("ahead"))
    time.current_time = NOW
    assert obtain_job(open_jobs(path, time), MARCH, build_create("new")) == ExportJob("new", NOW)
    assert obtain_job(open_jobs(path, time), MARCH, build_create()).is_adopted


def test_an_answer_lost_in_the_future_holds_up_the_bot_for_the_usual_time(tmp_path: Path) -> None:
    time, path = FakeTime(NOW + timedelta(days=400)), tmp_path / "journal.json"
    with pytest.raises(ExportUncertain):
        obtain_job(open_jobs(path, time), MARCH, build_create(Transient(WHERE, "cut")))
    time.current_time = NOW
    with pytest.raises(ExportUncertain, match="2026-01-10 00:30 UTC"):
        obtain_job(open_jobs(path, time), MARCH, build_create())
    time.current_time += timedelta(minutes=31)
    assert obtain_job(open_jobs(path, time), MARCH, build_create("new")).id == "new"


def test_another_bot_is_not_held_up(tmp_path: Path) -> None:
    time, path = FakeTime(NOW), tmp_path / "journal.json"
    Journal(path).write_entry(JournalEntry(MARCH, NOW))
    other = ExportRequest("another bot", MARCH.start, MARCH.end)
    assert obtain_job(open_jobs(path, time), other, build_create("one")).id == "one"


@pytest.mark.parametrize(("state", "seconds"), [("waiting", 300), ("running", 900)])
def test_two_deadlines(tmp_path: Path, state: str, seconds: int) -> None:
    time = FakeTime(NOW)
    polls = 0

    async def status(_job: str) -> JobStatus:
        nonlocal polls
        polls += 1
        return JobStatus(state, "some word")  # type: ignore[arg-type]

    with pytest.raises(ExportTimedOut, match=f"within {seconds} seconds"):
        asyncio.run(open_jobs(tmp_path / "journal.json", time).wait_until_done(ExportJob("one", NOW), MARCH, status))
    assert time.current_time - NOW == timedelta(seconds=seconds)
    assert polls == len(time.sleeps_seconds) + 1 < 40


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from tests.extractors.exports.test_job import MARCH, NOW, open_jobs
from tests.support.chatcaptain import FakeTime
from tests.support.export_jobs import open_jobs

async def create() -> str:
    Path(sys.argv[2]).open("a").write("x")
    if sys.argv[3] == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    return "one"

asyncio.run(open_jobs(Path(sys.argv[1]), FakeTime(NOW)).adopt_or_start(MARCH, create, lambda _entry: False))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_process_killed_around_the_creation_makes_one_job(tmp_path: Path, moment: str) -> None:
    path, created = tmp_path / "journal.json", tmp_path / "created"
    arguments = [sys.executable, "-c", KILLED, str(path), str(created), moment]
    process = subprocess.run(arguments, check=False, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])})
    assert process.returncode == -signal.SIGKILL
    assert created.read_text() == "x"
    jobs = open_jobs(path, FakeTime(NOW + timedelta(minutes=5)))
    if moment == "before":
        with pytest.raises(ExportUncertain):
            obtain_job(jobs, MARCH, build_create())
    else:
        assert obtain_job(jobs, MARCH, build_create()).is_adopted


DAMAGED_JOURNALS = [
    b"",
    b"[",
    b"\x00" * 200,
    b"\xff\xfe",
    b'{"a": 1}',
    b"[1]",
    b"null",
    b"[" * 100_000,
    b'[{"purpose": {"bot": "bot"}, "at": "2026-01-10T00:00:00+00:00", "id": null}]',
    b'[{"purpose": {"bot": "bot", "start": "a", "end": "b"}, "at": "soon", "id": null}]',
    b'[{"purpose": {"bot": "bot", "start": "a", "end": "b"}, "at": "2026-01-10T00:00:00", "id": null}]',
    b'[{"purpose": {"bot": "bot", "start": "a", "end": "b"}, "at": "2026-01-10T00:00:00+00:00", "id": 7}]',
]


@pytest.mark.parametrize("content", DAMAGED_JOURNALS)
def test_a_damaged_journal_is_named_and_set_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes
) -> None:
    time, path = FakeTime(NOW), tmp_path / "journal.json"
    path.write_bytes(content)
    assert obtain_job(open_jobs(path, time), MARCH, build_create("one")).id == "one"
    assert (tmp_path / "journal.json.damaged").read_bytes() == content
    [record] = caplog.records
    assert record.getMessage().startswith(f"{path} cannot be read (")
    assert record.getMessage().endswith(
        "so it is set aside as journal.json.damaged; an export that it named may be started once more"
    )
    assert obtain_job(open_jobs(path, time), MARCH, build_create()).is_adopted


def test_an_entry_dated_far_ahead_does_not_stay(tmp_path: Path) -> None:
    time, path = FakeTime(NOW + timedelta(days=27_000)), tmp_path / "journal.json"
    obtain_job(open_jobs(path, time), APRIL, build_create("of 2099"))
    time.current_time = NOW
    assert obtain_job(open_jobs(path, time), MARCH, build_create("one")).id == "one"
    assert [entry.job_id for entry in Journal(path).read().entries] == ["one"]
