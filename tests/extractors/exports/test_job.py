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

from extractors.chatcaptain.account import ChatcaptainAccount
from extractors.chatcaptain.provider import PROVIDER
from extractors.errors import ErrorLocation, ExportTimedOut, ExportUncertain, NotSent, Transient
from extractors.exports import job as export_job
from extractors.exports.job import ExportJob, ExportJobs, JobStatus, PollSettings
from extractors.exports.journal import ExportRequest, Journal, JournalEntry
from extractors.http.client import Client
from tests.support.chatcaptain import FakeTime

NOW = datetime(2026, 1, 10, tzinfo=UTC)
MARCH = ExportRequest("bot", "2025-03-01", "2025-03-31")
APRIL = ExportRequest("bot", "2025-04-01", "2025-04-30")
WHERE = ErrorLocation("chatcaptain", "a", "export")

Create = Callable[[], Awaitable[str]]


def jobs(path: Path, time: FakeTime) -> ExportJobs:
    account = ChatcaptainAccount(name="a", chatbot_id="bot", api_key="planted-secret")  # type: ignore[arg-type]
    session = Client(clock=time.as_clock()).open_session(account, PROVIDER.limits)
    return ExportJobs(session, "export", Journal(path), PollSettings((2, 30), 300, 900, 30))


def creating(*outcomes: str | Exception) -> Create:
    left = list(outcomes)

    async def create() -> str:
        outcome = left.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return create


def obtain(desk: ExportJobs, purpose: ExportRequest, create: Create, used: str = "") -> ExportJob:
    return asyncio.run(desk.adopt_or_start(purpose, create, lambda job: job == used))


def test_a_journal_keeps_the_newest_entry_of_a_purpose_for_a_day(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "new" / "journal.json")
    assert journal.read_entries() == []
    journal.write_entry(JournalEntry(MARCH, NOW - timedelta(hours=25), "old"))
    journal.write_entry(JournalEntry(APRIL, NOW - timedelta(hours=1)))
    journal.write_entry(JournalEntry(APRIL, NOW, "x"))
    assert journal.read_entries() == [JournalEntry(APRIL, NOW, "x")]
    assert oct(journal.path.stat().st_mode & 0o777) == "0o600"
    journal.remove_entry(APRIL)
    assert journal.find_entry(APRIL) is None


def test_a_known_job_is_adopted_until_it_is_used_or_old(tmp_path: Path) -> None:
    time, path = FakeTime(NOW), tmp_path / "journal.json"
    assert obtain(jobs(path, time), MARCH, creating("one")) == ExportJob("one", NOW)
    assert obtain(jobs(path, time), MARCH, creating()) == ExportJob("one", NOW, is_adopted=True)
    assert obtain(jobs(path, time), APRIL, creating("two")).id == "two"
    assert obtain(jobs(path, time), MARCH, creating("three"), used="one").id == "three"
    time.current_time += timedelta(hours=7)
    assert obtain(jobs(path, time), MARCH, creating("four")).id == "four"


@pytest.mark.parametrize(("answered", "noted"), [(True, "one"), (False, None)])
def test_a_run_that_is_told_to_stop_still_hears_the_id(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answered: bool, noted: str | None
) -> None:
    monkeypatch.setattr(export_job, "CANCEL_GRACE_SECONDS", 60 if answered else 0)
    desk = jobs(tmp_path / "journal.json", FakeTime(NOW))

    async def run() -> None:
        asked, answer = asyncio.Event(), asyncio.Event()

        async def create() -> str:
            asked.set()
            await answer.wait()
            return "one"

        task = asyncio.ensure_future(desk.adopt_or_start(MARCH, create, lambda _job: False))
        await asked.wait()
        task.cancel()
        if answered:
            asyncio.get_running_loop().call_soon(answer.set)
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert desk.journal.read_entries() == [JournalEntry(MARCH, NOW, noted)]


def test_what_never_left_may_be_sent_again(tmp_path: Path) -> None:
    desk = jobs(tmp_path / "journal.json", FakeTime(NOW))
    with pytest.raises(NotSent):
        obtain(desk, MARCH, creating(NotSent(WHERE, "refused")))
    assert obtain(desk, MARCH, creating("one")).id == "one"


def test_after_a_lost_answer_only_known_jobs_are_used(tmp_path: Path) -> None:
    time, path = FakeTime(NOW), tmp_path / "journal.json"
    desk = jobs(path, time)
    obtain(desk, APRIL, creating("known"))
    with pytest.raises(ExportUncertain):
        obtain(desk, MARCH, creating(Transient(WHERE, "cut")))
    with pytest.raises(ExportUncertain):
        obtain(desk, MARCH, creating())
    assert obtain(desk, APRIL, creating()).is_adopted
    time.current_time += timedelta(minutes=31)
    with pytest.raises(ExportUncertain):  # the same run never tries again
        obtain(desk, MARCH, creating())
    assert obtain(jobs(path, time), MARCH, creating("new")).id == "new"


def test_another_bot_is_not_held_up(tmp_path: Path) -> None:
    time, path = FakeTime(NOW), tmp_path / "journal.json"
    Journal(path).write_entry(JournalEntry(MARCH, NOW))
    other = ExportRequest("another bot", MARCH.start, MARCH.end)
    assert obtain(jobs(path, time), other, creating("one")).id == "one"


@pytest.mark.parametrize(("state", "seconds"), [("waiting", 300), ("running", 900)])
def test_two_deadlines(tmp_path: Path, state: str, seconds: int) -> None:
    time = FakeTime(NOW)
    polls = 0

    async def status(_job: str) -> JobStatus:
        nonlocal polls
        polls += 1
        return JobStatus(state, "some word")  # type: ignore[arg-type]

    with pytest.raises(ExportTimedOut, match=f"within {seconds} seconds"):
        asyncio.run(jobs(tmp_path / "journal.json", time).wait_until_done(ExportJob("one", NOW), MARCH, status))
    assert time.current_time - NOW == timedelta(seconds=seconds)
    assert polls == len(time.sleeps_seconds) + 1 < 40


KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from tests.extractors.exports.test_job import MARCH, NOW, jobs
from tests.support.chatcaptain import FakeTime

async def create() -> str:
    Path(sys.argv[2]).open("a").write("x")
    if sys.argv[3] == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    return "one"

asyncio.run(jobs(Path(sys.argv[1]), FakeTime(NOW)).adopt_or_start(MARCH, create, lambda job: False))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_process_killed_around_the_creation_makes_one_job(tmp_path: Path, moment: str) -> None:
    path, made = tmp_path / "journal.json", tmp_path / "made"
    arguments = [sys.executable, "-c", KILLED, str(path), str(made), moment]
    ended = subprocess.run(arguments, check=False, env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])})
    assert ended.returncode == -signal.SIGKILL
    assert made.read_text() == "x"
    desk = jobs(path, FakeTime(NOW + timedelta(minutes=5)))
    if moment == "before":
        with pytest.raises(ExportUncertain):
            obtain(desk, MARCH, creating())
    else:
        assert obtain(desk, MARCH, creating()).is_adopted
