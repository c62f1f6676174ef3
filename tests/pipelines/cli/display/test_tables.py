import io
from datetime import date
from decimal import Decimal

import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from pipelines.cli.display.tables import ROWS, Look, Omitted, draw

ANSWER = pa.table(
    {
        "date": pa.array([date(2025, 3, 30), date(2025, 3, 31)]),
        "conversations": pa.array([1234567, None], pa.int64()),
        "call_duration_seconds": pa.array([Decimal("1234.500"), Decimal("2.125")], pa.decimal128(18, 3)),
        "year": pa.array([2025, 2025], pa.int64()),
    }
)


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def drawn(answer: pa.Table, look: Look) -> tuple[list[str], Omitted]:
    out = io.StringIO()
    omitted = draw(answer, out, look)
    return out.getvalue().splitlines(), omitted


def test_a_terminal_shows_types_units_and_numbers_that_can_be_compared() -> None:
    lines, omitted = drawn(ANSWER, Look(types=True, for_eyes=True, rows=ROWS, width=100))
    assert lines == [
        "date                 conversations    call_duration_seconds    year",
        "DATE        BIGINT · conversations  DECIMAL(18,3) · seconds  BIGINT",
        "2025-03-30               1,234,567                1,234.500    2025",
        "2025-03-31                    NULL                    2.125    2025",
    ]
    assert omitted == Omitted()


def test_a_pipe_is_plain() -> None:
    lines, omitted = drawn(ANSWER, Look.of(io.StringIO()))
    assert lines == [
        "date        conversations  call_duration_seconds  year",
        "2025-03-30        1234567                 1234.5  2025",
        "2025-03-31           NULL                  2.125  2025",
    ]
    assert omitted == Omitted()


def test_types_are_there_when_asked_for_and_not_when_not() -> None:
    plain = Look.of(io.StringIO())
    assert drawn(ANSWER, plain.but(types=True, rows=None))[0][1].startswith("DATE        BIGINT · conversations")
    terminal = Look.of(Terminal())
    assert terminal.types
    assert not terminal.but(types=False, rows=None).types
    assert terminal.rows == ROWS
    assert terminal.but(types=None, rows=0).rows is None


def test_rows_beyond_the_limit_are_told() -> None:
    answer = pa.table({"n": list(range(250))})
    lines, omitted = drawn(answer, Look(rows=100))
    assert len(lines) == 101
    assert omitted == Omitted(rows=150)
    assert drawn(answer.slice(0, 0), Look(rows=100)) == (["n"], Omitted())


def test_units_go_below_the_types_when_the_line_is_long() -> None:
    lines, _ = drawn(ANSWER, Look(types=True, width=60))
    assert lines[1].split() == ["DATE", "BIGINT", "DECIMAL(18,3)", "BIGINT"]
    assert lines[2].split() == ["conversations", "seconds"]


def test_long_texts_are_cut_before_columns_are_left_out() -> None:
    answer = pa.table({"name": ["x" * 500], "n": [12345678901], "meaning": ["y" * 40], "last": [1]})
    lines, omitted = drawn(answer, Look(width=60))
    assert omitted == Omitted()
    assert max(map(len, lines)) <= 60
    assert lines[1].split() == ["x" * 18 + "…", "12345678901", "y" * 18 + "…", "1"]
    lines, omitted = drawn(answer, Look(width=30))
    assert omitted.columns == ("meaning", "last")
    assert "12345678901" in lines[1]


def test_two_columns_of_one_name_and_none_at_all() -> None:
    both = pa.Table.from_arrays([pa.array([1]), pa.array(["b"])], names=["a", "a"])
    assert drawn(both, Look()) == (["a  a", "1  b"], Omitted())
    assert drawn(pa.table({}), Look()) == ([], Omitted())


@given(
    st.lists(st.tuples(st.text(max_size=30), st.integers(-(10**15), 10**15)), min_size=1, max_size=5),
    st.integers(40, 80),
)
def test_any_name_fits_the_window_on_one_line(rows: list[tuple[str, int]], width: int) -> None:
    answer = pa.table({"name": [name for name, _ in rows], "n": [n for _, n in rows], "again": [n for n, _ in rows]})
    out = io.StringIO()
    draw(answer, out, Look(types=True, for_eyes=True, width=width))
    lines = out.getvalue().split("\n")
    assert lines.pop() == ""
    assert len(lines) == 3 + len(rows) or len(lines) == 2 + len(rows)
    assert all(cell_len(line) <= width for line in lines)


def test_digits_are_never_lost_for_the_eyes() -> None:
    number = Decimal("12345678901234567890123456789.123456789")
    answer = pa.table({"value": pa.array([number, Decimal("-0.5")], pa.decimal128(38, 9))})
    lines, _ = drawn(answer, Look(for_eyes=True))
    assert [Decimal(line.strip()) for line in lines[1:]] == [number, Decimal("-0.5")]
