"""`chatmart views` prints statements only, and offers the dialects that there are."""

import duckdb
import pytest
from sqlalchemy.dialects import postgresql

from pipelines.cli.commands.views import DIALECTS
from tests.support.command import run_chatmart
from warehouse.ddl import dialects
from warehouse.ddl.views import view_queries
from warehouse.model.one_table import renamed_column
from warehouse.model.schema import metadata


def test_the_offered_dialects_are_those_that_there_are() -> None:
    assert DIALECTS == dialects.DIALECTS


def test_the_statements_run_where_the_one_table_is(capsys: pytest.CaptureFixture[str]) -> None:
    result = run_chatmart(capsys, "views", "--dialect", "duckdb", "--star", "lake")
    columns = {
        renamed_column(table.name, column.name): column.type.compile(dialect=postgresql.dialect())
        for table in metadata.sorted_tables
        for column in table.columns
    }
    with duckdb.connect() as engine:
        engine.execute(
            "CREATE TABLE lake (_table VARCHAR, " + ", ".join(f'"{n}" {t}' for n, t in columns.items()) + ")"
        )
        engine.execute(result.out)
        names = {row[0] for row in engine.execute("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()}
    assert (result.exit_code, result.err) == (0, "")
    assert names == set(view_queries()) | set(metadata.tables)
