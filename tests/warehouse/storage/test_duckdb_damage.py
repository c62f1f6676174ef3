"""Damage of the loader's private file: it never reaches what readers read, and it is mended with a sentence."""

import logging
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.filled import FilledStores, load_three_days
from tests.warehouse.sample import (
    DAY,
    build_chunk_commit,
    build_full_tables,
    consecutive_days,
    open_sample_store,
    query_rows,
)
from warehouse.engine import EngineLimits, open_engine
from warehouse.errors import DamagedWarehouse, UnreadableWarehouse, WarehouseError
from warehouse.storage import duckdb as duckdb_storage
from warehouse.storage.damage import find_file_damage
from warehouse.storage.files import StorePaths
from warehouse.store import Store

DAYS_BY_NUMBER = "SELECT conversations, count(*) FROM conversation_daily GROUP BY ALL ORDER BY ALL"
APRIL = DAY.replace(month=4)
JUNK = bytes(range(1, 255, 4))


@pytest.fixture
def store(filled_stores: FilledStores, tmp_path: Path) -> Store:
    return filled_stores.copy("duckdb", load_three_days, tmp_path / "data")


def damage(file: Path, place: int, junk: bytes = JUNK) -> None:
    with file.open("r+b") as out:
        out.seek(place)
        out.write(junk)


def load_a_day(store: Store) -> None:
    store.commit(build_chunk_commit([APRIL], build_full_tables([APRIL], 25)))
    store.publish()


def catch_error(store: Store) -> WarehouseError | None:
    try:
        load_a_day(store)
    except WarehouseError as error:
        return error
    return None


def find_damage(file: Path) -> str | None:
    with open_engine(EngineLimits()) as con:
        return find_file_damage(con, file)


@pytest.mark.parametrize("number", range(20))
def test_damage_at_any_place_of_the_private_file_never_reaches_readers(store: Store, number: int) -> None:
    places = StorePaths(store.location)
    size = places.private.stat().st_size
    damage(places.private, size * number // 20)
    before = query_rows(store, DAYS_BY_NUMBER)
    error = catch_error(store)
    if error is not None:
        assert isinstance(error, DamagedWarehouse)
        assert f"{places.private} is damaged (" in str(error)
        assert "run the same command once more" in str(error)
        assert query_rows(store, DAYS_BY_NUMBER) == before
        load_a_day(store)
    assert query_rows(store, DAYS_BY_NUMBER) == [(10, 3), (25, 1)]
    assert [find_damage(file) for file in (places.private, places.published)] == [None, None]


@pytest.mark.parametrize("length", [0, 100, 5000, 300_000])
def test_a_private_file_that_was_cut_off_is_restored(store: Store, length: int) -> None:
    places = StorePaths(store.location)
    with places.private.open("r+b") as out:
        out.truncate(length)
    load_a_day(store)
    assert query_rows(store, DAYS_BY_NUMBER) == [(10, 3), (25, 1)]


def test_a_file_that_cannot_be_opened_is_restored_with_a_sentence(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    places = StorePaths(store.location)
    damage(places.private, 4096)
    with caplog.at_level(logging.ERROR, logger="chatmart.warehouse"):
        load_a_day(store)
    [record] = caplog.records
    assert f"was moved to {places.private}.damaged" in record.getMessage()
    assert (places.private.parent / f"{places.private.name}.damaged").exists()


def test_commits_that_were_not_published_are_named_as_lost(store: Store) -> None:
    places = StorePaths(store.location)
    store.commit(build_chunk_commit([APRIL], build_full_tables([APRIL], 25)))
    damage_tables(places.private)
    with pytest.raises(DamagedWarehouse, match="what was loaded since it was published is loaded again"):
        store.publish()
    assert [row.date for row in store.ledger()] == consecutive_days(3)
    assert not store.publish()
    assert query_rows(store, DAYS_BY_NUMBER) == [(10, 3)]


def test_damage_without_a_published_copy_is_not_hidden_by_an_empty_warehouse(tmp_path: Path) -> None:
    store = open_sample_store(tmp_path)
    store.commit(build_chunk_commit([DAY], build_full_tables([DAY])))
    damage(StorePaths(store.location).private, 4096)
    with pytest.raises(DamagedWarehouse, match="chatmart check --repair"):
        store.ledger()


def test_a_damaged_published_file_is_no_source(store: Store) -> None:
    places = StorePaths(store.location)
    damage_tables(places.published)
    places.private.unlink()
    with pytest.raises(UnreadableWarehouse, match=r"there is no other copy of it. Run `chatmart check --repair`"):
        load_a_day(store)
    assert not list(places.published.parent.glob("*.part"))


def test_a_query_on_a_damaged_published_file_says_what_to_do(store: Store) -> None:
    damage_tables(store.location)
    with pytest.raises(UnreadableWarehouse, match=r"is damaged .* Run `chatmart check --repair`"):
        store.read("SELECT sum(value) FROM fact_metric_daily")


def test_an_error_that_only_reads_like_damage_sets_no_file_aside(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    places = StorePaths(store.location)

    def fail(*_: object) -> None:
        raise duckdb.IOException("IO Error: Could not read enough bytes from file rows.parquet")

    monkeypatch.setattr("warehouse.commit.group.ChunkGroup.replace", fail)
    with pytest.raises(duckdb.IOException):
        store.commit(build_chunk_commit([APRIL], build_full_tables([APRIL], 25)))
    assert places.private.exists()
    monkeypatch.undo()
    load_a_day(store)
    assert query_rows(store, DAYS_BY_NUMBER) == [(10, 3), (25, 1)]


def damage_tables(file: Path) -> None:
    """Damage the block of a fact: the file opens, and its rows cannot be read."""
    with open_engine(EngineLimits()) as con:
        con.execute(f"ATTACH '{file}' AS wh (READ_ONLY)")
        query = "SELECT max(block_id) FROM pragma_storage_info('wh.star.fact_metric_daily')"
        [(block,)] = con.execute(query).fetchall()
    damage(file, 12_288 + block * 262_144 + 100_000)


def test_a_purge_replaces_nothing_by_a_copy_that_does_not_read_back(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = StorePaths(store.location)
    before = places.published.read_bytes()
    copy = duckdb_storage.copy_warehouse

    def copy_badly(con: duckdb.DuckDBPyConnection, path: Path) -> None:
        copy(con, path)
        with path.open("r+b") as out:
            out.truncate(path.stat().st_size // 2)

    with monkeypatch.context() as patch:
        patch.setattr(duckdb_storage, "copy_warehouse", copy_badly)
        with pytest.raises(DamagedWarehouse, match=r"does not read back as it was written .* so nothing was replaced"):
            store.purge()
    assert places.published.read_bytes() == before
    assert find_damage(places.private) is None
    assert list(store.location.parent.glob("*.part")) == []
    store.purge()
    assert query_rows(store, DAYS_BY_NUMBER) == [(10, 3)]
    assert [find_damage(file) for file in (places.private, places.published)] == [None, None]


def test_a_purge_removes_files_that_were_set_aside(store: Store) -> None:
    places = StorePaths(store.location)
    for file in (places.private, places.published):
        copy = file.read_bytes()
        places.set_aside(file)
        file.write_bytes(copy)
    store.purge()
    assert sorted(path.name for path in store.location.parent.iterdir() if path.is_file()) == sorted(
        path.name for path in (places.private, places.published, places.lock)
    )
