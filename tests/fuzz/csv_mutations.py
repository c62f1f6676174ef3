"""Changes of an exported CSV file."""

import csv
import gzip
import io
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property
from random import Random
from zoneinfo import ZoneInfo

from extractors.errors import ErrorLocation
from tests.fuzz.answers import Exchange
from tests.fuzz.changes import Change
from tests.fuzz.effects import (
    AnyWord,
    Doubled,
    Effect,
    Extra,
    Fewer,
    Moved,
    NameChanged,
    NumberChanged,
    Refused,
    Same,
    Unknown,
)
from tests.fuzz.subjects import Fetch, Subject
from transforms.chatcaptain.export_columns import read_header
from transforms.chatcaptain.fields import FIELDS
from transforms.field_mapping import FieldMapping

COUNTS = ("messages", "user_messages", "interactions", "conversations")
DECIMALS = ("duration_seconds", "intent_score")
INSTANTS = ("started_at", "ended_at")
TEXTS = ("channel_type", "language", "end_reason", "transfer_target", "intents", "conversation_id")
UNREADABLE = (
    "many",
    "-1",
    "5 min",
    "0x10",
    "1,234.5",
    "1.234.567",
    "NaN",
    "Infinity",
    "1e400",
    "--5",
    "1_000",
    "10" + "0" * 30,
    "true",
    "١٢",
    "1 234",
    "#REF!",
)
AMBIGUOUS = ("1.234", "1,234")
UNREADABLE_INSTANTS = (
    "yesterday",
    "2025-02-30T10:00:00Z",
    "11/03/2025 10:00",
    "0000-00-00",
    "2025-03-11T25:00:00Z",
    "1",
    "20250311",
    "2025-03-11T10:00:00+99:00",
)


@dataclass(frozen=True)
class CsvAnswer:
    """The file of an export, with its rows and the declared place of each column."""

    subject: Subject
    fetch: Fetch
    exchange: Exchange

    @cached_property
    def body(self) -> bytes:
        return self.exchange.answer.body

    @cached_property
    def delimiter(self) -> str:
        return str(read_header(self.body, {}, ErrorLocation("chatcaptain", "acme", "export")).delimiter)

    @cached_property
    def rows(self) -> list[list[str]]:
        """The header and the rows below it."""
        return list(csv.reader(io.StringIO(self.body.decode("utf-8-sig"), newline=""), delimiter=self.delimiter))

    @cached_property
    def columns(self) -> dict[str, int]:
        """The index of each field that is known."""
        return dict(read_header(self.body, {}, ErrorLocation("chatcaptain", "acme", "export")).columns)

    @property
    def is_of_totals(self) -> bool:
        return "conversations" in self.columns

    def mapping(self, field: str) -> FieldMapping:
        return FIELDS["export"][field]

    def write(
        self,
        rows: list[list[str]],
        delimiter: str | None = None,
        line_end: str = "\n",
        quoting: int = csv.QUOTE_MINIMAL,
    ) -> bytes:
        out = io.StringIO(newline="")
        csv.writer(out, delimiter=delimiter or self.delimiter, lineterminator=line_end, quoting=quoting).writerows(rows)  # type: ignore[arg-type]
        return out.getvalue().encode("utf-8", "surrogatepass")

    def with_cell(self, line: int, column: int, text: str) -> bytes:
        rows = [list(row) for row in self.rows]
        rows[line][column] = text
        return self.write(rows)

    def pick_cell(self, rng: Random, fields: tuple[str, ...], *, filled: bool = True) -> tuple[str, int, int] | None:
        present = [field for field in fields if field in self.columns]
        if not present:
            return None
        field = rng.choice(present)
        column = self.columns[field]
        lines = [line for line in range(1, len(self.rows)) if bool(self.rows[line][column]) == filled]
        return (field, rng.choice(lines), column) if lines else None


CsvMutation = Callable[[CsvAnswer, Random], Change | None]


def write_file_otherwise(answer: CsvAnswer, rng: Random) -> Change | None:
    """The same rows with other delimiters, quotes, line ends, encodings, names and order of columns."""
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
    return Change(words, Same(may_refuse), changed, headers)


