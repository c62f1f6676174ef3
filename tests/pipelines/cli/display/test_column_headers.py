import duckdb
import pyarrow as pa
import pytest

from pipelines.cli.display.column_headers import describe_unit, find_measure, sql_type_name


@pytest.mark.parametrize(
    ("expression", "name"),
    [
        ("1::BIGINT", "BIGINT"),
        ("1", "INTEGER"),
        ("sum(1::BIGINT)", "HUGEINT"),
        ("1.5::DECIMAL(18, 3)", "DECIMAL(18,3)"),
        ("avg(1)", "DOUBLE"),
        ("'x'", "VARCHAR"),
        ("true", "BOOLEAN"),
        ("current_date", "DATE"),
        ("now()", "TIMESTAMPTZ"),
        ("localtimestamp", "TIMESTAMP"),
        ("[1::BIGINT]", "BIGINT[]"),
        ("{'a': 1}", "STRUCT"),
        ("'a'::ENUM('a', 'b')", "ENUM"),
    ],
)
def test_types_have_the_names_of_the_query_language(expression: str, name: str) -> None:
    with duckdb.connect() as con:
        result = con.sql(f"SELECT {expression} AS x").to_arrow_table()
    assert sql_type_name(result.schema.field(0).type) == name


def test_a_measure_and_its_sum_have_its_unit() -> None:
    assert describe_unit("conversations", "BIGINT", ()) == "conversations"
    assert describe_unit("conversations", "HUGEINT", ()) == "conversations"
    assert describe_unit("call_duration_seconds", "DECIMAL(38,3)", ()) == "seconds"
    assert describe_unit("user_messages", "BIGINT", ("messages",)) == "messages"


@pytest.mark.parametrize(
    ("name", "sql_type"),
    [
        ("conversations", "DOUBLE"),  # an average
        ("sum(conversations)", "HUGEINT"),
        ("unique_users", "HUGEINT"),  # a sum of what must not be added up
        ("call_duration_seconds", "DECIMAL(38,6)"),
        ("rank", "BIGINT"),  # a window function's, not the intent's place
        ("account", "VARCHAR"),
    ],
)
def test_a_computed_column_has_no_unit(name: str, sql_type: str) -> None:
    assert find_measure(name, sql_type) is None
    assert describe_unit(name, sql_type, ()) is None


def test_a_unit_in_another_column() -> None:
    assert describe_unit("cost_amount", "DECIMAL(18,6)", ("cost_currency",)) == "in cost_currency"
    assert describe_unit("cost_amount", "DECIMAL(18,6)", ("account",)) is None
    assert describe_unit("value", "DECIMAL(28,9)", ("unit",)) == "in unit"


def test_instants_are_utc() -> None:
    assert describe_unit("started_at", sql_type_name(pa.timestamp("us", "Etc/UTC")), ()) == "UTC"
