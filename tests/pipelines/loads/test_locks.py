"""What holds for every kind of locks by name: files of one machine, and locks that machines share."""

import logging
import re
import signal
import socket
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.lock_kinds import KINDS, hold_elsewhere, open_locks
from tests.support.postgres import start_postgres
from warehouse.errors import WarehouseBusy
from warehouse.storage import lock as lock_module
from warehouse.storage import locks as locks_module


@pytest.fixture(params=KINDS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return str(tmp_path / "locks") if request.param == "files" else start_postgres().url


def test_threads_exclude_one_another_by_name(place: str) -> None:
    locks, inside, most = open_locks(place), 0, 0

    def work(_number: int) -> None:
        nonlocal inside, most
        with locks.hold("turn"):
            inside += 1
            most = max(most, inside)
            time.sleep(0.01)
            inside -= 1

    with locks.hold("another name"), ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(8)))
    assert most == 1


@pytest.mark.long
def test_another_process_is_waited_for_and_named(
    place: str, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (lock_module, locks_module):
        monkeypatch.setattr(module, "REMIND_SECONDS", 0.1)
    locks = open_locks(place, 0.25)
    with hold_elsewhere(place, "turn") as holder:
        with pytest.raises(WarehouseBusy, match=r"has held .*turn.* for 0 seconds \(lock_wait_seconds\)") as caught:
            locks.hold("turn").__enter__()
        waits = [record.getMessage() for record in caplog.records if record.levelno == logging.WARNING]
        assert waits
        assert all(
            re.search("waiting for another writer.* which has held .*turn.*; this run gives up in", wait)
            for wait in waits
        )
        if "://" in place:
            since = r"connected since \d{4}-\d\d-\d\d \d\d:\d\d:\d\d UTC"
            who = rf"\(process {holder.pid} on {socket.gethostname()}, test, {since}\)"
            assert all(re.search(who, text) for text in (*waits, str(caught.value)))
        with locks.hold("another name"):
            pass
    with locks.hold("turn"):
        pass


@pytest.mark.long
def test_a_killed_holder_frees_its_locks_at_once(place: str) -> None:
    with hold_elsewhere(place, "turn") as holder:
        holder.send_signal(signal.SIGKILL)
        holder.wait()
        with open_locks(place, 5).hold("turn"):
            pass


def test_a_lock_is_free_after_an_error(place: str) -> None:
    locks = open_locks(place, 0)
    with pytest.raises(ZeroDivisionError), locks.hold("turn"):
        _ = 1 / 0
    with locks.hold("turn"):
        locks.require_held(["turn"])
