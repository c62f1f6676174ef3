"""Writers of a Delta lake, killed within commits, compactions and vacuums, beside a reader that never sees a half.

`CHATMART_KILLS=40` kills so many writers of each kind of lake.
"""

import os
import random
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread

import pytest

from tests.warehouse.sample import query_rows, sample_url
from warehouse.errors import WarehouseError
from warehouse.store import LakeSettings, Store, open_store

ROOT = Path(__file__).parents[3]
KILLS = int(os.environ.get("CHATMART_KILLS", "3"))
SHARDS = 2
ACCOUNTS = 3
DAYS = 3
WRITER = """
import sys
from dataclasses import replace
from datetime import date
from pathlib import Path
from tests.warehouse.sample import ACME, build_chunk_commit, build_full_tables
from warehouse.errors import WarehouseError
from warehouse.store import LakeSettings, open_store
from warehouse.storage.delta.storage import DeltaStorage
import warehouse.storage.delta.storage as module
url, folder, first, accounts = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])
module._VACUUM_HOURS = 0
store = open_store(url, folder, lake=LakeSettings(shards=2))
days = [date(2024, month, 5) for month in (1, 2, 3)]
for size in range(first, first + 1000):
    store.commit_group(
        [[build_chunk_commit(days, build_full_tables(days, size), account=replace(ACME, account=f"account-{number}"))]
         for number in range(accounts)]
    )
    print(size, flush=True)
    if size % 3 == 0:
        store.tidy(date(2026, 1, 1))
"""
SIZES = """
SELECT account, conversations AS size, date FROM conversation_daily
UNION ALL SELECT account, conversations + 1, date FROM channel_daily WHERE channel_code = 'whatsapp'
UNION ALL SELECT account, conversations, date FROM end_reason_daily
UNION ALL SELECT account, count(*), date FROM conversation GROUP BY account, date
UNION ALL SELECT account, rows - 22, date FROM load_ledger
"""


def read_sizes(store: Store) -> set[tuple[str, int]]:
    """The sizes that any table has of any account: one per account when every commit is whole."""
    rows = query_rows(store, f"SELECT DISTINCT account, size FROM ({SIZES})")
    return {(str(account), int(str(size))) for account, size in rows}


class Reader(Thread):
    """Reads again and again; ``torn`` has what no commit wrote, ``errors`` what could not be read."""

    def __init__(self, store: Store) -> None:
        super().__init__()
        self.store, self.ended = store, Event()
        self.reads, self.torn, self.errors = 0, list[set[tuple[str, int]]](), list[str]()

    def run(self) -> None:
        while not self.ended.is_set():
            try:
                sizes = read_sizes(self.store)
            except WarehouseError as error:
                self.errors.append(f"{type(error).__name__}: {error}")
                continue
            self.reads += 1
            if len(sizes) != ACCOUNTS:
                self.torn.append(sizes)


@pytest.mark.long
@pytest.mark.parametrize("kind", ["delta", "delta+s3"])
def test_a_reader_beside_killed_writers_sees_whole_commits(kind: str, tmp_path: Path) -> None:
    chance, url = random.Random(7), sample_url(tmp_path / "data", kind)
    size = 1
    store = open_store(url, tmp_path / "reader", lake=LakeSettings(shards=SHARDS))
    reader = Reader(store)
    for number in range(KILLS):
        command = [sys.executable, "-c", WRITER, url, str(tmp_path / "writer"), str(size), str(ACCOUNTS)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            written = [int(process.stdout.readline()) for _ in range(chance.randint(1, 4))]
            if not number:
                reader.start()
            with pytest.raises(subprocess.TimeoutExpired):
                process.wait(chance.uniform(0, 0.8))
            process.send_signal(signal.SIGKILL)
            written += map(int, process.stdout.read().split())
            assert process.wait() == -signal.SIGKILL
        [size] = {size for _, size in read_sizes(store)}
        assert size in (written[-1], written[-1] + 1)
        size += 1
    reader.ended.set()
    reader.join()
    sys.stdout.write(f"{kind}: {KILLS} kills, {size} commits, {reader.reads} reads, {len(reader.torn)} torn\n")
    assert not reader.torn
    # here files are vacuumed as soon as they are superseded, and not a day later: a reader may miss them
    assert [error for error in reader.errors if "Cannot open file" not in error] == []
    assert reader.reads >= KILLS
