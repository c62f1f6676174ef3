"""The lake: its layout for plain readers, whole commits by manifest, what a crash leaves, what is cleaned up."""

import os
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow.dataset as ds
import pytest

from tests.support.synced_paths import record_synced_paths
from tests.warehouse.filled import FilledStores
from tests.warehouse.sample import (
    ACME,
    DAY,
    build_chunk_commit,
    build_full_tables,
    consecutive_days,
    open_sample_store,
    query_rows,
)
from warehouse.engine import EngineLimits, open_engine
from warehouse.errors import UnreadableWarehouse
from warehouse.model.schema import metadata
from warehouse.records import Scope
from warehouse.storage import files as publishing
from warehouse.storage import parquet as parquet_store
from warehouse.storage import parquet_publication
from warehouse.storage.parquet import ParquetStorage
from warehouse.storage.parquet_manifest import Manifest
from warehouse.store import Store

TOTAL = "SELECT CAST(sum(conversations) AS BIGINT) FROM conversation_daily"
APRIL = date(2025, 4, 1)
READER = """
import sys, duckdb
files = sys.argv[1] + "/fact_conversation_daily/*/*.parquet"
for _ in sys.stdin:
    with duckdb.connect() as con:
        for _ in range(3):
            print(con.execute(f"SELECT count(*), sum(conversations) FROM '{files}'").fetchone(), flush=True)
"""


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return open_sample_store(tmp_path, "parquet")


def load_two_months(store: Store) -> None:
    for first in (DAY, APRIL):
        store.commit(build_chunk_commit(consecutive_days(2, first), build_full_tables(consecutive_days(2, first), 10)))
    store.publish()


@pytest.fixture
def loaded_store(filled_stores: FilledStores, tmp_path: Path) -> Store:
    return filled_stores.copy("parquet", load_two_months, tmp_path)


def list_versions(store: Store) -> set[str]:
    return {path.name for path in (store.location / "_versions").iterdir()}


def read_published(store: Store) -> Manifest:
    manifest = Manifest.load(store.location / "_manifest.json")
    assert manifest is not None
    return manifest


def test_a_file_per_table_and_month(loaded_store: Store) -> None:
    facts = sorted(
        path.relative_to(loaded_store.location) for path in loaded_store.location.glob("fact_channel_daily/**/*")
    )
    assert [str(path) for path in facts if path.suffix] == [
        "fact_channel_daily/month=2025-03/data.parquet",
        "fact_channel_daily/month=2025-04/data.parquet",
    ]
    assert (loaded_store.location / "dim_channel" / "data.parquet").is_file()
    assert (loaded_store.location / "load_ledger" / "month=2025-03" / "data.parquet").is_file()
    before = list_versions(loaded_store)
    other = build_chunk_commit(
        consecutive_days(2),
        build_full_tables(consecutive_days(2), 3),
        account=ACME.__class__(**{**vars(ACME), "account": "other"}),
    )
    loaded_store.commit(other)
    loaded_store.publish()
    march = [part for table, month, part in read_published(loaded_store).data_files() if month == "2025-03"]
    assert len([name for name in list_versions(loaded_store) - before if "2025-03" in name]) == len(march)


def test_plain_readers_see_what_the_views_say(loaded_store: Store) -> None:
    root = loaded_store.location
    expected = query_rows(loaded_store, "SELECT date, conversations FROM fact_channel_daily ORDER BY ALL")
    with duckdb.connect() as con:
        glob = f"SELECT date, conversations, month FROM read_parquet('{root}/fact_channel_daily/**/*.parquet')"
        rows = con.execute(f"{glob} ORDER BY ALL").fetchall()
    assert [row[:2] for row in rows] == expected
    assert {row[2] for row in rows} == {"2025-03", "2025-04"}
    frame = pd.read_parquet(root / "fact_channel_daily")
    assert sorted(frame["conversations"]) == sorted(count for _, count in expected)
    assert set(frame["month"].astype(str)) == {"2025-03", "2025-04"}
    table = ds.dataset(root / "fact_channel_daily", partitioning="hive")
    assert table.count_rows(filter=ds.field("month") == "2025-03") == len(expected) // 2
    joined = frame.merge(pd.read_parquet(root / "dim_channel"), on="channel_key")
    assert len(joined) == len(expected)


