import io
from datetime import date
from decimal import Decimal

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pipelines.cli.display.tables import TERMINAL_ROWS, TableStyle, Truncation, draw_table
from tests.support.terminal import Terminal

RESULT = pa.table(
    {
        "date": pa.array([date(2025, 3, 30), date(2025, 3, 31)]),
        "conversations": pa.array([1234567, None], pa.int64()),
        "call_duration_seconds": pa.array([Decimal("1234.500"), Decimal("2.125")], pa.decimal128(18, 3)),
        "year": pa.array([2025, 2025], pa.int64()),
    }
)


def draw(result: pa.Table, style: TableStyle) -> tuple[list[str], Truncation]:
    out = io.StringIO()
    omitted = draw_table(result, out, style)
    return out.getvalue().splitlines(), omitted


def test_a_terminal_shows_types_units_and_numbers_that_can_be_compared() -> None:
    lines, omitted = draw(RESULT, TableStyle(show_types=True, decorated=True, max_rows=TERMINAL_ROWS, max_width=100))
    assert lines == [
        "date                 conversations    call_duration_seconds    year",
        "DATE        BIGINT · conversations  DECIMAL(18,3) · seconds  BIGINT",
        "2025-03-30               1,234,567                1,234.500    2025",
        "2025-03-31                    NULL                    2.125    2025",
    ]
    assert omitted == Truncation()


def test_a_pipe_is_plain() -> None:
    lines, omitted = draw(RESULT, TableStyle.for_output(io.StringIO()))
    assert lines == [
        "date        conversations  call_duration_seconds  year",
        "2025-03-30        1234567                 1234.5  2025",
        "2025-03-31           NULL                  2.125  2025",
    ]
    assert omitted == Truncation()


def test_options_override_types_and_rows() -> None:
    plain = TableStyle.for_output(io.StringIO())
    assert draw(RESULT, plain.with_overrides(show_types=True, max_rows=None))[0][1].startswith(
        "DATE        BIGINT · conversations"
    )
    terminal = TableStyle.for_output(Terminal())
    assert terminal.show_types
    assert not terminal.with_overrides(show_types=False, max_rows=None).show_types
    assert terminal.max_rows == TERMINAL_ROWS
    assert terminal.with_overrides(show_types=None, max_rows=0).max_rows is None


def test_rows_beyond_the_limit_are_counted() -> None:
    result = pa.table({"n": list(range(250))})
    lines, omitted = draw(result, TableStyle(max_rows=100))
    assert len(lines) == 101
    assert omitted == Truncation(rows=150)
    assert draw(result.slice(0, 0), TableStyle(max_rows=100)) == (["n"], Truncation())


def test_units_go_below_the_types_when_the_line_is_long() -> None:
    lines, _ = draw(RESULT, TableStyle(show_types=True, max_width=60))
    assert lines[1].split() == ["DATE", "BIGINT", "DECIMAL(18,3)", "BIGINT"]
    assert lines[2].split() == ["conversations", "seconds"]


def test_long_texts_are_cut_before_columns_are_left_out() -> None:
    result = pa.table({"name": ["x" * 500], "n": [12345678901], "meaning": ["y" * 40], "last": [1]})
    lines, omitted = draw(result, TableStyle(max_width=60))
    assert omitted == Truncation()
    assert max(map(len, lines)) <= 60
    assert lines[1].split() == ["x" * 18 + "…", "12345678901", "y" * 18 + "…", "1"]
    lines, omitted = draw(result, TableStyle(max_width=30))
    assert omitted.columns == ("meaning", "last")
    assert "12345678901" in lines[1]


def test_two_columns_of_one_name_and_none_at_all() -> None:
    both = pa.Table.from_arrays([pa.array([1]), pa.array(["b"])], names=["a", "a"])
    assert draw(both, TableStyle()) == (["a  a", "1  b"], Truncation())
    assert draw(pa.table({}), TableStyle()) == ([], Truncation())


@given(
    st.lists(st.tuples(st.text(max_size=30), st.integers(-(10**15), 10**15)), min_size=1, max_size=5),
    st.integers(40, 80),
)
def test_any_name_fits_the_window_on_one_line(rows: list[tuple[str, int]], width: int) -> None:
    result = pa.table({"name": [name for name, _ in rows], "n": [n for _, n in rows], "again": [n for n, _ in rows]})
    out = io.StringIO()
    draw_table(result, out, TableStyle(show_types=True, decorated=True, max_width=width))
    lines = out.getvalue().split("\n")
    assert lines.pop() == ""
    assert len(lines) == 3 + len(rows) or len(lines) == 2 + len(rows)
    assert all(cell_len(line) <= width for line in lines)


def test_a_decorated_table_loses_no_digits() -> None:
    number = Decimal("12345678901234567890123456789.123456789")
    result = pa.table({"value": pa.array([number, Decimal("-0.5")], pa.decimal128(38, 9))})
    lines, _ = draw(result, TableStyle(decorated=True))
    assert [Decimal(line.strip()) for line in lines[1:]] == [number, Decimal("-0.5")]
