"""Which files of a lake a commit writes anew."""

from collections.abc import Iterator

import duckdb
import pytest

from warehouse.engine import EngineLimits, attach_empty_warehouse, open_engine, sql_transaction
from warehouse.records import Scope
from warehouse.storage.changed_partitions import find_changed_partitions
from warehouse.storage.parquet_tables import create_empty_tables

_INSERT = "INSERT INTO wh.fact_language_daily (account_key, date, language_key, conversations) VALUES "


@pytest.fixture
def con() -> Iterator[duckdb.DuckDBPyConnection]:
    with open_engine(EngineLimits()) as con, attach_empty_warehouse(con):
        create_empty_tables(con)
        con.execute(_INSERT + "(1, DATE '2025-03-01', 1, 5), (1, DATE '2025-04-01', 1, 6)")
        yield con


def _changed_by(con: duckdb.DuckDBPyConnection, *statements: str) -> list[tuple[str, str]]:
    with sql_transaction(con):
        for statement in statements:
            con.execute(statement)
        return find_changed_partitions(con, Scope())


def test_a_number_that_differs_changes_its_month_alone(con: duckdb.DuckDBPyConnection) -> None:
    statement = "UPDATE wh.fact_language_daily SET conversations = 7 WHERE date = DATE '2025-04-01'"
    assert _changed_by(con, statement) == [("fact_language_daily", "2025-04")]


def test_rows_that_are_replaced_by_the_same_change_nothing(con: duckdb.DuckDBPyConnection) -> None:
    delete = "DELETE FROM wh.fact_language_daily WHERE date = DATE '2025-03-01'"
    assert _changed_by(con, delete, _INSERT + "(1, DATE '2025-03-01', 1, 5)") == []


def test_months_and_tables_that_lose_or_get_rows_are_changed(con: duckdb.DuckDBPyConnection) -> None:
    delete = "DELETE FROM wh.fact_language_daily WHERE date = DATE '2025-03-01'"
    insert = "INSERT INTO wh.measure_definition VALUES ('chatdash', 'a', 'b', 'c', 'd')"
    assert _changed_by(con, delete, insert) == [("fact_language_daily", "2025-03"), ("measure_definition", "")]
