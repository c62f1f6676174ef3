"""Records of a CSV file, counted while its bytes pass by."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from extractors.exports.csv_lines import CsvCounts, CsvRecordCounter

CELLS = st.text(st.sampled_from('ab,;"\n\r é∢Ċ'), max_size=6)  # the last two have the bytes of a quote and of an LF


def count_records(content: bytes, size: int) -> CsvRecordCounter:
    lines = CsvRecordCounter()
    for at in range(0, len(content), size):
        lines.feed(content[at : at + size])
    return lines


@given(
    rows=st.lists(st.lists(CELLS, min_size=2, max_size=3), min_size=1, max_size=8),
    size=st.integers(1, 9),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    everything=st.booleans(),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16"]),
)
def test_records_are_counted_whatever_the_cells_hold(
    rows: list[list[str]], size: int, end: str, everything: bool, encoding: str
) -> None:
    text = io.StringIO(newline="")
    quoting = csv.QUOTE_ALL if everything else csv.QUOTE_MINIMAL
    if not everything:  # Python's writer leaves the other line end without quotes
        bare = {"\n": "\r", "\r": "\n"}.get(end, "\0")
        rows = [[cell.replace(bare, "") for cell in row] for row in rows]
    csv.writer(text, lineterminator=end, quoting=quoting).writerows(rows)
    whole = text.getvalue()
    assert count_records(whole.encode(encoding), size).record_count == len(rows)
    assert count_records(whole.encode(encoding), size).is_at_record_end
    cut = count_records(whole[: -len(end)].encode(encoding), size)
    assert cut.record_count == len(rows)
    assert not cut.is_at_record_end


def test_an_open_quote_is_no_end() -> None:
    lines = count_records(b'a,b\n1,"two\n', 4)
    assert lines.is_inside_quotes
    assert not lines.is_at_record_end
    assert lines.record_count == 1


def test_one_byte_is_a_record() -> None:
    assert count_records(b"a", 1).record_count == 1
    assert count_records(b"\n", 1).record_count == 0


def test_nothing_is_nothing() -> None:
    assert count_records(b"", 1).record_count == 0
    assert not count_records(b"", 1).is_at_record_end


def test_delimiters_and_zero_bytes_outside_quotes() -> None:
    lines = CsvRecordCounter()
    for piece in (b"a;b,c\r", b'\n1;"x;y', b'\n;z";', b"\0\r\n"):
        lines.feed(piece)
    assert lines.counts == CsvCounts(2, {",": 1, ";": 3, "\t": 0, "|": 0}, has_nul=True)
    assert CsvCounts.from_json(json.loads(json.dumps(lines.counts.to_json()))) == lines.counts


@pytest.mark.parametrize("landed", [None, 3, [], {}, {"record_count": 2}])
def test_counts_that_were_not_landed_are_none(landed: object) -> None:
    assert CsvCounts.from_json(landed) is None


def test_half_a_line_end_is_none() -> None:
    assert not count_records(b"a,b\r\n1,2\r", 4).is_at_record_end
    assert count_records(b"a,b\r1,2\r", 4).is_at_record_end
