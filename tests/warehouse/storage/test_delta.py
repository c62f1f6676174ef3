"""What is peculiar to a Delta lake: shards, refused commits, merged years, and what other readers of the table see."""

import os
import re
import time
from contextlib import nullcontext
from dataclasses import replace
from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from deltalake import DeltaTable, write_deltalake

from tests.support.object_store import start_object_store
from tests.warehouse.sample import (
    ACME,
    DAY,
    build_chunk_commit,
    build_full_tables,
    consecutive_days,
    query_rows,
    read_contents,
)
from warehouse.errors import StorageFailed, UnreadableWarehouse, UnsupportedStore, WarehouseBusy
from warehouse.model.schema import metadata
from warehouse.storage import opening
from warehouse.storage.delta.lake import Lake
from warehouse.storage.delta.layout import shard_of, star_schema
from warehouse.storage.delta.opening import open_folder
from warehouse.store import LakeSettings, Store, open_store

ACCOUNTS = [replace(ACME, account=f"account-{number}") for number in range(5)]
TOTAL = "SELECT CAST(sum(conversations) AS BIGINT) FROM conversation_daily"


def open_lake(folder: Path, shards: int = 1) -> Store:
    return open_store(f"delta://{folder}", folder, lake=LakeSettings(shards=shards))


def parts_of(store: Store) -> Lake:
    return open_folder(store.location, 600, LakeSettings()).lake


def load(store: Store, days: list[date], size: int = 10) -> None:
    histories = [[build_chunk_commit(days, build_full_tables(days, size), account=account)] for account in ACCOUNTS]
    assert not [result for result in store.commit_group(histories) if isinstance(result, Exception)]


def count_table_rows(store: Store) -> dict[str, int]:
    """The rows of each table as the engine reads them."""
    query = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM {name}" for name in metadata.tables)
    return {str(name): int(str(count)) for name, count in query_rows(store, query) if count}


def test_columns_of_one_name_have_one_type() -> None:
    assert len(star_schema()) == len(set(star_schema().names))
    assert star_schema().field("loaded_slices").type == pa.int64()


def test_shards_hold_the_same_warehouse(tmp_path: Path) -> None:
    whole, parts = open_lake(tmp_path / "whole"), open_lake(tmp_path / "parts", 3)
    for store in (whole, parts):
        load(store, consecutive_days(2))
        load(store, consecutive_days(3), 12)
        store.set_accounts_and_measures(ACCOUNTS[:4], [])
    assert read_contents(parts) == read_contents(whole)
    assert count_table_rows(parts) == count_table_rows(whole)
    files = parts_of(parts).log.snapshot().files
    used = {shard_of(account.account, 3) for account in ACCOUNTS}
    assert {file.shard for file in files if file.table == "load_ledger"} == used
    assert {file.shard for file in files if file.table == "schema_version"} == {0}


def test_other_readers_of_the_table_see_the_same_rows(tmp_path: Path) -> None:
    """A reader skips a file by the statistics of columns that the file may lack: none of its rows must be lost."""
    store = open_lake(tmp_path, 2)
    load(store, consecutive_days(3))
    dataset = DeltaTable(str(tmp_path)).to_pyarrow_dataset()
    facts = {name for name in metadata.tables if name.startswith(("fact_", "load_"))}
    for table, count in count_table_rows(store).items():
        if table in facts:
            assert dataset.count_rows(filter=ds.field("_table") == table) == count
    key = [key for (key,) in query_rows(store, "SELECT account_key FROM dim_account WHERE account = 'account-3'")]
    chosen = (ds.field("_table") == "fact_channel_daily") & (ds.field("account_key") == key[0])
    assert dataset.count_rows(filter=chosen & (ds.field("date") == DAY)) == 3
    ledger = (ds.field("_table") == "load_ledger") & (ds.field("account") == "account-3")
    assert dataset.count_rows(filter=ledger & (ds.field("date") == DAY)) == 1
    assert dataset.count_rows(filter=ledger & ds.field("account_key").is_null()) == 3


