"""Workbooks, read back by another library."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import click
import duckdb
import openpyxl
import pyarrow as pa
import pytest

from pipelines.cli.display import spreadsheet
from pipelines.cli.display.formats import write_result
from tests.support.terminal import Terminal


def write_workbook(result: pa.Table, file: Path) -> Any:
    with file.open("w", encoding="utf-8") as out:
        write_result(result, "xlsx", out)
    return openpyxl.load_workbook(file).active


def write_query(query: str, file: Path) -> Any:
    with duckdb.connect() as con:
        con.execute("SET TimeZone = 'UTC'")
        return write_workbook(con.sql(query).to_arrow_table(), file)


@pytest.mark.parametrize(
    ("query", "kind", "value"),
    [
        ("7::BIGINT", "n", 7),
        ("(SELECT sum(range) FROM range(10))", "n", 45),
        ("1.10::DECIMAL(9, 2)", "n", 1.1),
        ("0.5::DOUBLE", "n", 0.5),
        ("true", "b", True),
        ("DATE '2025-03-30'", "d", datetime.fromisoformat("2025-03-30")),
        ("TIMESTAMPTZ '2025-03-30 02:59:59.999+02'", "d", datetime.fromisoformat("2025-03-30T00:59:59.999")),
        ("TIMESTAMP '2025-03-30 02:59:59'", "d", datetime.fromisoformat("2025-03-30T02:59:59")),
        ("'über 🙂'", "s", "über 🙂"),
        ("1234567890123456", "s", "1234567890123456"),
        ("12345678901234.567::DECIMAL(38, 6)", "s", "12345678901234.567"),
        ("DATE '1899-12-31'", "s", "1899-12-31"),
        ("TIMESTAMP '2025-03-30 02:59:59.000001'", "s", "2025-03-30T02:59:59.000001"),
        ("'infinity'::DATE", "s", "infinity"),
        ("'nan'::DOUBLE", "s", "NaN"),
        ("[1, 2]", "s", "[1, 2]"),
    ],
)
def test_cells_have_types(tmp_path: Path, query: str, kind: str, value: object) -> None:
    cell = write_query(f"SELECT {query} AS value", tmp_path / "a.xlsx")["A2"]
    assert (cell.data_type, cell.value) == (kind, value)


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@a", "\t=1", "{=1}", "http://x.invalid", "internal:A1"])
def test_no_text_is_a_formula(tmp_path: Path, text: str) -> None:
    sheet = write_workbook(pa.table({text: [text]}), tmp_path / "a.xlsx")
    assert [(cell.data_type, cell.value, cell.hyperlink) for cell in (sheet["A1"], sheet["A2"])] == [
        ("s", text, None)
    ] * 2


def test_a_header_stays_in_sight_and_null_is_an_empty_cell(tmp_path: Path) -> None:
    sheet = write_query("SELECT 1 AS n, NULL::INTEGER AS missing UNION ALL SELECT 2, 3", tmp_path / "a.xlsx")
    assert [[cell.value for cell in row] for row in sheet.rows] == [["n", "missing"], [1, None], [2, 3]]
    assert (sheet.freeze_panes, sheet.auto_filter.ref, sheet["A1"].font.bold) == ("A2", "A1:B3", True)


def test_money_adds_up(tmp_path: Path) -> None:
    costs = [Decimal("0.10"), Decimal("1234567.89"), None]
    sheet = write_workbook(pa.table({"cost": pa.array(costs, pa.decimal128(18, 6))}), tmp_path / "a.xlsx")
    assert [cell.value for cell in sheet["A"][1:3]] == [0.1, 1234567.89]


def test_what_no_sheet_holds_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(click.UsageError, match=r"a text in row 1 has 32,768 characters, and a cell holds 32,767"):
        write_workbook(pa.table({"a": ["x" * 32_768]}), tmp_path / "a.xlsx")
    monkeypatch.setattr(spreadsheet, "_MAX_ROWS", 2)
    with pytest.raises(click.UsageError, match="a sheet holds 2 rows, and these are 3: write CSV or Parquet"):
        write_workbook(pa.table({"a": [1, 2, 3]}), tmp_path / "a.xlsx")


def test_without_the_library_the_sentence_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "xlsxwriter", None)
    with pytest.raises(click.UsageError, match=r"pip install 'chatmart\[excel\]'"):
        write_workbook(pa.table({"a": [1]}), tmp_path / "a.xlsx")


def test_a_terminal_gets_no_workbook() -> None:
    with pytest.raises(click.UsageError, match="xlsx needs a file"):
        write_result(pa.table({"a": [1]}), "xlsx", Terminal())
