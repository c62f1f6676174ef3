import duckdb
import pytest

from warehouse.docs.relations import DIMENSIONS, FACTS
from warehouse.integrity import count_duplicate_grains, count_keys_without_member, unique_columns
from warehouse.model.schema import fact_table
from warehouse.store import Store


@pytest.fixture
def loaded_store(two_days: Store) -> Store:
    return two_days


def test_what_was_loaded_is_whole(loaded_store: Store) -> None:
    assert [table.name for table in (*FACTS, *DIMENSIONS) if count_duplicate_grains(loaded_store, table)] == []
    assert [table.name for table in FACTS if count_keys_without_member(loaded_store, table)] == []


@pytest.mark.parametrize("kind", ["duckdb"], indirect=True)
def test_what_somebody_has_broken_is_found(loaded_store: Store) -> None:
    with duckdb.connect(loaded_store.location) as con:
        con.execute("INSERT INTO star.fact_channel_daily SELECT * FROM star.fact_channel_daily WHERE channel_key <> 0")
        con.execute("DELETE FROM star.dim_channel WHERE channel_code = 'debug'")
        con.execute(
            "UPDATE star.fact_language_daily SET account_key = 1, date = DATE '1999-01-01' WHERE language_key = 0"
        )
    assert count_duplicate_grains(loaded_store, fact_table("channel_daily")) == 4
    assert count_keys_without_member(loaded_store, fact_table("channel_daily")) == {"channel_key": 4}
    assert count_keys_without_member(loaded_store, fact_table("language_daily")) == {"account_key": 2, "date": 2}


def test_a_grain_begins_with_account_and_day() -> None:
    assert all({"account_key", "date"} <= set(unique_columns(table)) for table in FACTS)
