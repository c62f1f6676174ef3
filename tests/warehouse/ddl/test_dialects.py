"""The views in the SQL of other engines: what is rewritten gives the same rows, and every text is read back."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest
import sqlglot
from deltalake import DeltaTable
from sqlglot import exp

from tests.warehouse.sample import ACME, build_chunk_commit, build_full_tables, consecutive_days
from warehouse.ddl.dialects import DIALECTS, translate, write_statements
from warehouse.ddl.views import view_queries
from warehouse.model.schema import metadata
from warehouse.sql import fill, ident
from warehouse.store import LakeSettings, Store, open_store

NATIVE = {"at_timezone", "with_timezone", "bit_count", "bitwise_left_shift"}
"""Functions of the engines that sqlglot reads as they are."""


def read_rows(store: Store, query: str) -> list[str]:
    return sorted(map(str, store.read(query).to_pylist()))


def test_what_is_rewritten_gives_the_same_rows(three_days: Store) -> None:
    with_rows = 0
    for name, query in view_queries().items():
        rows = read_rows(three_days, f"FROM {name}")
        assert read_rows(three_days, translate(query, "duckdb")) == rows, name
        with_rows += bool(rows)
    assert with_rows > 15


def test_views_over_the_one_table_of_a_lake(tmp_path: Path) -> None:
    lake = open_store(f"delta://{tmp_path / 'lake'}", tmp_path, lake=LakeSettings(shards=3))
    accounts = [replace(ACME, account=name, external_id=name) for name in ("acme", "blau", "cirrus")]
    for number, account in enumerate(accounts):
        tables = build_full_tables(consecutive_days(2), 7 + number)
        lake.commit(build_chunk_commit(consecutive_days(2), tables, account=account))
    lake.publish()
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        con.register("star", DeltaTable(tmp_path / "lake").to_pyarrow_table())
        for statement in write_statements("duckdb", star="star"):
            con.execute(statement)
        for name in (*view_queries(), *metadata.tables):
            rows = sorted(map(str, con.sql(fill("FROM $name", name=ident(name))).to_arrow_table().to_pylist()))
            assert rows == read_rows(lake, f"FROM {name}"), name


def test_a_query_on_views_gives_the_same_rows(three_days: Store) -> None:
    query = "SELECT date_trunc('month', date) AS month, provider, sum(hits) AS hits FROM intent_daily GROUP BY ALL"
    assert read_rows(three_days, translate(query, "duckdb")) == read_rows(three_days, query)


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_statement_is_read_in_its_dialect(dialect: str) -> None:
    statements = write_statements(dialect, star="lake.star")
    assert len(statements) == len(metadata.sorted_tables) + len(view_queries())
    known: set[str] = set()
    for statement in statements:
        tree = sqlglot.parse_one(statement, read=dialect, error_level=sqlglot.ErrorLevel.RAISE)
        functions = {function.name.lower() for function in tree.find_all(exp.Anonymous)}
        assert dialect == "duckdb" or functions <= NATIVE
        name, own = read_names(tree)
        assert own <= known | {"star"}, f"{name} stands before what it reads"
        known.add(name)


def read_names(tree: Any) -> tuple[str, set[str]]:
    """Return the view that a statement creates, and the tables and views that it reads."""
    created = tree.this.find(exp.Table) or tree.this
    inner = {cte.alias for cte in tree.find_all(exp.CTE)}
    return created.name, {table.name for table in tree.expression.find_all(exp.Table) if table.name} - inner


def test_without_a_star_the_tables_keep_their_names() -> None:
    statements = write_statements("spark")
    assert len(statements) == len(view_queries())
    assert statements[0].startswith("CREATE OR REPLACE VIEW channel_daily AS\nSELECT\n  f.date AS date,")


@pytest.mark.parametrize("query", ["SELECT strange(date) FROM fact_conversation_daily", "SELECT now(1) FROM dim_date"])
def test_an_unknown_function_is_refused(query: str) -> None:
    with pytest.raises(ValueError, match="has no translation for spark"):
        translate(query, "spark")


def test_an_unknown_dialect_is_refused() -> None:
    with pytest.raises(ValueError, match="oracle is none of duckdb, spark, databricks, trino, athena, snowflake"):
        write_statements("oracle")
