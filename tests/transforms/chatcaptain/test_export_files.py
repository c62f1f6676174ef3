"""ChatCaptain's exported files as files: line ends, encodings, odd bytes, and what is no CSV. No row is lost unseen."""

import gzip
import io
import zipfile
from pathlib import Path

import pytest

from extractors.errors import ShapeError
from tests.support.exported_files import AT, read_conversation, transform_file
from tests.support.landed_chunks import read_staged_rows

XML = "<?xml version='1.0'?><Error><Code>ExpiredToken</Code><Message>Invalid argument.</Message></Error>"


def read_ids(root: Path, text: str | bytes) -> list[str]:
    rows = read_staged_rows(transform_file(root, text), "conversation")
    return sorted(row["conversation_id"] for row in rows)


@pytest.mark.parametrize("last", ["\r", ""])
def test_lines_that_end_with_cr_alone_are_read(tmp_path: Path, last: str) -> None:
    text = f'id,date,endReason\rx,{AT},"a\nb"\ry,{AT},"c\rd"\r\rz,{AT},e{last}'
    rows = read_staged_rows(transform_file(tmp_path, text), "conversation")
    assert {row["conversation_id"]: row["end_reason"] for row in rows} == {"x": "a\nb", "y": "c\rd", "z": "e"}


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (f"id,date\nx,{AT}\r\ny,{AT}\n", "line 2: ends with CR LF, but the header with LF: its line ends are mixed"),
        (f"id,date\nx,{AT}\ny,{AT}\r\n", "line 3: ends with CR LF, but the header with LF"),
        (f"id,date\nx,{AT}\ry,{AT}\n", "line 2: ends with CR, but the header with LF"),
        (f"id,date\r\nx,{AT}\ny,{AT}\r\n", "line 2: ends with LF, but the header with CR LF"),
        (f"id,date\r\nx,{AT}\ry,{AT}\r\n", "line 2: ends with CR, but the header with CR LF"),
        (f"id,date\rx,{AT}\ny,{AT}\r", "line 2: ends with LF, but the header with CR"),
        (f"id,date\rx,{AT}\r\ny,{AT}\r", "line 2: ends with CR LF, but the header with CR"),
        (f'id,date,endReason\nx,{AT},"a\r\nb"\ny,{AT},c\r\nz,{AT},d\n', "line 4: ends with CR LF"),
        (f"id,date,endReason\nx,{AT},a\rb\n", "line 2: ends with CR, but the header with LF"),
    ],
)
def test_mixed_line_ends_name_the_line(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(ShapeError, match=problem):
        transform_file(tmp_path, text)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "field file: is empty; a file without conversations has a header, saw '0 bytes'"),
        ("\r\n\r\n", "field file: holds blank lines only"),
        ("id,date", "field file: ends within its header: no line end and no row comes after it"),
        ("id,date,mess", "field file: ends within its header"),
        ('"id\nx",id,date\n', "field header: has a line break within a column's name, saw 'id.nx'"),
        ("<html><body>Bad gateway</body></html>\n", "field file: is an HTML or XML document, no CSV, saw '<html>"),
        (f"\ufeff {XML}", "field file: is an HTML or XML document, no CSV, saw .*ExpiredToken"),
        ('{"error": "the export has expired"}\n', "field file: is a JSON document, no CSV, saw .*has expired"),
        ('\n[{"id": "x"}]', "field file: is a JSON document, no CSV"),
        (b"\x1f\x8b\x08\x00", "field file: is a gzip file, no CSV, saw 'bytes 1f 8b 08 00'"),
        (b"\x00\x01\x02", "field file: holds zero bytes"),
        (b"\x01\x02\x03,date\n", "field file: is no text, saw 'bytes 01 02 03 2c"),
        ("id,date\n".encode("utf-32"), "field file: is UTF-32"),
        ("id,date\n".encode("utf-16-le"), "field file: holds zero bytes: it is no CSV, or UTF-16 without a byte order"),
        ("Gespräche,Kanal,Datum\n".encode("latin-1"), "field header: is not UTF-8"),
        ("sep=x\nidxdate\n", "field line 1: names no delimiter"),
        ("\nid,date\n", "field header: has no column for"),
    ],
)
def test_a_file_that_is_no_csv_is_refused_by_its_kind(tmp_path: Path, text: str | bytes, problem: str) -> None:
    with pytest.raises(ShapeError, match=problem) as caught:
        transform_file(tmp_path, text)
    assert str(caught.value).isprintable()


