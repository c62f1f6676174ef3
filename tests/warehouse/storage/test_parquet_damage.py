"""Damage of a lake's files: what is published was read back whole, and the lake goes on with what is."""

from datetime import date
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.filled import FilledStores, load_one_day
from tests.warehouse.sample import DAY, build_chunk_commit, build_full_tables, query_rows
from warehouse.errors import DamagedWarehouse
from warehouse.storage.parquet import ParquetStorage
from warehouse.store import Store

TOTAL = "SELECT CAST(sum(conversations) AS BIGINT) FROM conversation_daily"
APRIL = date(2025, 4, 1)


@pytest.fixture
def store(filled_stores: FilledStores, tmp_path: Path) -> Store:
    return filled_stores.copy("parquet", load_one_day, tmp_path)


def commit_april(store: Store) -> None:
    store.commit(build_chunk_commit([APRIL], build_full_tables([APRIL], 20)))


def find_file(store: Store, pattern: str) -> Path:
    [file] = (store.location / "_versions").glob(pattern)
    return file


@pytest.mark.parametrize("junk", [b"", b"junk", None], ids=["empty", "junk", "64 bytes inside"])
def test_a_damaged_new_file_is_not_published(store: Store, junk: bytes | None) -> None:
    commit_april(store)
    file = find_file(store, "fact_conversation_daily.2025-04.*")
    content = file.read_bytes()
    file.write_bytes(content[:4] + bytes(range(64)) + content[68:] if junk is None else junk)
    with pytest.raises(DamagedWarehouse, match="run the same command once more"):
        store.publish()
    assert query_rows(store, TOTAL) == [(10,)]
    commit_april(store)
    assert store.publish()
    assert query_rows(store, TOTAL) == [(30,)]
    assert store.find_damage() == []


def test_damage_of_an_older_file_is_found_and_the_lake_begins_anew(store: Store) -> None:
    file = find_file(store, "fact_conversation_daily.2025-03.*")
    file.write_bytes(b"junk")
    damaged = store.find_damage()
    assert [damage.path for damage in damaged] == [file]
    assert store.set_aside(damaged), "nothing is left: all days must be loaded again"
    assert store.ledger() == []
    store.commit(build_chunk_commit([DAY], build_full_tables([DAY], 11)))
    assert store.publish()
    assert query_rows(store, TOTAL) == [(11,)]
    assert store.find_damage() == []


def test_a_damaged_published_manifest_is_published_again(store: Store) -> None:
    (store.location / "_manifest.json").write_bytes(b"{")
    damaged = store.find_damage()
    assert [damage.path.name for damage in damaged] == ["_manifest.json"]
    assert not store.set_aside(damaged)
    assert store.publish()
    assert query_rows(store, TOTAL) == [(10,)]


def test_a_purge_keeps_what_readers_have_while_another_writer_commits(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit_april(store)
    publish = ParquetStorage.publish

    def publish_and_commit(storage: ParquetStorage, con: duckdb.DuckDBPyConnection) -> bool:
        is_new = publish(storage, con)
        store.commit(build_chunk_commit([APRIL], build_full_tables([APRIL], 25)))
        return is_new

    with monkeypatch.context() as patch:
        patch.setattr(ParquetStorage, "publish", publish_and_commit)
        store.purge()
    assert query_rows(store, TOTAL) == [(30,)]
    assert store.publish()
    assert query_rows(store, TOTAL) == [(35,)]
    count = len(list((store.location / "_versions").iterdir()))
    store.purge()
    assert len(list((store.location / "_versions").iterdir())) < count
    assert query_rows(store, TOTAL) == [(35,)]