def _mix_line_ends(answer: CsvAnswer, rng: Random) -> bytes:
    """Return the file with another line end behind some lines, first of all behind one of them."""
    lines = [answer.write([row]).removesuffix(b"\n") for row in answer.rows]
    usual, other = rng.sample([b"\n", b"\r\n", b"\r"], 2)
    few = set(rng.sample(range(len(lines)), rng.choice([1, len(lines) // 2])))
    return b"".join(line + (other if number in few else usual) for number, line in enumerate(lines))


def _insert_line(answer: CsvAnswer, rng: Random, line: bytes) -> bytes:
    rows = [answer.write([row]) for row in answer.rows]
    return b"".join([*rows[: (at := rng.randrange(1, len(rows)))], line, *rows[at:]])


def break_file(answer: CsvAnswer, rng: Random) -> Change | None:
    """A file that is cut, of another kind, or whose lines do not fit its header."""
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
    return Change(words, Refused(f"the file is {words}"), changed) if changed != body else None


def cut_file(answer: CsvAnswer, rng: Random) -> Change | None:
    """A file that ends early: shorter than its Content-Length, or with a length that fits."""
    body = answer.body
    cut = rng.randrange(len(body))
    if rng.getrandbits(1):
        return Change(
            f"cut at {cut} of {len(body)} bytes", Refused("it is shorter than announced"), body[:cut], {}, len(body)
        )
    changed = body[:cut]
    is_at_line_end = changed.endswith(b"\n") and b"\n" in changed
    effect: Effect = Fewer([*_all_columns()], Decimal(10**6)) if is_at_line_end else AnyWord("it ends in a line")
    return Change(f"cut at {cut}, and the length fits", effect, changed)


def _all_columns() -> set[str]:
    return {column for mapping in FIELDS["export"].values() for column in mapping.columns}


def change_count(answer: CsvAnswer, rng: Random) -> Change | None:
    """Another number in a cell."""
    cell = answer.pick_cell(rng, (*COUNTS, *DECIMALS))
    if cell is None:
        return None
    field, line, column = cell
    text = answer.rows[line][column]
    if "," in text:
        return None
    by = rng.choice([Decimal(1), Decimal(7), Decimal(1000)])
    if field == "intent_score":
        by = Decimal("0.001")
    other = str(Decimal(text) + by)
    effect = NumberChanged(
        by,
        answer.mapping(field).columns,
        is_required=field != "intent_score" and answer.is_of_totals == (field == "conversations"),
    )
    return Change(f"line {line + 1}, {field}: {text} -> {other}", effect, answer.with_cell(line, column, other))


def write_unreadable_cell(answer: CsvAnswer, rng: Random) -> Change | None:
    """A cell that is no number, no instant, or a number that can be read in two ways."""
    cell = answer.pick_cell(rng, (*COUNTS, *DECIMALS, *INSTANTS))
    if cell is None:
        return None
    field, line, column = cell
    texts = UNREADABLE_INSTANTS if field in INSTANTS else (*UNREADABLE, *AMBIGUOUS, *AMBIGUOUS)
    if field in COUNTS:
        texts = (*texts, "1.5", "2,5")
    text = rng.choice(texts)
    effect = Refused(f"a cell of {field} is {text}")
    if field == "intent_score" and text in AMBIGUOUS:
        return None
    return Change(f"line {line + 1}, {field} -> {text!r}", effect, answer.with_cell(line, column, text))


def change_text(answer: CsvAnswer, rng: Random) -> Change | None:
    """Another text in a cell."""
    cell = answer.pick_cell(rng, TEXTS)
    if cell is None:
        return None
    field, line, column = cell
    text = answer.rows[line][column]
    other = rng.choice(
        [
            f"{text}x",
            f" {text}",
            f"{text}\nnext",
            f'{text}"q"',
            "NULL",
            "🙂",
            "é",
            f"{text}\r",
            "x" * 400,
            "-",
            f"{text},;\t",
        ]
    )
    if field == "intents" and set(other) & {"|", "\r"}:
        return None
    columns = {*answer.mapping(field).columns, "conversation_intent.hits", "conversation_intent.score"}
    effect: Effect = NameChanged(columns)
    return Change(
        f"line {line + 1}, {field}: {text!r} -> {other[:40]!r}", effect, answer.with_cell(line, column, other)
    )


def empty_cell(answer: CsvAnswer, rng: Random) -> Change | None:
    """An empty cell: unknown, or refused where it is required."""
    cell = answer.pick_cell(rng, (*COUNTS, *DECIMALS, *INSTANTS, *TEXTS))
    if cell is None:
        return None
    field, line, column = cell
    text = answer.rows[line][column]
    required = {"conversation_id", "started_at", "conversations"}
    effect: Effect = Refused(f"{field} is required") if field in required else Unknown(_all_columns())
    if field in TEXTS and field not in required:
        effect = NameChanged({*answer.mapping(field).columns, "conversation_intent.hits", "conversation_intent.score"})
    return Change(
        f"line {line + 1}, {field}: {text!r} -> ''",
        effect,
        answer.with_cell(line, column, rng.choice(["", "", '""'][:2])),
    )


def shift_start(answer: CsvAnswer, rng: Random) -> Change | None:
    """A row of another hour, day, month or year."""
    cell = answer.pick_cell(rng, ("started_at",))
    if cell is None:
        return None
    field, line, column = cell
    text = answer.rows[line][column]
    zone: ZoneInfo = answer.subject.account.zone
    before = datetime.fromisoformat(text)
    step = rng.choice(
        [timedelta(hours=1), timedelta(days=1), timedelta(days=31), timedelta(days=365), timedelta(days=36500)]
    )
    after = before + rng.choice([1, -1]) * step
    day = (after.astimezone(zone) if after.tzinfo else after).date()
    is_inside = answer.fetch.window.start <= day < answer.fetch.window.end
    written = (
        after.isoformat(timespec="milliseconds" if "." in text else "seconds").replace("+00:00", "Z")
        if "T" in text or " " in text
        else f"{after:%Y-%m-%d}"
    )
    if "T" not in text and step < timedelta(days=1):
        return None
    effect: Effect = Moved() if is_inside else Refused(f"{day} was not requested")
    return Change(f"line {line + 1}, {field}: {text} -> {written}", effect, answer.with_cell(line, column, written))


def shift_all_starts(answer: CsvAnswer, rng: Random) -> Change | None:
    """All rows of another range."""
    days = rng.choice([-365, -31, -7, 7, 31, 365])
    column = answer.columns["started_at"]
    rows = [list(row) for row in answer.rows]
    for row in rows[1:]:
        row[column] = (
            (datetime.fromisoformat(row[column]) + timedelta(days=days))
            .isoformat()
            .replace("+00:00", "Z")[: len(row[column])]
        )
    return Change(f"all rows {days:+} days", Refused("all rows are of other days"), answer.write(rows))


def change_lines(answer: CsvAnswer, rng: Random) -> Change | None:
    """Lines that are missing, that stand twice, or that contradict each other."""
    rows = answer.rows
    line = rng.randrange(1, len(rows))
    changed, field = list(rows[line]), rng.choice([name for name in COUNTS if name in answer.columns])
    changed[answer.columns[field]] = str(int(float(rows[line][answer.columns[field]].replace(",", ".") or 0)) + 3)
    forms: list[tuple[str, list[list[str]], Effect]] = [
        ("one line missing", rows[:line] + rows[line + 1 :], Fewer(_all_columns(), Decimal(10**6))),
        ("only the header", rows[:1], Fewer(_all_columns(), Decimal(10**6))),
        ("a line twice", [*rows, rows[line]], Doubled(_all_columns(), Decimal(10**6))),
        ("all lines twice", rows + rows[1:], Doubled(_all_columns(), Decimal(10**6))),
        ("the header twice", [rows[0], *rows], Refused("the header stands twice")),
        ("two lines of one id that differ", [*rows, changed], Refused("two lines contradict each other")),
    ]
    words, other, effect = rng.choice(forms)
    return Change(f"{words} (line {line + 1})", effect, answer.write(other))


def add_column(answer: CsvAnswer, rng: Random) -> Change | None:
    """A column that is not known."""
    at = rng.randrange(len(answer.rows[0]) + 1)
    rows = [
        [*row[:at], "sentiment" if number == 0 else rng.choice(["", "good", "5", "a,b"]), *row[at:]]
        for number, row in enumerate(answer.rows)
    ]
    return Change(f"column sentiment at {at}", Extra(), answer.write(rows))


def rename_column(answer: CsvAnswer, rng: Random) -> Change | None:
    """A known column under another name: unknown cells and a drift line, or a refusal."""
    field = rng.choice(sorted(answer.columns))
    header = list(answer.rows[0])
    header[answer.columns[field]] += "_v2"
    effect: Effect = AnyWord("a column has another name")
    return Change(f"column {field} renamed", effect, answer.write([header, *answer.rows[1:]]))


CSV_MUTATIONS: tuple[CsvMutation, ...] = (
    write_file_otherwise, break_file, cut_file, change_count, write_unreadable_cell, change_text, empty_cell,
    shift_start, shift_all_starts, change_lines, add_column, rename_column,
)  # fmt: skip