def test_any_duckdb_has_the_views_by_a_script(loaded_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    script = (loaded_store.location / "views.sql").read_text("utf-8")
    monkeypatch.chdir(loaded_store.location)
    loaded_store.commit(build_chunk_commit(consecutive_days(2), build_full_tables(consecutive_days(2), 20)))
    loaded_store.publish()  # into a month that is there: the same script sees it
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        for _ in range(2):
            con.execute(script)
        for view in ("channel_daily", "coverage", "conversation_monthly", "load_ledger"):
            query = f"SELECT * FROM {view} ORDER BY ALL"
            assert con.sql(query).to_arrow_table().to_pylist() == loaded_store.read(query).to_pylist()
        about = con.execute("SELECT comment FROM duckdb_views() WHERE view_name = 'channel_daily'").fetchall()
        assert all(comment for (comment,) in about)


def test_a_lake_that_was_moved_has_its_views(loaded_store: Store, tmp_path: Path) -> None:
    query = "SELECT * FROM channel_daily ORDER BY ALL"
    expected = loaded_store.read(query).to_pylist()
    moved = tmp_path / "another place" / "lake [2] type=x"
    moved.parent.mkdir()
    loaded_store.location.rename(moved)
    script = (moved / "views.sql").read_text("utf-8")
    assert str(tmp_path) not in script
    with duckdb.connect() as con:  # from another working directory
        with pytest.raises(duckdb.IOException, match="No files found"):
            con.execute(script)
        con.execute(f"SET file_search_path = '{moved}'")
        con.execute(script)
        assert con.sql(query).to_arrow_table().to_pylist() == expected


def test_a_table_without_rows_has_a_file_with_its_columns(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    store.commit(build_chunk_commit(consecutive_days(1)))
    store.publish()
    frame = pd.read_parquet(store.location / "fact_channel_daily")
    assert len(frame) == 0
    assert [*frame.columns] == [*metadata.tables["fact_channel_daily"].columns.keys(), "month"]
    monkeypatch.chdir(store.location)
    with duckdb.connect() as con:
        con.execute((store.location / "views.sql").read_text("utf-8"))
        assert con.execute("SELECT count(*) FROM star.fact_channel_daily").fetchall() == [(0,)]
        load_two_months(store)  # the first rows of most tables: the same script sees them
        count = query_rows(store, "SELECT count(*) FROM channel_daily")
        assert con.execute("SELECT count(*) FROM channel_daily").fetchall() == count != [(0,)]


def test_what_is_committed_is_not_published_yet(loaded_store: Store) -> None:
    loaded_store.commit(build_chunk_commit(consecutive_days(2), build_full_tables(consecutive_days(2), 20)))
    plain = f"SELECT sum(conversations) FROM '{loaded_store.location}/fact_conversation_daily/*/*.parquet'"
    assert query_rows(loaded_store, TOTAL) == [(40,)]
    assert duckdb.sql(plain).fetchall() == [(40,)]
    assert loaded_store.publish()
    assert query_rows(loaded_store, TOTAL) == [(60,)]
    assert duckdb.sql(plain).fetchall() == [(60,)]


@pytest.mark.parametrize("loads", [3, pytest.param(10, marks=pytest.mark.long)])
def test_plain_readers_never_fail_while_loads_go_on(loaded_store: Store, loads: int) -> None:
    command = [sys.executable, "-c", READER, str(loaded_store.location)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as reader:
        assert reader.stdin is not None
        assert reader.stdout is not None
        for size in range(1, loads + 1):
            reader.stdin.write("again\n")
            reader.stdin.flush()
            loaded_store.commit(build_chunk_commit(consecutive_days(2), build_full_tables(consecutive_days(2), size)))
            loaded_store.publish()
        reader.stdin.close()
        answers = reader.stdout.read().split("\n")
        assert reader.wait() == 0
    assert len(answers) == 3 * loads + 1
    assert all(answer.startswith("(4, ") for answer in answers if answer)


def test_a_reader_with_an_older_manifest_still_finds_its_files(loaded_store: Store) -> None:
    storage = ParquetStorage(loaded_store.location)
    with open_engine(EngineLimits()) as con, storage.published(con, TOTAL):
        for size in (20, 30):
            loaded_store.commit(build_chunk_commit(consecutive_days(2), build_full_tables(consecutive_days(2), size)))
            loaded_store.publish()
            con.execute("USE wh")
            assert con.execute(TOTAL).fetchall() == [(40,)]
    assert query_rows(loaded_store, TOTAL) == [(80,)]


def test_superseded_files_go_when_nobody_can_need_them(loaded_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    first = list_versions(loaded_store)
    for size in (20, 30):
        loaded_store.commit(build_chunk_commit(consecutive_days(2), build_full_tables(consecutive_days(2), size)))
    between = list_versions(loaded_store) - first  # the files of the commit that nobody has seen are gone already
    current = {
        part.file for _, _, part in (Manifest.load(loaded_store.location / "_loader.json") or Manifest()).data_files()
    }
    assert between <= current
    loaded_store.publish()
    assert first < list_versions(loaded_store) | current
    assert list_versions(loaded_store) > read_published(loaded_store).file_names()
    monkeypatch.setattr(parquet_publication, "RETENTION_SECONDS", -1)
    loaded_store.publish()
    assert list_versions(loaded_store) == read_published(loaded_store).file_names()


def test_files_dated_in_the_future_begin_to_age_now(loaded_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    loaded_store.commit(build_chunk_commit(consecutive_days(2), build_full_tables(consecutive_days(2), 20)))
    loaded_store.publish()
    superseded = list_versions(loaded_store) - read_published(loaded_store).file_names()
    paths = [loaded_store.location / "_versions" / name for name in superseded]
    before = [path.stat().st_ctime_ns for path in paths]
    monkeypatch.setattr(time, "time", lambda real=time.time: real() - 366 * 86_400)  # these files are a year ahead
    loaded_store.publish()
    assert all(path.stat().st_ctime_ns > at for path, at in zip(paths, before, strict=True))


def test_a_publication_that_was_killed_half_way_is_finished(
    loaded_store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded_store.commit(build_chunk_commit(consecutive_days(2), build_full_tables(consecutive_days(2), 20)))

    def interrupt(_root: Path, _versions: Path, _manifest: Manifest) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(parquet_store, "link_files", interrupt)
        with pytest.raises(KeyboardInterrupt):
            loaded_store.publish()
    assert query_rows(loaded_store, TOTAL) == [(60,)]
    loaded_store.publish()
    plain = f"SELECT sum(conversations) FROM '{loaded_store.location}/fact_conversation_daily/*/*.parquet'"
    assert duckdb.sql(plain).fetchall() == [(60,)]


def test_a_commit_that_was_killed_leaves_nothing_to_see(loaded_store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    before, ledger = read_published(loaded_store), loaded_store.ledger()

    def interrupt(_path: Path) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(parquet_store, "fsync_path", interrupt)
        with pytest.raises(KeyboardInterrupt):
            loaded_store.commit(build_chunk_commit(consecutive_days(2), build_full_tables(consecutive_days(2), 20)))
    (loaded_store.location / "_versions" / "fact_x.part").write_bytes(b"half")
    assert not loaded_store.publish()
    assert read_published(loaded_store) == before
    assert loaded_store.ledger() == ledger
    assert not list(loaded_store.location.rglob("*.part"))


def test_an_emptied_month_keeps_its_file(loaded_store: Store) -> None:
    loaded_store.commit(build_chunk_commit(consecutive_days(2), {}))
    loaded_store.publish()
    march = loaded_store.location / "fact_channel_daily" / "month=2025-03" / "data.parquet"
    assert duckdb.sql(f"SELECT count(*) FROM '{march}'").fetchall() == [(0,)]
    assert query_rows(loaded_store, TOTAL) == [(20,)]


def test_loading_the_same_again_writes_the_ledger_only(loaded_store: Store) -> None:
    before = read_published(loaded_store)
    loaded_store.commit(
        build_chunk_commit(
            consecutive_days(2),
            build_full_tables(consecutive_days(2), 10),
            loaded_at=build_chunk_commit([]).loaded_at.replace(year=2026),
        )
    )
    loaded_store.publish()
    after = read_published(loaded_store)
    changed = {table for table, month, part in after.data_files() if part != before.data_file(table, month)}
    assert changed == {"load_ledger"}


def test_rows_outside_of_the_scope_are_carried_over(loaded_store: Store) -> None:
    storage = ParquetStorage(loaded_store.location)
    with open_engine(EngineLimits()) as con, storage.transaction(con, Scope(("acme",), (DAY, DAY))):
        assert con.execute("SELECT count(*) FROM wh.fact_channel_daily").fetchall() == [(3,)]
        con.execute("DELETE FROM wh.fact_channel_daily WHERE conversations = 2")
    loaded_store.publish()
    assert query_rows(loaded_store, "SELECT date, count(*) FROM channel_daily GROUP BY 1 ORDER BY 1 LIMIT 2") == [
        (DAY, 2),
        (consecutive_days(2)[1], 3),
    ]


def test_a_file_system_without_links_gets_copies(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_paths: Path) -> None:
        raise OSError("no links here")

    monkeypatch.setattr(publishing.os, "link", refuse)
    store.commit(build_chunk_commit(consecutive_days(1), build_full_tables(consecutive_days(1))))
    store.publish()
    visible = store.location / "fact_channel_daily" / "month=2025-03" / "data.parquet"
    assert visible.stat().st_nlink == 1
    assert duckdb.sql(f"SELECT count(*) FROM '{visible}'").fetchall() == [(3,)]


def test_spill_folders_of_dead_processes_are_removed(loaded_store: Store) -> None:
    old, fresh = (loaded_store.location / f"_{name}.spill" for name in ("old", "fresh"))
    for folder in (old, fresh):
        folder.mkdir()
    yesterday = time.time() - 100_000
    os.utime(old, (yesterday, yesterday))
    loaded_store.publish()
    assert not old.exists()
    assert fresh.exists()


def test_a_spill_folder_dated_in_the_future_begins_to_age_now(loaded_store: Store) -> None:
    folder = loaded_store.location / "_ahead.spill"
    folder.mkdir()
    ahead = time.time() + 366 * 86_400
    os.utime(folder, (ahead, ahead))
    loaded_store.publish()
    assert folder.stat().st_mtime < time.time() + 60


def test_a_damaged_file_is_told_of_with_the_way_out(loaded_store: Store) -> None:
    for file in (loaded_store.location / "_versions").glob("fact_conversation_daily.2025-04.*"):
        file.write_bytes(b"junk")
    for attempt in (
        lambda: loaded_store.read(TOTAL),
        lambda: loaded_store.commit(
            build_chunk_commit(consecutive_days(2, APRIL), build_full_tables(consecutive_days(2, APRIL), 11))
        ),
    ):
        with pytest.raises(UnreadableWarehouse, match="Move the lake's folder away, and run `chatmart replay`"):
            attempt()
    assert loaded_store.ledger(ACME.account), "what is whole can be asked"


def test_a_publication_is_on_disk_for_plain_readers_too(store: Store) -> None:
    with record_synced_paths() as synced:
        store.commit(build_chunk_commit(consecutive_days(2), build_full_tables(consecutive_days(2), 20)))
        store.publish()
    links = list(store.location.glob("[!_]*/**/data.parquet"))
    assert links
    assert all(link in synced and link.parent in synced for link in links)
    assert all(link.parent.parent in synced for link in links)
    assert all(folder in synced for folder in (store.location, store.location.parent, store.location / "_versions"))
