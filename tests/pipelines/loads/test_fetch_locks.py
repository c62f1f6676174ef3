"""The fetch lock of an account where several machines share locks."""

import asyncio
import os
import re
import socket
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from filelock import FileLock

from extractors.errors import AccountBusy, NotSent, Permanent
from extractors.landing import lock as lock_module
from extractors.landing.copy_folders import CopyFolder
from extractors.landing.lock import fetch_lock_path, hold_fetch_lock, hold_lock_if_free, hold_lock_now
from extractors.landing.mirror import Mirror
from extractors.landing.shared_zone import SharedLandingZone
from extractors.landing.zone import LandingZone
from pipelines.configuration.lock_database import LockDatabase
from pipelines.loads.landing_objects import LandingNotes
from pipelines.loads.lock_owner import NotedOwner
from pipelines.loads.lock_session import LockSession
from tests.support.clock import FakeClock
from tests.support.http_session import build_account
from tests.support.landing_bucket import PLENTY_BYTES, LandingBucket
from tests.support.postgres import start_postgres

ACME = build_account("http://127.0.0.1:1")


def open_zone(root: Path, url: str = "") -> LandingZone:
    """The landing zone as another process would open it."""
    return LandingZone(root, shared_locks=LockSession(LockDatabase("`locks:`", url or start_postgres().url), "load"))


async def fetch(zone: LandingZone, wait_seconds: float = 0.25) -> None:
    async with hold_fetch_lock(zone, ACME, wait_seconds=wait_seconds):
        pass


def test_a_run_waits_for_that_of_another_machine_and_names_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(lock_module, "REMIND_SECONDS", 0.1)
    first, second = open_zone(tmp_path), open_zone(tmp_path)
    asyncio.run(fetch(first))
    holder = (
        rf"another run \(process {os.getpid()} on {socket.gethostname()}, load, connected since [-\d]+ [:\d]+ UTC\)"
    )
    with hold_lock_now(first, ACME):
        with pytest.raises(AccountBusy, match=rf"{holder} is still fetching this account; .*waited 0\.25 s"):
            asyncio.run(fetch(second))
        with pytest.raises(AccountBusy, match=f"{holder} is fetching this account"):
            hold_lock_now(second, ACME).__enter__()
        with hold_lock_if_free(second, ACME.provider, ACME.name) as busy:
            assert re.fullmatch(holder, busy or "")
    assert len(re.findall(rf"waiting for {holder}, which is fetching this account", caplog.text)) == 3
    asyncio.run(fetch(second))


def test_the_folders_own_lock_holds_too(tmp_path: Path) -> None:
    """Two processes of one machine never write one log, also when connections are lost, or one has no database."""
    zone = open_zone(tmp_path)
    asyncio.run(fetch(zone))
    with FileLock(fetch_lock_path(zone, ACME.provider, ACME.name)):
        with pytest.raises(AccountBusy, match=rf"another run \(process {os.getpid()}, since "):
            asyncio.run(fetch(zone))
        with hold_lock_if_free(zone, ACME.provider, ACME.name) as busy:
            assert busy
    with hold_lock_now(open_zone(tmp_path), ACME):
        pass


def test_a_run_that_is_cancelled_while_it_waits_leaves_no_lock(tmp_path: Path) -> None:
    first, second = open_zone(tmp_path), open_zone(tmp_path)

    async def wait_and_be_cancelled() -> None:
        task = asyncio.ensure_future(fetch(second, wait_seconds=10))
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    with hold_lock_now(first, ACME):
        asyncio.run(wait_and_be_cancelled())
    with hold_lock_now(first, ACME), pytest.raises(AccountBusy):
        hold_lock_now(second, ACME).__enter__()
    with hold_lock_now(second, ACME):
        pass


class SlowLocks:
    """Locks that are given only when the test lets them be."""

    def __init__(self) -> None:
        self.held: set[str] = set()
        self.begun, self.may_end = threading.Event(), threading.Event()

    def try_acquire(self, name: str) -> bool:
        self.begun.set()
        self.may_end.wait()
        self.held.add(name)
        return True

    def release(self, name: str) -> None:
        self.held.remove(name)

    def describe_holder(self, name: str) -> str:
        return name


def test_a_lock_that_comes_after_its_run_was_cancelled_is_released(tmp_path: Path) -> None:
    locks = SlowLocks()

    async def cancel_while_asking() -> None:
        task = asyncio.ensure_future(fetch(LandingZone(tmp_path, shared_locks=locks)))
        await asyncio.to_thread(locks.begun.wait)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        locks.may_end.set()

    asyncio.run(cancel_while_asking())
    assert locks.held == set()


def test_a_database_that_cannot_be_used_fails_the_account_before_a_request(tmp_path: Path) -> None:
    zone = open_zone(tmp_path, "postgresql://u:p@127.0.0.1:1/d")
    for act in (lambda: asyncio.run(fetch(zone)), lambda: hold_lock_now(zone, ACME).__enter__()):
        with pytest.raises(
            NotSent, match=r"^acme \(cognigy\): The database of the locks, 127\.0\.0\.1:1/d of `locks:`, "
        ):
            act()


def test_a_second_machine_with_files_for_locks_writes_no_shared_landing_zone(tmp_path: Path) -> None:
    bucket = LandingBucket()

    def open_machine(name: str) -> SharedLandingZone:
        owner = NotedOwner(None, FakeClock(datetime(2025, 4, 1, 6, tzinfo=UTC)))
        notes = LandingNotes(bucket.objects)

        def claim(folder: Path, takes_over: bool) -> None:
            (owner.take_over if takes_over else owner.claim)(bucket.objects.address, notes, folder)

        copies = Mirror(bucket.objects, CopyFolder(tmp_path / name), PLENTY_BYTES)
        return SharedLandingZone(copies, claim=claim)

    asyncio.run(fetch(open_machine("first")))
    second = open_machine("second")
    sentence = rf"^acme \(cognigy\): s3://bucket/landing is written under locks of the machine .*{tmp_path / 'first'}"
    for act in (
        lambda: asyncio.run(fetch(second)),
        lambda: hold_lock_now(second, ACME).__enter__(),
        lambda: hold_lock_if_free(second, ACME.provider, ACME.name).__enter__(),
    ):
        with pytest.raises(Permanent, match=sentence):
            act()
    assert second.list_accounts() == open_machine("first").list_accounts(), "it reads all the same"
    second.claim(takes_over=True)
    asyncio.run(fetch(second))
    with pytest.raises(Permanent, match="is written under locks of the machine"):
        asyncio.run(fetch(open_machine("first")))
