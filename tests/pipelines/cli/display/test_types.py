"""Every type of DuckDB in every format: the value, or a sentence. Each value stands beside a NULL."""

import csv
import io
import json
from decimal import Decimal
from typing import Any

import click
import duckdb
import pyarrow.parquet as pq
import pytest

from pipelines.cli.display.formats import write_result
from warehouse.query import run_query

HUGE, UHUGE = 2**127 - 1, 2**128 - 1
INFINITE = ("DATE", "TIMESTAMP", "TIMESTAMPTZ", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", "TIMESTAMPTZ_NS")

# expression, JSON value, and text in a table or CSV when it is not the JSON value's
VALUES: list[tuple[str, Any, str | None]] = [
    ("true", True, "true"),
    *((f"1::{name}INT", 1, None) for name in ("TINY", "SMALL", "", "BIG", "UTINY", "USMALL", "UBIG", "HUGE")),
    ("1::UINTEGER", 1, None),
    (f"{HUGE}::HUGEINT", HUGE, None),
    (f"'{-(10**38)}'::HUGEINT", -(10**38), None),
    (f"{UHUGE}::UHUGEINT", str(UHUGE), None),
    (f"'{10**60}'::BIGNUM", str(10**60), None),
    ("1.5::FLOAT", 1.5, None),
    ("1e308::DOUBLE", 1e308, "1e+308"),
    ("'nan'::DOUBLE", None, "NaN"),
    ("'-inf'::FLOAT", None, "-Infinity"),
    (f"{'9' * 38}::DECIMAL(38, 0)", int("9" * 38), None),
    ("'0.00000000000000000000000000000000000001'::DECIMAL(38, 38)", Decimal("1e-38"), f"0.{'0' * 37}1"),
    ("'Ü€🙂'", "Ü€🙂", None),
    ("'a'::ENUM('a', 'b')", "a", None),
    ("'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::UUID", "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", None),
    ("'{\"a\": 1}'::JSON", '{"a": 1}', None),
    ("'\\xAA\\x00a'::BLOB", "\\xAA\\x00a", None),
    ("''::BLOB", "", None),
    ("'0101'::BIT", "0101", None),
    ("DATE '2025-01-31'", "2025-01-31", None),
    ("DATE '5877641-06-23'", "5877641-06-23", None),
    ("DATE '0044-03-15 (BC)'", "0044-03-15 (BC)", None),
    *((f"'{sign}infinity'::{name}", f"{sign}infinity", None) for name in INFINITE for sign in ("", "-")),
    ("TIME '10:00:00.5'", "10:00:00.5", None),
    ("TIME '24:00:00'", "24:00:00", None),
    ("'10:00:00.123456789'::TIME_NS", "10:00:00.123456789", None),
    ("TIMETZ '10:00:00+05:30'", "10:00:00+05:30", None),
    ("TIMESTAMP '2025-01-01 10:00:00'", "2025-01-01T10:00:00.000", None),
    ("TIMESTAMP '2025-01-01 10:00:00.123456'", "2025-01-01T10:00:00.123456", None),
    ("TIMESTAMP '20000-01-01 10:00:00'", "20000-01-01T10:00:00.000", None),
    ("TIMESTAMPTZ '2025-01-01 10:00:00.5+01'", "2025-01-01T09:00:00.500Z", None),
    ("TIMESTAMPTZ '20000-01-01 10:00:00.5+00'", "20000-01-01T10:00:00.500Z", None),
    ("'2025-01-01 10:00:00'::TIMESTAMP_S", "2025-01-01T10:00:00.000", None),
    ("'2025-01-01 10:00:00.5'::TIMESTAMP_MS", "2025-01-01T10:00:00.500", None),
    ("'2025-01-01 10:00:00.123456789'::TIMESTAMP_NS", "2025-01-01T10:00:00.123456789", None),
    ("'2025-01-01 10:00:00.123456789+00'::TIMESTAMPTZ_NS", "2025-01-01T10:00:00.123456789Z", None),
    ("INTERVAL '1 month 2 days 3 seconds'", "1 month 2 days 00:00:03", None),
    ("[1, NULL]", [1, None], None),
    ("[]", [], None),
    ("[1, 2]::INTEGER[2]", [1, 2], None),
    ("[INTERVAL '1 day']", ["1 day"], None),
    ("['infinity'::DATE]", ["infinity"], None),
    ("['nan'::DOUBLE]", [None], None),
    (f"[{UHUGE}::UHUGEINT]", [str(UHUGE)], None),
    ("[1.50::DECIMAL(9, 2)]", [1.5], None),
    ("{'a': 1, 'b \"c\"': [TIMETZ '10:00:00+01']}", {"a": 1, 'b "c"': ["10:00:00+01"]}, None),
    ("{'d': '2025-01-01 10:00:00.123456789'::TIMESTAMP_NS}", {"d": "2025-01-01 10:00:00.123456789"}, None),
    ("row(1, 'a')", {"element1": 1, "element2": "a"}, None),
    ("row(1, INTERVAL '1 day')", "(1, 1 day)", None),
    ("MAP {'a': DATE '2025-01-01'}", [["a", "2025-01-01"]], None),
    ("MAP {[1]: INTERVAL '1 day'}", [[[1], "1 day"]], None),
    ("union_value(n := INTERVAL '1 day')", "1 day", None),
    ("1::VARIANT", "1", None),
    ("'POINT (1 2)'::GEOMETRY", "POINT (1 2)", None),
]
NOT_IN_PARQUET = {f"{HUGE}::HUGEINT", f"'{-(10**38)}'::HUGEINT", "TIME '24:00:00'"}


def render(expression: str, output_format: str) -> bytes:
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        query = f"SELECT {expression} AS v, {expression} AS v UNION ALL SELECT NULL, NULL"
        result = run_query(con, query)
    out = io.TextIOWrapper(io.BytesIO(), "utf-8", newline="")
    write_result(result, output_format, out)
    out.flush()
    return out.buffer.getvalue()


@pytest.mark.parametrize(("expression", "value", "text"), VALUES, ids=[value[0][:40] for value in VALUES])
def test_a_value_is_itself_in_every_format(expression: str, value: Any, text: str | None) -> None:
    shown = text if isinstance(value, Decimal) else json.dumps(value, ensure_ascii=False)
    assert render(expression, "json").decode() == (f'[{{"v": {shown}, "v": {shown}}},\n {{"v": null, "v": null}}]\n')
    rows = list(csv.reader(io.StringIO(render(expression, "csv").decode())))
    assert rows[2] == ["", ""]
    if not isinstance(value, list | dict):
        assert rows[1] == [text or str(value)] * 2
        assert render(expression, "table").decode().splitlines()[1].strip().startswith(text or str(value))
    if expression in NOT_IN_PARQUET:
        with pytest.raises(click.UsageError, match=r"Parquet cannot hold .*: cast the column to VARCHAR, or write CSV"):
            render(expression, "parquet")
    else:
        assert pq.ParquetFile(io.BytesIO(render(expression, "parquet"))).read().num_rows == 2


def test_all_types_of_the_engine_are_listed() -> None:
    with duckdb.connect() as con:
        names = {name for (name,) in con.sql("SELECT DISTINCT logical_type FROM duckdb_types()").fetchall()}
        listed = {con.sql(f"SELECT {expression} AS v").types[0].id.upper() for expression, *_ in VALUES}
    assert names - listed == {"NULL", "TYPE"}  # NULL stands beside each value; a TYPE is refused with a sentence
