"""Several real processes on one warehouse, some of them killed."""

import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from filelock import FileLock

from tests.warehouse.filled import Fill
from tests.warehouse.sample import DAY, STORE_KINDS, build_chunk_commit, build_full_tables, consecutive_days, query_rows
from warehouse.errors import WarehouseBusy
from warehouse.store import Store, open_store

ROOT = Path(__file__).parents[2]
WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from tests.warehouse.sample import ACME, build_chunk_commit, build_full_tables, consecutive_days
from warehouse.store import open_store
url, account, rounds = sys.argv[1], sys.argv[2], int(sys.argv[3])
store = open_store(url, Path())
for size in range(1, rounds + 1):
    days = consecutive_days(3)
    store.commit(build_chunk_commit(days, build_full_tables(days, size), account=replace(ACME, account=account)))
    print(size, flush=True)
    store.publish()
"""

GROUP_WRITER = """
import sys
from dataclasses import replace
from pathlib import Path
from tests.warehouse.sample import ACME, build_chunk_commit, build_full_tables, consecutive_days
from warehouse.store import open_store
url, rounds = sys.argv[1], int(sys.argv[3])
store = open_store(url, Path())
with store.hold_engine():
    for size in range(1, rounds + 1):
        days = [[day] for day in consecutive_days(2)]
        accounts = [replace(ACME, account=name) for name in sys.argv[2].split()]
        store.commit_group(
            [[build_chunk_commit(day, build_full_tables(day, size), account=account)]
             for account in accounts for day in days]
        )
        print(size, flush=True)
        store.publish()
"""


def url_of(store: Store) -> str:
    kinds = {name: kind for kind, name in STORE_KINDS.items()}
    return f"{kinds[store.location.name]}://{store.location}"


def writer(store: Store, account: str, rounds: int, program: str = WRITER) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", program, url_of(store), account, str(rounds)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def sizes(store: Store) -> set[tuple[object, ...]]:
    """(account, size) as each of several tables tells it: one per account when nothing is half done."""
    queries = (
        "SELECT account, conversations FROM conversation_daily",
        "SELECT account, conversations + 1 FROM channel_daily WHERE channel_code = 'whatsapp'",
        "SELECT account, conversations FROM end_reason_daily",
        "SELECT account, count(*) FROM conversation GROUP BY account, date",
        "SELECT l.account, l.rows - 22 FROM load_ledger AS l",
    )
    return {(account, int(str(size))) for account, size in query_rows(store, " UNION ALL ".join(queries))}


def test_ledger_rows_count_all_tables(store: Store) -> None:
    store.commit(build_chunk_commit(consecutive_days(3), build_full_tables(consecutive_days(3), 7)))
    store.publish()
    assert sizes(store) == {("acme", 7)}


@pytest.mark.parametrize("count", [2, pytest.param(4, marks=pytest.mark.long)])
def test_writers_of_several_processes_take_turns(store: Store, count: int) -> None:
    writers = [writer(store, f"account-{number}", count) for number in range(count)]
    for process in writers:
        _, complaint = process.communicate(timeout=120)
        assert process.returncode == 0, complaint
    store.publish()
    assert sizes(store) == {(f"account-{number}", count) for number in range(count)}


@pytest.mark.parametrize("count", [4, pytest.param(8, marks=pytest.mark.long)])
def test_threads_take_turns(store: Store, count: int) -> None:
    with ThreadPoolExecutor(4) as pool:
        jobs = [
            pool.submit(
                store.commit,
                build_chunk_commit([DAY + timedelta(offset)], build_full_tables([DAY + timedelta(offset)])),
            )
            for offset in range(count)
        ]
        jobs_of_readers = [pool.submit(store.ledger) for _ in range(4)]
        assert all(job.result().rows_by_table["conversation"] == 10 for job in jobs)
        assert all(len(job.result()) <= count for job in jobs_of_readers)
    store.publish()
    assert query_rows(store, "SELECT count(*) FROM conversation_daily") == [(count,)]


def load_first_size(store: Store) -> None:
    store.commit(build_chunk_commit(consecutive_days(3), build_full_tables(consecutive_days(3), 1)))
    store.publish()


QUICK_SEED = 2  # the first commit is waited for; other seeds wait for up to four
SEEDS = sorted({*range(int(os.environ.get("CHATMART_KILLS", "3"))), QUICK_SEED})


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=[] if seed == QUICK_SEED else pytest.mark.long) for seed in SEEDS]
)
def test_a_killed_writer_leaves_whole_commits(copy_filled: Callable[[Fill], Store], seed: int) -> None:
    store = copy_filled(load_first_size)
    chance = random.Random(seed)
    with writer(store, "acme", 1000) as process:
        assert process.stdout is not None
        sizes_written = [int(process.stdout.readline()) for _ in range(chance.randint(1, 4))]
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0, 0.6))
        process.send_signal(signal.SIGKILL)
        sizes_written += map(int, process.stdout.read().split())
        assert process.wait() == -signal.SIGKILL
    # What readers have is whole, before anybody repairs anything.
    [(_, seen)] = sizes(store)
    assert isinstance(seen, int)
    assert seen in (sizes_written[-1] - 1, sizes_written[-1])
    # The next writer publishes what was committed and not published, if anything.
    store.publish()
    [(_, size)] = sizes(store)
    assert size in (sizes_written[-1], sizes_written[-1] + 1)
    assert not list(store.location.parent.rglob("*.part*"))
    store.commit(build_chunk_commit(consecutive_days(3), build_full_tables(consecutive_days(3), 5)))
    assert store.publish()
    assert sizes(store) == {("acme", 5)}


@pytest.mark.parametrize(
    "seed", [pytest.param(seed, marks=[] if seed == QUICK_SEED else pytest.mark.long) for seed in SEEDS]
)
def test_a_killed_writer_leaves_whole_groups(store: Store, seed: int) -> None:
    """All accounts and days of a group have the same size, whenever the writer is killed."""
    chance = random.Random(seed)
    with writer(store, "acme o'hara docs", 1000, GROUP_WRITER) as process:
        assert process.stdout is not None
        sizes_written = [int(process.stdout.readline()) for _ in range(chance.randint(2, 4))]
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(chance.uniform(0, 0.6))
        process.send_signal(signal.SIGKILL)
        sizes_written += map(int, process.stdout.read().split())
        assert process.wait() == -signal.SIGKILL
    accounts = {"acme", "o'hara", "docs"}
    for publishes in (False, True):
        if publishes:
            store.publish()
        published = sizes(store)
        assert {account for account, _ in published} == accounts
        assert len(published) == len(accounts), "each account has one size, in all tables and days"
        [size] = {size for _, size in published}
        assert size in range(sizes_written[-1] - (not publishes), sizes_written[-1] + 2)


def test_what_was_committed_before_a_crash_is_published_by_the_next(store: Store) -> None:
    store.commit(build_chunk_commit(consecutive_days(3), build_full_tables(consecutive_days(3), 2)))
    assert open_store(url_of(store), Path()).publish()
    assert sizes(store) == {("acme", 2)}


def test_a_lock_held_for_too_long_is_named(store: Store) -> None:
    store.commit(build_chunk_commit(consecutive_days(1)))
    [lock] = store.location.parent.rglob("*lock")
    with FileLock(lock), pytest.raises(WarehouseBusy, match="run again"):
        open_store(url_of(store), Path(), wait_seconds=0).commit(build_chunk_commit(consecutive_days(1)))
