"""Older warehouses take the steps they lack, newer ones are refused, in every kind of store."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import duckdb
import pytest

from tests.warehouse.sample import (
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
from warehouse.errors import NewerWarehouse, UnreadableWarehouse
from warehouse.model.schema import metadata
from warehouse.storage.duckdb import bring_up_to_date
from warehouse.storage.files import StorePaths
from warehouse.storage.parquet import ParquetStorage
from warehouse.store import Store

VERSIONS = sorted((Path(__file__).parent / "versions").glob("*.sql"), key=lambda path: int(path.stem))
STEP = Migration(
    CURRENT_VERSION + 1,
    "a note",
    ("CREATE TABLE note (text VARCHAR)", "ALTER TABLE load_ledger ADD COLUMN note VARCHAR DEFAULT 'x'"),
)


@pytest.fixture
def loaded(one_day: Store) -> Store:
    return one_day


def private(store: Store) -> Path:
    return StorePaths(store.location).private


def older(version: Path, folder: Path) -> Store:
    """A DuckDB warehouse as an earlier release left it."""
    store = open_sample_store(folder)
    with duckdb.connect(str(store.location), config={"storage_compatibility_version": "v1.4.0"}) as con:
        con.execute(version.read_text())
    return store


@contextmanager
def stepped(store: Store, kind: str, *steps: Migration) -> Iterator[duckdb.DuckDBPyConnection]:
    """The committed warehouse, as a release with further steps lends it."""
    with open_engine(EngineLimits()) as con:
        if kind == "duckdb":
            with attach_warehouse(con, private(store)):
                bring_up_to_date(con, "here", (*MIGRATIONS, *steps))
                yield con
            return
        storage = ParquetStorage(store.location, migrations=(*MIGRATIONS, *steps))
        storage.publish(con)
        with storage.published(con, "SHOW TABLES"):
            yield con


def test_there_is_a_warehouse_of_every_earlier_version() -> None:
    assert [int(path.stem) for path in VERSIONS] == [migration.version for migration in MIGRATIONS[:-1]]


@pytest.mark.parametrize("version", VERSIONS, ids=lambda path: path.stem)
def test_an_earlier_version_is_upgraded_with_all_its_rows(version: Path, tmp_path: Path) -> None:
    old = older(version, tmp_path)
    with duckdb.connect(str(old.location), read_only=True) as con:
        tables = [name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        counts = {name: con.execute(f"SELECT count(*) FROM {name}").fetchone() for name in tables}
    assert counts["fact_conversation"] == (5,)
    assert old.publish()
    kept = sorted(set(tables) - {"schema_version", "store_state"})
    query = " UNION ALL ".join(f"SELECT '{name}', count(*) FROM {name}" for name in kept)
    assert dict(query_rows(old, query)) == {name: count for name in kept for count in counts[name] or ()}  # type: ignore[arg-type]
    assert query_rows(old, "SELECT max(version) FROM schema_version") == [(CURRENT_VERSION,)]
    assert all(columns_of_views(old).values())
    old.read(" UNION ALL ".join(f"SELECT CAST(v AS VARCHAR) FROM {view} AS v" for view in view_queries()))
    old.commit(build_chunk_commit(consecutive_days(3), build_full_tables(consecutive_days(3), 4)))
    assert [row.state for row in old.ledger()] == ["settled"] * 3


@pytest.mark.parametrize("version", VERSIONS, ids=lambda path: path.stem)
def test_an_upgraded_warehouse_is_declared_like_a_new_one(version: Path, tmp_path: Path) -> None:
    upgraded, new = older(version, tmp_path), open_sample_store(tmp_path / "new")
    for store in (upgraded, new):
        store.publish()
    shape = (
        "SELECT table_name, column_name, data_type, is_nullable, comment FROM duckdb_columns() "
        "WHERE database_name = 'wh' AND NOT internal ORDER BY ALL"
    )
    assert query_rows(upgraded, shape) == query_rows(new, shape)
    declared = {(table.name, column.name) for table in metadata.sorted_tables for column in table.columns}
    assert declared <= {(line[0], line[1]) for line in query_rows(new, shape)}


def test_a_new_warehouse_knows_its_version(loaded: Store) -> None:
    found = query_rows(loaded, "SELECT version, name FROM schema_version ORDER BY version")
    assert found == [(m.version, m.name) for m in MIGRATIONS]


def test_a_warehouse_takes_the_missing_steps_once(loaded: Store, kind: str) -> None:
    for _ in range(2):
        with stepped(loaded, kind, STEP) as con:
            assert con.execute("SELECT count(*) FROM wh.channel_daily").fetchall() == [(3,)]
            assert con.execute("SELECT count(*) FROM wh.schema_version").fetchall() == [(CURRENT_VERSION + 1,)]
            if kind == "duckdb":
                assert con.execute("SELECT note FROM wh.load_ledger").fetchall() == [("x",)]


def test_a_step_that_fails_leaves_the_version(loaded: Store, kind: str) -> None:
    broken = Migration(CURRENT_VERSION + 1, "broken", ("CREATE TABLE note (text VARCHAR)", "SELECT nonsense"))
    with pytest.raises(duckdb.Error, match="nonsense"), stepped(loaded, kind, broken):
        pass
    with stepped(loaded, kind) as con:
        assert con.execute("SELECT max(version) FROM wh.schema_version").fetchall() == [(CURRENT_VERSION,)]
        assert con.execute("SELECT count(*) FROM duckdb_columns() WHERE table_name = 'note'").fetchall() == [(0,)]


def test_a_newer_warehouse_is_refused(loaded: Store, kind: str) -> None:
    if kind == "parquet":
        with stepped(loaded, kind, STEP):
            pass
    else:
        for path in (private(loaded), loaded.location):
            with duckdb.connect(str(path)) as con:
                con.execute(f"INSERT INTO schema_version VALUES ({CURRENT_VERSION + 1}, 'the future', now())")
    with pytest.raises(NewerWarehouse, match=f"schema version {CURRENT_VERSION + 1}"):
        loaded.commit(build_chunk_commit(consecutive_days(1)))
    with pytest.raises(NewerWarehouse, match="upgrade"):
        loaded.read("SELECT 1")


@pytest.mark.parametrize("kind", ["duckdb"], indirect=True)
def test_views_are_made_again_when_their_text_changed(loaded: Store) -> None:
    with duckdb.connect(str(private(loaded))) as con:
        con.execute("DROP VIEW channel_daily")
        con.execute("CREATE VIEW long_gone AS SELECT 1")
        con.execute("UPDATE store_state SET views = 'another text'")
    assert loaded.publish()
    assert query_rows(loaded, "SELECT count(*) FROM channel_daily") == [(3,)]
    assert query_rows(loaded, "SELECT * FROM duckdb_views() WHERE view_name = 'long_gone'") == []
    assert not loaded.publish()


def test_a_foreign_file_is_left_alone(tmp_path: Path) -> None:
    store = open_sample_store(tmp_path)
    with duckdb.connect(str(store.location)) as con:
        con.execute("CREATE TABLE precious AS SELECT 1 AS x")
    with pytest.raises(UnreadableWarehouse, match="no warehouse of chatmart"):
        store.commit(build_chunk_commit(consecutive_days(1)))
    with duckdb.connect(str(store.location), read_only=True) as con:
        assert con.execute("SELECT x FROM precious").fetchall() == [(1,)]
    assert not private(store).exists()


def test_a_damaged_private_file_or_manifest_is_named(loaded: Store, kind: str) -> None:
    damaged = private(loaded) if kind == "duckdb" else loaded.location / "_loader.json"
    damaged.write_bytes(b"neither a database nor a manifest" * 1000)
    with pytest.raises(UnreadableWarehouse, match=r"Move .* away"):
        loaded.commit(build_chunk_commit(consecutive_days(1)))
    damaged.unlink()
    loaded.commit(build_chunk_commit(consecutive_days(1)))
