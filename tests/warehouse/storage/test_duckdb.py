"""The published copy of a DuckDB file: what readers hold, what a crash leaves, what comes back."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.support.synced_paths import record_synced_paths
from tests.warehouse.filled import FilledStores, load_one_day
from tests.warehouse.sample import (
    DAY,
    build_chunk_commit,
    build_full_tables,
    consecutive_days,
    open_sample_store,
    query_rows,
)
from warehouse.storage.files import StorePaths, copy_into_place
from warehouse.store import Store

READER = """
import sys, duckdb
con = duckdb.connect(sys.argv[1], read_only=True)
ask = lambda c: print(c.execute("SELECT sum(conversations) FROM conversation_daily").fetchone()[0], flush=True)
ask(con)
for _ in sys.stdin:
    ask(con)
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_sample_store(tmp_path / "data")


@pytest.fixture
def loaded_store(filled_stores: FilledStores, tmp_path: Path) -> Store:
    return filled_stores.copy("duckdb", load_one_day, tmp_path / "data")


TOTAL = "SELECT CAST(sum(conversations) AS BIGINT) FROM conversation_daily"


def test_nothing_new_is_not_copied(store: Store) -> None:
    store.commit(build_chunk_commit(consecutive_days(1), build_full_tables(consecutive_days(1))))
    assert store.publish()
    file = store.location.stat().st_ino
    assert not store.publish()
    assert store.location.stat().st_ino == file


def test_a_commit_is_seen_when_published(loaded_store: Store) -> None:
    loaded_store.commit(build_chunk_commit(consecutive_days(1), build_full_tables(consecutive_days(1), 20)))
    assert query_rows(loaded_store, TOTAL) == [(10,)]
    assert loaded_store.publish()
    assert query_rows(loaded_store, TOTAL) == [(20,)]


@pytest.mark.parametrize("loads", [3, pytest.param(10, marks=pytest.mark.long)])
def test_a_reader_holds_its_file_while_loads_and_publications_go_on(loaded_store: Store, loads: int) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", READER, str(loaded_store.location)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        assert reader.stdout.readline() == "10\n"
        for size in range(20, 20 + 10 * loads, 10):
            loaded_store.commit(build_chunk_commit(consecutive_days(1), build_full_tables(consecutive_days(1), size)))
            assert loaded_store.publish()
            assert query_rows(loaded_store, TOTAL) == [(size,)]
            reader.stdin.write("again\n")
            reader.stdin.flush()
            assert reader.stdout.readline() == "10\n"
        reader.stdin.close()
        assert reader.wait() == 0


def test_only_the_published_file_looks_like_a_warehouse(loaded_store: Store) -> None:
    assert list(loaded_store.location.parent.glob("*.duckdb")) == [loaded_store.location]


def test_a_lost_private_file_comes_back_from_the_published_one(loaded_store: Store) -> None:
    places = StorePaths(loaded_store.location)
    places.private.unlink()
    places.wal.write_bytes(b"of another file")
    loaded_store.commit(
        build_chunk_commit(
            consecutive_days(1, DAY.replace(month=4)), build_full_tables(consecutive_days(1, DAY.replace(month=4)), 5)
        )
    )
    assert loaded_store.publish()
    assert query_rows(loaded_store, TOTAL) == [(15,)]
    assert not places.wal.exists()


def test_a_lost_published_file_is_published_again(loaded_store: Store) -> None:
    loaded_store.location.write_bytes(b"overwritten by accident")
    assert loaded_store.publish()
    loaded_store.location.unlink()
    assert loaded_store.publish()
    assert query_rows(loaded_store, TOTAL) == [(10,)]


def test_orphans_are_removed_by_the_next_writer(store: Store) -> None:
    store.commit(build_chunk_commit(consecutive_days(1)))
    places = StorePaths(store.location)
    orphan, fresh, old = places.new_part_path(), places.new_spill_path(), places.new_spill_path()
    orphan.write_bytes(b"half a copy")
    stranger = store.location.with_name("_other.duckdb.1.part")
    stranger.write_bytes(b"of another warehouse")
    for folder in (fresh, old):
        folder.mkdir()
    yesterday = time.time() - 100_000
    os.utime(old, (yesterday, yesterday))
    store.publish()
    assert not orphan.exists()
    assert not old.exists()
    assert fresh.exists()
    assert stranger.exists()


def test_a_copy_keeps_the_rights_of_what_it_replaces(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(os.urandom(3_000_000))
    target.write_bytes(b"old")
    target.chmod(0o640)
    copy_into_place(source, tmp_path / "part", target)
    assert target.read_bytes() == source.read_bytes()
    assert target.stat().st_mode & 0o777 == 0o640
    assert not (tmp_path / "part").exists()


def test_a_publication_and_the_folder_made_for_it_are_on_disk(tmp_path: Path) -> None:
    with record_synced_paths() as synced:
        store = open_sample_store(tmp_path / "new" / "data")
        store.publish()
    assert all(path in synced for path in (store.location, store.location.parent, tmp_path / "new", tmp_path))