@pytest.mark.parametrize("is_first", [True, False], ids=["two first loads", "two restatements"])
def test_a_writer_of_an_older_state_is_refused(tmp_path: Path, is_first: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """As two machines without locks that both see: the one that comes second writes nothing."""
    store, other = open_lake(tmp_path), open_lake(tmp_path)
    store.set_accounts_and_measures(ACCOUNTS, [])
    if not is_first:
        load(store, [DAY], 5)
    monkeypatch.setattr(Lake, "hold_shards", lambda _lake, _shards: nullcontext())
    chunk = build_chunk_commit([DAY], build_full_tables([DAY], 10), account=ACCOUNTS[0])
    late = replace(chunk, is_current=lambda: bool(other.commit(chunk)))
    with pytest.raises(WarehouseBusy, match="another writer changed the same accounts meanwhile"):
        store.commit(late)
    assert query_rows(store, f"{TOTAL} WHERE account = 'account-0'") == [(10,)]
    assert query_rows(store, "SELECT count(*) FROM load_ledger WHERE account = 'account-0'") == [(1,)]
    written = len(list(tmp_path.glob("_table=load_ledger/*/*")))
    assert written == (1 if is_first else 2), "the refused writer left no file"


def test_writers_of_two_shards_do_not_disturb_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, other = open_lake(tmp_path, 4), open_lake(tmp_path, 4)
    store.set_accounts_and_measures(ACCOUNTS, [])
    by_shard = {shard_of(account.account, 4): account for account in ACCOUNTS}
    first, second, *_ = (
        build_chunk_commit([DAY], build_full_tables([DAY]), account=account) for account in by_shard.values()
    )
    store.commit(replace(first, is_current=lambda: bool(other.commit(second))))
    assert query_rows(store, TOTAL) == [(20,)]


def test_a_reader_keeps_its_version_while_others_commit_merge_and_vacuum(tmp_path: Path) -> None:
    store = open_lake(tmp_path)
    load(store, [DAY], 10)
    with store.open_session() as session:
        load(store, [DAY], 20)
        store.tidy(date(2027, 1, 1))
        assert [*session.run(TOTAL).to_pylist()[0].values()] == [50]
        assert session.is_outdated()
    assert query_rows(store, TOTAL) == [(100,)]


def load_two_years(store: Store) -> None:
    load(store, [*(date(2024, month, 5) for month in (1, 2, 12)), DAY])


def test_months_of_old_years_become_one_file(tmp_path: Path) -> None:
    store, untouched = open_lake(tmp_path / "merged"), open_lake(tmp_path / "untouched")
    for lake in (store, untouched):
        load_two_years(lake)
    before = len(parts_of(store).log.snapshot().files)
    store.tidy(date(2025, 4, 5))
    files = parts_of(store).log.snapshot().files
    assert len(files) < before
    assert {file.period for file in files if file.table == "fact_channel_daily"} == {"2024", "2025-03"}
    assert read_contents(store) == read_contents(untouched)
    version = parts_of(store).log.snapshot().version
    store.tidy(date(2025, 4, 5))
    assert {file.name for file in files} == {file.name for file in parts_of(store).log.snapshot().files}
    assert version <= parts_of(store).log.snapshot().version
    for lake in (store, untouched):  # a merged year is restated, and takes new months
        load(lake, [date(2024, 2, 5), date(2024, 3, 5), date(2024, 12, 31), date(2025, 1, 1)], 7)
    assert read_contents(store) == read_contents(untouched)
    assert {file.period for file in parts_of(store).log.snapshot().files if file.table == "fact_channel_daily"} == {
        "2024",
        "2025-01",
        "2025-03",
    }


def test_a_stale_writer_brings_nothing_back_when_months_were_merged_meanwhile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, other = open_lake(tmp_path), open_lake(tmp_path)
    load_two_years(store)
    contents = read_contents(store)
    monkeypatch.setattr(Lake, "hold_shards", lambda _lake, _shards: nullcontext())
    day = date(2024, 2, 5)
    chunk = build_chunk_commit([day], build_full_tables([day], 99), account=ACCOUNTS[0])
    late = replace(chunk, is_current=lambda: other.tidy(date(2025, 4, 5)) >= 0)
    with pytest.raises(WarehouseBusy):
        store.commit(late)
    assert read_contents(store) == contents


def test_the_librarys_own_compaction_is_never_called() -> None:
    sources = (Path(__file__).parents[3] / "warehouse").rglob("*.py")
    assert [path for path in sources if re.search(r"\.optimize\b", path.read_text("utf-8"))] == []


def age(folder: Path, days: int, pattern: str) -> list[Path]:
    paths = list(folder.glob(pattern))
    for path in paths:
        os.utime(path, (time.time() - days * 86_400,) * 2)
    return paths


def test_tidying_removes_what_killed_writers_left_and_nothing_younger_than_a_day(tmp_path: Path) -> None:
    store = open_lake(tmp_path)
    load(store, [DAY])
    contents = read_contents(store)
    folder = next(tmp_path.glob("_table=fact_channel_daily/*"))
    old, young = folder / "s00000-of-00001-v00005-old.parquet", folder / "s00000-of-00001-v00005-young.parquet"
    for path in (old, young):
        path.write_bytes(b"half a file")
    (tmp_path / "_staging").mkdir(exist_ok=True)
    staged = tmp_path / "_staging" / "rows.parquet"
    staged.write_bytes(b"x")
    age(tmp_path, 3, "_table=*/*/*old.parquet")
    notes = [
        path for pattern in ("_staging/*", "_schema-*", "_published", "_locks/*") for path in age(tmp_path, 3, pattern)
    ]
    assert len(notes) >= 4
    assert store.tidy(DAY) == 1, "only the old file is removed"
    assert (old.exists(), young.exists(), staged.exists()) == (False, True, True)
    assert all(path.exists() for path in notes)
    assert read_contents(store) == contents
    assert store.find_damage() == []


def test_a_purge_leaves_only_the_files_of_the_newest_version(tmp_path: Path) -> None:
    store = open_lake(tmp_path, 2)
    for size in (3, 4):
        load(store, [DAY], size)
    store.purge()
    present = {str(path.relative_to(tmp_path)) for path in tmp_path.glob("_table=*/*/*")}
    assert present == {file.name for file in parts_of(store).log.snapshot().files}
    assert query_rows(store, TOTAL) == [(20,)]


def test_a_foreign_table_is_left_alone(tmp_path: Path) -> None:
    write_deltalake(str(tmp_path), pa.table({"precious": [1]}))
    store = open_lake(tmp_path)
    for act in (store.publish, lambda: store.commit(build_chunk_commit([DAY])), lambda: store.read("SELECT 1")):
        with pytest.raises(UnreadableWarehouse, match="no warehouse of chatmart"):
            act()
    assert DeltaTable(str(tmp_path)).to_pyarrow_table().to_pydict() == {"precious": [1]}


def test_a_lake_without_its_libraries_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "find_spec", lambda _name: None)
    for url in ("delta://lake", "delta+s3://bucket/lake"):
        with pytest.raises(UnsupportedStore, match=r"pip install 'chatmart\[lake\]'"):
            open_store(url, tmp_path)


