"""Older warehouses take the steps they lack, newer ones are refused, in every kind of store."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.earlier_versions import VERSIONS, fill_database, open_earlier_store
from tests.warehouse.sample import (
    DAY,
    build_chunk_commit,
    build_full_tables,
    columns_of_views,
    consecutive_days,
    open_sample_store,
    query_rows,
)
from warehouse.ddl.migrations import CURRENT_VERSION, MIGRATIONS, Migration
from warehouse.ddl.views import view_queries
from warehouse.engine import EngineLimits, attach_warehouse, open_engine
from warehouse.errors import NewerWarehouse, UnreadableWarehouse, WarehouseError
from warehouse.model.schema import metadata
from warehouse.records import ReconciliationEntry
from warehouse.storage.delta.opening import open_folder
from warehouse.storage.delta.storage import DeltaStorage
from warehouse.storage.duckdb_file import bring_up_to_date
from warehouse.storage.files import StorePaths
from warehouse.storage.lake_settings import LakeSettings
from warehouse.storage.parquet import ParquetStorage
from warehouse.storage.protocol import Storage
from warehouse.store import Store

STEP = Migration(
    CURRENT_VERSION + 1,
    "a note",
    ("CREATE TABLE note (text VARCHAR)", "ALTER TABLE load_ledger ADD COLUMN note VARCHAR DEFAULT 'x'"),
)


def private_path(store: Store) -> Path:
    return StorePaths(store.location).private


@contextmanager
def open_with_steps(store: Store, kind: str, *steps: Migration) -> Iterator[duckdb.DuckDBPyConnection]:
    """Attach the committed warehouse as a release with further steps does."""
    with open_engine(EngineLimits()) as con:
        if kind == "duckdb":
            with attach_warehouse(con, private_path(store)):
                bring_up_to_date(con, "here", (*MIGRATIONS, *steps))
                yield con
            return
        storage: Storage = ParquetStorage(store.location, migrations=(*MIGRATIONS, *steps))
        if kind == "delta":
            storage = DeltaStorage(
                open_folder(store.location, 600, LakeSettings()).lake, migrations=(*MIGRATIONS, *steps)
            )
        storage.publish(con)
        with storage.published(con, "SHOW TABLES"):
            yield con


def test_there_is_a_warehouse_of_every_earlier_version() -> None:
    assert [int(path.stem) for path in VERSIONS] == [migration.version for migration in MIGRATIONS[:-1]]


@pytest.mark.parametrize("version", VERSIONS, ids=lambda path: path.stem)
def test_an_earlier_version_is_upgraded_with_all_its_rows(version: Path, tmp_path: Path, kind: str) -> None:
    with duckdb.connect() as con:
        fill_database(con, version)
        tables = [name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        tables = sorted(set(tables) - {"schema_version", "store_state"})
        query = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM {name}" for name in tables)
        counts = dict(con.execute(query).fetchall())
    assert counts["fact_conversation"] == 5
    store = open_earlier_store(version, tmp_path, kind)
    assert store.publish()
    assert dict(query_rows(store, query)) == counts  # type: ignore[arg-type]
    assert query_rows(store, "SELECT max(version) FROM schema_version") == [(CURRENT_VERSION,)]
    assert all(columns_of_views(store).values())
    store.read(" UNION ALL ".join(f"SELECT CAST(v AS VARCHAR) FROM {view} AS v" for view in view_queries()))


@pytest.mark.parametrize("version", VERSIONS, ids=lambda path: path.stem)
def test_an_upgraded_warehouse_takes_further_commits(version: Path, tmp_path: Path, kind: str) -> None:
    store = open_earlier_store(version, tmp_path, kind)
    entry = ReconciliationEntry(DAY, "conversations", "channel_daily", Decimal(4), Decimal(3), "explained", "a test")
    tables = build_full_tables(consecutive_days(3), 4)
    store.commit(build_chunk_commit(consecutive_days(3), tables, reconciled=(entry,)))
    store.publish()
    assert [row.state for row in store.ledger()] == ["settled"] * 3
    assert query_rows(store, "SELECT reported, loaded, difference FROM reconciliation") == [(4, 3, 1)]


def test_reported_totals_have_their_new_name_before_and_after_the_upgrade(tmp_path: Path, kind: str) -> None:
    store = open_earlier_store(VERSIONS[1], tmp_path, kind)
    query = "SELECT date, reported, loaded, verdict FROM reconciliation ORDER BY date"
    lines = [(DAY, Decimal("2.5"), Decimal("2.5"), "ok"), (DAY + timedelta(1), 6, 5, "explained")]
    assert query_rows(store, query) == lines
    assert store.published_version() == int(VERSIONS[1].stem)
    if kind == "duckdb":  # reading leaves the file of the earlier release as it is, and its folder clean
        assert [path.name for path in store.location.parent.iterdir()] == [store.location.name]
    store.publish()
    assert query_rows(store, query) == lines
    assert store.published_version() == CURRENT_VERSION


@pytest.mark.parametrize("version", VERSIONS, ids=lambda path: path.stem)
def test_an_upgraded_warehouse_is_declared_like_a_new_one(version: Path, tmp_path: Path) -> None:
    upgraded, new = open_earlier_store(version, tmp_path, "duckdb"), open_sample_store(tmp_path / "new")
    for store in (upgraded, new):
        store.publish()
    shape = (
        "SELECT table_name, column_name, data_type, is_nullable, comment FROM duckdb_columns() "
        "WHERE database_name = 'wh' AND NOT internal ORDER BY ALL"
    )
    assert query_rows(upgraded, shape) == query_rows(new, shape)
    declared = {(table.name, column.name) for table in metadata.sorted_tables for column in table.columns}
    assert declared <= {(line[0], line[1]) for line in query_rows(new, shape)}


def test_a_new_warehouse_knows_its_version(one_day: Store) -> None:
    versions = query_rows(one_day, "SELECT version, name FROM schema_version ORDER BY version")
    assert versions == [(migration.version, migration.name) for migration in MIGRATIONS]


def test_a_warehouse_takes_the_missing_steps_once(one_day: Store, kind: str) -> None:
    for _ in range(2):
        with open_with_steps(one_day, kind, STEP) as con:
            assert con.execute("SELECT count(*) FROM wh.channel_daily").fetchall() == [(3,)]
            assert con.execute("SELECT count(*) FROM wh.schema_version").fetchall() == [(CURRENT_VERSION + 1,)]
            if kind == "duckdb":
                assert con.execute("SELECT note FROM wh.load_ledger").fetchall() == [("x",)]


def test_a_step_that_fails_leaves_the_version(one_day: Store, kind: str) -> None:
    broken = Migration(CURRENT_VERSION + 1, "broken", ("CREATE TABLE note (text VARCHAR)", "SELECT nonsense"))
    with pytest.raises(duckdb.Error, match="nonsense"), open_with_steps(one_day, kind, broken):
        pass
    with open_with_steps(one_day, kind) as con:
        assert con.execute("SELECT max(version) FROM wh.schema_version").fetchall() == [(CURRENT_VERSION,)]
        assert con.execute("SELECT count(*) FROM duckdb_columns() WHERE table_name = 'note'").fetchall() == [(0,)]


def test_a_newer_warehouse_is_refused(one_day: Store, kind: str) -> None:
    if kind != "duckdb":
        with open_with_steps(one_day, kind, STEP):
            pass
    else:
        for path in (private_path(one_day), one_day.location):
            with duckdb.connect(str(path)) as con:
                con.execute(f"INSERT INTO books.schema_version VALUES ({CURRENT_VERSION + 1}, 'the future', now())")
    with pytest.raises(NewerWarehouse, match=f"schema version {CURRENT_VERSION + 1}"):
        one_day.commit(build_chunk_commit(consecutive_days(1)))
    with pytest.raises(NewerWarehouse, match="upgrade"):
        one_day.read("SELECT 1")


@pytest.mark.parametrize("kind", ["duckdb"], indirect=True)
def test_views_are_made_again_when_their_text_changed(one_day: Store) -> None:
    with duckdb.connect(str(private_path(one_day))) as con:
        con.execute("DROP VIEW channel_daily")
        con.execute("CREATE VIEW long_gone AS SELECT 1")
        con.execute("UPDATE books.store_state SET views = 'another text'")
    assert one_day.publish()
    assert query_rows(one_day, "SELECT count(*) FROM channel_daily") == [(3,)]
    assert query_rows(one_day, "SELECT * FROM duckdb_views() WHERE view_name = 'long_gone'") == []
    assert not one_day.publish()


def test_a_foreign_file_is_left_alone(tmp_path: Path) -> None:
    store = open_sample_store(tmp_path)
    with duckdb.connect(str(store.location)) as con:
        con.execute("CREATE TABLE precious AS SELECT 1 AS x")
    with pytest.raises(UnreadableWarehouse, match="no warehouse of chatmart"):
        store.commit(build_chunk_commit(consecutive_days(1)))
    with duckdb.connect(str(store.location), read_only=True) as con:
        assert con.execute("SELECT x FROM precious").fetchall() == [(1,)]
    assert not private_path(store).exists()


@pytest.mark.parametrize("kind", ["duckdb", "parquet"], indirect=True)
def test_a_damaged_private_file_or_manifest_is_named_and_restored(
    one_day: Store, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    damaged = private_path(one_day) if kind == "duckdb" else one_day.location / "_loader.json"
    damaged.write_bytes(b"neither a database nor a manifest" * 1000)
    one_day.commit(build_chunk_commit(consecutive_days(1)))
    assert f"moved to {damaged}.damaged" in caplog.text
    damaged.write_bytes(b"neither a database nor a manifest" * 1000)
    published = one_day.location if kind == "duckdb" else one_day.location / "_manifest.json"
    published.unlink()
    with pytest.raises(WarehouseError, match=r"damaged|Move .* away"):
        one_day.commit(build_chunk_commit(consecutive_days(1)))
