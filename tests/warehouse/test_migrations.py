from pathlib import Path

import duckdb
import pytest

from tests.warehouse.sample import chunk, days, full_tables, rows
from warehouse.duckdb_store import DuckDBStore
from warehouse.engine import Limits, attached, engine
from warehouse.errors import NewerWarehouse, UnreadableWarehouse
from warehouse.migrations import CURRENT, MIGRATIONS, Migration, migrate
from warehouse.publishing import Places

STEP = Migration(CURRENT + 1, "a note", ("CREATE TABLE note (text VARCHAR)", "INSERT INTO note VALUES ('x')"))


@pytest.fixture
def loaded(store: DuckDBStore) -> DuckDBStore:
    store.commit(chunk(days(1), full_tables(days(1))))
    store.publish()
    return store


def private(store: DuckDBStore) -> Path:
    return Places(store.location).private


def test_a_new_warehouse_knows_its_version(loaded: DuckDBStore) -> None:
    assert rows(loaded, "SELECT version, name FROM schema_version") == [(m.version, m.name) for m in MIGRATIONS]


def test_an_older_warehouse_takes_the_missing_steps_once(loaded: DuckDBStore) -> None:
    for _ in range(2):
        with engine(Limits()) as con, attached(con, private(loaded)):
            migrate(con, "here", (*MIGRATIONS, STEP))
            assert con.execute("SELECT text FROM wh.note").fetchall() == [("x",)]
            assert con.execute("SELECT count(*) FROM wh.channel_daily").fetchall() == [(3,)]


def test_a_step_that_fails_leaves_the_version(loaded: DuckDBStore) -> None:
    broken = Migration(CURRENT + 1, "broken", ("CREATE TABLE note (text VARCHAR)", "SELECT nonsense"))
    with (
        pytest.raises(duckdb.Error, match="nonsense"),
        engine(Limits()) as con,
        attached(con, private(loaded)),
    ):
        migrate(con, "here", (*MIGRATIONS, broken))
    with engine(Limits()) as con, attached(con, private(loaded)):
        assert con.execute("SELECT max(version) FROM wh.schema_version").fetchall() == [(CURRENT,)]
        assert con.execute("SELECT * FROM duckdb_tables() WHERE table_name = 'note'").fetchall() == []


def test_a_newer_warehouse_is_refused(loaded: DuckDBStore) -> None:
    for path in (private(loaded), loaded.location):
        with duckdb.connect(str(path)) as con:
            con.execute("INSERT INTO schema_version VALUES (99, 'the future', now())")
    with pytest.raises(NewerWarehouse, match="schema version 99"):
        loaded.commit(chunk(days(1)))
    with pytest.raises(NewerWarehouse, match="upgrade"):
        loaded.read("SELECT 1")


def test_views_are_made_again_when_their_text_changed(loaded: DuckDBStore) -> None:
    with duckdb.connect(str(private(loaded))) as con:
        con.execute("DROP VIEW channel_daily")
        con.execute("CREATE VIEW long_gone AS SELECT 1")
        con.execute("UPDATE store_state SET views = 'another text'")
    assert loaded.publish()
    assert rows(loaded, "SELECT count(*) FROM channel_daily") == [(3,)]
    assert rows(loaded, "SELECT * FROM duckdb_views() WHERE view_name = 'long_gone'") == []
    assert not loaded.publish()


def test_a_foreign_file_is_left_alone(store: DuckDBStore) -> None:
    store.location.parent.mkdir()
    with duckdb.connect(str(store.location)) as con:
        con.execute("CREATE TABLE precious AS SELECT 1 AS x")
    with pytest.raises(UnreadableWarehouse, match="no warehouse of chatmart"):
        store.commit(chunk(days(1)))
    with duckdb.connect(str(store.location), read_only=True) as con:
        assert con.execute("SELECT x FROM precious").fetchall() == [(1,)]
    assert not private(store).exists()


def test_a_damaged_private_file_is_named(loaded: DuckDBStore) -> None:
    private(loaded).write_bytes(b"not a database" * 1000)
    with pytest.raises(UnreadableWarehouse, match="Move it away"):
        loaded.commit(chunk(days(1)))
    private(loaded).unlink()
    loaded.commit(chunk(days(1)))