def test_an_object_store_without_encryption_must_be_allowed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("AWS_ALLOW_HTTP", raising=False)
    endpoint = "http://store.internal:9000"
    with pytest.raises(UnsupportedStore, match=f"is {endpoint}, an address without encryption"):
        open_store("delta+s3://bucket/lake", tmp_path, lake=LakeSettings(endpoint))
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    with pytest.raises(UnsupportedStore, match="an address without encryption"):
        open_store("delta+s3://bucket/lake", tmp_path)
    store = open_store("delta+s3://bucket/lake", tmp_path, lake=LakeSettings(allow_http=True))
    assert store.address == "delta+s3://bucket/lake"
    assert list(tmp_path.iterdir()) == []


def test_a_flipped_bit_is_found_and_its_shard_is_loaded_again(tmp_path: Path) -> None:
    store = open_lake(tmp_path)
    load(store, [DAY])
    for table in ("fact_intent_daily", "dim_channel", "schema_version"):
        [name] = [file.name for file in parts_of(store).log.snapshot().files if file.table == table]
        path = tmp_path / name
        content = bytearray(path.read_bytes())
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
        assert [damage.path for damage in store.find_damage()] == [path]
        assert store.set_aside(store.find_damage()), "one shard: no slice is left"
        load(store, [DAY])
        assert query_rows(store, TOTAL) == [(50,)]
        assert store.find_damage() == []


def test_a_bucket_that_is_not_there_is_named_with_what_to_do(tmp_path: Path) -> None:
    start_object_store()
    store = open_store("delta+s3://nobodys/lake", tmp_path)
    for act in (store.publish, lambda: store.read("SELECT 1")):
        with pytest.raises(StorageFailed, match=r"^delta\+s3://nobodys/lake: The specified bucket does not exist \(No"):
            act()
