"""The file of an export: its rows, its cells and their declared places. No change, no verdict."""

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from random import Random

from extractors.errors import ErrorLocation
from tests.fuzz.answers import Exchange
from tests.fuzz.changes import AnswerChange
from tests.fuzz.subjects import Fetch, Subject
from transforms.chatcaptain.export_columns import read_header
from transforms.chatcaptain.fields import FIELDS
from transforms.field_mapping import FieldMapping

COUNTS = ("messages", "user_messages", "interactions", "conversations")
DECIMALS = ("duration_seconds", "intent_score")
INSTANTS = ("started_at", "ended_at")
TEXTS = ("channel_type", "language", "end_reason", "transfer_target", "intents", "conversation_id")


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

    def find_mapping(self, field: str) -> FieldMapping:
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

    @property
    def all_columns(self) -> set[str]:
        """All columns that an export fills."""
        return {column for mapping in FIELDS["export"].values() for column in mapping.columns}


CsvMutation = Callable[[CsvAnswer, Random], AnswerChange | None]
"""Changes a file; None when the file has no place for it."""
