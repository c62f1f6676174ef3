"""The journal of export jobs in an object store that several machines share."""

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from extractors.exports import job as job_module
from extractors.exports.journal import ExportRequest, Journal, JournalEntry
from tests.support.chatcaptain import FakeTime
from tests.support.export_jobs import open_jobs
from tests.support.landing_bucket import LandingBucket
from tests.support.sample_batches import AT
from tests.support.shared_zones import ACCOUNT, PREFIX

REQUEST = ExportRequest("bot", "2025-03-01", "2025-04-01")


@pytest.fixture
def bucket() -> LandingBucket:
    return LandingBucket()


def test_of_many_machines_that_intend_an_export_one_may_request_it(bucket: LandingBucket, tmp_path: Path) -> None:
    zones = [bucket.open_zone(tmp_path / str(number)) for number in range(4)]
    for race in range(20):
        name = f".export-journal-{race}.json"
        journals = [Journal(zone.account_folder(*ACCOUNT) / name) for zone in zones]
        states = [journal.read() for journal in journals]
        with ThreadPoolExecutor(4) as pool:
            entries = [JournalEntry(REQUEST, AT)] * 4
            intended = list(pool.map(Journal.intend, journals, entries, states))
        assert sorted(intended) == [False, False, False, True]
        winner = journals[intended.index(True)]
        winner.write_entry(JournalEntry(REQUEST, AT, "job"))
        assert all(journal.read().entries == (JournalEntry(REQUEST, AT, "job"),) for journal in journals)
        winner.remove_entry(REQUEST)
        assert journals[0].read().entries == ()


def test_a_damaged_journal_in_a_store_is_set_aside(bucket: LandingBucket, tmp_path: Path) -> None:
    zone = bucket.open_zone(tmp_path)
    journal = Journal(zone.account_folder(*ACCOUNT) / ".journal.json")
    bucket.write(f"{PREFIX}.journal.json", b"[{")
    assert journal.read().entries == ()
    assert bucket.read_all() == {f"{PREFIX}.journal.json.damaged": b"[{"}


def test_requests_for_the_journal_hold_up_no_other_task_and_come_before_the_job(
    bucket: LandingBucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    zone = bucket.open_zone(tmp_path)
    path = zone.account_folder(*ACCOUNT) / ".journal.json"
    jobs = open_jobs(path, FakeTime(AT))
    wait_slowly(bucket, monkeypatch)
    journals_at_creation, ticks = list[dict[str, bytes]](), 0

    async def create() -> str:
        journals_at_creation.append(bucket.read_all())
        return "job"

    async def tick() -> None:
        nonlocal ticks
        while True:
            await asyncio.sleep(0.01)
            ticks += 1

    async def run() -> None:
        ticking = asyncio.create_task(tick())
        await jobs.adopt_or_start(REQUEST, create, lambda _entry: False)
        ticking.cancel()

    asyncio.run(run())
    assert ticks > 10
    (content,) = journals_at_creation[0].values()
    assert b'"id": null' in content
    assert jobs.journal.read().entries == (JournalEntry(REQUEST, AT, "job"),)


def test_a_run_that_is_stopped_while_it_writes_its_intention_requests_no_job(
    bucket: LandingBucket, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was written then stays, as after a kill: the export is not started again for a while."""
    zone = bucket.open_zone(tmp_path)
    jobs = open_jobs(zone.account_folder(*ACCOUNT) / ".journal.json", FakeTime(AT))
    monkeypatch.setattr(job_module, "CANCEL_GRACE_SECONDS", 0)
    write_if, created = bucket.objects.write_if, list[str]()

    async def create() -> str:
        created.append("job")
        return "job"

    async def run() -> None:
        is_writing, loop = asyncio.Event(), asyncio.get_running_loop()

        def write_slowly(*arguments: Any) -> Any:
            loop.call_soon_threadsafe(is_writing.set)
            time.sleep(0.2)
            return write_if(*arguments)

        monkeypatch.setattr(bucket.objects, "write_if", write_slowly)
        task = asyncio.create_task(jobs.adopt_or_start(REQUEST, create, lambda _entry: False))
        await is_writing.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(run())
    assert created == []
    assert jobs.journal.read().entries == (JournalEntry(REQUEST, AT),)


def wait_slowly(bucket: LandingBucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the store take its time for what a journal needs."""
    for name in ("read", "write_if"):
        request: Callable[..., Any] = getattr(bucket.objects, name)

        def wait(*arguments: Any, request: Callable[..., Any] = request) -> Any:
            time.sleep(0.1)
            return request(*arguments)

        monkeypatch.setattr(bucket.objects, name, wait)