def test_a_zip_file_is_refused_by_name(tmp_path: Path) -> None:
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("export.csv", f"id,date\nx,{AT}\n")
    with pytest.raises(ShapeError, match="field file: is a zip file or an Excel workbook, no CSV, saw 'bytes 50 4b"):
        transform_file(tmp_path, packed.getvalue())


@pytest.mark.parametrize("codec", ["utf-16-le", pytest.param("utf-16-be", marks=pytest.mark.long)])
def test_utf_16_with_its_mark_is_read(tmp_path: Path, codec: str) -> None:
    lines = "".join(f"c{number};{AT};süß 😀\r\n" for number in range(100_000))
    content = f"\ufeffid;date;endReason\r\n{lines}".encode(codec)
    rows = read_staged_rows(transform_file(tmp_path / "whole", content), "conversation")
    assert len(rows) == 100_000
    assert {row["end_reason"] for row in rows} == {"süß 😀"}
    with pytest.raises(ShapeError, match="field file: is damaged UTF-16"):
        transform_file(tmp_path / "cut", content[:-1])
    with pytest.raises(ShapeError, match="field line 2, started_at: cannot be read, saw 'never'"):
        transform_file(tmp_path / "bad", "\ufeffid,date\nx,never\n".encode(codec))


@pytest.mark.parametrize("line", ["sep=;\n", "SEP=;\n", '"sep=;"\n', "\ufeffsep=;\n"])
def test_a_line_that_names_the_delimiter(tmp_path: Path, line: str) -> None:
    text = f"{line}id;date;messages\nx;{AT};3\n"
    assert read_conversation(transform_file(tmp_path / "1", text))["messages"] == 3
    with pytest.raises(ShapeError, match="line 4, messages: cannot be read, saw 'many'"):
        transform_file(tmp_path / "2", f"{text}y;{AT};many\n")
    with pytest.raises(ShapeError, match="line 4: has 2 cells, the header 3"):
        transform_file(tmp_path / "3", f"{text}y;{AT}\n")


def test_the_named_delimiter_counts(tmp_path: Path) -> None:
    text = f"sep=|\nid|date|endReason\nx|{AT}|a,b;c\n"
    assert read_conversation(transform_file(tmp_path, text))["end_reason"] == "a,b;c"


@pytest.mark.parametrize(
    ("rows", "problem"),
    [
        (f"x,{AT},12,5,\n", "line 2: has 5 cells, the header 4"),  # a decimal comma without quotes
        (f"x,{AT},12,5\ny,{AT},12,5,\n", "line 3: has 5 cells, the header 4"),
        (f"x,{AT},12,\n,,,\n", "line 3, conversation_id: is empty"),
        (f"x,{AT},12,5\n   \n", "line 3: has 1 cells, the header 4"),
        (f"x,{AT},12,5\n2 rows\n", "line 3: has 1 cells, the header 4"),
        (f"x,{AT},12,5\nid,date,duration,score\ny,{AT},12,5\n", "line 3, started_at: cannot be read, saw 'date'"),
        (f'x,{AT},12,5\n{{"error":"timeout","code":5,"at":1}}\n', "line 3: is no CSV"),
        (f"x,{AT},12,5\n\x1a", "line 3: has 1 cells, the header 4"),
        (f"x,{AT},12,5\n\0\0\0\n", "line 3: holds a zero byte: the file is damaged"),
        (f"x,{AT},12,5\ny,{AT},12,5\0\0\0", "line 3: holds a zero byte"),
        (f"x\0,{AT},12,5\n", "line 2: holds a zero byte"),
        (f'x,{AT},12,5\n"y,{AT},12,5\n', "line 3: is no CSV"),
        (f'x,{AT},12,5\n"y"y,{AT},12,5\n', "line 3: is no CSV"),
    ],
)
def test_a_row_that_does_not_fit_is_named(tmp_path: Path, rows: str, problem: str) -> None:
    text = f"id,date,duration,score\n{rows}"
    with pytest.raises(ShapeError, match=f"field {problem}"):
        transform_file(tmp_path / "counted by the download", text)
    with pytest.raises(ShapeError, match=f"field {problem}"):
        transform_file(tmp_path / "counted by the transform", text, counts="none")


