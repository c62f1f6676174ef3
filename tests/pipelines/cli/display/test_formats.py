import csv
import io
import json
from datetime import UTC, date, datetime, time
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.cli.display.formats import OUTPUT_FORMATS, write_result, write_safe_csv

RESULT = pa.table(
    {
        "date": pa.array([date(2025, 3, 30), None]),
        "name": pa.array(['a "b", c\n', None]),
        "cost": pa.array([Decimal("1.100000"), None], pa.decimal128(18, 6)),
        "n": pa.array([7, None], pa.int64()),
        "at": pa.array([datetime(2025, 3, 30, 0, 59, 59, 999000, UTC), None], pa.timestamp("us", tz="UTC")),
        "test": pa.array([True, None]),
    }
)


def render(result: pa.Table, output_format: str) -> str:
    out = io.StringIO()
    write_result(result, output_format, out)
    return out.getvalue()


def render_query(query: str, output_format: str) -> str:
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        return render(con.sql(query).to_arrow_table(), output_format)


def read_value(query: str) -> Any:
    (row,) = json.loads(render_query(f"SELECT {query} AS value", "json"), parse_float=Decimal)
    return row["value"]


def test_json_is_an_array_of_objects() -> None:
    assert json.loads(render(RESULT, "json"), parse_float=Decimal) == [
        {
            "date": "2025-03-30",
            "name": 'a "b", c\n',
            "cost": Decimal("1.1"),
            "n": 7,
            "at": "2025-03-30T00:59:59.999Z",
            "test": True,
        },
        dict.fromkeys(RESULT.column_names),
    ]
    assert json.loads(render(RESULT.slice(0, 0), "json")) == []


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("12345678901234567.123456::DECIMAL(38, 6)", Decimal("12345678901234567.123456")),
        ("100::DECIMAL(9, 3)", 100),
        ("-0.5::DECIMAL(9, 3)", Decimal("-0.5")),
        ("0::DECIMAL(9, 9)", 0),
        ("(SELECT sum(range) FROM range(10))", 45),
        ("170141183460469231731687303715884105727::HUGEINT", 170141183460469231731687303715884105727),
        ("1.5::DOUBLE", Decimal("1.5")),
        ("'nan'::DOUBLE", None),
        ("'inf'::DOUBLE", None),
        ("TIMESTAMPTZ '2025-03-30 02:59:59.999+02'", "2025-03-30T00:59:59.999Z"),
        ("TIMESTAMP '2025-03-30 02:59:59'", "2025-03-30T02:59:59.000"),
        ("DATE '0001-01-01'", "0001-01-01"),
        ("[1.50::DECIMAL(4, 2), NULL]", [Decimal("1.5"), None]),
        (
            "{'a': DATE '2025-01-01', 'b': [{'c': 1.5::DECIMAL(4, 2)}]}",
            {"a": "2025-01-01", "b": [{"c": Decimal("1.5")}]},
        ),
        ("'ü\t🙂'", "ü\t🙂"),
        ("true", True),
        ("NULL", None),
        ("TIME '10:00:00'", "10:00:00"),
    ],
)
def test_json_values(query: str, expected: object) -> None:
    assert read_value(query) == expected


@given(st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**12), max_value=10**12))
def test_decimals_keep_their_digits(number: Decimal) -> None:
    result = pa.table({"n": pa.array([number], pa.decimal128(28, 9))})
    (row,) = json.loads(render(result, "json"), parse_float=Decimal, parse_int=Decimal)
    assert row["n"] == number
    assert Decimal(render(result, "csv").splitlines()[1]) == number
    assert Decimal(render(result, "table").splitlines()[1].strip()) == number


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\t=1", "\r=1", " =1", "\N{FULLWIDTH EQUALS SIGN}1"])
def test_no_text_in_safe_csv_is_a_formula_of_a_spreadsheet(text: str) -> None:
    result = pa.table({"intent": [text], "change": [-1], text: ["-"]})
    out = io.StringIO()
    write_safe_csv(result, out)
    assert list(csv.reader(io.StringIO(out.getvalue(), newline=""))) == [
        ["intent", "change", f"'{text}"],
        [f"'{text}", "-1", "'-"],
    ]


@pytest.mark.parametrize("text", ["=1+1", "-1", "\t=1"])
def test_csv_and_json_hold_every_text_unchanged(text: str) -> None:
    result = pa.table({"intent": [text]})
    assert list(csv.reader(io.StringIO(render(result, "csv"), newline=""))) == [["intent"], [text]]
    assert json.loads(render(result, "json"))[0]["intent"] == text


def test_csv_can_be_read_back() -> None:
    rows = list(csv.reader(io.StringIO(render(RESULT, "csv"))))
    assert rows == [
        ["date", "name", "cost", "n", "at", "test"],
        ["2025-03-30", 'a "b", c\n', "1.1", "7", "2025-03-30T00:59:59.999Z", "true"],
        ["", "", "", "", "", ""],
    ]


def test_a_table_is_plain_text_of_any_width() -> None:
    wide = pa.table({f"column_{number}": ["x" * 50] for number in range(50)})
    lines = render(wide, "table").splitlines()
    assert len(lines) == 2
    assert lines[1].split() == ["x" * 50] * 50
    shown = render(RESULT, "table")
    assert "\x1b" not in shown
    assert "NULL" in shown
    assert "2025-03-30T00:59:59.999Z" in shown


def test_a_name_does_not_steer_the_terminal() -> None:
    shown = render(pa.table({"name": ["\x1b[31mred[bold]\r\n"]}), "table")
    assert "\x1b" not in shown
    assert r"\x1b[31mred[bold]\r\n" in shown


def test_columns_of_one_name_stay_apart() -> None:
    result = render_query("SELECT 1 AS a, 2 AS a", "csv")
    assert result.splitlines()[1] == "1,2"


def test_parquet_is_the_unchanged_result(tmp_path: Path) -> None:
    path = tmp_path / "answer.parquet"
    with path.open("w") as out:
        write_result(RESULT, "parquet", out)
    assert pq.read_table(path).equals(RESULT)


@pytest.mark.parametrize("form", [form for form in OUTPUT_FORMATS if form not in ("parquet", "xlsx")])
def test_a_result_without_columns(form: str) -> None:
    assert render(pa.table({}), form).strip() in ("", "[]")


def test_a_time_of_day_needs_no_date() -> None:
    assert render(pa.table({"t": [time(10, 0)]}), "csv").splitlines()[1].strip('"') == "10:00:00"
