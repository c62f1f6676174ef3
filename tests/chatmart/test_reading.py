"""`import chatmart` in a notebook: a connection and DataFrames of the published warehouse, in every kind of store."""

import gc
import subprocess
import sys
import tempfile
from datetime import date
from decimal import Decimal
from pathlib import Path

import duckdb
import pandas as pd
import pytest

import chatmart
from extractors.errors import ConfigError
from tests.warehouse.sample import build_chunk_commit, build_full_tables, consecutive_days
from warehouse.errors import NothingPublished, QueryError
from warehouse.store import Store, open_store

ADDRESSES = {
    "duckdb": "duckdb://data/warehouse.duckdb",
    "parquet": "parquet://data/lake",
    "delta": "delta://data/delta",
}
_CONFIG = """
warehouse: {address}
accounts:
  - {{name: acme, provider: inkeep, api_key: "${{A_KEY_THAT_IS_NOT_SET}}"}}
"""


def load_days(store: Store, count: int) -> None:
    days = consecutive_days(count)
    store.commit(build_chunk_commit(days, build_full_tables(days)))
    store.publish()


def write_config(folder: Path, address: str) -> Path:
    file = folder / "chatmart.yaml"
    file.write_text(_CONFIG.format(address=address), "utf-8")
    return file


@pytest.fixture(name="config", params=ADDRESSES)
def _config(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    load_days(open_store(ADDRESSES[request.param], tmp_path), 2)
    return write_config(tmp_path, ADDRESSES[request.param])


@pytest.fixture(name="store")
def _store(config: Path) -> Store:
    [kind] = [kind for kind, address in ADDRESSES.items() if address in config.read_text("utf-8")]
    return open_store(ADDRESSES[kind], config.parent)


def test_a_connection_keeps_its_state_and_blocks_no_load(config: Path, store: Store) -> None:
    with chatmart.connect(config) as before:
        load_days(store, 3)
        assert before.sql("SELECT count(DISTINCT date) FROM conversation_daily").fetchall() == [(2,)]
        with chatmart.connect(config) as after:
            assert after.sql("SELECT count(DISTINCT date) FROM conversation_daily").fetchall() == [(3,)]


def test_a_connection_is_in_utc_and_knows_dataframes_of_the_program(config: Path) -> None:
    targets = pd.DataFrame({"channel": ["whatsapp"], "target": [20]})
    with chatmart.connect(str(config)) as con:
        rows = con.sql(
            "SELECT channel, sum(conversations), any_value(target) FROM channel_monthly JOIN targets USING (channel) "
            "GROUP BY channel"
        ).fetchall()
        assert rows == [("whatsapp", 18, 20)]
        assert con.sql("SELECT current_setting('TimeZone')").fetchall() == [("UTC",)]
    assert len(targets) == 1


@pytest.mark.parametrize("name", ["fact_conversation_daily", "star.fact_conversation_daily", "conversation_daily"])
def test_a_connection_finds_tables_of_the_star_by_both_names(config: Path, name: str) -> None:
    with chatmart.connect(config) as con:
        assert con.sql(f"SELECT count(*) FROM {name}").fetchall() == [(2,)]
    assert len(chatmart.read(name, config=config)) == 2


def test_a_connection_changes_nothing(config: Path) -> None:
    with chatmart.connect(config) as con:
        con.execute("CREATE TEMPORARY TABLE mine AS SELECT * FROM channel_daily")
        with pytest.raises(duckdb.Error):
            con.execute("INSERT INTO conversation_daily SELECT * FROM conversation_daily")
    assert len(chatmart.read("conversation_daily", config=config)) == 2


def test_nothing_is_left_of_a_connection_that_is_forgotten(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    con = chatmart.connect(config)
    result = con.sql("SELECT count(*) FROM conversation_daily")
    del con
    gc.collect()
    assert result.fetchall() == [(2,)]
    assert len(list(folder.iterdir())) == 1
    del result
    gc.collect()
    assert list(folder.iterdir()) == []


def test_a_frame_has_the_types_of_its_values(config: Path) -> None:
    frame = chatmart.read(
        "SELECT date, sum(conversations) AS conversations, CAST(NULL AS INTEGER) AS not_told, "
        "CAST(1.10 AS DECIMAL(9, 2)) AS cost, TIMESTAMPTZ '2025-03-01 12:00:00+01' AS instant, 'ä' AS text, "
        "true AS flag, sum(9000000000000000000) AS large "
        "FROM channel_daily WHERE NOT is_test GROUP BY date ORDER BY date",
        config=config,
    )
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "date": "datetime64[ms]",
        "conversations": "int64[pyarrow]",
        "not_told": "int32[pyarrow]",
        "cost": "decimal128(9, 2)[pyarrow]",
        "instant": "datetime64[us, UTC]",
        "text": "str",
        "flag": "bool[pyarrow]",
        "large": "decimal128(38, 0)[pyarrow]",
    }
    first = frame.iloc[0]
    assert first["date"].date() == date(2025, 3, 1)
    assert first["cost"] == Decimal("1.10")
    assert first["instant"] == pd.Timestamp("2025-03-01 11:00", tz="UTC")
    assert first["not_told"] is pd.NA
    assert frame.set_index("date")["conversations"].resample("MS").sum().tolist() == [20]


def test_values_are_parameters(config: Path) -> None:
    by_place = chatmart.read("SELECT date FROM conversation_daily WHERE date > ?", [date(2025, 3, 1)], config=config)
    by_name = chatmart.read("SELECT $text AS text", {"text": "x' OR 1=1 --"}, config=config)
    assert (len(by_place), by_name.loc[0, "text"]) == (1, "x' OR 1=1 --")


def test_a_wrong_name_is_answered_with_what_was_meant(config: Path) -> None:
    query = "SELECT channel FROM conversation_daily"
    with pytest.raises(QueryError) as wrong:
        chatmart.read(query, config=config)
    sentence, line, carets = str(wrong.value).split("\n")
    assert sentence.startswith("There is no column channel. `channel` is a column of ")
    assert "channel_daily" in sentence
    assert line == f"LINE 1: {query}"
    assert carets.strip() == "^^^^^^^"


def test_a_variable_of_the_program_is_no_table_of_a_query(config: Path) -> None:
    frame = pd.DataFrame({"a": [1]})
    with pytest.raises(QueryError, match="frame"):
        chatmart.read("SELECT * FROM frame", config=config)
    assert len(frame) == 1


def test_the_configuration_is_found_as_the_commands_find_it(
    config: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(config.parent)
    assert len(chatmart.read("conversation_daily")) == 2
    with pytest.raises(ConfigError, match="there is no configuration"):
        chatmart.connect(tmp_path / "none.yaml")


def test_before_the_first_load_nothing_is_there_to_read(tmp_path: Path) -> None:
    config = write_config(tmp_path, ADDRESSES["duckdb"])
    with pytest.raises(NothingPublished, match="load something first"):
        chatmart.connect(config)
    with pytest.raises(NothingPublished, match="load something first"):
        chatmart.read("conversation_daily", config=config)


def test_the_import_loads_neither_pandas_nor_dagster() -> None:
    code = "import sys, chatmart; print([name for name in ('pandas', 'dagster', 'deltalake') if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
