"""Numbers of ChatCaptain's exports: decimal sign, thousands, and the cells that could be either."""

from decimal import Decimal
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from extractors.errors import ShapeError
from tests.support.exported_files import AT, read_conversation, transform_file
from tests.support.landed_chunks import read_staged_rows

HEADER = "id;date;messages;interactions;duration;score;intents\n"


def read_cells(root: Path, *rows: tuple[str, str, str, str], **settings: Any) -> list[tuple[Any, ...]]:
    """Return messages, interactions, duration and score of each row of such cells."""
    lines = "".join(f"{number};{AT};{';'.join(cells)};hi\n" for number, cells in enumerate(rows))
    staged = transform_file(root, HEADER + lines, **settings)
    scores = {row["conversation_id"]: row.get("score") for row in read_staged_rows(staged, "conversation_intent")}
    columns = ("messages", "interactions", "duration_seconds")
    values = {
        row["conversation_id"]: (*map(row.get, columns), scores[row["conversation_id"]])
        for row in read_staged_rows(staged, "conversation")
    }
    return [values[str(number)] for number in range(len(rows))]


NOTHING = ("", "", "", "")
POINTS = [("", "", "1.5", ""), ("", "", "1,234.5", ""), ("", "", "1,234,567", ""), ("", "", "", "0.875")]
POINTS += [
    ("3.0", "", "", ""),
    ("", "", "1234.567", ""),
    ("1,234", "", "", ""),
    ("", "", "12.", ""),
    ("", "", ".5", ""),
]
COMMAS = [tuple(cell.translate(str.maketrans(".,", ",.")) for cell in row) for row in POINTS]


@pytest.mark.parametrize(("sign", "row"), [*product(".", POINTS), *product(",", COMMAS)])
@pytest.mark.parametrize("is_first", [True, False])
def test_one_number_of_the_file_decides_the_others(
    tmp_path: Path, sign: str, row: tuple[str, str, str, str], is_first: bool
) -> None:
    other_sign = "," if sign == "." else "."
    open_row = (f"1{other_sign}000", f"7{sign}000", f"1{other_sign}234", f"1{sign}234")
    rows = [row, NOTHING, open_row] if is_first else [open_row, NOTHING, row]
    cells = read_cells(tmp_path, *rows)  # type: ignore[arg-type]
    assert cells[2 if is_first else 0] == (1000, 7, Decimal(1234), Decimal("1.234"))


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        (("1.000", "", "", ""), "line 2, messages: is thousands or has three decimals.*decimal_sign, saw '1.000'"),
        (("1,000", "", "", ""), "line 2, messages: is thousands or has three decimals"),
        (("", "12.000", "", ""), "line 2, interactions: is thousands"),
        (("5", "7", "1,234", ""), "line 2, duration_seconds: is thousands.*saw '1,234'"),
        (("1234", "", "-12.345", ""), "line 2, duration_seconds: is thousands"),
        (("", "", "", "1.000"), "line 2, intent_score: is thousands"),
        (("", "", "1,234", "1.234"), "line 2, intent_score: is thousands"),
        (("", "", "12,5", "0.5"), "line 2, duration_seconds: has a decimal comma, but line 2, intent_score a decimal"),
        (("1,234", "1.234", "", ""), "line 2, messages: |line 2, interactions: "),
        (("1.5", "", "", ""), "line 2, messages: cannot be read, saw '1.5'"),
        (("1.234", "", "", "0.5"), "line 2, messages: has a decimal comma|line 2, intent_score|line 2, messages"),
    ],
)  # fmt: skip
def test_a_number_that_could_be_either_is_refused(
    tmp_path: Path, cells: tuple[str, str, str, str], problem: str
) -> None:
    with pytest.raises(ShapeError, match=f"field ({problem})"):
        read_cells(tmp_path, cells)


