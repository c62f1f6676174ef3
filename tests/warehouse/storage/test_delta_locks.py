"""A Delta lake whose writers share locks in PostgreSQL, or do not: what may be written after a loss, and by whom."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path

import pytest

from pipelines.configuration.lock_database import LockDatabase
from pipelines.loads.lock_owner import NOTE_NAME, NotedOwner
from pipelines.loads.lock_session import LockSession
from tests.support.clock import FakeClock
from tests.support.object_store import BUCKET, start_object_store
from tests.support.postgres import PostgresServer, start_postgres
from tests.warehouse.sample import ACME, DAY, build_chunk_commit, build_full_tables, query_rows
from warehouse.errors import LockedElsewhere, StorageFailed, WarehouseBusy
from warehouse.store import Store, open_store

TOTAL = "SELECT CAST(sum(conversations) AS BIGINT) FROM conversation_daily"


@pytest.fixture
def server() -> Iterator[PostgresServer]:
    return start_postgres()


@pytest.fixture
def url(tmp_path: Path) -> str:
    """The address of a lake that is not there yet, in an object store."""
    start_object_store()
    return f"delta+s3://{BUCKET}/{sha256(str(tmp_path).encode()).hexdigest()[:12]}"


def open_session(server: PostgresServer) -> LockSession:
    return LockSession(LockDatabase("`locks:`", server.url), "load")


def open_machine(url: str, machine: Path, session: LockSession | None = None, clock: FakeClock | None = None) -> Store:
    """The store as another machine would open it: with a folder of its own."""
    clock = clock or FakeClock(datetime(2025, 4, 1, 6, tzinfo=UTC))
    owner = NotedOwner(session, clock)
    return open_store(url, machine, wait_seconds=10, shared_locks=session, lock_owner=owner)


def commit(store: Store, size: int) -> None:
    store.commit(build_chunk_commit([DAY], build_full_tables([DAY], size), account=ACME))


@pytest.mark.long
def test_a_writer_whose_locks_were_lost_writes_nothing(server: PostgresServer, tmp_path: Path) -> None:
    """PostgreSQL is restarted while a commit is at work, and another writer commits the same account meanwhile."""
    url = f"delta://{tmp_path}"
    store, other = (open_store(url, tmp_path, shared_locks=open_session(server)) for _ in range(2))
    commit(store, 5)

    def restart() -> bool:
        server.stop()
        server.start()
        commit(other, 7)
        files.extend(tmp_path.glob("_table=*/*/*"))
        return True

    files: list[Path] = []

    chunk = build_chunk_commit([DAY], build_full_tables([DAY], 10), account=ACME)
    with pytest.raises(WarehouseBusy, match="was lost while this run held locks in it: nothing was written"):
        store.commit(replace(chunk, is_current=restart))
    assert set(tmp_path.glob("_table=*/*/*")) == set(files), "the refused writer left no file"
    assert query_rows(store, TOTAL) == [(7,)]
    commit(store, 9)
    assert query_rows(other, TOTAL) == [(9,)]


@pytest.mark.long
def test_a_database_that_is_down_is_named_and_readers_do_without(server: PostgresServer, tmp_path: Path) -> None:
    store = open_store(f"delta://{tmp_path}", tmp_path, shared_locks=open_session(server))
    commit(store, 5)
    gone = LockSession(LockDatabase("`locks:`", server.url.replace(str(server.port), "1")), "load")
    reader = open_store(f"delta://{tmp_path}", tmp_path, shared_locks=gone)
    assert query_rows(reader, TOTAL) == [(5,)]
    with pytest.raises(StorageFailed, match=r"The database of the locks, 127\.0\.0\.1:1/postgres .*Connection refused"):
        commit(reader, 6)


@pytest.mark.long
def test_a_second_machine_with_files_for_locks_is_refused_until_it_takes_over(url: str, tmp_path: Path) -> None:
    first, second = open_machine(url, tmp_path / "first"), open_machine(url, tmp_path / "second")
    commit(first, 5)
    with pytest.raises(LockedElsewhere) as caught:
        commit(second, 6)
    for part in (
        f"{url} is written under locks of the machine ",
        f"(folder {tmp_path / 'first'}",
        "which wrote last about 2025-04-01 06:00 UTC; those of this run are files of this machine, which no other",
        "so nothing was written. Give `locks:` one PostgreSQL database for all machines, or, ",
        "run `chatmart check --take-over` here.",
    ):
        assert part in str(caught.value)
    assert query_rows(second, TOTAL) == [(5,)], "it reads all the same"
    commit(open_machine(url, tmp_path / "first"), 7)
    assert second.take_over()
    commit(second, 8)
    with pytest.raises(LockedElsewhere, match=f"folder {tmp_path / 'second'}"):
        commit(open_machine(url, tmp_path / "first"), 9)
    assert query_rows(first, TOTAL) == [(8,)]


@pytest.mark.long
def test_a_machine_gives_its_lake_to_a_database_and_files_are_refused_then(
    server: PostgresServer, url: str, tmp_path: Path
) -> None:
    commit(open_machine(url, tmp_path / "first"), 5)
    for machine in ("first", "second"):
        commit(open_machine(url, tmp_path / machine, open_session(server)), 6)
    with pytest.raises(LockedElsewhere, match=rf"in the database 127\.0\.0\.1:{server.port}/postgres, under which "):
        commit(open_machine(url, tmp_path / "first"), 7)
    other = LockSession(LockDatabase("`locks:`", server.url.replace("/postgres", "/template1")), "load")
    with pytest.raises(LockedElsewhere, match=r"those of this run are in the database .*/template1, which no other"):
        commit(open_machine(url, tmp_path / "second", other), 7)


class NotesInMemory:
    """Notes of which another writer changes the first one meanwhile."""

    def __init__(self, *intruders: bytes) -> None:
        self.content: bytes | None = None
        self.intruders = list(intruders)

    def read_note(self, name: str) -> bytes | None:
        assert name == NOTE_NAME
        return self.content

    def swap_note(self, name: str, old: bytes | None, new: bytes) -> bool:
        assert name == NOTE_NAME
        if self.intruders:
            self.content = self.intruders.pop(0)
        if self.content != old:
            return False
        self.content = new
        return True


def test_of_two_machines_that_come_at_once_one_is_refused(tmp_path: Path) -> None:
    clock, first, second = FakeClock(datetime(2025, 4, 1, 6, tzinfo=UTC)), NotesInMemory(), tmp_path / "second"
    NotedOwner(None, clock).claim("s3://b", first, tmp_path / "first")
    notes = NotesInMemory(first.content or b"")
    with pytest.raises(PermissionError, match=f"folder {tmp_path / 'first'}"):
        NotedOwner(None, clock).claim("s3://b", notes, second)
    assert notes.content == first.content


def test_the_note_is_written_anew_after_an_hour_and_a_damaged_one_guards_nothing(tmp_path: Path) -> None:
    clock, notes = FakeClock(datetime(2025, 4, 1, 6, tzinfo=UTC)), NotesInMemory()
    owner = NotedOwner(None, clock)
    written = []
    for minutes, damage in ((0, None), (59, None), (2, None), (1, b"{"), (1, b"[1]")):
        clock.advance(timedelta(minutes=minutes).total_seconds())
        notes.content = damage or notes.content
        owner.claim("s3://b", notes, tmp_path)
        written.append(json.loads(notes.content or b"")["written_at"][11:16])
    assert written == ["06:00", "06:00", "07:01", "07:02", "07:03"]
    assert {path.name: oct(path.stat().st_mode & 0o777) for path in tmp_path.iterdir()} == {"identity": "0o600"}


def test_a_note_that_never_rests_is_named(tmp_path: Path) -> None:
    clock = FakeClock(datetime(2025, 4, 1, 6, tzinfo=UTC))
    notes = NotesInMemory(*(str(number).encode() for number in range(40)))
    for act in (NotedOwner(None, clock).claim, NotedOwner(None, clock).take_over):
        with pytest.raises(ConnectionError, match=r"The note s3://b/_lock_owner\.json changes again and again"):
            act("s3://b", notes, tmp_path)