def test_counts_that_are_wrong_refuse_no_file(tmp_path: Path) -> None:
    text = f'sep=;\nid;date;endReason\nx;{AT};"a;\nb"\n'
    assert read_conversation(transform_file(tmp_path, text, counts="wrong"))["end_reason"] == "a;\nb"


def test_utf_16_without_counts_is_counted_as_text(tmp_path: Path) -> None:
    content = f"\ufeffid,date\nx,{AT}\ny,{AT}\n".encode("utf-16-le")
    assert len(read_staged_rows(transform_file(tmp_path, content, counts="none"), "conversation")) == 2


def test_marks_within_the_text_are_text(tmp_path: Path) -> None:
    texts = ["#1", 'a"b', "\u2028", "\u2029", "\x85", "\f", "\v", "\\", "\ufeff", "'", " padded ", "-- x"]
    rows = "".join(f"{number},{AT},{text}\n" for number, text in enumerate(texts))
    staged = read_staged_rows(transform_file(tmp_path, f"id,date,endReason\n{rows}#x,{AT},last\n"), "conversation")
    reasons = {row["conversation_id"]: row["end_reason"] for row in staged}
    assert reasons == {**{str(number): text for number, text in enumerate(texts)}, "#x": "last"}


@pytest.mark.parametrize("marks", ["\ufeff", "\ufeff\ufeff"])
def test_a_mark_that_comes_twice_belongs_to_no_column(tmp_path: Path, marks: str) -> None:
    assert read_ids(tmp_path, f"{marks}id,date\nx,{AT}\n") == ["x"]


def test_blank_lines_are_no_rows(tmp_path: Path) -> None:
    assert read_ids(tmp_path, f"id,date\n\nx,{AT}\n\n\ny,{AT}\n\n") == ["x", "y"]


def test_a_long_cell_is_read_up_to_a_limit(tmp_path: Path) -> None:
    text = "id,date,note,endReason\nx,{0},{1},{1}\ny,{0},,\n"
    longest = f"id,date,note\nx,{AT},{'x' * 16_500_000}\ny,{AT},\nz,{AT},{'x' * 16_500_000}\n"
    assert read_ids(tmp_path / "longest", longest) == ["x", "y", "z"]
    long = transform_file(tmp_path / "long", text.format(AT, "ä" * 1_500_000))
    assert sorted(len(row.get("end_reason", "")) for row in read_staged_rows(long, "conversation")) == [0, 1_500_000]
    with pytest.raises(ShapeError, match="field line 2: is too long: a line of up to 16 MiB is read"):
        transform_file(tmp_path / "longer", text.format(AT, "x" * 9_000_000))


def test_a_gzip_file_that_was_landed_packed_is_named(tmp_path: Path) -> None:
    with pytest.raises(ShapeError, match="field file: is a gzip file"):
        transform_file(tmp_path, gzip.compress(f"id,date\nx,{AT}\n".encode()))