def test_the_line_of_an_open_number_is_its_own(tmp_path: Path) -> None:
    text = f'id,date,endReason,messages\nx,{AT},"a\nb",1\n\ny,{AT},,1.000\n'
    with pytest.raises(ShapeError, match="field line 5, messages: is thousands"):
        transform_file(tmp_path, text)


@pytest.mark.parametrize(
    ("sign", "cells", "values"),
    [
        (".", ("1.000", "1,000", "1,234", "1.234"), (1, 1000, Decimal(1234), Decimal("1.234"))),
        (",", ("1.000", "1,000", "1,234", "1.234"), (1000, 1, Decimal("1.234"), Decimal(1234))),
        (",", ("", "", "1.234,5", ",5"), (None, None, Decimal("1234.5"), Decimal("0.5"))),
        (".", ("12", "1,234,567", "12", "0"), (12, 1234567, Decimal(12), Decimal(0))),
    ],
)
def test_the_account_names_the_sign(
    tmp_path: Path, sign: str, cells: tuple[str, str, str, str], values: tuple[Any, ...]
) -> None:
    assert read_cells(tmp_path, cells, export_decimal_sign=sign) == [values]


@pytest.mark.parametrize(
    ("sign", "cell"), [(".", "1,5"), (",", "1.5"), (".", "1.234,5"), (",", "1,234,567"), (".", "1.234.567")]
)
def test_a_number_with_another_sign_than_the_account_names_is_refused(tmp_path: Path, sign: str, cell: str) -> None:
    with pytest.raises(ShapeError, match="line 2, duration_seconds: cannot be read"):
        read_cells(tmp_path, ("", "", cell, ""), export_decimal_sign=sign)


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("1.234.567", 1234567),
        ("1,234,567", 1234567),
        ("1 234", 1234),
        ("1\u00a0234\u00a0567", 1234567),
        ("1\u202f234", 1234),
        ("1'234", 1234),
        ("1’234’567", 1234567),
        ("+1 234,0", 1234),
        ("1 234.000", 1234),
        ("1234567890.00", 1234567890),
        ("12e2", 1200),
        ("007", 7),
        ("0.000", 0),
        ("-0", 0),
        ("999999999999999999", 999999999999999999),
    ],
)
def test_grouped_counts(tmp_path: Path, cell: str, value: int) -> None:
    assert read_conversation(transform_file(tmp_path, f"id;date;messages\nx;{AT};{cell}\n"))["messages"] == value


@pytest.mark.parametrize(
    "cell",
    [
        "1.23.456", "1,23,456", "12 34", "1 2345", "0.123.456", "1.234.56", "1.234.567.89", "1,234.567,8", "1..234",
        "1_000", "1.0000000001", "1e-1", "1.5e0", "0x10", "(5)", "−1", "5%", "1 234 5", "'123", "NaN", "1e400",
    ],
)  # fmt: skip
def test_counts_that_are_none(tmp_path: Path, cell: str) -> None:
    with pytest.raises(ShapeError, match="line 2, messages: cannot be read"):
        transform_file(tmp_path, f"id;date;messages\nx;{AT};{cell}\n")


@pytest.mark.parametrize(
    ("column", "cell", "field"),
    [
        ("messages", "-1", "messages"),
        ("userMessages", "-3.0", "user_messages"),
        ("interactions", "-1.234.567", "interactions"),
        ("duration", "-0.5", "duration_seconds"),
        ("intentScore", "-1", "intent_score"),
    ],
)
def test_less_than_nothing_is_refused(tmp_path: Path, column: str, cell: str, field: str) -> None:
    with pytest.raises(ShapeError, match=f"line 3, {field}: is negative, saw '{cell}'"):
        transform_file(tmp_path, f"id;date;{column}\nx;{AT};\ny;{AT};{cell}\n")


def test_totals_below_zero_are_refused(tmp_path: Path) -> None:
    text = "date;channel;conversations\n2025-03-30;web;-4\n"
    with pytest.raises(ShapeError, match="line 2, conversations: is negative, saw '-4'"):
        transform_file(tmp_path, text)
