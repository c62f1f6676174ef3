"""The fetch lock of an account, across processes."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from filelock import FileLock

from extractors.account import Account
from extractors.errors import AccountBusy
from extractors.landing import lock as lock_module
from extractors.landing.lock import hold_fetch_lock
from extractors.landing.zone import LandingZone
from tests.support.http_session import build_account


def lock_path(root: Path, account: Account) -> Path:
    return root / "provider=cognigy" / f"account={account.name}" / ".fetch.lock"


def test_a_second_run_waits_for_the_first_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(lock_module, "REMIND_SECONDS", 0.1)
    acme = build_account("http://127.0.0.1:1")

    async def run() -> None:
        async with hold_fetch_lock(LandingZone(tmp_path), acme, wait_seconds=0.25):
            pass

    asyncio.run(run())
    path = lock_path(tmp_path, acme)
    assert path.stat().st_mode & 0o077 == 0
    since = r"since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
    holder = rf"another run \(process {os.getpid()}, {since}\)"
    with FileLock(path), pytest.raises(AccountBusy, match=rf"{holder} is still fetching .*waited 0\.25 s"):
        asyncio.run(run())
    waits = re.findall(rf"acme \(cognigy\): waiting for {holder}, which is fetching this account", caplog.text)
    assert len(waits) == 3
    asyncio.run(run())


def test_a_killed_run_leaves_no_lock(tmp_path: Path) -> None:
    acme = build_account("http://127.0.0.1:1")
    lock_path(tmp_path, acme).parent.mkdir(parents=True)
    hold = (
        "import sys; from filelock import FileLock; "
        "FileLock(sys.argv[1]).acquire(); print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(lock_path(tmp_path, acme))], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        holder.kill()
        holder.communicate()

    async def run() -> None:
        async with hold_fetch_lock(LandingZone(tmp_path), acme, wait_seconds=10):
            pass

    asyncio.run(run())
