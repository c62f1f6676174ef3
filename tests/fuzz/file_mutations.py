"""Changes of a whole exported file: its form, its lines, its columns, an end that comes too early."""

import csv
import gzip
from decimal import Decimal
from random import Random

from tests.fuzz.changes import AnswerChange
from tests.fuzz.csv_answer import COUNTS, CsvAnswer, CsvMutation
from tests.fuzz.effects import AnyWord, Doubled, Effect, Extra, Fewer, Refused, Same


def write_file_otherwise(answer: CsvAnswer, rng: Random) -> AnswerChange | None:
    """Write the rows with other delimiters, quotes, line ends, encodings, names and order of columns."""
    rows, body = answer.rows, answer.body
    reverse = [row[::-1] for row in rows]
    snake = ["".join(f"_{c.lower()}" if c.isupper() else c for c in name) for name in rows[0]]
    order = rng.sample(range(1, len(rows)), len(rows) - 1)
    forms: list[tuple[str, bytes, dict[str, str], bool]] = [
        ("semicolons", answer.write(rows, ";"), {}, False),
        ("tabs", answer.write(rows, "\t"), {}, False),
        ("CRLF", answer.write(rows, line_end="\r\n"), {}, False),
        ("byte order mark", b"\xef\xbb\xbf" + body, {}, False),
        ("all quoted", answer.write(rows, quoting=csv.QUOTE_ALL), {}, False),
        ("columns reversed", answer.write(reverse), {}, False),
        ("rows in another order", answer.write([rows[0], *(rows[line] for line in order)]), {}, False),
        ("upper case header", answer.write([[name.upper() for name in rows[0]], *rows[1:]]), {}, False),
        ("snake case header", answer.write([snake, *rows[1:]]), {}, False),
        ("no last line end", body.rstrip(b"\n"), {}, False),
        ("blank lines at the end", body + b"\n\n", {}, True),
        ("gzip", gzip.compress(body), {"content-encoding": "gzip"}, False),
        ("gzip without a header", gzip.compress(body), {}, True),
        ("utf-8 as coding", body, {"content-encoding": "utf-8"}, True),
        ("UTF-16", body.decode().encode("utf-16"), {}, True),
        ("latin-1", body.decode().encode("latin-1", "replace"), {}, True)
        if not body.isascii()
        else ("latin-1", body, {}, False),
        ("sep line", b"sep=" + answer.delimiter.encode() + b"\n" + body, {}, True),
        ("CR line ends", answer.write(rows, line_end="\r"), {}, True),
        ("mixed line ends", _mix_line_ends(answer, rng), {}, True),
        ("blank line inside", _insert_line(answer, rng, b"\n"), {}, True),
        ("spaces around header names", answer.write([[f" {name} " for name in rows[0]], *rows[1:]]), {}, True),
        ("NUL at the end", body + b"\x00", {}, True),
        ("Ctrl-Z at the end", body + b"\x1a", {}, True),
    ]
    words, changed, headers, may_refuse = rng.choice(forms)
    return AnswerChange(words, Same(may_refuse), changed, headers)


