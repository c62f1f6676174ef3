"""Damage of a lake's files: what is published was read back whole, and the lake goes on with what is."""

import json
import random
import shutil
from datetime import date
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from tests.warehouse.filled import FilledStores, copy_tree, load_one_day
from tests.warehouse.sample import DAY, build_chunk_commit, build_full_tables, query_rows
from warehouse.errors import DamagedWarehouse, UnreadableWarehouse
from warehouse.storage import files
from warehouse.storage.parquet import ParquetStorage
from warehouse.storage.parquet_manifest import Manifest
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


def flip_a_bit(file: Path, choices: random.Random) -> None:
    content = bytearray(file.read_bytes())
    content[choices.randrange(len(content))] ^= 1 << choices.randrange(8)
    with file.open("r+b") as out:  # in place: the links to it stay
        out.write(content)


def list_contents(store: Store) -> list[Path]:
    """Return the files of a lake that hold anything, those with several names by the first of them.

    Those of tables without rows hold names of columns only.
    """
    files = [path for path in sorted(store.location.rglob("*"), reverse=True) if path.is_file()]
    names = {path.stat().st_ino: path for path in files if path not in list_files_without_rows(store)}
    return sorted(path for path in names.values() if path.stat().st_size)


def list_files_without_rows(store: Store) -> list[Path]:
    return [path for path in sorted(store.location.glob("*/**/data.parquet")) if not pq.read_metadata(path).num_rows]


@pytest.mark.parametrize("number", range(0, 20, 6))
def test_a_damaged_file_without_rows_is_found_and_mended(store: Store, number: int) -> None:
    files = list_files_without_rows(store)
    file = files[number % len(files)]
    content = file.read_bytes()
    file.write_bytes(content[: len(content) // 2])
    damaged = store.find_damage()
    assert [damage.path for damage in damaged] == [file]
    store.set_aside(damaged)
    store.publish()
    assert store.find_damage() == []
    assert pq.read_table(file).num_rows == 0


@pytest.mark.parametrize("step", [6, pytest.param(1, marks=pytest.mark.long)])
def test_a_flipped_bit_in_any_file_is_found_and_mended(store: Store, step: int) -> None:
    commit_april(store)  # is not published
    choices = random.Random(20250301)
    whole = store.location.with_name("whole")
    copy_tree(store.location, whole)
    paths = [path.relative_to(store.location) for path in list_contents(store)]
    assert {path.parts[0] for path in paths} == {"_loader.json", "_manifest.json", "_versions", "views.sql"}
    for path in paths[::step]:
        file = store.location / path
        flip_a_bit(file, choices)
        damaged = store.find_damage()
        assert file in [damage.path for damage in damaged], path
        store.set_aside(damaged)
        commit_april(store)
        store.commit(build_chunk_commit([DAY], build_full_tables([DAY], 10)))
        store.publish()
        assert query_rows(store, TOTAL) == [(30,)], path
        assert store.find_damage() == [], path
        shutil.rmtree(store.location)
        copy_tree(whole, store.location)


def test_a_flipped_bit_of_an_unpublished_file_is_not_published(store: Store) -> None:
    choices = random.Random(1)
    for _ in range(4):
        commit_april(store)
        manifest = Manifest.load(store.location / "_loader.json")
        assert manifest is not None
        file = manifest.tables["fact_conversation_daily"]["2025-04"].file
        flip_a_bit(store.location / "_versions" / file, choices)
        with pytest.raises(DamagedWarehouse, match="its checksum differs"):
            store.publish()
        assert query_rows(store, TOTAL) == [(10,)]


@pytest.mark.parametrize("table", ["fact_conversation_daily.2025-03.*", "dim_channel.*"])
def test_damage_is_not_written_into_a_new_file(store: Store, table: str) -> None:
    content = find_file(store, table).read_bytes()
    choices = random.Random(2)
    for _ in range(10):
        flip_a_bit(find_file(store, table), choices)
        next_day = date(2025, 3, 2)
        with pytest.raises(UnreadableWarehouse, match=r"its checksum differs\). Run `chatmart check --repair`"):
            store.commit(build_chunk_commit([next_day], build_full_tables([next_day], 20)))
        find_file(store, table).write_bytes(content)
        assert store.find_damage() == []


def test_a_lake_without_checksums_is_read(store: Store) -> None:
    for name in ("_manifest.json", "_loader.json"):
        document = json.loads((store.location / name).read_bytes())
        del document["sha256"]
        document["format"] = 1
        for months in document["tables"].values():
            for file in months.values():
                del file["sha256"]
        (store.location / name).write_text(json.dumps(document), "utf-8")
    assert store.find_damage() == []
    assert query_rows(store, TOTAL) == [(10,)]
    commit_april(store)
    assert store.publish()
    assert query_rows(store, TOTAL) == [(30,)]
    manifest = Manifest.load(store.location / "_manifest.json")
    assert manifest is not None
    assert any(file.sha256 for _, _, file in manifest.data_files())
    assert store.find_damage() == []


def test_a_plain_file_that_is_a_copy_is_compared(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_paths: Path) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(files.os, "link", refuse)
    commit_april(store)
    store.publish()
    assert store.find_damage() == []
    plain = store.location / "fact_conversation_daily/month=2025-04/data.parquet"
    flip_a_bit(plain, random.Random(3))
    missing = store.location / "dim_channel/data.parquet"
    missing.unlink()
    damaged = store.find_damage()
    assert {damage.path for damage in damaged} == {plain, missing}
    assert not store.set_aside(damaged)
    store.publish()
    assert store.find_damage() == []
    assert query_rows(store, TOTAL) == [(30,)]