def _mix_line_ends(answer: CsvAnswer, rng: Random) -> bytes:
    """Return the file with another line end behind some lines, first of all behind one of them."""
    lines = [answer.write([row]).removesuffix(b"\n") for row in answer.rows]
    usual, other = rng.sample([b"\n", b"\r\n", b"\r"], 2)
    few = set(rng.sample(range(len(lines)), rng.choice([1, len(lines) // 2])))
    return b"".join(line + (other if number in few else usual) for number, line in enumerate(lines))


def _insert_line(answer: CsvAnswer, rng: Random, line: bytes) -> bytes:
    rows = [answer.write([row]) for row in answer.rows]
    return b"".join([*rows[: (at := rng.randrange(1, len(rows)))], line, *rows[at:]])


def break_file(answer: CsvAnswer, rng: Random) -> AnswerChange | None:
    """Send a file of another kind, or one whose lines do not fit its header."""
    body, rows = answer.body, answer.rows
    line = rng.randrange(1, len(rows))
    longer, shorter = [list(row) for row in rows], [list(row) for row in rows]
    longer[line].append("more")
    del shorter[line][-1]
    column = rng.choice(list(answer.columns.values()))
    twice = [[*row, row[column]] for row in rows]
    required = [
        answer.columns[field] for field in ("conversation_id", "started_at", "conversations") if field in answer.columns
    ]
    gone = rng.choice(required)
    forms = [
        ("a line with a cell more", answer.write(longer)),
        ("a line with a cell less", answer.write(shorter)),
        ("a quote that never ends", answer.write(rows[:line]) + b'"' + answer.write(rows[line:])),
        ("a column twice", answer.write(twice)),
        ("a required column missing", answer.write([row[:gone] + row[gone + 1 :] for row in rows])),
        ("no header", answer.write(rows[1:])),
        ("empty", b""),
        ("only blanks", b"\n\n"),
        ("HTML", b"<html>\n<body>expired</body>\n</html>\n"),
        ("an error in JSON", b'{"error": "expired"}\n'),
        ("an error in XML", b"<?xml version='1.0'?>\n<Error><Code>ExpiredToken</Code></Error>\n"),
        ("bytes that are no UTF-8", body.replace(b"web", b"w\xffb", 1)),
        (
            "another delimiter in one line",
            answer.write(rows[:line]) + answer.write([rows[line]], "|") + answer.write(rows[line + 1 :]),
        ),
    ]
    words, changed = rng.choice(forms)
    return AnswerChange(words, Refused(f"the file is {words}"), changed) if changed != body else None


def cut_file(answer: CsvAnswer, rng: Random) -> AnswerChange | None:
    """Cut a file: shorter than its Content-Length, or with a length that fits."""
    body = answer.body
    cut = rng.randrange(len(body))
    if rng.getrandbits(1):
        return AnswerChange(
            f"cut at {cut} of {len(body)} bytes", Refused("it is shorter than announced"), body[:cut], {}, len(body)
        )
    changed = body[:cut]
    return AnswerChange(f"cut at {cut}, and the length fits", _effect_of_cut(answer, changed), changed)


def _effect_of_cut(answer: CsvAnswer, changed: bytes) -> Effect:
    """Return the effect of an early end that no length shows: a last line with all of its cells may be whole."""
    whole, _, rest = changed.rpartition(b"\n")
    if not whole:
        return Refused("it ends in its header, or behind it")
    is_whole = not rest or rest.count(answer.delimiter.encode()) == len(answer.rows[0]) - 1
    return Fewer(answer.all_columns, Decimal(10**6)) if is_whole else Refused("it ends inside of a line")


def change_lines(answer: CsvAnswer, rng: Random) -> AnswerChange | None:
    """Leave out lines, write them twice, or let them contradict each other."""
    rows = answer.rows
    line = rng.randrange(1, len(rows))
    changed, field = list(rows[line]), rng.choice([name for name in COUNTS if name in answer.columns])
    changed[answer.columns[field]] = str(int(float(rows[line][answer.columns[field]].replace(",", ".") or 0)) + 3)
    forms: list[tuple[str, list[list[str]], Effect]] = [
        ("one line missing", rows[:line] + rows[line + 1 :], Fewer(answer.all_columns, Decimal(10**6))),
        ("only the header", rows[:1], Fewer(answer.all_columns, Decimal(10**6))),
        ("a line twice", [*rows, rows[line]], Doubled(answer.all_columns, Decimal(10**6))),
        ("all lines twice", rows + rows[1:], Doubled(answer.all_columns, Decimal(10**6))),
        ("the header twice", [rows[0], *rows], Refused("the header stands twice")),
        ("two lines of one id that differ", [*rows, changed], Refused("two lines contradict each other")),
    ]
    words, other, effect = rng.choice(forms)
    return AnswerChange(f"{words} (line {line + 1})", effect, answer.write(other))


def add_column(answer: CsvAnswer, rng: Random) -> AnswerChange | None:
    """Add a column that is not known."""
    at = rng.randrange(len(answer.rows[0]) + 1)
    rows = [
        [*row[:at], "sentiment" if number == 0 else rng.choice(["", "good", "5", "a,b"]), *row[at:]]
        for number, row in enumerate(answer.rows)
    ]
    return AnswerChange(f"column sentiment at {at}", Extra(), answer.write(rows))


def rename_column(answer: CsvAnswer, rng: Random) -> AnswerChange | None:
    """Give a column another name: its cells are unknown and drift is reported, or the file is refused."""
    field = rng.choice(sorted(answer.columns))
    header = list(answer.rows[0])
    header[answer.columns[field]] += "_v2"
    effect: Effect = AnyWord("a column has another name")
    return AnswerChange(f"column {field} renamed", effect, answer.write([header, *answer.rows[1:]]))


FILE_MUTATIONS: tuple[CsvMutation, ...] = (
    write_file_otherwise,
    break_file,
    cut_file,
    change_lines,
    add_column,
    rename_column,
)
